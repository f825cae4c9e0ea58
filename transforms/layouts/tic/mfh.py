"""The old table of major holders, fixed width, USD billions: frozen on 15 March 2023 and still served.

It is read so that it can be told from the current table: it prints its own date, and that date is its release.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.layouts.cells import (
    MONTH_NAMES,
    TRUNCATED,
    check_consecutive,
    check_unit,
    figure,
    lines,
    observations,
    printed_date,
    text_of,
)
from treasury_watch.transforms.model import Parsed, Source

MEASURE = "total_position"
CELL = re.compile(r"\S+")
YEARS = re.compile(rb"(?:^|[\r\n]) *Country(?: +(?:19|20)\d\d)+ *(?:$|[\r\n])")
PUBLISHER = "Department of the Treasury"


def recognise(body: bytes) -> bool:
    """Whether the content is the fixed-width table of major holders: below the title years in columns of blanks."""
    start = body[:4096]
    return b"MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES" in start and YEARS.search(start) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Every holder's position for the months in the header, with the date the file prints. Raises LayoutError."""
    rows: list[tuple] = []
    names: list[str] = []
    columns: list[tuple[int, pd.Timestamp]] = []
    dated: date | None = None
    units = closing = False  # closing: the publisher's name has been read, the release date is next
    for line, content in enumerate(lines(text_of(body, source.id)), start=1):
        cells = list(CELL.finditer(content))
        words = [cell[0] for cell in cells]
        if not cells or set("".join(words)) == {"-"}:
            continue
        if all(word in MONTH_NAMES for word in words):
            if names:
                raise LayoutError(source.id, f"line {line}", "one table", "a second row of months")
            names = words
        elif dated is not None:
            continue  # notes
        elif not columns:
            units = units or "(in billions of dollars)" in content
            if words[0] == "Country":
                columns = _columns(cells, names, line, source.id)
            elif sum(1 for word in words if re.fullmatch(r"[\d.,]+", word)) > 1:
                raise LayoutError(source.id, f"line {line}", "the row of years above all figures", content)
        elif (dated := printed_date(content, source.id, f"line {line}")) is not None:
            continue
        elif closing:
            raise LayoutError(source.id, f"line {line}", "the release date, such as March 15, 2023", content)
        elif content.strip().startswith(PUBLISHER):
            closing = True
        elif bare(content) != "Of which:":
            _row(content, cells, columns, line, source, rows)
    if not columns:
        raise LayoutError(source.id, "header", "a row of month names and one of years", "none")
    check_unit(units, "(in billions of dollars)", source.id)
    if dated is None:
        raise LayoutError(source.id, "end", "the release date, such as March 15, 2023", "none", TRUNCATED)
    table = observations(rows, source.id, at_least=60)
    if "Grand Total" not in set(table["label"].map(bare)):
        raise LayoutError(source.id, "whole file", "a Grand Total row", "none", TRUNCATED)
    return Parsed(source.layout, "observations", table, dated)


def _columns(cells: list[re.Match[str]], names: list[str], line: int, source: str) -> list[tuple[int, pd.Timestamp]]:
    """The columns as (where their cells end, month), newest first and without a gap."""
    years = [cell[0] for cell in cells[1:]]
    if not names or len(years) != len(names) or not all(re.fullmatch(r"(19|20)\d\d", year, re.ASCII) for year in years):
        raise LayoutError(source, f"line {line}", f"{len(names)} years, one below each month", " ".join(years))
    months = [pd.Timestamp(int(year), MONTH_NAMES.index(name) + 1, 1) for name, year in zip(names, years, strict=True)]
    check_consecutive(months, source, f"line {line}")
    return [(cell.end(), month) for cell, month in zip(cells[1:], months, strict=True)]


def _row(
    content: str,
    cells: list[re.Match[str]],
    columns: list[tuple[int, pd.Timestamp]],
    line: int,
    source: Source,
    rows: list[tuple],
) -> None:
    """The last cells are the figures, and each must end where its column does: a shifted row is not guessed at."""
    figures = cells[-len(columns) :]
    label = content[: figures[0].start()]
    if not label.strip() or len(figures) < len(columns):
        raise LayoutError(source.id, f"line {line}", f"a holder with {len(columns)} figures", content)
    for (end, month), cell in zip(columns, figures, strict=True):
        place = f"line {line}, column {month:%Y-%m}"
        if cell.end() != end:
            raise LayoutError(
                source.id, place, f"a figure that ends at character {end}", f"{cell[0]} ending at {cell.end()}"
            )
        value = figure(cell[0], source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
        rows.append((label, "", month, MEASURE, source.series, value, line))
