"""Which sources are late or stand still, for the operator and the page: what freshness says, with where to look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb

from treasury_watch.flows.fetch.http import public_url
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import freshness, newest_figures


@dataclass(frozen=True)
class Behind:
    """A source whose newest figures are older than they should be. `last` is its newest month or day.

    `kind` is late (the newest due release is missing) or frozen (more than that is). `due` is the first missing month,
    None for daily series. `days` counts from the day on which the missing figures were due.
    """

    source: str
    title: str
    url: str
    kind: str
    last: date
    due: date | None
    days: int
    precedence: int
    unreached: bool = False

    @property
    def words(self) -> str:
        """One line: which source, what it lacks and for how long."""
        days = f"{self.days} day{'s' if self.days != 1 else ''}"
        if self.due:
            return f"{self.source}: newest month {self.last:%Y-%m}; {self.due:%Y-%m} was due {days} ago"
        return f"{self.source}: newest day {self.last}; {days} longer than it may lag"


def behind(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    today: date,
    *,
    late_after_days: int = 0,
    unreached: Iterable[str] = (),
) -> list[Behind]:
    """The loaded sources that are behind the release calendar or their own rhythm: monthly ones first, then by precedence.

    What is late is said in warehouse/gates/freshness.py. `unreached` are ids that could not be fetched;
    they keep their kind, so that an hour without network makes no new occurrence.
    """
    failed, found = set(unreached), []
    for item in freshness(newest_figures(connection), declarations, today):
        if not item.stale or (item.next_month is not None and item.days_late < late_after_days):
            continue
        source = item.source
        kind = "late" if item.months_missing == 1 else "frozen"
        found.append(
            Behind(
                source.id, source.title, public_url(source.url), kind, item.last, item.next_month, item.days_late,
                source.precedence, source.id in failed,
            )
        )  # fmt: skip
    return sorted(found, key=lambda item: (item.due is None, item.precedence, item.source))
