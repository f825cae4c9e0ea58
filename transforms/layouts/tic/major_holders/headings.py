"""The head above a block of figures: months, years and series of its columns, in one row or spread over several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import MONTH_NAMES
from treasury_watch.transforms.model import SeriesBreak
from treasury_watch.transforms.months import shifted

# One cell of a head: `Series 15/`, ` XI`, `Jun`, `June`, `Jun 5/`, `Nov 2013`, `Nov-13`, `2013-11`, `2013`, a mark alone.
CELL = re.compile(
    r"""(?: (?P<mark>Series) (?: [ ](?P<own>[IVX]+)\b )?
          | (?P<name>[IVX]+)\b
          | (?P<iso>(?:19|20)\d\d-\d\d)(?!\d)
          | (?P<year>(?:19|20)\d\d)(?![\d.])
          | (?P<month>[A-Z][a-z]{2,8})\b\.? (?: [ -](?P<own_year>(?:19|20)\d\d(?!\d)|'?\d\d(?![\d/])) )?
        ) (?: [ ]?\d{1,2}/ )*
        | \d{1,2}/(?!\d)""",
    re.ASCII | re.VERBOSE,
)
COUNTRY = re.compile(r"Countr(?:y|ies)(?: \d{1,2}/)?", re.ASCII | re.IGNORECASE)  # the cell above the holders
LAST_TWO_DIGIT_YEAR = 68  # '69 is 1969: as the C library reads two digits


@dataclass(frozen=True)
class Column:
    """One column of figures. `again`: its month stands in the column before too, on the newer survey basis."""

    index: int
    month: pd.Timestamp
    again: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.month:%Y-%m}" + (" on the older basis" if self.again else "")


def month_number(name: str) -> int | None:
    """1 to 12 for `Jun` or `June`; None for another word."""
    found = [number for number, short in enumerate(MONTH_NAMES, start=1) if name[:3] == short]
    return found[0] if found and name in _SPELLINGS[found[0] - 1] else None


_FULL = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SPELLINGS = [{short, full, full[:4]} for short, full in zip(MONTH_NAMES, _FULL, strict=True)]


def is_heading(cell: str) -> bool:
    """Whether the cell can stand in the head of a block."""
    found = CELL.fullmatch(cell.strip())
    return found is not None and (found["month"] is None or month_number(found["month"]) is not None)


class Head:
    """Collects the rows above a block. `take` each row's cells by column, then `columns`."""

    def __init__(self, source: str):
        self.source = source
        self.country = False
        self.marks: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.months: dict[int, int] = {}
        self.years: dict[int, int] = {}
        self.line = 0

    @property
    def begun(self) -> bool:
        """Whether any row of a head has been read since the last block."""
        return bool(self.country or self.marks or self.names or self.months or self.years)

    def take(self, line: int, first: str, filled: dict[int, str]) -> None:
        """One row of a head. Raises LayoutError where it states a second time what a row above stated."""
        self.line = line
        stated: list[tuple[dict, int, object]] = []
        for index, cell in filled.items():
            found = CELL.fullmatch(cell)
            if found is None:
                continue
            if found["mark"]:
                stated.append((self.marks, index, cell))
            if found["own"] or found["name"]:
                stated.append((self.names, index, found["own"] or found["name"]))
            if found["iso"]:
                stated += [(self.years, index, int(cell[:4])), (self.months, index, int(cell[5:7]))]
            if found["month"]:
                stated.append((self.months, index, month_number(found["month"])))
            if year := found["year"] or found["own_year"]:
                stated.append((self.years, index, _year(year)))
        # The rows may come in any order, since editions differ, but each column is told each thing once.
        if (self.country and first) or any(index in above for above, index, _ in stated):
            raise LayoutError(self.source, f"line {line}", HEAD, " ".join(filled.values()))
        self.country = self.country or bool(first)
        for above, index, value in stated:
            above[index] = value

    def columns(self, newer: pd.Timestamp | None, breaks: tuple[SeriesBreak, ...]) -> list[Column]:
        """The columns, each month the one before its left neighbour's or, at a break, the same. `newer`: of the block above.

        Raises LayoutError.
        """
        if not self.country or not self.months:
            raise LayoutError(self.source, f"line {self.line}", HEAD, "no row of months and Country")
        if beyond := [str(self.years[index]) for index in self.years if index not in self.months]:
            raise LayoutError(self.source, f"line {self.line}", "a month above every year", " ".join(beyond))
        doubled = {found.month for found in breaks}
        columns: list[Column] = []
        for index, year in self._years().items():
            place = f"line {self.line}, column {index + 1}"
            month = pd.Timestamp(year, self.months[index], 1)
            again = bool(columns) and month == newer and not columns[-1].again and month in doubled
            if newer is not None and month != shifted(newer, -1) and not again:
                expected = f"{shifted(newer, -1):%Y-%m} after {newer:%Y-%m}"
                raise LayoutError(self.source, place, expected, f"{month:%Y-%m}", NEXT_STEP)
            columns.append(Column(index, month, again))
            newer = month
        return columns

    def _years(self) -> dict[int, int]:
        """The year of every column. A year stated once for several months goes on until the months pass January."""
        if not self.years or set(self.years) == set(self.months):
            missing = [index for index in self.months if index not in self.years]
        else:
            turns = [b for a, b in pairwise(self.months) if self.months[b] > self.months[a]]
            stated = list(self.years.values())
            if len(stated) == len(turns) + 1 and all(b == a - 1 for a, b in pairwise(stated)):
                year, found = stated[0], {}
                for index in self.months:
                    year -= index in turns
                    found[index] = year
                return found
            missing = [index for index in self.months if index not in self.years]
        if missing:
            raise LayoutError(self.source, f"line {self.line}, column {missing[0] + 1}", "a year", "nothing")
        return {index: self.years[index] for index in self.months}

    def breaks_named(self, columns: list[Column], breaks: tuple[SeriesBreak, ...]) -> set[pd.Timestamp]:
        """The months whose break the head names, the newer series beside the older one. Raises LayoutError."""
        place = f"line {self.line}, series above"
        if set(self.marks) != set(self.names) or not set(self.names) <= set(self.months):
            raise LayoutError(
                self.source, place, "a name below every 'Series' and a month below it", str(self.names or self.marks)
            )
        order = list(self.names.items())
        if len(order) % 2:
            raise LayoutError(self.source, place, "the series on both sides of a break", ", ".join(self.names.values()))
        month_of = {column.index: column.month for column in columns}
        named = set()
        for (left, newer), (right, older) in zip(order[::2], order[1::2], strict=True):
            declared = next((found for found in breaks if found.month == month_of[left]), None)
            expected = f"{declared.new_series} beside {declared.old_series}" if declared else "no break"
            if declared is None or right != left + 1 or (newer, older) != (declared.new_series, declared.old_series):
                found = f"{newer} and {older} at {month_of[left]:%Y-%m}"
                raise LayoutError(self.source, place, expected, found, NEXT_STEP)
            named.add(month_of[left])
        return named


HEAD = "the head of a block: series, months, Country"
NEXT_STEP = "a new break of the survey basis is declared in config/series_breaks.csv"


def _year(stated: str) -> int:
    digits = stated.lstrip("'")
    if len(digits) == len("2013"):
        return int(digits)
    return int(digits) + (2000 if int(digits) <= LAST_TWO_DIGIT_YEAR else 1900)
