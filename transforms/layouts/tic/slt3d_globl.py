"""Table 3D: holdings of all countries, frozen in March 2023. Quoted CSV with thousands commas, USD millions."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import (
    TRUNCATED,
    Blocks,
    check_row_ends,
    check_unit,
    figure,
    lines,
    month_of,
    observations,
    records,
    stated_figure,
    text_of,
)
from treasury_watch.transforms.model import Parsed, Source

# Columns 4 to 6, by the first of the three lines over which their headings are split.
MEASURES = {"Total U.S.": "total_position", "Long-term": "long_term_position", "Short-term": "short_term_position"}
WIDTH = 3 + len(MEASURES)
LONGEST_ROW = 400  # characters; a longer line is damage, and what is remembered must not fill the memory


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3D. Its title is cut into cells, so cells are joined first."""
    start = body[:1024].decode("latin-1").replace('","', "").replace('"', "")
    return re.search(r"TABLE\s+3D:", start) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Positions by holder and month. Raises LayoutError, also for a table that may have been cut.

    The table begins below a row of dashes and ends with the Grand Total, for every month that any holder has; notes may
    follow. A holder may begin late or end early, but has every month of the Grand Total in between.
    """
    text = text_of(body, source.id)
    rows: list[tuple] = []
    blocks = Blocks(source.id)
    heading: list[list[str]] = []
    started = notes = False
    last_row = 0
    scale, decimals = source.scale_to_usd_mn, source.decimals
    for line, content in enumerate(lines(text), start=1):
        if started and not notes and (row := _remembered_row(content, scale, decimals)) is not None:
            label, code, stated, values = row
            blocks.take(label, stated, line)
            rows += [
                (label, code, stated, measure, source.series, value, line)
                for measure, value in zip(MEASURES.values(), values, strict=True)
            ]
            last_row = line
            continue
        cells = next((found for _, found in records(content, ",", source.id, line)), None)
        if cells is None:
            continue
        if not started:
            heading.append(cells)
            if any(month_of(cell) is not None for cell in cells):
                raise LayoutError(source.id, f"line {line}", "a row of dashes above all figures", ",".join(cells))
            if set("".join(cells).strip()) == {"-"}:
                _check_heading(heading, source.id)
                started = True
            continue
        month = month_of(cells[2]) if len(cells) > 2 else None
        if month is None and (notes or cells[0].startswith("Note")):
            notes = True
            continue
        if notes:
            raise LayoutError(source.id, f"line {line}", "notes only after the last row", ",".join(cells))
        if len(cells) < WIDTH or any(cell.strip() for cell in cells[WIDTH:]):
            raise LayoutError(source.id, f"line {line}", f"{WIDTH} cells", f"{len(cells)}: {','.join(cells)}")
        if month is None:
            raise LayoutError(source.id, f"line {line}, column 3", "a month such as 2023-01", cells[2])
        blocks.take(cells[0], month, line)
        for measure, cell in zip(MEASURES.values(), cells[3:WIDTH], strict=True):
            place = f"line {line}, column {measure}"
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], cells[1].strip(), month, measure, source.series, value, line))
        last_row = line
    if not started:
        raise LayoutError(source.id, "header", "a row of dashes below the headings", "none")
    check_row_ends(text, last_row, source.id)
    table = observations(rows, source.id, at_least=36)
    blocks.check_grand_total()
    if blocks.last != "Grand Total":
        raise LayoutError(source.id, f"line {last_row}", "the Grand Total at the end", blocks.last, TRUNCATED)
    _check_gaps(blocks, source.id)
    return Parsed(source.layout, "observations", table)


@lru_cache(maxsize=1 << 16)
def _remembered_row(content: str, scale: int, decimals: int) -> tuple[str, str, pd.Timestamp, list[float]] | None:
    """Label, code, month and figures of a line that is a whole row; None for any other line, which `parse` looks at cell
    by cell. A release states most lines of the one before again: remembered ones are free.
    """
    if len(content) > LONGEST_ROW:
        return None
    cells = next(csv.reader([content]), [])
    month = month_of(cells[2]) if len(cells) == WIDTH else None
    values = [stated_figure(cell, scale, decimals) for cell in cells[3:]] if month is not None else []
    known = [value for value in values if value is not None]
    return None if month is None or len(known) < len(values) else (cells[0], cells[1].strip(), month, known)


def _check_heading(heading: list[list[str]], source: str) -> None:
    flat = "\n".join("".join(cells) for cells in heading).lower()
    check_unit("millions of dollars" in flat, "Millions of dollars", source)
    expected = ["", "", "", *MEASURES]
    named = [[cell.strip() for cell in cells] for cells in heading]
    if expected not in [cells[:WIDTH] for cells in named]:
        found = next((" ".join(cells) for cells in named if not set(cells).isdisjoint(MEASURES)), "none of them")
        raise LayoutError(source, "header", f"columns {', '.join(MEASURES)}", found, "the columns may have changed")


def _check_gaps(blocks: Blocks, source: str) -> None:
    total = blocks.months["Grand Total"]
    for name, months in blocks.months.items():
        run = total[total.index(months[0]) : total.index(months[-1]) + 1]
        if missing := set(run) - set(months):
            raise LayoutError(source, f"holder {name}", f"{max(missing):%Y-%m}, as in the Grand Total", "no such month")
