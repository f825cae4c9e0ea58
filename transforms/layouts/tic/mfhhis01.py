"""The history of major holders: year blocks of up to 13 columns, USD billions: tab- or comma-separated, or HTML.

A block's month row names its columns, newest first. Where the survey basis changed within a year, the month of the
change stands twice (but for December 2011), the newer basis first, and two rows above the months name the series of the
columns on both sides of the break (`Series 15/` over `XI`, `Series` over ` X`). A column belongs to the nearest series
named at or left of it; columns left of the first named one, and blocks that name none, belong to the series that the
block above ended with. That order is by column from newest to oldest.
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
    check_unit,
    figures,
    observations,
    printed_date,
)
from treasury_watch.transforms.layouts.tables import line_of, table_of
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.months import shifted

MEASURE = "total_position"
SERIES = ("XIII", "XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I")  # newest first
MARK = re.compile(r"Series(?: +\d+/)?", re.ASCII)
ROMAN = re.compile(r"[IVX]+")
YEARS = re.compile(rb'(?:^|[\r\n])[ "]*Country[ "]*[\t,][ "]*(?:19|20)\d\d\b')
PUBLISHER = "Department of the Treasury"


def recognise(body: bytes) -> bool:
    """Whether the content is the history: below the title a row of cells that begins with Country and names years."""
    start = body[:4096]
    return b"MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES" in start and YEARS.search(start) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Every cell with its month and series; a month stated on two bases gives two rows.

    Raises LayoutError for every line it does not understand: one passed over could be a holder or the head of a year.
    The blocks must follow one another month by month, each with a Grand Total; the release date proves the end.
    """
    reader = _Reader(source)
    for line, cells in table_of(body, source.id, "Country").rows:
        reader.take(line, cells)
    return reader.finish()


class _Reader:
    """Takes the lines one after the other; `columns` are the current block's (cell index, month, series)."""

    def __init__(self, source: Source):
        self.source = source
        self.rows: list[tuple] = []
        self.closing = False  # the publisher's name has been read: the release date is next
        self.dated: date | None = None
        self.units = False
        self.series = SERIES[0]
        self.columns: list[tuple[int, pd.Timestamp, str]] = []
        self.labels: set[str] = set()
        # What stands above the next Country row: series marks, series names and month names by cell index.
        self.marks: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.months: dict[int, str] = {}

    def take(self, line: int, cells: list[str]) -> None:
        """One line that is not blank. Raises LayoutError where it does not fit."""
        first = bare(cells[0])
        filled = {index: cell.strip() for index, cell in enumerate(cells) if index and cell.strip()}
        if self.dated is not None:
            if filled:
                self._refuse(line, "notes only after the release date", cells)
        elif not first and all(MARK.fullmatch(cell) for cell in filled.values()):
            self._head(line, cells, self.marks, filled, allowed=not (self.marks or self.names or self.months))
        elif not first and all(ROMAN.fullmatch(cell) for cell in filled.values()):
            self._head(line, cells, self.names, filled, allowed=bool(self.marks) and not (self.names or self.months))
        elif not first and all(cell in MONTH_NAMES for cell in filled.values()):
            self._head(
                line, cells, self.months, filled, allowed=bool(self.marks) == bool(self.names) and not self.months
            )
        elif first == "Country":
            self._close_block(line)
            self.columns = self._columns(line, cells)
            self.marks, self.names, self.months = {}, {}, {}
        elif set("".join(cells).replace(" ", "")) == {"-"}:
            return
        elif self.marks or self.months:
            self._refuse(line, "the head of a block: series, months, Country", cells)
        elif not self.columns:
            self.units = self.units or "(in billions of dollars)" in [first, *filled.values()]
            if len(filled) + bool(first) > 1:
                self._refuse(line, "months and Country above all figures", cells)
        elif first and filled and not self.closing:
            self._row(line, cells, first)
        elif first.startswith(PUBLISHER):
            self.closing = True
        elif first != "Of which:" or self.closing:
            self.dated = None if filled else printed_date(first, self.source.id, f"line {line}")
            if self.dated is None:
                holder = f"a holder with {len(self.columns)} figures"
                self._refuse(line, "the release date, such as 5/18/2026" if self.closing else holder, cells)

    def finish(self) -> Parsed:
        """The whole table. Raises LayoutError where the unit or the end was not found."""
        source = self.source.id
        check_unit(self.units, "(in billions of dollars)", source)
        if self.dated is None:
            raise LayoutError(source, "end", "the release date, such as 5/18/2026", "none", TRUNCATED)
        self._close_block(self.rows[-1][-1] if self.rows else 1)
        table = observations(self.rows, source, at_least=60)
        return Parsed(self.source.layout, "observations", table, self.dated)

    def _refuse(self, line: int, expected: str, cells: list[str]) -> None:
        raise LayoutError(self.source.id, f"line {line}", expected, " ".join(cells))

    def _head(
        self, line: int, cells: list[str], above: dict[int, str], filled: dict[int, str], *, allowed: bool
    ) -> None:
        if not allowed:
            self._refuse(line, "a block's head in the order series, their names, months, Country", cells)
        above.update(filled)

    def _close_block(self, line: int) -> None:
        if self.columns and "Grand Total" not in self.labels:
            year = f"{self.columns[0][1]:%Y}"
            raise LayoutError(
                self.source.id, f"line {line}", f"a Grand Total in the block of {year}", "none", TRUNCATED
            )
        self.labels = set()

    def _columns(self, line: int, cells: list[str]) -> list[tuple[int, pd.Timestamp, str]]:
        """The new block's columns, each month the one before its left neighbour's or, across a break, the same."""
        if not self.months:
            self._refuse(line, "a row of month names above Country", cells)
        if beyond := [cell for index, cell in enumerate(cells) if index and index not in self.months and cell.strip()]:
            self._refuse(line, "a month above every year", beyond)
        columns: list[tuple[int, pd.Timestamp, str]] = []
        newer = self.columns[-1][1] if self.columns else None
        for index, name in self.months.items():
            place = f"line {line}, column {index + 1}"
            year = cells[index].strip() if index < len(cells) else ""
            if not re.fullmatch(r"(19|20)\d\d", year, re.ASCII):
                raise LayoutError(self.source.id, place, "a year", year or "nothing")
            month = pd.Timestamp(int(year), MONTH_NAMES.index(name) + 1, 1)
            again = bool(columns) and month == newer and self.names.get(index, self.series) != self.series
            if newer is not None and month != shifted(newer, -1) and not again:
                expected = f"{shifted(newer, -1):%Y-%m} after {newer:%Y-%m}"
                raise LayoutError(self.source.id, place, expected, f"{month:%Y-%m}")
            if not columns:
                self._check_series(line)
            self.series = self.names.get(index, self.series)
            columns.append((index, month, self.series))
            newer = month
        return columns

    def _check_series(self, line: int) -> None:
        """Names stand in pairs of neighbours: the series met so far, then the one before it."""
        place = f"line {line}, series above"
        if set(self.marks) != set(self.names) or not set(self.names) <= set(self.months):
            raise LayoutError(
                self.source.id, place, "a name below every 'Series' and a month below it", str(self.names)
            )
        order = list(self.names.items())
        current = self.series
        for (left, newer), (right, older) in zip(order[::2], order[1::2], strict=False):
            following = SERIES[SERIES.index(current) + 1 :][:1]
            if right != left + 1 or newer != current or (older,) != following:
                expected = f"{current} beside {''.join(following) or 'none'}"
                raise LayoutError(
                    self.source.id, place, expected, f"{newer} and {older}", "a new series is declared in SERIES"
                )
            current = older
        if len(order) % 2:
            raise LayoutError(
                self.source.id, place, "the series on both sides of a break", ", ".join(self.names.values())
            )

    def _row(self, line: int, cells: list[str], label: str) -> None:
        indexes = {index for index, _, _ in self.columns}
        beyond = [cell for index, cell in enumerate(cells) if index and index not in indexes and cell.strip()]
        if len(cells) <= max(indexes) or beyond:
            expected = f"{label} with {len(self.columns)} figures"
            raise LayoutError(self.source.id, f"line {line}", expected, " ".join(cells))
        stated = [cells[index] for index, _, _ in self.columns]
        columns = (f"{month:%Y-%m} (series {series})" for _, month, series in self.columns)
        scale, decimals = self.source.scale_to_usd_mn, self.source.decimals
        values = figures(stated, columns, self.source.id, line, scale=scale, decimals=decimals)
        for (index, month, series), value in zip(self.columns, values, strict=True):
            self.rows.append((cells[0], "", month, MEASURE, series, value, line_of(cells, index, line)))
        self.labels.add(label)
