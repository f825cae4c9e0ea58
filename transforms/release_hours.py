"""The hour at which the Treasury releases its TIC data, as a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
MORNING, AFTERNOON = time(9), time(16)
AFTERNOON_SINCE = date(2014, 9, 16)  # the first release at 16:00; those until August 2014 came at 09:00


def released_at(day: date) -> datetime:
    """The moment of a release of that day, in UTC."""
    hour = AFTERNOON if day >= AFTERNOON_SINCE else MORNING
    return datetime.combine(day, hour, NEW_YORK).astimezone(UTC)
