"""Japan's Ministry of Finance: the total of a month's currency interventions, one page for a period of about the 27th to 27th.

A page states the period and one amount in yen, and no day, currency or direction. English pages write
`for the period from July 30, 2026 through August 26, 2026` and `¥ 15,399.3 billion` or `¥ 0`, Japanese ones
`令和8年7月30日～令和8年8月26日` and `9兆7,885億円` or `0円`. What is known is this text and not the markup around it, so a page
is read by its words, wherever they stand.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.containers import START_BYTES
from treasury_watch.transforms.layouts.file_kinds import TAG, without_hidden_parts
from treasury_watch.transforms.layouts.japan.interventions import COUNTRY, MONTH_NAMES
from treasury_watch.transforms.model import Parsed, Source

JPY_MN_PER_BILLION, JPY_MN_PER_OKU, JPY_MN_PER_CHO = 1_000, 100, 1_000_000
TITLE = re.compile(r"foreign\s+exchange\s+intervention|外国為替平衡操作", re.IGNORECASE)
ENGLISH_DAY = r"([a-z]{3,9})\.?\s+(\d{1,2})(?:\s*,?\s+(\d{4}))?"
ENGLISH = re.compile(
    rf"period\s+from\s+{ENGLISH_DAY}\s*(?:through|to|until|[-\u2013])\s*{ENGLISH_DAY}", re.IGNORECASE | re.ASCII
)
JAPANESE_DAY = r"(?:(?:(令和|平成)\s?(\d{1,2}|元)|(\d{4}))\s?年|同年)?\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日"
JAPANESE = re.compile(rf"{JAPANESE_DAY}\s*(?:から|[-~\u2010-\u2015\u2212\u301c])\s*{JAPANESE_DAY}", re.ASCII)
EARLIEST_YEAR, LATEST_YEAR = 1991, 2099  # interventions are published from 1991 on
ERAS = {"令和": 2018, "平成": 1988}  # the year before the era's first
NUMBER = re.compile(r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,4})?|\d{1,12}(?:\.\d{1,4})?", re.ASCII)
# Every amount of money of a page, also those in a unit that it should not have. cp932 writes the yen sign as a backslash.
ENGLISH_MONEY = re.compile(
    r"(US\$|[¥\\$€£]|\bJPY|\bUSD)\s*(\d[\d,.]*)\s*(thousand|million|billion|trillion)?", re.IGNORECASE | re.ASCII
)
JAPANESE_MONEY = re.compile(r"(?<![\d,.兆億万千])((?:\d[\d,.]{0,15}\s?(?:兆|億|万|千)?\s?){1,4})(円|ドル)", re.ASCII)
YEN_SIGNS = ("¥", "\\", "JPY")
OKU = re.compile(r"(?:(\d{1,3}|\d{1,3},\d{3})兆)?(?:(\d{1,6}|\d{1,3},\d{3})億)?", re.ASCII)
AMOUNT = "one total in billions of yen, such as '¥ 15,399.3 billion', '9兆7,885億円' or '¥ 0'"


@dataclass(frozen=True)
class _Money:
    """An amount as a page prints it: yen millions, None where it is in no unit that is read; the place where it stands."""

    jpy_mn: Decimal | None
    text: str
    position: int


def recognise(body: bytes) -> bool:
    """Whether the text speaks of interventions in the currency market over a period."""
    text = unicodedata.normalize("NFKC", body[:START_BYTES].decode("utf-8", errors="replace"))
    return TITLE.search(text) is not None and _period(text) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """The period's total, one row: country, start_date (text, YYYY-MM-DD), end_date, amount_jpy_mn, line, and `days`, the
    length of the period with both ends. Raises LayoutError with the line.
    """
    text = _plain(body)
    if not text.strip():
        raise LayoutError(
            source.id, "whole file", "a page with a period and a total", "an empty file", "fetch it again"
        )
    found = _period(text)
    if TITLE.search(text) is None or found is None:
        raise LayoutError(
            source.id,
            "whole file",
            "'Foreign Exchange Intervention Operations' and 'for the period from ... through ...'",
            " ".join(text.split())[:80],
            "it is another page, perhaps a notice; open the address in a browser",
        )
    start, end = _days(found, text, source.id)
    if start > end:
        raise LayoutError(
            source.id, _line(text, found.start()), "a period that ends after its start", f"{start} to {end}"
        )
    money = _total(text, source.id)
    table = pd.DataFrame(
        {
            "country": [COUNTRY],
            "start_date": [start.isoformat()],
            "end_date": pd.Series([end]).astype("datetime64[us]"),
            "amount_jpy_mn": [float(money.jpy_mn or 0)],
            "line": [text.count("\n", 0, money.position) + 1],
            "days": [(end - start).days + 1],
        }
    )
    return Parsed(source.layout, "intervention_periods", table)


def _plain(body: bytes) -> str:
    """The page's text in plain characters, on the lines on which it stands in the file."""
    shown = TAG.sub(lambda tag: b" " + b"\n" * tag[0].count(b"\n"), without_hidden_parts(body))
    try:
        text = shown.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = shown.decode("cp932", errors="replace")
    return unicodedata.normalize("NFKC", html.unescape(text))


def _period(text: str) -> re.Match[str] | None:
    return ENGLISH.search(text) or JAPANESE.search(text)


def _days(found: re.Match[str], text: str, source: str) -> tuple[date, date]:
    """First and last day of the period; a start without a year is in that of the end, an end without one in the start's."""
    try:
        if found.re is ENGLISH:
            first, day, year, last, end_day, end_year = found.groups()
            months = MONTH_NAMES[first.lower()], MONTH_NAMES[last.lower()]
            years = int(year or 0), int(end_year or 0)
        else:
            era, era_year, western, first, day, end_era, end_era_year, end_western, last, end_day = found.groups()
            months = int(first), int(last)
            years = _year(era, era_year, western), _year(end_era, end_era_year, end_western)
        start = date(years[0] or years[1], months[0], int(day))
        end = date(years[1] or years[0], months[1], int(end_day))
        if not EARLIEST_YEAR <= min(start.year, end.year) <= max(start.year, end.year) <= LATEST_YEAR:
            raise ValueError(f"{start} to {end}")
    except (KeyError, ValueError) as problem:
        raise LayoutError(
            source, _line(text, found.start()), "a period of two days with their year", " ".join(found[0].split())
        ) from problem
    return start, end


def _year(era: str | None, era_year: str | None, western: str | None) -> int:
    """The year of our count, 0 where none is stated."""
    if era and era_year:
        return ERAS[era] + (1 if era_year == "元" else int(era_year))
    return int(western or 0)


def _total(text: str, source: str) -> _Money:
    """The page's one amount. Raises LayoutError for none, one in another unit, or two that differ."""
    stated = sorted([*_english(text), *_japanese(text)], key=lambda money: money.position)
    if not stated:
        raise LayoutError(source, "whole file", AMOUNT, "no amount of money")
    for money in stated:
        if money.jpy_mn is None:
            raise LayoutError(
                source, _line(text, money.position), AMOUNT, repr(money.text),
                "the unit may have changed; nothing was loaded",
            )  # fmt: skip
    if len({money.jpy_mn for money in stated}) > 1:
        raise LayoutError(source, "whole file", AMOUNT, " and ".join(repr(money.text) for money in stated))
    return stated[0]


def _english(text: str) -> list[_Money]:
    found = []
    for match in ENGLISH_MONEY.finditer(text):
        sign, digits, unit = match.groups()
        number = NUMBER.fullmatch(digits.rstrip(".,"))  # a sentence may end with it
        amount = Decimal(number[0].replace(",", "")) if number else None
        in_billions = (unit or "").lower() == "billion" or (not unit and not amount)  # zero needs no unit
        yen = amount * JPY_MN_PER_BILLION if amount is not None and sign.upper() in YEN_SIGNS and in_billions else None
        found.append(_Money(yen, " ".join(match[0].split()), match.start()))
    return found


def _japanese(text: str) -> list[_Money]:
    found = []
    for match in JAPANESE_MONEY.finditer(text):
        amount = "".join(match[1].split())
        parts = OKU.fullmatch(amount)
        yen: Decimal | None = None
        if match[2] == "円" and amount == "0":
            yen = Decimal(0)
        elif match[2] == "円" and parts and any(parts.groups()):
            cho, oku = (Decimal((part or "0").replace(",", "")) for part in parts.groups())
            yen = cho * JPY_MN_PER_CHO + oku * JPY_MN_PER_OKU
        found.append(_Money(yen, " ".join(match[0].split()), match.start()))
    return found


def _line(text: str, position: int) -> str:
    return f"line {text.count(chr(10), 0, position) + 1}"
