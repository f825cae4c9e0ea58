"""When to run: at each release, politely until the new month is there, and every working day for the exchange rates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flows.fetching import FetchError
from flows.pipeline import fetch_source
from flows.settings import Settings
from transforms import layouts
from transforms.errors import LayoutError, TreasuryWatchError
from warehouse.calendar import expected_month, release_of
from warehouse.reading import open_published
from warehouse.warehouse import Warehouse

RELEASE_HOUR = 16
NEW_YORK = ZoneInfo("America/New_York")
MAIN = "slt_table3"
FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 900.0


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
