"""When the statistics are released: facts where a source states the day, else an estimate, which never dates a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from treasury_watch.transforms.months import shifted

# The Treasury's own rule: "the 11th business day plus 0 to 3 days", of the second month after the one covered.
FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY = 11, 14
MONTHS_AFTER = 2


class Listed(NamedTuple):
    """One release of the calendar: its day, the first day of the newest month it covers, whether a source states the day
    (`published`) or somebody guessed it (`estimated`), and the name of its zip in the Treasury's archive, or "".
    """

    released: date
    month: date
    basis: str = "published"
    archive: str = ""


Calendar = list[Listed]


def published_release(month: date, calendar: Calendar) -> date | None:
    """The day on which the figures of `month` were or will be first published, as a source states it; else None."""
    return next((entry.released for entry in calendar if entry.month == month and entry.basis == "published"), None)


def release_of_archive(name: str, calendar: Calendar) -> date | None:
    """The day of the release that the Treasury keeps under this name, which may carry another day; None if unlisted."""
    names = (name.removesuffix(".zip") + ".zip",) if name else ()  # unpacked, the folder has the name
    return next((entry.released for entry in calendar if entry.archive in names and entry.basis == "published"), None)


def release_of(month: date, calendar: Calendar) -> date:
    """The day to expect the figures of `month`, or on which they came: listed, else the estimate. Dates no file."""
    return _listed(month, calendar) or estimated_release(month)


def latest_release(month: date, calendar: Calendar) -> date:
    """The day after which the figures of `month` are late: the published one, else the last that the rule allows."""
    return published_release(month, calendar) or max(
        release_of(month, calendar), business_day(_second_after(month), LAST_BUSINESS_DAY)
    )


def estimated_release(month: date) -> date:
    """The 11th business day (federal holidays left out) of the second month after `month`.

    Of the 276 releases from December 2002 to November 2025, 245 came on that day, 20 on the 12th to 14th and 11 on
    another, 9 of them later: 265 are within the rule, 266 where August 2025, delayed by a shutdown, is counted in the
    month in which it came. Of the 34 releases of January 2024 to October 2026 it was 11, and 20 on the 12th to 14th: the
    day on which to begin to look, not yet one to call a release late (`latest_release`).
    """
    return business_day(_second_after(month), FIRST_BUSINESS_DAY)


def possible_days(month: date, calendar: Calendar) -> list[date]:
    """The days on which `month` may come: the published one alone, else every business day that the rule allows."""
    known = published_release(month, calendar)
    if known is not None:
        return [known]
    days = [business_day(_second_after(month), n) for n in range(FIRST_BUSINESS_DAY, LAST_BUSINESS_DAY + 1)]
    return sorted({*days, release_of(month, calendar)})


@cache
def business_day(month: date, number: int) -> date:
    """The working day of a month with this number, from 1, in Washington: no weekend, no federal holiday."""
    import holidays  # takes a tenth of a second, and most commands need no estimate

    federal = holidays.country_holidays("US", years=month.year)
    day, counted = month.replace(day=1), 0
    while True:
        counted += day.weekday() < 5 and day not in federal
        if counted == number:
            return day
        day += timedelta(days=1)


def expected_month(today: date, calendar: Calendar, *, at_the_latest: bool = False) -> date:
    """The newest month that should be published by the end of `today`; with `at_the_latest` an unlisted one counts only
    when all days are over on which it may come.
    """
    day_of = latest_release if at_the_latest else release_of
    for back in range(1, 8):
        month = _months_before(today, back)
        if day_of(month, calendar) <= today:
            return month
    return month


def next_release(today: date, calendar: Calendar) -> tuple[date, date]:
    """The next release day after `today` and the newest month it covers."""
    months = [_months_before(today, back) for back in range(8, -2, -1)]
    listed = [day for month in months if (day := _listed(month, calendar)) and day > today]
    soonest = min(listed, default=date.max)  # what cannot be out by then need not be estimated, which takes a calendar
    asked = [month for month in months if _listed(month, calendar) or _second_after(month) <= soonest]
    coming = [(day, month) for month in asked if (day := release_of(month, calendar)) > today]
    day = min(coming)[0]
    return day, max(month for released, month in coming if released == day)


def last_release(today: date, calendar: Calendar) -> date:
    """The newest release day up to and with `today`."""
    months = [_months_before(today, back) for back in range(12, -2, -1)]
    asked = [month for month in months if _listed(month, calendar) or _second_after(month) <= today]
    return max(day for month in asked if (day := release_of(month, calendar)) <= today)


def with_announced(calendar: Calendar, announced: Iterable[Listed]) -> Calendar:
    """The calendar with days that the Treasury has announced since, the latest statement last. Oldest release first.

    An announced day goes before a listed one only where it was still to come when it was announced: whoever calls leaves
    the others out. Then it is the newer statement on the same release; what has happened stays as it is listed.
    """
    newest = {entry.month: entry for entry in announced}
    return sorted([*(entry for entry in calendar if entry.month not in newest), *newest.values()])


def _listed(month: date, calendar: Calendar) -> date | None:
    """The day of the release of `month` in the calendar."""
    return next((entry.released for entry in calendar if entry.month == month), None)


def _second_after(month: date) -> date:
    return shifted(month, MONTHS_AFTER)


def _months_before(day: date, months: int) -> date:
    return shifted(day.replace(day=1), -months)
