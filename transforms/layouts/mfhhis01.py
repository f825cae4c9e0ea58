"""The history of major holders: year blocks of up to 13 columns, tab-separated, USD billions.

A block's month row names its columns, newest first. Where the survey basis changed within a year, the month of the
change stands twice, the newer basis first, and two rows above the months name the series of the columns that start
there (`Series 15/` over `XI`, `Series` over ` X`). A column belongs to the nearest series named at or left of it; columns
left of the first named one, and blocks that name none, belong to the newest series met so far. That order is by column
from newest to oldest, so the series of a block's last column goes on in the block below.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from transforms.errors import LayoutError
from transforms.layouts.reading import MONTH_NAMES, figure, observations, printed_date, records, text_of
from transforms.model import Parsed, Source

MEASURE = "total_position"
ROMAN = re.compile(r"[IVX]+")
NEWEST_SERIES = "XIII"
REVISION = re.compile(r"\(\d{4} revised [A-Z][a-z]+ \d{1,2}, \d{4}\)")


def recognise(body: bytes) -> bool:
    """Whether the content is the tab-separated history (the fixed-width table of the same title has no tabs)."""
    start = body[:2048]
    return b"MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES" in start and start.count(b"\t") > 20


def parse(body: bytes, source: Source) -> Parsed:
    """Every cell with its month and series; a month stated on two bases gives two rows. Raises LayoutError."""
    text = text_of(body, source.id)
    rows: list[tuple] = []
    units = False
    dated: date | None = None
    names: list[str] = []
    columns: list[tuple[int, pd.Timestamp, str]] = []
    months: list[tuple[int, int]] = []
    series = NEWEST_SERIES
    for line, cells in records(text, "\t", quoted=True):
        first, rest = cells[0].strip(), [cell.strip() for cell in cells[1:]]
        filled = [cell for cell in rest if cell]
        if dated is not None:
            continue  # what follows the release date are notes
        if "(in billions of dollars)" in [first, *filled]:
            units = True
        elif not first and filled and all(ROMAN.fullmatch(cell) for cell in filled):
            names = rest
        elif not first and filled and all(cell in MONTH_NAMES for cell in filled):
            months = [(index, MONTH_NAMES.index(cell) + 1) for index, cell in enumerate(rest, start=1) if cell]
            columns = []
        elif first == "Country":
            columns, series = _columns(cells, months, names, series, line, source.id)
            names = []
        elif first and not filled:
            dated = printed_date(first, source.id, f"line {line}")
        elif first and columns:
            _row(cells, columns, line, source, rows)
    if not units:
        raise LayoutError(source.id, "header", "'(in billions of dollars)'", "another unit or none", "the unit may have changed")
    if dated is None:
        raise LayoutError(source.id, "end", "the release date, such as 5/18/2026", "none", "the file looks truncated; fetch it again")
    return Parsed(source.layout, "observations", observations(rows, source.id, at_least=60), dated)


def _columns(
    cells: list[str], months: list[tuple[int, int]], names: list[str], series: str, line: int, source: str
) -> tuple[list[tuple[int, pd.Timestamp, str]], str]:
    """The block's columns as (cell index, month, series), and the series that goes on below."""
    if not months:
        raise LayoutError(source, f"line {line}", "a row of month names above Country", "none")
    columns = []
    for index, month in months:
        year = cells[index].strip() if index < len(cells) else ""
        if not re.fullmatch(r"(19|20)\d\d", year):
            raise LayoutError(source, f"line {line}, column {index + 1}", "a year", year or "nothing")
        named = names[index - 1] if index - 1 < len(names) else ""
        series = named or series
        columns.append((index, pd.Timestamp(int(year), month, 1), series))
    stated = [month for _, month, _ in columns]
    if stated != sorted(stated, reverse=True):
        raise LayoutError(source, f"line {line}", "months newest first", ", ".join(f"{m:%Y-%m}" for m in stated))
    return columns, series


def _row(cells: list[str], columns: list[tuple[int, pd.Timestamp, str]], line: int, source: Source, rows: list[tuple]) -> None:
    if set("".join(cells).strip()) <= {"-", " "}:
        return
    beyond = [cell for index, cell in enumerate(cells) if index > columns[-1][0] and cell.strip()]
    if len(cells) <= columns[-1][0] or beyond:
        raise LayoutError(source.id, f"line {line}", f"{cells[0].strip()} with {len(columns)} figures", f"{len(cells) - 1} cells")
    for index, month, series in columns:
        place = f"line {line}, column {month:%Y-%m} (series {series})"
        if not cells[index].strip():
            raise LayoutError(source.id, place, "a figure or n.a.", "nothing")
        value = figure(cells[index], source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
        rows.append((cells[0], "", month, MEASURE, series, value, line))
