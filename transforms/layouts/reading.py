"""What the layouts share: decoding, figures and months, each with an error that names source, line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

import pandas as pd

from transforms.errors import LayoutError

NOT_AVAILABLE = {"n.a.", "n.a", "na", ""}
MONTH = re.compile(r"(\d{4})-(\d{2})")
FIGURE = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+")
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OBSERVATION_COLUMNS = ["label", "code", "month", "measure", "series", "value_usd_mn", "line"]


def text_of(body: bytes, source: str) -> str:
    """The file as text. TIC files are ASCII with the odd Latin-1 character; NUL bytes mean that it is not text."""
    if not body.strip():
        raise LayoutError(source, "whole file", "a table", "an empty body", "fetch it again")
    start = body[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise LayoutError(source, "line 1", "a table", f"a web page: {body[:80].decode('latin-1')}", "the address may have moved; open it in a browser")
    if b"\0" in body:
        raise LayoutError(source, "whole file", "text", "NUL bytes", "the file is damaged or not text; fetch it again")
    return body.decode("utf-8-sig") if _is_utf8(body) else body.decode("latin-1")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def records(text: str, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Lines as (line number, cells). Blank lines are passed over.

    Each line is read on its own: no layout has a cell over several lines, and an unclosed quote must not swallow rows.
    """
    for number, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        cells = next(csv.reader([content], delimiter=delimiter)) if quoted and '"' in content else content.split(delimiter)
        if any(cell.strip() for cell in cells):
            yield number, cells


def month_of(text: str) -> pd.Timestamp | None:
    """`2026-04` as the first day of that month; None where the text is no month."""
    found = MONTH.fullmatch(text.strip())
    if not found or not 1 <= int(found[2]) <= 12 or not 1900 <= int(found[1]) <= 2200:
        return None
    return pd.Timestamp(int(found[1]), int(found[2]), 1)


def figure(text: str, source: str, place: str, *, scale: int, decimals: int) -> float:
    """A published figure in USD millions; NaN for `n.a.`.

    Scaled in decimal arithmetic, so that 1209.9 billion is 1209900 exactly. A figure finer than the source's
    declared `decimals` is refused: it is in another unit than declared.
    """
    bare = text.strip()
    if bare.lower() in NOT_AVAILABLE:
        return float("nan")
    if bare in {"*", "-*"}:
        return 0.0
    if not FIGURE.fullmatch(bare):
        raise LayoutError(source, place, "a figure or n.a.", repr(text))
    try:
        value = Decimal(bare.replace(",", ""))
    except InvalidOperation as problem:
        raise LayoutError(source, place, "a figure or n.a.", repr(text)) from problem
    if value != round(value, decimals):
        raise LayoutError(
            source, place, f"at most {decimals} decimals", bare, "the unit may have changed; compare with config/sources.toml"
        )
    return float(value * scale)


def observations(rows: list[tuple], source: str, *, at_least: int) -> pd.DataFrame:
    """The rows as an observation table. Refuses too few of them and any figure stated twice."""
    if len(rows) < at_least:
        raise LayoutError(source, "whole file", f"at least {at_least} figures", f"{len(rows)}", "the file looks truncated; fetch it again")
    table = pd.DataFrame(rows, columns=OBSERVATION_COLUMNS)
    table["month"] = table["month"].astype("datetime64[us]")
    twice = table[table.duplicated(["label", "code", "month", "measure", "series"])]
    if len(twice):
        first = twice.iloc[0]
        raise LayoutError(
            source,
            f"line {first['line']}",
            "each holder and month once",
            f"{first['label'].strip()} {first['month']:%Y-%m} {first['measure']} a second time",
        )
    return table


def printed_date(text: str, source: str, place: str) -> date | None:
    """A release date as the files print it: `March 15, 2023` or `5/18/2026`; None where the text is no date."""
    bare = text.strip()
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", bare):
        month, day, year = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"([A-Z][a-z]+) (\d{1,2}), (\d{4})", bare):
        if found[1][:3] not in MONTH_NAMES:
            return None
        month, day, year = MONTH_NAMES.index(found[1][:3]) + 1, int(found[2]), int(found[3])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError as problem:
        raise LayoutError(source, place, "a date", bare) from problem
