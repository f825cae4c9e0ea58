"""When the statistics are released, and what a file's release date is."""

from __future__ import annotations

from datetime import date, timedelta

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.model import Parsed, Source

# Years not listed yet: releases fall in the middle of the month, six to seven weeks after the covered month's end.
ESTIMATED_DAY = 16


class FutureRelease(TreasuryWatchError):
    """A file claims to have been released after it was retrieved."""


def release_of(month: date, calendar: list[tuple[date, date]]) -> date:
    """The day that the figures of `month` were or will be first published; estimated where the calendar lacks it."""
    for released, covered in calendar:
        if covered == month:
            return released
    return estimated_release(month)


def estimated_release(month: date) -> date:
    """The first working day from the 16th of the second month after `month`."""
    number = month.year * 12 + month.month - 1 + 2
    day = date(number // 12, number % 12 + 1, ESTIMATED_DAY)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def expected_month(today: date, calendar: list[tuple[date, date]]) -> date:
    """The newest month that should be published by the end of `today`."""
    number = today.year * 12 + today.month - 1
    for back in range(1, 8):
        month = date((number - back) // 12, (number - back) % 12 + 1, 1)
        if release_of(month, calendar) <= today:
            return month
    return month


def next_release(today: date, calendar: list[tuple[date, date]]) -> tuple[date, date]:
    """The next release day after `today` and the newest month it covers."""
    number = today.year * 12 + today.month - 1
    months = [date((number - back) // 12, (number - back) % 12 + 1, 1) for back in range(8, -2, -1)]
    coming = [(release_of(month, calendar), month) for month in months if release_of(month, calendar) > today]
    day = min(coming)[0]
    return day, max(month for released, month in coming if released == day)


def dated(
    parsed: Parsed,
    source: Source,
    calendar: list[tuple[date, date]],
    *,
    retrieved: date,
    user: date | None = None,
) -> tuple[date, str]:
    """A file's release date and how it was determined: user, file, calendar or retrieval.

    Daily series carry no release; they are dated by their retrieval. Raises FutureRelease.
    """
    if user is not None:
        released, basis = user, "user"
    elif parsed.dated is not None:
        released, basis = parsed.dated, "file"
    elif source.holds == "observations":
        released, basis = release_of(parsed.last.date(), calendar), "calendar"
    else:
        return retrieved, "retrieval"
    if released > retrieved:
        raise FutureRelease(
            f"{source.id}: released {released} by the {basis}, but retrieved {retrieved}; "
            "check this machine's clock, or give the date with --released"
        )
    return released, basis
