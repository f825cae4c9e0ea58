"""When to run: at each release, every working day for the exchange rates, and when early signals are published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.transforms.release_dates.release_calendar import Calendar, possible_days
from treasury_watch.transforms.release_dates.release_hours import NEW_YORK, RELEASE_HOUR, RELEASE_ZONE
from treasury_watch.warehouse.declarations import Poll


@dataclass(frozen=True)
class Standing:
    """A schedule that never runs out: a `cron` line in a `timezone`, with the parameters of `monthly_run`."""

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


def poll_schedules(polls: Iterable[Poll]) -> list[Standing]:
    """A schedule for each poll of config/sources.toml, which asks its sources alone."""
    return [
        Standing(poll.name, poll.cron, poll.timezone, {"command": f"poll {poll.name}", "poll": poll.name})
        for poll in polls
    ]


def standing(schedule: Schedule, polls: Iterable[Poll] = ()) -> list[Standing]:
    """The schedules of prefect.yaml, from section [schedule] of the settings and the polls of config/sources.toml.

    `serve` registers the release days themselves and renews them every month. A deployment is registered once, and dates
    would run out: it starts on every working day at the hour of release, and ends at once where there is none.
    """
    waiting = release_parameters(schedule.give_up_after_hours) | {"only_on_release_day": True}
    return [
        Standing("release", f"0 {RELEASE_HOUR} * * 1-5", RELEASE_ZONE, waiting),
        Standing("daily", schedule.daily_cron, schedule.timezone, daily_parameters()),
        *poll_schedules(polls),
    ]


def release_moments(calendar: Calendar, now: datetime, months: int = 14) -> list[datetime]:
    """The coming releases, 16:00 New York time, as aware datetimes; of a month that the calendar lacks, every
    day on which the Treasury's rule lets it come.

    `now` is aware. Two months released on one day give one moment.
    """
    first = now.astimezone(NEW_YORK).date()
    number = first.year * 12 + first.month - 1 - 4
    covered = [date((number + i) // 12, (number + i) % 12 + 1, 1) for i in range(months + 4)]
    days = sorted({day for month in covered for day in possible_days(month, calendar)})
    moments = [datetime(day.year, day.month, day.day, RELEASE_HOUR, tzinfo=NEW_YORK) for day in days]
    return [moment for moment in moments if moment > now]


def recurrence(moments: list[datetime]) -> str:
    """The moments as RDATEs in New York time; the zone is given to the schedule beside it."""
    return "RDATE:" + ",".join(f"{moment.astimezone(NEW_YORK):%Y%m%dT%H%M%S}" for moment in moments)
