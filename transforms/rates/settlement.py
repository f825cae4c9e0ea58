"""The day on which a currency operation is paid for: two business days after the trade."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

BUSINESS_DAYS = 2  # spot, the market's rule for the dollar against the yen


def settlement_day(traded: date, country: str) -> date:
    """The second day after `traded` that is a business day both in the country (ISO 3166 alpha-2) and in the U.S.

    Sundays, Saturdays, public holidays and, where a country has them, bank holidays are none. An operation on a holiday
    counts from that day.
    """
    day, left = traded, BUSINESS_DAYS
    while left:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in _holidays(country) and day not in _holidays("US"):
            left -= 1
    return day


@cache
def _holidays(country: str) -> HolidayBase:
    import holidays  # takes a tenth of a second

    categories = {"public", "bank"} & set(holidays.country_holidays(country).supported_categories)
    return holidays.country_holidays(country, categories=tuple(sorted(categories)))
