"""Reads a table of major holders, row by row: one block of months in a monthly edition, one for each year in the history.

Editions differ in their dress: fixed width, tabs or commas; the head in two rows or more; a month that stands twice where
the survey basis changed, with the series' names above it or without.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.layouts.cells import (
    TRUNCATED,
    check_unit,
    figures,
    lines,
    observations,
    printed_date,
    records,
    text_of,
)
from treasury_watch.transforms.layouts.file_kinds import as_utf8, is_html
from treasury_watch.transforms.layouts.tables import line_of, table_of
from treasury_watch.transforms.layouts.tic.major_holders import fixed_width
from treasury_watch.transforms.layouts.tic.major_holders.headings import COUNTRY, HEAD, Column, Head, is_heading
from treasury_watch.transforms.layouts.tic.major_holders.survey_series import series_of
from treasury_watch.transforms.model import Parsed, Source

TITLE = re.compile(rb"MAJOR FOREIGN HOLDERS OF (?:U\.S\. )?TREASURY SECURITIES")
UNIT = re.compile(r"\(?(?:in )?billions of dollars\)?", re.IGNORECASE)
MEASURE = "total_position"
NO_FIGURE = "--"  # the older editions' sign for n.a.
FEWEST_FIGURES = 20


def heads(text: str) -> list[list[str]]:
    """The cells of every row that begins with Country: one for each block."""
    return [cells for _, cells in records_of(text, "") if cells and COUNTRY.fullmatch(bare(cells[0]))]


def is_history(body: bytes) -> bool | None:
    """Whether a table of major holders is the history; None where the content is no such table.

    The history has a block for each year; one that holds a single year has the twelve months of that year.
    """
    if TITLE.search(body[:4096]) is None:
        return None
    try:
        found = heads(text_of(body, ""))
    except LayoutError:
        return None
    if len(found) != 1:
        return len(found) > 1
    years = [cell.strip() for cell in found[0][1:] if cell.strip()]
    return len(years) >= 12 and len(set(years)) == 1


def records_of(text: str, source: str) -> fixed_width.Records:
    """The lines as cells, by tabs or commas where a head is so delimited, else by the places of fixed width."""
    for content in lines(text)[:200]:
        for delimiter in ("\t", ","):
            cells = content.split(delimiter)
            if len([cell for cell in cells[1:] if is_heading(cell)]) > 1:
                return records(text, delimiter, source)
    return fixed_width.records(text, source)


def rows_of(body: bytes, source: str) -> fixed_width.Records:
    """The lines as cells, in whichever form the edition was published. Raises LayoutError."""
    if is_html(as_utf8(body)):
        return table_of(body, source, "Country").rows
    return records_of(text_of(body, source), source)


class Reader:
    """Takes the lines one after the other; `columns` are the current block's."""

    def __init__(self, source: Source, *, one_block: bool):
        self.source, self.one_block = source, one_block
        self.breaks = tuple(replace(found, month=pd.Timestamp(found.month)) for found in source.series_breaks)
        self.date_expected = f"the release date, such as {'March 15, 2023' if one_block else '5/18/2026'}"
        self.rows: list[tuple[str, Column, float, int]] = []
        self.closing = False  # the publisher's name has been read: the release date is next
        self.dated: date | None = None
        self.units = False
        self.head = Head(source.id)
        self.columns: list[Column] = []
        self.labels: set[str] = set()
        self.printed: set[pd.Timestamp] = set()  # the breaks that the file shows

    def take(self, line: int, cells: list[str]) -> None:
        """One line that is not blank. Raises LayoutError where it does not fit."""
        first = bare(cells[0])
        filled = {index: cell.strip() for index, cell in enumerate(cells) if index and cell.strip()}
        if self.dated is not None:
            if filled:
                self._refuse(line, "notes only after the release date", cells)
        elif (COUNTRY.fullmatch(first) or (not first and filled)) and all(map(is_heading, filled.values())):
            self._begin(line, first, filled)
        elif set("".join(cells).replace(" ", "")) == {"-"} and not first:
            return
        elif COUNTRY.fullmatch(first) and self.head.begun:
            bad = next(index for index, cell in filled.items() if not is_heading(cell))
            raise LayoutError(self.source.id, f"line {line}, column {bad + 1}", "a year", filled[bad])
        elif self.head.begun and not self._open_block(line):
            self._refuse(line, HEAD, cells)
        elif not self.columns:
            self.units = self.units or any(map(UNIT.fullmatch, [first, *filled.values()]))
            if len(filled) + bool(first) > 1:
                self._refuse(line, "months and Country above all figures", cells)
        elif first and filled and not self.closing:
            self._row(line, cells, first)
        elif first.startswith(fixed_width.PUBLISHER):
            self.closing = True
            beside = ", ".join(filter(None, [first.partition("Board")[2].strip(), *filled.values()]))
            self.dated = printed_date(beside, self.source.id, f"line {line}")
        elif first.rstrip(":").lower() != "of which" or self.closing:
            # Where commas separate the cells, the comma of `March 15, 2023` does too.
            stated = ", ".join(filter(None, [first, *filled.values()]))
            self.dated = printed_date(stated, self.source.id, f"line {line}")
            if self.dated is None:
                holder = f"a holder with {len(self.columns)} figures"
                self._refuse(line, self.date_expected if self.closing else holder, cells)

    def finish(self) -> Parsed:
        """The whole table. Raises LayoutError where the unit or the end was not found."""
        source = self.source
        if not self.columns:
            raise LayoutError(source.id, "header", "a row of month names and one of years", "none")
        check_unit(self.units, "(in billions of dollars)", source.id)
        if self.dated is None:
            raise LayoutError(source.id, "end", self.date_expected, "none", TRUNCATED)
        self._close_block(self.rows[-1][-1] if self.rows else 1)
        breaks, series = self.breaks, {}
        for _, column, _, _ in self.rows:
            if column not in series:
                series[column] = series_of(column, breaks, self.printed, self.dated)
        rows = [
            (label, "", column.month, MEASURE, series[column], value, line) for label, column, value, line in self.rows
        ]
        return Parsed(source.layout, "observations", observations(rows, source.id, at_least=FEWEST_FIGURES), self.dated)

    def _refuse(self, line: int, expected: str, cells: list[str]) -> None:
        raise LayoutError(self.source.id, f"line {line}", expected, " ".join(cells))

    def _begin(self, line: int, first: str, filled: dict[int, str]) -> None:
        if self.one_block and self.columns:
            raise LayoutError(self.source.id, f"line {line}", "one table", "a second row of months")
        self.head.take(line, first, filled)

    def _open_block(self, line: int) -> bool:
        """Make the head that stands above this line the current block's. False where it is no whole head."""
        if not (self.head.country and self.head.months):
            return False
        self._close_block(line)
        newer = self.columns[-1].month if self.columns else None
        self.columns = self.head.columns(newer, self.breaks)
        self.printed |= self.head.breaks_named(self.columns, self.breaks)
        self.printed |= {column.month for column in self.columns if column.again}
        self.head = Head(self.source.id)
        return True

    def _close_block(self, line: int) -> None:
        if self.columns and not any(label.startswith("Grand Total") for label in self.labels):
            year = f"{self.columns[0].month:%Y}"
            raise LayoutError(
                self.source.id, f"line {line}", f"a Grand Total in the block of {year}", "none", TRUNCATED
            )
        self.labels = set()

    def _row(self, line: int, cells: list[str], label: str) -> None:
        indexes = {column.index for column in self.columns}
        beyond = [cell for index, cell in enumerate(cells) if index and index not in indexes and cell.strip()]
        if len(cells) <= max(indexes) or beyond:
            expected = f"{shorten(label, 60)} with {len(self.columns)} figures"
            raise LayoutError(self.source.id, f"line {line}", expected, " ".join(cells))
        stated = [cells[column.index] for column in self.columns]
        stated = ["n.a." if cell.strip() == NO_FIGURE else cell for cell in stated]
        names = (column.name for column in self.columns)
        scale, decimals = self.source.scale_to_usd_mn, self.source.decimals
        values = figures(stated, names, self.source.id, line, scale=scale, decimals=decimals)
        self.rows += [
            (cells[0], column, value, line_of(cells, column.index, line))
            for column, value in zip(self.columns, values, strict=True)
        ]
        self.labels.add(label)
