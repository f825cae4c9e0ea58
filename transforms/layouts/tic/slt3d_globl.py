"""Table 3D: holdings of all countries, USD millions, in every edition until March 2023.

Quoted CSV with thousands commas, or its sibling with tabs. The headings of the figures stand in one line or are cut into
several, and in any order.
"""

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

# Columns 4 to 6, by the word with which their headings begin.
MEASURES = {"Total": "total_position", "Long-term": "long_term_position", "Short-term": "short_term_position"}
MEMO = re.compile(r"Of which|Memo:", re.IGNORECASE)
WIDTH = 3 + len(MEASURES)
LONGEST_ROW = 400  # characters; a longer line is damage, and what is remembered must not fill the memory


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3D. Its title is cut into cells, so cells are joined first."""
    start = re.sub(r'","|["\t]', "", body[:1024].decode("latin-1"))
    return re.search(r"TABLE\s+3D:", start, re.IGNORECASE) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Positions by holder and month. Raises LayoutError, also for a table that may have been cut.

    The table begins below a row of dashes and ends with the Grand Total, for every month that any holder has; memo lines
    and notes may follow. A holder may begin late or end early, but has every month of the Grand Total in between.
    """
    text = text_of(body, source.id)
    rows: list[tuple] = []
    blocks = Blocks(source.id)
    heading: list[list[str]] = []
    measures: list[str] = []
    notes = False
    last_row = 0
    scale, decimals = source.scale_to_usd_mn, source.decimals
    delimiter = delimiter_of(text, WIDTH)
    for line, content in enumerate(lines(text), start=1):
        if measures and not notes and (row := _remembered_row(content, delimiter, scale, decimals)) is not None:
            label, code, stated, values = row
            blocks.take(label, stated, line)
            rows += [
                (label, code, stated, measure, source.series, value, line)
                for measure, value in zip(measures, values, strict=True)
            ]
            last_row = line
            continue
        cells = next((found for _, found in records(content, delimiter, source.id, line)), None)
        if cells is None:
            continue
        if not measures:
            heading.append(cells)
            if any(month_of(cell) is not None for cell in cells):
                raise LayoutError(source.id, f"line {line}", "a row of dashes above all figures", ",".join(cells))
            if set("".join(cells).replace(" ", "")) == {"-"}:
                measures = _measures(heading, source.id)
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
        for measure, cell in zip(measures, cells[3:WIDTH], strict=True):
            place = f"line {line}, column {measure}"
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], cells[1].strip(), month, measure, source.series, value, line))
        last_row = line
    if not measures:
        raise LayoutError(source.id, "header", "a row of dashes below the headings", "none")
    check_row_ends(text, last_row, source.id)
    table = observations(rows, source.id, at_least=36)
    blocks.check_grand_total()
    if blocks.last != "Grand Total" and not MEMO.match(blocks.last):
        raise LayoutError(source.id, f"line {last_row}", "the Grand Total at the end", blocks.last, TRUNCATED)
    _check_gaps(blocks, source.id)
    return Parsed(source.layout, "observations", table)


@lru_cache(maxsize=1 << 16)
def _remembered_row(
    content: str, delimiter: str, scale: int, decimals: int
) -> tuple[str, str, pd.Timestamp, list[float]] | None:
    """Label, code, month and figures of a line that is a whole row; None for any other line, which `parse` looks at cell
    by cell. A release states most lines of the one before again: remembered ones are free.
    """
    if len(content) > LONGEST_ROW:
        return None
    cells = next(csv.reader([content], delimiter=delimiter), [])
    month = month_of(cells[2]) if len(cells) == WIDTH else None
    values = [stated_figure(cell, scale, decimals) for cell in cells[3:]] if month is not None else []
    known = [value for value in values if value is not None]
    return None if month is None or len(known) < len(values) else (cells[0], cells[1].strip(), month, known)


def _measures(heading: list[list[str]], source: str) -> list[str]:
    """What the columns 4 to 6 state, in their order. Raises LayoutError where the unit or a heading is another."""
    flat = "\n".join("".join(cells) for cells in heading).lower()
    check_unit("millions of dollars" in flat, "Millions of dollars", source)
    found = "none of them"
    for cells in heading:
        named = [cell.split()[0] if cell.split() else "" for cell in cells[3:WIDTH]]
        if sorted(named) == sorted(MEASURES):
            return [MEASURES[name] for name in named]
        if not set(named).isdisjoint(MEASURES):
            found = " ".join(cell.strip() for cell in cells)
    raise LayoutError(
        source, "header", f"columns {', '.join(MEASURES)}", " ".join(found.split()), "the columns may have changed"
    )


def _check_gaps(blocks: Blocks, source: str) -> None:
    total = blocks.months["Grand Total"]
    for name, months in blocks.months.items():
        run = total[total.index(months[0]) : total.index(months[-1]) + 1]
        if missing := set(run) - set(months):
            raise LayoutError(source, f"holder {name}", f"{max(missing):%Y-%m}, as in the Grand Total", "no such month")
