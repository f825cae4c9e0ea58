"""Japan's official reserve assets by month since 2000 (`historical.csv`): USD millions, month ends, market values.

No file as served is at hand: the layout is known from descriptions and from real figures retyped in it. The year stands
beside January, as a year of the era; the Gregorian one ends in 2022, and month names in English are spelt in several ways.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.layouts.japan.ministry_tables import (
    ERA_YEAR,
    USD_MN,
    Record,
    check_unit,
    checked_era,
    checked_sum,
    era_year,
    figure,
    filled,
    has_figures,
    records_of,
    table_of,
)
from treasury_watch.transforms.model import Parsed, Source

TITLE = re.compile(rb"International Reserves\s*/\s*Foreign Currency Liquidity", re.IGNORECASE)
MONTH_JA = re.compile(r"(\d{1,2})月", re.ASCII)
YEAR = re.compile(r"(?:19|20)\d{2}", re.ASCII)
# The labels, without blanks and in lower case; the first column that has one is meant: the later sections repeat some.
LABELS = {
    "total": ("a.officialreserveassets", "a.外貨準備"),
    "foreign_currency": ("(1)foreigncurrencyreserves", "1.外貨"),
    "securities": ("(a)securities", "(a)証券"),
    "deposits": ("(b)depositswith", "(b)預金"),
    "imf_position": ("(2)imfreserveposition", "2.imfリザーブポジション"),
    "sdrs": ("(3)sdrs", "3.sdr"),
    "gold": ("(4)gold", "4.金"),
    "other": ("(5)otherreserveassets", "5.その他外貨準備"),
}
PARTS = ("foreign_currency", "imf_position", "sdrs", "gold", "other")
KEPT = ("total", "foreign_currency", "securities", "deposits", "gold")
SERIES = {name: f"japan_reserves_{name}" for name in KEPT}


def recognise(body: bytes) -> bool:
    """Whether the title is that of the table of reserves."""
    return TITLE.search(body[:2048]) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Reserves by month: series_id, date (the month's first day; the figure is of its end), value (USD millions), line.

    Foreign currency must be securities and deposits exactly, the total its parts within one. Raises LayoutError.
    """
    records = records_of(body, source.id)
    start = next((number for number, (_, cells) in enumerate(records) if _is_month(cells)), None)
    if start is None:
        raise LayoutError(source.id, "whole file", "a month such as 4月 in the second cell", "none")
    heading = records[:start]
    check_unit(heading, USD_MN, "US$ millions", source.id)
    columns = _columns(heading, source.id)
    rows: list[tuple[str, date, float, int]] = []
    previous: date | None = None
    empty: str | None = None
    for line, cells in records[start:]:
        if not _is_month(cells):
            if has_figures(cells):
                raise LayoutError(source.id, f"line {line}", "a month such as 4月 in the second cell", repr(cells[1:2]))
            continue
        month = _month(cells, previous, line, source.id)
        previous = month
        stated = {
            name: figure(cells[at] if at < len(cells) else "", line, name, source.id) for name, at in columns.items()
        }
        if not filled(stated, line, source.id, f"{month:%Y-%m}", empty):
            empty = empty or f"{month:%Y-%m}"
            continue
        known = _checked(stated, month, line, source.id)
        rows += [(SERIES[name], month, float(known[name]), line) for name in KEPT if name in known]
    return Parsed(source.layout, source.holds, table_of(rows, source.id))


def _is_month(cells: list[str]) -> bool:
    return len(cells) > 4 and MONTH_JA.fullmatch(cells[1]) is not None


def _month(cells: list[str], previous: date | None, line: int, source: str) -> date:
    """The first day of a record's month, which is after the one before. Raises LayoutError."""
    number = int(cells[1].removesuffix("月"))
    if not 1 <= number <= 12:
        raise LayoutError(source, f"line {line}, month", "a month from 1月 to 12月", repr(cells[1]))
    year = era_year(cells[0])
    if year is None:
        if ERA_YEAR.search(cells[0]):
            checked_era(cells[0], 0, line, source)  # of an era that is not known: refused by name
        if previous is None or number == 1:
            raise LayoutError(source, f"line {line}, year", "a year of the era beside January, such as 令和8年",
                              repr(cells[0]) if cells[0] else "none")  # fmt: skip
        year = previous.year
    if YEAR.fullmatch(cells[2]) and int(cells[2]) != year:
        raise LayoutError(
            source, f"line {line}, year", f"{year}, which {shorten(cells[0], 40) or 'the rows before'} is", cells[2]
        )
    month = date(year, number, 1)
    if previous is not None and month <= previous:
        raise LayoutError(source, f"line {line}", f"a month after {previous:%Y-%m}", f"{month:%Y-%m}")
    return month


def _checked(stated: dict[str, int | None], month: date, line: int, source: str) -> dict[str, int]:
    """The figures that are stated; those on which the identities rest have to be. Raises LayoutError."""
    known = {name: value for name, value in stated.items() if value is not None}
    for name in ("total", "foreign_currency", "securities", "deposits"):
        if name not in known:
            raise LayoutError(source, f"line {line}, {name.replace('_', ' ')}", f"a figure of {month:%Y-%m}", "none")
    checked_sum(
        [known["securities"], known["deposits"]], known["foreign_currency"], line, "foreign currency", source, 0
    )
    checked_sum([known.get(part, 0) for part in PARTS], known["total"], line, "official reserve assets", source)
    return known


def _columns(heading: Sequence[Record], source: str) -> dict[str, int]:
    """The column of each figure by its label, Japanese or English. Raises LayoutError."""
    places: dict[str, int] = {}
    for _, cells in heading:
        for column, cell in enumerate(cells):
            label = "".join(cell.split()).lower()
            places[label] = min(column, places.get(label, column))
    found = {}
    for name, labels in LABELS.items():
        columns = {places[label] for label in labels if label in places}
        if len(columns) != 1:
            stated = f"columns {', '.join(str(c + 1) for c in sorted(columns))}" if columns else "none"
            raise LayoutError(source, "heading", f"one column {' or '.join(labels)}", stated)
        found[name] = columns.pop()
    return found
