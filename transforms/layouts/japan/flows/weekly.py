"""Japan's portfolio flows by week since 2005 (`week.csv`): Sunday to Saturday, 100 million yen."""

from __future__ import annotations

import re
from datetime import date, timedelta

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import is_plausible
from treasury_watch.transforms.layouts.japan.flows.columns import KEPT, halves
from treasury_watch.transforms.layouts.japan.ministry_tables import (
    HUNDRED_MN_YEN,
    Record,
    check_unit,
    filled,
    has_figures,
    printed_update,
    records_of,
    table_of,
)
from treasury_watch.transforms.model import Parsed, Source

TITLE = re.compile(rb"International Transactions in Securities\s*\(Weekly", re.IGNORECASE)
WEEK = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2}) ?~ ?(?:(\d{4})\. ?)?(\d{1,2})\.(\d{1,2})", re.ASCII)
SERIES = {item: f"japan_net_{name}_weekly" for item, name in KEPT.items()}


def recognise(body: bytes) -> bool:
    """Whether the title is that of the weekly table."""
    return TITLE.search(body[:2048]) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Residents' net transactions by week, dated by its first day: series_id, date, value (100 million yen), line.

    Every net figure, subtotal and total of both halves must hold, and no week may be left out. Raises LayoutError.
    """
    records = records_of(body, source.id)
    start = next((number for number, (_, cells) in enumerate(records) if _is_week(cells)), None)
    if start is None:
        raise LayoutError(source.id, "whole file", "a week such as 2026.8.2~8.8", "none")
    heading = records[:start]
    check_unit(heading, HUNDRED_MN_YEN, "Unit: 100 million Yen", source.id)
    updated = printed_update(heading, source.id)
    assets, liabilities = halves(heading, source.id)
    rows: list[tuple[str, date, float, int]] = []
    previous: date | None = None
    empty: str | None = None
    for line, cells in records[start:]:
        if not cells or not cells[0]:
            if has_figures(cells):
                raise LayoutError(source.id, f"line {line}", "a week in the first cell", "none")
            continue
        if not _is_week(cells):
            if has_figures(cells):
                raise LayoutError(source.id, f"line {line}", "a week such as 2026.8.2~8.8", repr(cells[0]))
            continue  # a note
        first = _week((line, cells), previous, source.id)
        previous = first
        stated = assets.read(cells, line, source.id)
        liabilities.read(cells, line, source.id)
        if not filled(stated, line, source.id, cells[0], empty):
            empty = empty or cells[0]
            continue
        if first + timedelta(days=6) >= updated:
            raise LayoutError(source.id, f"line {line}", f"a week that ended before the update of {updated}", cells[0])
        rows += [(SERIES[item], first, float(value), line) for item, value in stated.items()
                 if item in SERIES and value is not None]  # fmt: skip
    return Parsed(source.layout, source.holds, table_of(rows, source.id), dated=updated)


def _is_week(cells: list[str]) -> bool:
    return bool(cells) and WEEK.fullmatch(cells[0]) is not None


def _week(record: Record, previous: date | None, source: str) -> date:
    """The first day of a record's week: a Sunday, seven days after the one before. Raises LayoutError."""
    line, cells = record
    found = WEEK.fullmatch(cells[0])
    parts = [int(part) if part else 0 for part in found.groups()] if found else []
    year, month, day, end_year, end_month, end_day = parts
    try:
        first, last = date(year, month, day), date(end_year or year, end_month, end_day)
    except ValueError as problem:
        raise LayoutError(source, f"line {line}, week", "days of the calendar", repr(cells[0])) from problem
    if not is_plausible(first) or first.weekday() != 6 or last != first + timedelta(days=6):
        raise LayoutError(source, f"line {line}, week", "a Sunday to the Saturday after it", repr(cells[0]))
    if previous is not None and first != previous + timedelta(days=7):
        raise LayoutError(source, f"line {line}, week", f"the week from {previous + timedelta(days=7)}", repr(cells[0]))
    return first
