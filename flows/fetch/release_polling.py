"""Waiting for a release: which month is due, whether it is here, and politely asking until it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from treasury_watch.flows.fetch.http import FetchError
from treasury_watch.flows.fetch.sources import fetch_source
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.release_dates.release_calendar import (
    Calendar,
    expected_month,
    latest_release,
    possible_days,
)
from treasury_watch.transforms.release_dates.release_hours import NEW_YORK, RELEASE_HOUR
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse

FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 900.0


class ReleaseLate(TreasuryWatchError):
    """The new month was not there when polling was given up."""


def month_due(calendar: Calendar, now: datetime) -> date:
    """The newest month that should be out at `now` (aware): on a release day only from 16:00 New York time on."""
    local = now.astimezone(NEW_YORK)
    day = local.date() if local.hour >= RELEASE_HOUR else local.date() - timedelta(days=1)
    return expected_month(day, calendar)


def is_release_day(calendar: Calendar, now: datetime) -> bool:
    """Whether a month is released, or may be, on the day of `now` (aware) in New York."""
    day = now.astimezone(NEW_YORK).date()
    return day in possible_days(expected_month(day, calendar), calendar)


def may_still_come(calendar: Calendar, month: date, now: datetime) -> bool:
    """Whether `month`, missing at `now` (aware), is no late release yet: its day is an estimate, and others are left."""
    return now.astimezone(NEW_YORK).date() < latest_release(month, calendar)


def due_month_is_missing(warehouse: Warehouse, calendar: Calendar, now: datetime) -> bool:
    """Whether the newest month that should be out is not published here yet."""
    if not warehouse.home.database.exists():
        return True
    with open_published(warehouse.home.database) as connection:
        newest = connection.execute("SELECT max(last_month) FROM releases WHERE source = ?", [MAIN_SOURCE]).fetchall()[
            0
        ][0]
    return newest is None or newest < month_due(calendar, now)


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
    source = settings.declarations.source(MAIN_SOURCE)
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
                f"{MAIN_SOURCE}: expected figures for {month:%Y-%m}, found {last} after {counted(asked, 'request')}; "
                "the release is late or its address moved: see the TIC release calendar, then `treasury-watch run`"
            )
        sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
