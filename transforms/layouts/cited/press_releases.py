"""The Treasury's monthly press releases on capital flows: net purchases of Treasuries by private and official foreigners.

The project's own CSV, one row per press release and month, USD billions; each release prints the last four months:

released,press_release,page_day,month,net_long_term_private_usd_bn,net_long_term_official_usd_bn,net_short_term_usd_bn,...
2026-01-15,SB0365,,2025-11,52.4,33.2,0.4,1.0,-0.6

`long_term` are bonds and notes, `short_term` bills; bills are empty in releases that did not print them. `page_day` is the
day that the release's page shows where that is not the day of release: pages were moved, some years later.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import figure, month_of, text_of
from treasury_watch.transforms.layouts.cited.press import lines_of
from treasury_watch.transforms.model import Parsed, Source

MEASURES = ["net_long_term_private", "net_long_term_official", "net_short_term", "net_short_term_private",
            "net_short_term_official"]  # fmt: skip
ALWAYS_PRINTED = MEASURES[:2]
HEADER = ["released", "press_release", "page_day", "month", *(f"{measure}_usd_bn" for measure in MEASURES)]
NUMBER = re.compile(r"[A-Z]{2}\d{1,5}", re.ASCII)
LARGEST_USD_MN = 1_000_000  # the largest month so far, of March 2020, was 250 billion: more is another unit
ROUNDING_USD_MN = 150  # half of the last digit (0.1 billion) of each of three figures
COLUMNS = ["month", "press_release", "measure", "value_usd_mn", "released", "page_day", "line"]


def recognise(body: bytes) -> bool:
    """Whether the content is a table of press releases."""
    return body.lstrip(b"\xef\xbb\xbf").lstrip().startswith(",".join(HEADER).encode())


def parse(body: bytes, source: Source) -> Parsed:
    """Every figure that a press release printed: month, press_release, measure, value_usd_mn, released, page_day, line.

    Raises LayoutError that names the line.
    """
    lines = lines_of(text_of(body, source.id), source.id)
    if next(lines, (1, []))[1] != HEADER:
        raise LayoutError(source.id, "line 1", ",".join(HEADER), "another header")
    rows: list[tuple] = []
    days: dict[str, date] = {}
    seen: set[tuple[str, pd.Timestamp]] = set()
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        released, number, page_day, month, values = _row(cells, line, source)
        if days.setdefault(number, released) != released:
            raise LayoutError(
                source.id, f"line {line}, column released", f"{days[number]}, the day of {number} above", str(released)
            )
        if (number, month) in seen:
            raise LayoutError(source.id, f"line {line}", "each press release and month once", f"{number} {month:%Y-%m}")
        seen.add((number, month))
        rows += [(month, number, measure, value, released, page_day, line) for measure, value in values.items()]
    if not rows:
        raise LayoutError(source.id, "whole file", "at least one figure", "none")
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["month"] = table["month"].astype("datetime64[us]")
    return Parsed(source.layout, "official_flows", table, max(days.values()))


def _row(cells: list[str], line: int, source: Source) -> tuple[date, str, str | None, pd.Timestamp, dict[str, float]]:
    """Day, number, the page's day, month and figures (USD millions) of one line."""
    if len(cells) != len(HEADER):
        raise LayoutError(source.id, f"line {line}", f"{len(HEADER)} cells", str(len(cells)))
    released_text, number, page_text, month_text, *stated = (cell.strip() for cell in cells)
    released = _day(released_text, source, f"line {line}, column released")
    page_day = _day(page_text, source, f"line {line}, column page_day").isoformat() if page_text else None
    if not NUMBER.fullmatch(number):
        raise LayoutError(
            source.id, f"line {line}, column press_release", "a number such as SB0365", number or "nothing"
        )
    month = month_of(month_text)
    if month is None:
        raise LayoutError(source.id, f"line {line}, column month", "a month such as 2025-11", month_text or "nothing")
    if pd.Timestamp(released) < month + pd.offsets.MonthEnd(1):
        raise LayoutError(source.id, f"line {line}, column released", "a day after the month's end", released_text)
    values = {}
    for measure, text in zip(MEASURES, stated, strict=True):
        place = f"line {line}, column {measure}_usd_bn"
        if not text and measure not in ALWAYS_PRINTED:
            continue
        value = figure(text, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
        if pd.isna(value):
            raise LayoutError(source.id, place, "a figure, or nothing where bills were not printed", text)
        if abs(value) > LARGEST_USD_MN:
            raise LayoutError(source.id, place, f"at most {LARGEST_USD_MN / 1000:,.0f} billion in a month", text,
                              "the unit may have changed; nothing was loaded")  # fmt: skip
        values[measure] = value
    _check_bills(values, line, source)
    return released, number, page_day, month, values


def _day(text: str, source: Source, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise LayoutError(source.id, place, "a day such as 2026-01-15", text or "nothing") from problem


def _check_bills(values: dict[str, float], line: int, source: Source) -> None:
    """Bills are printed with their private and official part, which add up to them, or not at all."""
    printed = [values[measure] for measure in MEASURES[2:] if measure in values]
    if not printed:
        return
    if len(printed) < 3:
        raise LayoutError(source.id, f"line {line}", "bills, their private and their official part", "one without")
    whole, private, official = printed
    if abs(private + official - whole) > ROUNDING_USD_MN:
        raise LayoutError(
            source.id, f"line {line}, column {MEASURES[2]}_usd_bn",
            f"{(private + official) / 1000:.1f}, the sum of its two parts", f"{whole / 1000:.1f}",
            "compare the line with the press release",
        )  # fmt: skip
