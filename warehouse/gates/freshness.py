"""How old each loaded source is against when something newer was due: one rule, for gate, operator, page and status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import MAIN_SOURCE, Source
from treasury_watch.transforms.months import months_between, shifted
from treasury_watch.transforms.release_dates.release_calendar import Calendar, expected_month, latest_release
from treasury_watch.warehouse.declarations import Declarations

# a withdrawn file states no month
STATED = "SELECT source, max(last_month) FROM releases WHERE last_month IS NOT NULL GROUP BY source"


@dataclass(frozen=True)
class Freshness:
    """A loaded source of which something newer is due, or will be: `last` is the newest month or day it states, `due` the
    day on which something newer is. Of a source that the release calendar judges, `next_month` is the month that comes
    after its last and `months_missing` how many months are late; None and 0 of the others.
    """

    source: Source
    last: date
    due: date
    days_late: int
    next_month: date | None = None
    months_missing: int = 0

    @property
    def stale(self) -> bool:
        """Whether the day on which something newer was due is over."""
        return self.days_late > 0

    @property
    def kind(self) -> str:
        """What a stale source is: late where one release is missing, frozen where it is more than that."""
        return "late" if self.months_missing == 1 else "frozen"

    @property
    def words(self) -> str:
        """One line on a stale source: what it lacks and for how long."""
        days = f"{self.days_late} day{'s' if self.days_late != 1 else ''}"
        if self.next_month:
            return f"{self.source.id}: newest month {self.last:%Y-%m}; {self.next_month:%Y-%m} was due {days} ago"
        return f"{self.source.id}: newest day {self.last}; {days} longer than it may lag"


def newest_figures(connection: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """The newest month or day of each loaded source in a published database, perhaps of an earlier version's tables."""
    found = dict(connection.execute(STATED).fetchall())
    kept = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    for kind in KINDS.values():
        if not kind.in_releases and kind.published in kept:
            query = f"SELECT source, max({kind.dated_by}) FROM {kind.published} GROUP BY source"
            found |= dict(connection.execute(query).fetchall())
    return found


def freshness(newest: Mapping[str, date], declarations: Declarations, today: date) -> list[Freshness]:
    """The freshness at the end of `today` of every loaded source that can grow stale, in the order of their declaration."""
    judged = [source for source in declarations.sources.values() if source.id in newest and source.judged_by]
    return [_freshness_of(source, newest[source.id], declarations.calendar, today) for source in judged]


def never_loaded(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> list[Source]:
    """The sources that a run fetches and of which a published database has nothing, the main table first."""
    return not_among(newest_figures(connection), declarations)


def not_among(newest: Mapping[str, date], declarations: Declarations) -> list[Source]:
    """The sources that a run fetches and that are not among these, as `newest_figures` gives them, the main table first."""
    missing = [source for source in declarations.sources.values() if source.fetch and source.id not in newest]
    return sorted(missing, key=lambda source: source.id != MAIN_SOURCE)


def stale_sources(connection: duckdb.DuckDBPyConnection, declarations: Declarations, today: date) -> list[Freshness]:
    """The sources of a published database that are late or stand still: monthly ones first, then by precedence."""
    stale = [item for item in freshness(newest_figures(connection), declarations, today) if item.stale]
    return sorted(stale, key=lambda item: (item.next_month is None, item.source.precedence, item.source.id))


def late_month(today: date, calendar: Calendar) -> date:
    """The newest month that counts as late where it is missing: every day is over on which it was to be released."""
    return expected_month(today - timedelta(days=1), calendar, at_the_latest=True)


def _freshness_of(source: Source, last: date, calendar: Calendar, today: date) -> Freshness:
    if source.judged_by == "calendar":
        next_month = shifted(last, 1)
        due = latest_release(next_month, calendar)
        missing = months_between(last, late_month(today, calendar))
        return Freshness(source, last, due, max(0, (today - due).days), next_month, max(0, missing))
    due = last + timedelta(days=source.stale_after_days or 0)
    return Freshness(source, last, due, max(0, (today - due).days))
