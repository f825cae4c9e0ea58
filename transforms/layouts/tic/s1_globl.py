"""Form S: gross purchases and sales of long-term securities by country since 1977. Separated by tabs or commas, USD millions."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import (
    FIGURE,
    TRUNCATED,
    Blocks,
    check_consecutive,
    check_row_ends,
    check_unit,
    delimiter_of,
    figure,
    lines,
    month_of,
    observations,
    records,
    stated_figure,
    text_of,
)
from treasury_watch.transforms.model import Parsed, Source

# Of the twelve numbered columns only the Treasury bonds and notes are read: [1] purchases, [7] sales.
MEASURES = {"[1]": "long_term_gross_purchases", "[7]": "long_term_gross_sales"}
NUMBERS = [f"[{n}]" for n in range(1, 13)]
WIDTH = 3 + len(NUMBERS)
LONGEST_ROW = 400  # characters; a longer line is damage, and what is remembered must not fill the memory


def recognise(body: bytes) -> bool:
    """Whether the content is the Form S country file."""
    start = body[:4096]
    return b"Gross purchases by foreigners" in start and b"[1]" in start


def parse(body: bytes, source: Source) -> Parsed:
    """Gross purchases and sales of Treasury bonds and notes by holder and month.

    Raises LayoutError, also for a table that may have been cut: it ends with the Grand Total, for every month that any
    holder has. Single months of a holder are missing in the official file; nothing can be told from those.
    """
    text = text_of(body, source.id)
    rows: list[tuple] = []
    columns: dict[str, int] = {}
    blocks = Blocks(source.id)
    heading = ""
    last_row = 0
    scale, decimals = source.scale_to_usd_mn, source.decimals
    delimiter = delimiter_of(text, WIDTH)
    for line, content in enumerate(lines(text), start=1):
        if columns and (row := _remembered_row(content, delimiter, scale, decimals)) is not None:
            label, code, month, purchases, sales = row
            blocks.take(label, month, line)
            rows.append((label, code, month, MEASURES["[1]"], source.series, purchases, line))
            rows.append((label, code, month, MEASURES["[7]"], source.series, sales, line))
            last_row = line
            continue
        cells = next((found for _, found in records(content, delimiter, source.id, line)), None)
        if cells is None:
            continue
        if not columns:
            heading += " ".join(cells) + "\n"
            if "[1]" in [cell.strip() for cell in cells]:
                columns = _columns(cells, line, heading, source.id)
            elif any(month_of(cell) is not None for cell in cells):
                raise LayoutError(
                    source.id, f"line {line}", "the row of column numbers above all figures", " ".join(cells)
                )
            continue
        if set("".join(cells).strip()) <= {"-", " "}:
            continue
        if len(cells) < WIDTH or any(cell.strip() for cell in cells[WIDTH:]):
            raise LayoutError(source.id, f"line {line}", f"{WIDTH} cells", f"{len(cells)}: {' '.join(cells)}")
        stated = month_of(cells[2])
        if stated is None:
            raise LayoutError(source.id, f"line {line}, column 3", "a month such as 2023-01", cells[2])
        blocks.take(cells[0], stated, line)
        for name, index in columns.items():
            cell = cells[index]
            if name in MEASURES:
                place = f"line {line}, column {name}"
                value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
                rows.append((cells[0], cells[1].strip(), stated, MEASURES[name], source.series, value, line))
            elif not FIGURE.fullmatch(cell.strip()):
                # Not read, yet a cell that is no figure means that the row is shifted or damaged.
                raise LayoutError(source.id, f"line {line}, column {name}", "a figure", repr(cell))
        last_row = line
    if not columns:
        raise LayoutError(source.id, "header", "a row that numbers the columns [1] to [12]", "none")
    check_row_ends(text, last_row, source.id)
    table = observations(rows, source.id, at_least=48)
    blocks.check_grand_total()
    if blocks.last != "Grand Total":
        raise LayoutError(source.id, f"line {last_row}", "the Grand Total at the end", blocks.last, TRUNCATED)
    total = blocks.months["Grand Total"]
    check_consecutive(total, source.id, "Grand Total")
    return Parsed(source.layout, "observations", table)


@lru_cache(maxsize=1 << 16)
def _remembered_row(
    content: str, delimiter: str, scale: int, decimals: int
) -> tuple[str, str, pd.Timestamp, float, float] | None:
    """Label, code, month, purchases and sales of a line that is a whole row of figures; None for any other line, which
    `parse` looks at cell by cell. A release states most lines of the one before again: remembered ones are free.
    """
    if len(content) > LONGEST_ROW:
        return None
    cells = next(csv.reader([content], delimiter=delimiter), []) if '"' in content else content.split(delimiter)
    month = month_of(cells[2]) if len(cells) == WIDTH else None
    if month is None or not all(FIGURE.fullmatch(cell.strip()) for cell in cells[3:]):
        return None
    purchases, sales = (stated_figure(cells[3 + NUMBERS.index(name)], scale, decimals) for name in MEASURES)
    return None if purchases is None or sales is None else (cells[0], cells[1].strip(), month, purchases, sales)


def _columns(cells: list[str], line: int, heading: str, source: str) -> dict[str, int]:
    check_unit("millions of dollars" in heading.lower(), "millions of dollars", source)
    numbers = [(cell.strip(), index) for index, cell in enumerate(cells) if re.fullmatch(r"\[.*\]", cell.strip())]
    if numbers != [(name, index) for index, name in enumerate(NUMBERS, start=3)]:
        found = " ".join(name for name, _ in numbers)
        raise LayoutError(source, f"line {line}", "columns 4 to 15 numbered [1] to [12] in order", found)
    return dict(numbers)
