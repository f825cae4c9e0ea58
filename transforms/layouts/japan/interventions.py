"""Japan's Ministry of Finance: currency interventions by day since 1991, 100 million yen, with quarterly subtotals.

Nine columns: the Japanese era year, month and day; Year, Month, Day; the amount; the pair in Japanese and in English.
Year and Month stand only where they change. Quarterly subtotals have a period in the Year column and no day; they
check the rows above them. Titles come first, footnotes last.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import within_length
from treasury_watch.transforms.model import Parsed, Source

COUNTRY = "Japan"
JPY_MN_PER_UNIT = 100  # the file counts 100 million yen
LARGEST_UNITS = 300_000  # 30 trillion yen in a day; the largest so far, of October 2011, was 8
ERA_YEAR, YEAR, MONTH, DAY, AMOUNT, PAIR_JA, PAIR = 0, 3, 4, 5, 6, 7, 8
WIDTH = 9
# cp932 writes the yen sign where ASCII has the backslash.
UNIT = re.compile(
    r"(?:100|hundred)[\s-]*million.{0,60}?(?:yen|jpy)|(?:[¥\\]|jpy)\s*100[\s-]*million|億円", re.IGNORECASE
)
NAMES_UNIT = re.compile(r"thousand|million|billion|trillion|千|万|億|兆", re.IGNORECASE)
DASHES = re.compile(r"[-\u2010-\u2015\u2212\u2500\u30fc]+")
NUMBER = re.compile(r"\d{1,3}(?:,\d{3}){1,4}|\d{1,12}", re.ASCII)
LONGEST_LABEL = 200  # characters of a period or a pair; the patterns take minutes for a hundred thousand
NOTE_START = re.compile(r"[(\[]?\s*(?:note|source|注|備考|出所|資料)|[*※]", re.IGNORECASE)
MONTH_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june",
            "jul july", "aug august", "sep sept september", "oct october", "nov november", "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
PERIOD = re.compile(
    r"([a-z]+)\.?(?:,?\s*((?:19|20)\d{2}))?\s*(?:[-~\u2010-\u2015\u2212\u301c]|to)\s*([a-z]+)\.?,?\s*((?:19|20)\d{2})(?:\s*\(?(?:sub-?)?total\)?)?",
    re.IGNORECASE | re.ASCII,
)
LEG = re.compile(r"([^()]+?)\s*\(\s*(sold|bought|purchased)\s*\)", re.IGNORECASE)
CURRENCIES = {
    "us dollar": "USD", "u.s. dollar": "USD", "japanese yen": "JPY", "yen": "JPY", "euro": "EUR",
    "deutsche mark": "DEM", "deutschemark": "DEM", "german mark": "DEM", "indonesian rupiah": "IDR",
    "rupiah": "IDR", "pound sterling": "GBP", "uk pound": "GBP", "british pound": "GBP", "swiss franc": "CHF",
    "french franc": "FRF", "korean won": "KRW", "thai baht": "THB", "singapore dollar": "SGD",
    "malaysian ringgit": "MYR", "philippine peso": "PHP", "australian dollar": "AUD", "canadian dollar": "CAD",
}  # fmt: skip


@dataclass(frozen=True)
class _Subtotal:
    first: date  # first day of the first month
    last: date  # first day of the last month
    units: int
    line: int


def recognise(body: bytes) -> bool:
    """Whether the file's opening has the header row: Year, Month, Day in columns 4 to 6 and an amount of money."""
    opening = _tidy(body[:8192].decode(_encoding(body), errors="replace"))
    return (
        bool(re.search(r'(?:^|,)"?year"?,"?month"?,"?day"?,', opening, re.IGNORECASE))
        and "intervention" in opening.lower()
    )


def parse(body: bytes, source: Source) -> Parsed:
    """Interventions by day: country, date, amount_jpy_mn, pair (`SOLD/BOUGHT`), direction, line.

    `direction` names the foreign currency: `sell USD` for dollars sold for yen, `buy USD` for dollars bought with yen;
    a pair without the yen is `sell` of the currency sold. Every subtotal must equal the sum of its rows, and every row
    must be under a subtotal. Raises LayoutError with the line.
    """
    records = _records(body, source.id)
    start = _header(records, source.id)
    rows: list[tuple] = []
    seen: set[tuple] = set()
    subtotals: list[_Subtotal] = []
    year: int | None = None
    month: int | None = None
    for line, cells in records[start:]:
        if not any(cells) or _is_note(cells):
            continue
        if any(cells[WIDTH:]):
            raise LayoutError(source.id, f"line {line}", f"{WIDTH} columns", f"{len(cells)}: {','.join(cells)}")
        if not cells[DAY]:
            subtotals.append(_subtotal(cells, line, source.id))
            continue
        year, month = _carried(cells, year, month, line, source.id)
        day = _date(year, month, cells[DAY], line, source.id)
        if rows and day < rows[-1][0]:
            raise LayoutError(source.id, f"line {line}", f"a day not before {rows[-1][0]}", str(day))
        sold, bought = _pair(cells[PAIR], line, source.id)
        units = _units(cells[AMOUNT], line, source.id)
        if units > LARGEST_UNITS:
            raise LayoutError(
                source.id,
                f"line {line}, amount",
                f"at most {LARGEST_UNITS:,} times 100 million yen in a day",
                f"{units:,}",
                "the unit may have changed; nothing was loaded",
            )
        if (day, sold, bought) in seen:
            raise LayoutError(source.id, f"line {line}", "each day and pair once", f"{day} {sold}/{bought} again")
        seen.add((day, sold, bought))
        rows.append((day, (sold, bought), units, line))
    if not rows:
        raise LayoutError(source.id, "whole file", "at least one intervention", "none")
    _check_subtotals(rows, subtotals, source.id)
    table = pd.DataFrame(
        {
            "country": COUNTRY,
            "date": pd.Series([day for day, *_ in rows]).astype("datetime64[us]"),
            "amount_jpy_mn": [float(units * JPY_MN_PER_UNIT) for _, _, units, _ in rows],
            "pair": [f"{sold}/{bought}" for _, (sold, bought), *_ in rows],
            "direction": [f"buy {bought}" if sold == "JPY" else f"sell {sold}" for _, (sold, bought), *_ in rows],
            "line": [line for *_, line in rows],
        }
    )
    return Parsed(source.layout, "interventions", table)


def _tidy(text: str) -> str:
    """Full-width digits, letters and spaces as plain ones."""
    return unicodedata.normalize("NFKC", text)


def _cell(text: str) -> str:
    """One cell in plain characters; a dash alone is a blank."""
    bare = " ".join(_tidy(text).split())
    return "" if DASHES.fullmatch(bare) else bare


def _encoding(body: bytes) -> str:
    """The Ministry's own, but of a file that was saved again with a mark of UTF-8."""
    return "utf-8-sig" if body.startswith(codecs.BOM_UTF8) else "cp932"


def _records(body: bytes, source: str) -> list[tuple[int, list[str]]]:
    """(line number, tidy cells) of every line; at least nine cells each, missing ones blank."""
    try:
        text = body.decode(_encoding(body))
    except UnicodeDecodeError as problem:
        line = body.count(b"\n", 0, problem.start) + 1
        raise LayoutError(
            source, f"line {line}", "Shift_JIS (cp932) text", f"byte 0x{body[problem.start]:02x}"
        ) from problem
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records = []
    try:
        for row in reader:
            cells = [_cell(cell) for cell in within_length(row)]
            records.append((reader.line_num, cells + [""] * (WIDTH - len(cells))))
    except csv.Error as problem:
        raise LayoutError(source, f"line {reader.line_num}", "comma-separated text", str(problem)) from problem
    return records


def _header(records: list[tuple[int, list[str]]], source: str) -> int:
    """Position of the first record below the header row.

    A unit that the heading, or else a title, names must be the declared one. Where none is named the declaration
    stands, and LARGEST_UNITS catches figures in a smaller unit.
    """
    for position, (line, cells) in enumerate(records):
        if [cell.lower() for cell in cells[YEAR:AMOUNT]] == ["year", "month", "day"]:
            heading = cells[AMOUNT]
            titles = " ".join(cell for _, row in records[:position] for cell in row)
            stated = heading if NAMES_UNIT.search(heading) else titles
            if NAMES_UNIT.search(stated) and not UNIT.search(stated):
                raise LayoutError(
                    source,
                    f"line {line}, column 7",
                    "an amount in 100 million yen",
                    repr(stated),
                    "the unit may have changed; nothing was loaded",
                )
            return position + 1
    raise LayoutError(source, "header", "a row with Year, Month, Day in columns 4 to 6", "none")


def _is_note(cells: list[str]) -> bool:
    """Text under the table. A row that states a year, a month, an amount or a period is never taken for one."""
    if _period(cells[YEAR]) or (cells[DAY].isdecimal() and NUMBER.fullmatch(cells[AMOUNT])):
        return False
    if NOTE_START.match(next(cell for cell in cells if cell)):
        return True
    if any(cells[DAY:WIDTH]):
        return False
    return not cells[YEAR].isdecimal() and _month(cells[MONTH]) is None


def _period(text: str) -> re.Match[str] | None:
    return PERIOD.fullmatch(text) if len(text) <= LONGEST_LABEL else None


def _month(text: str) -> int | None:
    return MONTH_NAMES.get(text.rstrip(".").lower())


def _carried(cells: list[str], year: int | None, month: int | None, line: int, source: str) -> tuple[int, int]:
    """Year and month of a row: its own, or the last ones stated. A new year has to state its month."""
    if cells[YEAR]:
        if not re.fullmatch(r"(?:19|20)\d{2}", cells[YEAR], re.ASCII):
            raise LayoutError(source, f"line {line}, Year", "a year such as 2024", repr(cells[YEAR]))
        if int(cells[YEAR]) != year:
            year, month = int(cells[YEAR]), None
    if cells[MONTH]:
        month = _month(cells[MONTH])
        if month is None:
            raise LayoutError(source, f"line {line}, Month", "a month such as May or Sept.", repr(cells[MONTH]))
    if year is None or month is None:
        missing = "Year" if year is None else "Month"
        raise LayoutError(source, f"line {line}, {missing}", f"a {missing.lower()}: none was stated above", "nothing")
    return year, month


def _date(year: int, month: int, text: str, line: int, source: str) -> date:
    try:
        return date(year, month, int(text) if re.fullmatch(r"\d{1,2}", text, re.ASCII) else 0)
    except ValueError as problem:
        raise LayoutError(source, f"line {line}, Day", f"a day of {year}-{month:02d}", repr(text)) from problem


def _units(text: str, line: int, source: str) -> int:
    if not NUMBER.fullmatch(text):
        raise LayoutError(source, f"line {line}, amount", "a whole number of 100 million yen", repr(text))
    return int(text.replace(",", ""))


def _pair(text: str, line: int, source: str) -> tuple[str, str]:
    """(sold, bought) as ISO codes, whichever is named first."""
    legs: dict[str, str] = {}
    for name, verb in LEG.findall(text) if len(text) <= LONGEST_LABEL else []:
        key = re.sub(r"^(?:and\s+)?(?:the\s+)?", "", name.strip(" ,;/").lower()).removesuffix("s")
        if key not in CURRENCIES:
            raise LayoutError(
                source, f"line {line}, pair", f"a known currency ({', '.join(CURRENCIES)})", repr(name.strip())
            )
        side = "sold" if verb.lower() == "sold" else "bought"
        if side in legs:
            raise LayoutError(source, f"line {line}, pair", "one currency sold and one bought", repr(text))
        legs[side] = CURRENCIES[key]
    if len(legs) != 2 or legs["sold"] == legs["bought"]:
        raise LayoutError(source, f"line {line}, pair", "one currency (sold) and another (bought)", repr(text))
    return legs["sold"], legs["bought"]


def _subtotal(cells: list[str], line: int, source: str) -> _Subtotal:
    """A row without a day: the total of a period. No digit at all (blank, a dash) says that there were none."""
    period = _period(cells[YEAR])
    ends = (_month(period[1]), _month(period[3])) if period else (None, None)
    if period is None or ends[0] is None or ends[1] is None or cells[PAIR] or cells[PAIR_JA] or cells[MONTH]:
        raise LayoutError(
            source,
            f"line {line}",
            "a day, or the total of a period such as April - June 1991",
            ",".join(cells).strip(","),
        )
    last_year = int(period[4])
    first, last = date(int(period[2] or last_year), ends[0], 1), date(last_year, ends[1], 1)
    if first > last:
        raise LayoutError(source, f"line {line}", "a period that ends after its start", repr(cells[YEAR]))
    has_digits = any(character.isdigit() for character in cells[AMOUNT])
    return _Subtotal(first, last, _units(cells[AMOUNT], line, source) if has_digits else 0, line)


def _check_subtotals(rows: list[tuple], subtotals: list[_Subtotal], source: str) -> None:
    """Refuses a subtotal that is not the sum of its rows, and a row that no subtotal covers (a cut file).

    Rows and totals are rounded one by one, so n > 1 rows may be off by (n + 1) / 2 units: October to December 2022 is
    56,202 and 7,296 by day and 63,499 as a sum in yen.
    """
    covered: set[int] = set()
    for total in subtotals:
        inside = [(units, line) for day, _, units, line in rows if total.first <= day.replace(day=1) <= total.last]
        covered.update(line for _, line in inside)
        stated = sum(units for units, _ in inside)
        allowed = (len(inside) + 1) / 2 if len(inside) > 1 else 0
        if abs(stated - total.units) > allowed:
            raise LayoutError(
                source,
                f"line {total.line}, total of {total.first:%Y-%m} to {total.last:%Y-%m}",
                f"{stated:,}, the sum of its {len(inside)} rows",
                f"{total.units:,}",
            )
    for day, _, _, line in rows:
        if line not in covered:
            raise LayoutError(
                source,
                f"line {line}",
                f"a quarterly total that covers {day}",
                "none",
                "the file looks truncated; fetch it again",
            )
