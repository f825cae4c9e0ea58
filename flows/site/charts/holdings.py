"""Charts of what a holder holds, over two years, ten years and all: for the page, for a holder's page, for a preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import duckdb

from treasury_watch.flows.site.charts.documents import BLUE
from treasury_watch.flows.site.charts.line_chart import NARROW, DrawnChart, Line, Size, draw
from treasury_watch.transforms.amounts import billions, percent
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.wording import is_plural, month_name, possessive, sentence, spoken
from treasury_watch.warehouse.home.published_database import rows_of

SOURCE = (
    "Source: U.S. Treasury (TIC), end of month, at market value; before 2012 as carried forward from annual surveys."
)
UNITS = "USD bn"

Row = dict[str, Any]
Dated = TypeVar("Dated", bound=Mapping[str, Any])  # a row of months


@dataclass(frozen=True)
class Range:
    """A span that a reader can choose; `months` is None for all there is."""

    key: str
    label: str
    months: int | None


TWO_YEARS, TEN_YEARS, ALL = Range("2y", "2 years", 24), Range("10y", "10 years", 120), Range("all", "All", None)
RANGES = (TWO_YEARS, TEN_YEARS, ALL)


@dataclass(frozen=True)
class RangedChart:
    """A chart in several ranges, with what is printed around it.

    `headline` says the point, from the figures; `units` what the axis counts; `source` where the figures are from. `drawn`
    has by range one chart for each size asked for, the first of which is the one to fall back on. `chosen` is shown first.
    """

    name: str
    headline: str
    units: str
    source: str
    drawn: Sequence[tuple[Range, Sequence[DrawnChart]]]
    chosen: str


def holdings_chart(
    connection: duckdb.DuckDBPyConnection,
    holder_id: str,
    *,
    ranges: Sequence[Range] = RANGES,
    chosen: Range = ALL,
    sizes: Sequence[Size] = (NARROW,),
    until: date | None = None,
) -> RangedChart | None:
    """The holdings of any holder, group or total, from 2000 or since they are known; None where none are.

    `until` leaves later months out. Raises duckdb.Error where a table is missing.
    """
    rows = history(connection, holder_id, until)
    if not rows:
        return None
    name = rows[-1]["holder"]
    line = amounts_line(name, BLUE, rows, label=())
    return ranged(f"holdings-{holder_id}", headline(name, rows), [line], ranges=ranges, chosen=chosen, sizes=sizes)


def ranged(
    name: str,
    told: str,
    lines: Sequence[Line],
    *,
    ranges: Sequence[Range] = RANGES,
    chosen: Range = ALL,
    sizes: Sequence[Size] = (NARROW,),
    units: str = UNITS,
    source: str = SOURCE,
) -> RangedChart | None:
    """These lines in each range; None where none has a value."""
    last = max((month for line in lines for month in line.values), default=None)
    if last is None:
        return None
    drawn = []
    for span in ranges:
        shown = lines if span.months is None else [line.since(shifted(last, 1 - span.months)) for line in lines]
        charts = [draw(shown, size) for size in sizes]
        drawn.append((span, [chart for chart in charts if chart is not None]))
    return RangedChart(name, told, units, source, drawn, chosen.key)


def comparable(rows: Sequence[Dated]) -> Sequence[Dated]:
    """The rows since the last new survey basis: nothing is compared across one."""
    starts = [place for place, row in enumerate(rows) if row.get("series_break")]
    return rows[starts[-1] :] if starts else rows


def history(connection: duckdb.DuckDBPyConnection, holder_id: str, until: date | None = None) -> list[Row]:
    """Month by month what a holder, group or total held, oldest first, with the months of a new survey basis."""
    return rows_of(
        connection,
        "SELECT holder_id, holder, month, position_usd_mn, coalesce(series_break, false) AS series_break "
        "FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months) "
        "WHERE holder_id = ? AND position_usd_mn IS NOT NULL AND month <= coalesce(?, month) ORDER BY month",
        holder_id,
        until,
    )


def amounts_line(name: str, colour: str, rows: Iterable[Mapping[str, Any]], label: Sequence[str]) -> Line:
    """The line of these positions in USD billions."""
    known = [row for row in rows if row["position_usd_mn"] is not None]
    return Line(
        name,
        colour,
        {
            row["month"]: (row["position_usd_mn"] / 1000, billions(row["position_usd_mn"], signed=False))
            for row in known
        },
        label,
        frozenset(row["month"] for row in known if row.get("series_break")),
    )


def headline(holder: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """What the history of a holder comes to, in one sentence: what it holds, and how far that is from its most, as far back as
    figures compare.
    """
    last, whole, rows = rows[-1], len(rows), comparable(rows)
    peak = max(rows, key=lambda row: row["position_usd_mn"])
    held = billions(last["position_usd_mn"], signed=False)
    now = f"{sentence(spoken(holder))} {'hold' if is_plural(holder) else 'holds'} {held}"
    if len(rows) == 1:
        return now
    if peak is last:
        which = "these" if len(rows) == whole else "comparable"
        return f"{now}, the most since {which} figures began in {month_name(rows[0]['month'])}"
    below = percent(100 * (1 - last["position_usd_mn"] / peak["position_usd_mn"]), 0)
    return (
        f"{sentence(possessive(holder))} holdings of {held} are {below} below their peak of {month_name(peak['month'])}"
    )
