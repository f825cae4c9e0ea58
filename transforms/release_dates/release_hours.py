"""The hour at which the Treasury releases its TIC data, as a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

RELEASE_HOUR = 16  # by the clocks of New York, since 2014
RELEASE_ZONE = "America/New_York"
NEW_YORK = ZoneInfo(RELEASE_ZONE)
MORNING, AFTERNOON = time(9), time(RELEASE_HOUR)
AFTERNOON_SINCE = date(2014, 9, 16)  # the first release at 16:00; those until August 2014 came at 09:00


def released_at(day: date) -> datetime:
    """The moment of a release of that day, in UTC."""
    hour = AFTERNOON if day >= AFTERNOON_SINCE else MORNING
    return datetime.combine(day, hour, NEW_YORK).astimezone(UTC)
