"""The day on which a figure was public, by the rule of its publisher: never before it could be known.

Rules are declared in config/sources.toml, [publication_rules], and named by the sources. Each gives, for the days that
figures are about, the day by whose end they were out as a rule; a release that came later than its rule is known late only
where its file says so, so that rules are set to the late side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError

Days = np.ndarray[Any, np.dtype[np.datetime64]]
DAY = np.timedelta64(1, "D")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
FIRST_YEAR, LAST_YEAR = 1950, 2100  # of the holidays


def public_days(days: pd.Series, rule: Mapping[str, Any]) -> pd.Series:
    """The day on which each figure was public, by the declared rule. Raises ConfigurationError for a rule that is none."""
    given = dict(rule)
    function = RULES.get(given.pop("rule", ""))
    if function is None:
        raise ConfigurationError(f"publication rule {dict(rule)}: expected rule = one of {', '.join(RULES)}")
    try:
        found = function(days.to_numpy().astype("datetime64[D]"), **given)
    except (TypeError, ValueError, NotImplementedError) as problem:
        raise ConfigurationError(
            f"publication rule {dict(rule)}: {problem}; see transforms/signals/publication_days.py for its keys"
        ) from problem
    return pd.Series(found.astype("datetime64[us]"), index=days.index)


def same_day(days: Days) -> Days:
    """Out on the day itself."""
    return days


def business_days_after(days: Days, *, country: str, number: int, period_days: int = 1) -> Days:
    """The `number`-th business day of the country after a period of so many days that begins on the figure's day."""
    last = days + (period_days - 1) * DAY
    # From the period's last day back to a business day, then so many on.
    return np.busday_offset(last, number, roll="preceding", busdaycal=_business_days(country))


def weekday_after(days: Days, *, country: str, weekday: str) -> Days:
    """The next such weekday after the figure's day; a day later where that week has a holiday up to it, and never on one."""
    if weekday not in WEEKDAYS:
        raise ValueError(f"weekday = {weekday!r}, expected one of {', '.join(WEEKDAYS)}")
    wanted = WEEKDAYS.index(weekday)
    own = (days.astype("int64") + 3) % 7  # 1 January 1970 was a Thursday
    following = days + ((wanted - own - 1) % 7 + 1) * DAY
    calendar = _business_days(country)
    monday = following - wanted * DAY
    open_days = np.busday_count(monday, following + DAY, busdaycal=calendar)
    later = following + np.where(open_days < wanted + 1, 1, 0) * DAY
    return np.busday_offset(later, 0, roll="forward", busdaycal=calendar)


def day_of_later_month(days: Days, *, country: str, months: int, day: int, business_day: int = 1) -> Days:
    """So many months after the figure's month: the later of that day, or the next business day, and of a business day by
    its number.
    """
    month = days.astype("datetime64[M]") + np.timedelta64(months, "M")
    first = month.astype("datetime64[D]")
    calendar = _business_days(country)
    by_day = np.busday_offset(first + (day - 1) * DAY, 0, roll="forward", busdaycal=calendar)
    by_number = np.busday_offset(first, business_day - 1, roll="forward", busdaycal=calendar)
    return np.maximum(by_day, by_number)


RULES: dict[str, Callable[..., Days]] = {
    "same_day": same_day,
    "business_days_after": business_days_after,
    "weekday_after": weekday_after,
    "day_of_later_month": day_of_later_month,
}


@cache
def _business_days(country: str) -> np.busdaycalendar:
    """The weekdays of a country (ISO 3166 alpha-2) without public and bank holidays. Raises NotImplementedError."""
    import holidays  # takes a tenth of a second

    years = range(FIRST_YEAR, LAST_YEAR)
    categories = {"public", "bank"} & set(holidays.country_holidays(country).supported_categories)
    closed = holidays.country_holidays(country, years=years, categories=tuple(sorted(categories)))
    return np.busdaycalendar(holidays=sorted(closed))
