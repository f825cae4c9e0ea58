"""A table of the statistics with one row per holder and month, USD millions: tab- or comma-separated, or HTML.

The row that follows the headings has the file's own machine names of the columns, by which it is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

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
from treasury_watch.transforms.layouts.file_kinds import table_named
from treasury_watch.transforms.layouts.tables import line_of, table_of
from treasury_watch.transforms.model import Source

KEYS = ("country", "country_code", "date")
TITLE = re.compile(rb'[\s"\xef\xbb\xbf]*table (\d+):', re.IGNORECASE)
# Valuation changes are published since 17 April 2024, and every release since then states them for the months since
# 2023-02. The twelve releases of the year before have no such column (inferred from the Treasury's announcement; none was
# seen). This is the newest month of the last of these.
VALUATION_ABSENT_UNTIL = pd.Timestamp(2024, 1, 1)


@dataclass(frozen=True)
class CountryTable:
    """One of the tables: its number, the measure of each column by its machine name, the columns that not every edition
    has, the holders whose rows may be the last of a table without notes, and where a renamed column is declared.
    """

    number: int
    measures: Mapping[str, str]
    added_later: frozenset[str]
    last_holders: tuple[str, ...]
    declared_in: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, in the order of the file."""
        return (*KEYS, *self.measures)

    def recognise(self, body: bytes) -> bool:
        """Whether the content is this table: its machine header row names most of the columns (one may be renamed), and
        neither a title nor columns say that it is another table, of which some have columns of the same names.
        """
        title = TITLE.match(body)
        if title and title[1] != str(self.number).encode():
            return False
        start = body[:8192].decode("latin-1")
        if title is None and (named := table_named(start)) is not None and named.number != self.number:
            return False
        return sum(name in start for name in ("country_code", *self.measures)) > len(self.measures) // 2

    def read(self, body: bytes, source: Source) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """The figures by holder, month and measure, and what was read although it is not as declared, a line each.

        The columns may stand in any order. Of a column that an older edition does not have, nothing is stated. Raises
        LayoutError, also for a table that may have been cut: the file must go on with notes or end with one of the last
        holders, and every holder must have the same months.
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
                if (other := table_named(filled[0])) and other.number != self.number:
                    found_table = f"{other.name} ({other.id})"
                    raise LayoutError(
                        source.id, f"line {line}", f"Table {self.number}", found_table, "another table of the release"
                    )
                units = units or filled == ["Millions of dollars"]
                if not set(filled).isdisjoint(self.columns):
                    columns = self._places(cells, line, source.id)
                elif any(month_of(cell) is not None for cell in filled):
                    raise LayoutError(
                        source.id, f"line {line}", "the row that names the columns above all figures", " ".join(filled)
                    )
                continue
            if len(filled) == 1 and (notes or filled[0].startswith("Note") or blocks.last in self.last_holders):
                notes = True
                continue
            if notes:
                raise LayoutError(source.id, f"line {line}", "notes only after the last row", " ".join(filled))
            if len(filled) != len(columns) or len(cells) <= max(columns.values()):
                raise LayoutError(
                    source.id, f"line {line}", f"{len(columns)} cells", f"{len(filled)}: {' '.join(filled)}"
                )
            month = month_of(cells[columns["date"]])
            if month is None:
                raise LayoutError(
                    source.id, f"line {line}, column date", "a month such as 2026-04", cells[columns["date"]]
                )
            label, code = cells[columns["country"]], cells[columns["country_code"]].strip()
            blocks.take(label, month, line)
            stated = [name for name in self.measures if name in columns]
            found = [cells[columns[name]] for name in stated]
            values = figures(found, stated, source.id, line, scale=source.scale_to_usd_mn, decimals=source.decimals)
            for name, value in zip(stated, values, strict=True):
                own_line = line_of(cells, columns[name], line)
                rows.append((label, code, month, self.measures[name], source.series, value, own_line))
            last_row = line
        if not columns:
            raise LayoutError(source.id, "header", f"a row that names {', '.join(KEYS)}, ...", "none")
        check_unit(units, "Millions of dollars", source.id)
        table.check_row_ends(last_row)
        observed = observations(rows, source.id, at_least=len(columns) * 12 - len(KEYS) * 12)
        _check_months(blocks, source.id)
        if not notes and blocks.last not in self.last_holders:
            raise LayoutError(
                source.id, f"line {last_row}", f"{' or '.join(self.last_holders)} or notes as the end", blocks.last,
                TRUNCATED,
            )  # fmt: skip
        return observed, self._notes(columns, blocks)

    def _notes(self, columns: dict[str, int], blocks: Blocks) -> tuple[str, ...]:
        newest = max(months[0] for months in blocks.months.values())
        absent = [name for name in self.measures if name in self.added_later and name not in columns]
        if newest <= VALUATION_ABSENT_UNTIL:
            return ()
        return tuple(f"no column {name}, which every release of {newest:%Y-%m} has: read without it" for name in absent)

    def _places(self, cells: list[str], line: int, source: str) -> dict[str, int]:
        named = [cell.strip() for cell in cells]
        wanted = self.columns
        other = [name for name in dict.fromkeys(named) if name and (name not in wanted or named.count(name) > 1)]
        missing = [name for name in wanted if name not in named and (other or name not in self.added_later)]
        if missing or other:
            closest = [
                f"{name} for {near[0]}" for name in other if (near := difflib.get_close_matches(name, missing, 1, 0.5))
            ]
            raise LayoutError(
                source,
                f"line {line}",
                f"the columns {', '.join(wanted)}",
                f"missing {', '.join(missing) or 'none'}; unknown or twice {', '.join(other) or 'none'}"
                + (f" (perhaps {', '.join(closest)})" if closest else ""),
                f"a column was renamed; declare the new name in {self.declared_in}",
            )
        return {name: named.index(name) for name in wanted if name in named}


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
