"""When to run: at each release, politely until the new month is there, and every working day for the exchange rates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from treasury_watch.flows.fetch.http import FetchError
from treasury_watch.flows.run.steps import fetch_source
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.release_dates import expected_month, release_of

RELEASE_HOUR = 16
RELEASE_ZONE = "America/New_York"
NEW_YORK = ZoneInfo(RELEASE_ZONE)
MAIN = "slt_table3"
FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class Standing:
    """A schedule that never runs out: a `cron` line in a `timezone`, with the parameters of `flows.monthly.monthly_run`."""

    slug: str
    cron: str
    timezone: str
    parameters: dict[str, Any]


def release_parameters(wait_hours: float) -> dict[str, Any]:
    """The parameters of a run that waits for a release, at most so many hours."""
    return {"command": "release day", "wait_hours": wait_hours}


def daily_parameters() -> dict[str, Any]:
    """The parameters of a run on working days."""
    return {"command": "daily run"}


def standing(schedule: Schedule) -> list[Standing]:
    """The schedules of prefect.yaml, from section [schedule] of the settings.

    `serve` registers the release days themselves and renews them every month. A deployment is registered once, and dates
    would run out: it starts on every working day at the hour of release, and ends at once where there is none.
    """
    waiting = release_parameters(schedule.give_up_after_hours) | {"only_on_release_day": True}
    return [
        Standing("release", f"0 {RELEASE_HOUR} * * 1-5", RELEASE_ZONE, waiting),
        Standing("daily", schedule.daily_cron, schedule.timezone, daily_parameters()),
    ]


class ReleaseLate(TreasuryWatchError):
    """The new month was not there when polling was given up."""


def release_moments(calendar: list[tuple[date, date]], now: datetime, months: int = 14) -> list[datetime]:
    """The coming releases, 16:00 New York time, as aware datetimes; estimated days where the calendar has none yet.

    `now` is aware. Two months released on one day give one moment.
    """
    first = now.astimezone(NEW_YORK).date()
    number = first.year * 12 + first.month - 1 - 4
    covered = [date((number + i) // 12, (number + i) % 12 + 1, 1) for i in range(months + 4)]
    days = sorted({release_of(month, calendar) for month in covered})
    moments = [datetime(day.year, day.month, day.day, RELEASE_HOUR, tzinfo=NEW_YORK) for day in days]
    return [moment for moment in moments if moment > now]


def recurrence(moments: list[datetime]) -> str:
    """The moments as RDATEs in New York time; the zone is given to the schedule beside it."""
    return "RDATE:" + ",".join(f"{moment.astimezone(NEW_YORK):%Y%m%dT%H%M%S}" for moment in moments)


def month_due(calendar: list[tuple[date, date]], now: datetime) -> date:
    """The newest month that should be out at `now` (aware): on a release day only from 16:00 New York time on."""
    local = now.astimezone(NEW_YORK)
    day = local.date() if local.hour >= RELEASE_HOUR else local.date() - timedelta(days=1)
    return expected_month(day, calendar)


def is_release_day(calendar: list[tuple[date, date]], now: datetime) -> bool:
    """Whether a month is or will be released on the day of `now` (aware) in New York; estimated as in `release_of`."""
    day = now.astimezone(NEW_YORK).date()
    return release_of(expected_month(day, calendar), calendar) == day


def await_release(
    settings: Settings,
    warehouse: Warehouse,
    month: date,
    *,
    give_up_after_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Poll Table 3 until it states `month`; returns how often it was asked.

    Requests are conditional where the server allows it, and the waits between them double up to a quarter of an hour.
    A failed request counts as not yet. Raises ReleaseLate when `give_up_after_seconds` have passed.
    """
    source = settings.declarations.source(MAIN)
    deadline = clock() + give_up_after_seconds
    wait, asked, last = FIRST_WAIT_SECONDS, 0, "nothing new"
    while True:
        asked += 1
        try:
            answer = fetch_source(source, settings, warehouse)
            if answer.status == "new":
                newest = layouts.parse(answer.body, source).last.date()
                if newest >= month:
                    return asked
                last = f"figures to {newest:%Y-%m}"
        except (FetchError, LayoutError) as problem:
            last = str(problem)
        if clock() + wait > deadline:
            raise ReleaseLate(
                f"{MAIN}: expected figures for {month:%Y-%m}, found {last} after {asked} requests; "
                "the release is late or its address moved: see the TIC release calendar, then `treasury-watch run`"
            )
        sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def behind(warehouse: Warehouse, calendar: list[tuple[date, date]], now: datetime) -> bool:
    """Whether the newest month that should be out is not published here yet."""
    if not warehouse.home.database.exists():
        return True
    with open_published(warehouse.home.database) as connection:
        newest = connection.execute("SELECT max(last_month) FROM releases WHERE source = ?", [MAIN]).fetchall()[0][0]
    return newest is None or newest < month_due(calendar, now)
