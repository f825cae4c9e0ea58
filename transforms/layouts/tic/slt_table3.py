"""Table 3: every reporting country and aggregate, one row per holder and month, USD millions: tab- or comma-separated, or HTML.

Valuation changes are published since 17 April 2024, and every release since then states them for the months since 2023-02.
The twelve releases of the year before have no such column (inferred from the Treasury's announcement; none was seen).
"""

from __future__ import annotations

import difflib
import re

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import (
    TRUNCATED,
    Blocks,
    check_consecutive,
    check_unit,
    figures,
    month_of,
    observations,
)
from treasury_watch.transforms.layouts.file_kinds import unread_table
from treasury_watch.transforms.layouts.tables import line_of, table_of
from treasury_watch.transforms.model import Parsed, Source

# The file's own machine names, in the row that follows its headings.
MEASURES = {
    "for_treas_pos": "total_position",
    "for_treas_net": "total_net",
    "for_lt_treas_pos": "long_term_position",
    "for_lt_treas_net": "long_term_net",
    "for_lt_treas_valchg": "long_term_valuation",
    "for_st_treas_pos": "short_term_position",
    "for_st_treas_net": "short_term_net",
}
KEYS = ("country", "country_code", "date")
COLUMNS = (*KEYS, *MEASURES)
# Columns that not every edition has, with the newest month of the last release without them.
ADDED_LATER = {"for_lt_treas_valchg": pd.Timestamp(2024, 1, 1)}
TITLE = re.compile(rb'[\s"\xef\xbb\xbf]*table (\d+):', re.IGNORECASE)
LAST_HOLDER = "Of Which: Foreign Non-Official"


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3: its machine header row names most of the columns (one may be renamed), and no title
    says that it is another table, of which some have columns of the same names.
    """
    title = TITLE.match(body)
    if title and title[1] != b"3":
        return False
    start = body[:8192].decode("latin-1")
    if title is None and unread_table(start) is not None:
        return False
    return sum(name in start for name in ("country_code", *MEASURES)) > len(MEASURES) // 2


def parse(body: bytes, source: Source) -> Parsed:
    """Positions, net purchases and valuation change by holder and month. The columns may stand in any order. Of a column
    that an older edition does not have, nothing is stated.

    Raises LayoutError, also for a table that may have been cut: the file must go on with notes or end with the
    non-official holders, and every holder must have the same months.
    """
    table = table_of(body, source.id, "country_code")
    rows: list[tuple] = []
    columns: dict[str, int] = {}
    blocks = Blocks(source.id)
    units = notes = False
    last_row = 0
    for line, cells in table.rows:
        filled = [cell for cell in map(str.strip, cells) if cell]
        if not columns:
            if unread := unread_table(filled[0]):
                raise LayoutError(source.id, f"line {line}", "Table 3", unread.name, unread.next_step)
            units = units or filled == ["Millions of dollars"]
            if not set(filled).isdisjoint(COLUMNS):
                columns = _columns(cells, line, source.id)
            elif any(month_of(cell) is not None for cell in filled):
                raise LayoutError(
                    source.id, f"line {line}", "the row that names the columns above all figures", " ".join(filled)
                )
            continue
        if len(filled) == 1 and (notes or filled[0].startswith("Note") or blocks.last == LAST_HOLDER):
            notes = True
            continue
        if notes:
            raise LayoutError(source.id, f"line {line}", "notes only after the last row", " ".join(filled))
        if len(filled) != len(columns) or len(cells) <= max(columns.values()):
            raise LayoutError(source.id, f"line {line}", f"{len(columns)} cells", f"{len(filled)}: {' '.join(filled)}")
        month = month_of(cells[columns["date"]])
        if month is None:
            raise LayoutError(source.id, f"line {line}, column date", "a month such as 2026-04", cells[columns["date"]])
        label, code = cells[columns["country"]], cells[columns["country_code"]].strip()
        blocks.take(label, month, line)
        stated = [name for name in MEASURES if name in columns]
        found = [cells[columns[name]] for name in stated]
        values = figures(found, stated, source.id, line, scale=source.scale_to_usd_mn, decimals=source.decimals)
        for name, value in zip(stated, values, strict=True):
            own_line = line_of(cells, columns[name], line)
            rows.append((label, code, month, MEASURES[name], source.series, value, own_line))
        last_row = line
    if not columns:
        raise LayoutError(source.id, "header", f"a row that names {', '.join(KEYS)}, ...", "none")
    check_unit(units, "Millions of dollars", source.id)
    table.check_row_ends(last_row)
    observed = observations(rows, source.id, at_least=len(columns) * 12 - len(KEYS) * 12)
    _check_months(blocks, source.id)
    if not notes and blocks.last != LAST_HOLDER:
        raise LayoutError(source.id, f"line {last_row}", f"{LAST_HOLDER} or notes as the end", blocks.last, TRUNCATED)
    return Parsed(source.layout, "observations", observed, notes=_notes(columns, blocks))


def _notes(columns: dict[str, int], blocks: Blocks) -> tuple[str, ...]:
    newest = max(months[0] for months in blocks.months.values())
    absent = [name for name, last in ADDED_LATER.items() if name not in columns and newest > last]
    return tuple(f"no column {name}, which every release of {newest:%Y-%m} has: read without it" for name in absent)


def _columns(cells: list[str], line: int, source: str) -> dict[str, int]:
    named = [cell.strip() for cell in cells]
    other = [name for name in dict.fromkeys(named) if name and (name not in COLUMNS or named.count(name) > 1)]
    missing = [name for name in COLUMNS if name not in named and (other or name not in ADDED_LATER)]
    if missing or other:
        closest = [
            f"{name} for {near[0]}" for name in other if (near := difflib.get_close_matches(name, missing, 1, 0.5))
        ]
        raise LayoutError(
            source,
            f"line {line}",
            f"the columns {', '.join(COLUMNS)}",
            f"missing {', '.join(missing) or 'none'}; unknown or twice {', '.join(other) or 'none'}"
            + (f" (perhaps {', '.join(closest)})" if closest else ""),
            "a column was renamed; declare the new name in transforms/layouts/tic/slt_table3.py",
        )
    return {name: named.index(name) for name in COLUMNS if name in named}


def _check_months(blocks: Blocks, source: str) -> None:
    """Every holder states the same months without a gap; a file cut at a line's end would lack some."""
    blocks.check_grand_total()
    expected = blocks.months["Grand Total"]
    check_consecutive(expected, source, "Grand Total")
    for name, months in blocks.months.items():
        if missing := set(expected) - set(months):
            raise LayoutError(
                source,
                f"holder {name}",
                f"{len(expected)} months, as every holder has",
                f"{len(months)} without {max(missing):%Y-%m}",
                TRUNCATED,
            )
