"""The months of the Ministry's monthly tables of flows: a year in January's record, eras in brackets, sums below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import MONTH_NAMES
from treasury_watch.transforms.layouts.japan.ministry_tables import Record, checked_era, has_figures

YEAR_SUM = re.compile(r"\d{4}(?:CY|FY)$", re.ASCII)
YEAR = re.compile(r"(?:19|20)\d{2}", re.ASCII)
MONTH_JA = re.compile(r"(\d{1,2})月", re.ASCII)


def first_month(records: list[Record], source: str) -> int:
    """Position of the first record of a month. Raises LayoutError."""
    for position, (_, cells) in enumerate(records):
        if len(cells) > 2 and YEAR.fullmatch(cells[0]) and cells[2] in MONTH_NAMES:
            return position
    raise LayoutError(source, "whole file", "a record of a January, with its year in the first cell", "none")


def months(records: list[Record], source: str) -> Iterator[tuple[date, Record]]:
    """The records of months with the first day of each, in order and without a gap. Sums of years and notes are left out.

    Raises LayoutError for a month out of order, a label that contradicts it and an era year that is another year.
    """
    previous: date | None = None
    for line, cells in records:
        label = cells[2] if len(cells) > 2 else ""
        if label not in MONTH_NAMES:
            if YEAR_SUM.search(cells[0] if cells else "") or not has_figures(cells):
                continue
            raise LayoutError(source, f"line {line}", "a month such as Jan in the third cell", repr(label))
        number = MONTH_NAMES.index(label) + 1
        stated = MONTH_JA.fullmatch(cells[1])
        if stated is None or int(stated[1]) != number:
            raise LayoutError(source, f"line {line}, month", f"{number}月 beside {label}", repr(cells[1]))
        year = _year(cells[0], number, previous, line, source)
        month = date(year, number, 1)
        if previous is not None and month != _after(previous):
            raise LayoutError(source, f"line {line}", f"{_after(previous):%Y-%m}", f"{month:%Y-%m}")
        previous = month
        yield month, (line, cells)


def _year(text: str, number: int, previous: date | None, line: int, source: str) -> int:
    if YEAR.fullmatch(text):
        return int(text)
    if previous is None or number == 1:
        raise LayoutError(
            source, f"line {line}, year", "a year such as 2026 beside January", repr(text) if text else "none"
        )
    checked_era(text, previous.year, line, source)
    return previous.year


def _after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
