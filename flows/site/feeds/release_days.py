"""The calendar of releases (iCalendar, RFC 5545): past and coming, in UTC; one whose day is an estimate says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid5

from icalendar import Calendar as CalendarFile
from icalendar import Event

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.feeds.entries import NAMESPACE
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.release_dates.release_calendar import Calendar, Listed, estimated_release, possible_days
from treasury_watch.transforms.release_dates.release_hours import released_at
from treasury_watch.transforms.wording import month_name

NAME = "releases.ics"
MONTHS_AHEAD = 12
LENGTH = timedelta(minutes=30)
Known = Mapping[str, Mapping[str, Any]]


def uid(month: date, again: int = 0) -> str:
    """The event's id: of the month that comes, so that it stays when the day moves. `again` counts further releases of it."""
    return f"{uuid5(NAMESPACE, f'release of {month:%Y-%m}' + (f', {again}' if again else ''))}@treasury-watch"


def days(calendar: Calendar, today: date) -> list[Listed]:
    """Every listed release, and an estimate for each coming month that is not listed, a year from `today`."""
    listed = {entry.month for entry in calendar}
    last = max([*listed, shifted(today.replace(day=1), -3)])
    coming = [shifted(last, number) for number in range(1, MONTHS_AHEAD + 1)]
    ahead = [Listed(estimated_release(month), month, "estimated") for month in coming]
    return sorted([*calendar, *(entry for entry in ahead if entry.released <= today + timedelta(days=366))])


def known_events(body: bytes) -> dict[str, Any]:
    """The events of a calendar file by their id; none where it is no calendar."""
    try:
        return {str(event["UID"]): event for event in CalendarFile.from_ical(body).walk("VEVENT")}
    except ValueError:
        return {}


def ics(
    calendar: Calendar, now: datetime, site_address: str, pages: Collection[date] = (), before: Known | None = None
) -> bytes:
    """The calendar as a file. `pages` are the days that have a page. `before` has the events of the file as it stands: one
    that says the same keeps its stamp, one that says something else gets the stamp `now` and the next number.
    """
    made = CalendarFile()
    made.add("prodid", "-//Treasury Watch//Releases of TIC data//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", "Releases of TIC data")
    made.add("x-wr-calname", "Releases of TIC data")
    seen: Counter[date] = Counter()
    for entry in days(calendar, now.date()):
        ident = uid(entry.month, seen[entry.month])
        seen[entry.month] += 1
        event = _event(entry, ident, calendar, site_address if entry.released in pages else "")
        _stamp(event, (before or {}).get(ident), now)
        made.add_component(event)
    return bytes(made.to_ical())


def _event(entry: Listed, ident: str, calendar: Calendar, site_address: str) -> Event:
    event, estimated = Event(), entry.basis != "published"
    start = released_at(entry.released)
    event.add("uid", ident)
    event.add("dtstart", start)
    event.add("dtend", start + LENGTH)
    event.add("summary", f"TIC data for {month_name(entry.month)}{' (day estimated)' if estimated else ''}")
    event.add("status", "TENTATIVE" if estimated else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if estimated:
        allowed = possible_days(entry.month, calendar)
        event.add(
            "description",
            "An estimate: the Treasury has not announced the day. By its rule it is the 11th business day plus 0 to 3, "
            f"{allowed[0]:%-d %B %Y} to {allowed[-1]:%-d %B %Y}.",
        )
    else:
        event.add("description", "Foreign holdings of U.S. Treasuries by the U.S. Treasury, on the day that it states.")
    if site_address:
        event.add("url", f"{site_address}{addresses.release_page(entry.released)}")
    return event


def _stamp(event: Event, before: Mapping[str, Any] | None, now: datetime) -> None:
    if before is None:
        stamp, sequence = now, 0
    elif _said(event) == _said(before):
        stamp, sequence = before["DTSTAMP"].dt, int(before["SEQUENCE"])
    else:
        stamp, sequence = now, int(before.get("SEQUENCE", 0)) + 1
    event.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    event.add("sequence", sequence)


def _said(event: Any) -> set[bytes]:
    """The lines of an event without those on its versions."""
    lines = event.to_ical().splitlines()
    return {line for line in lines if not line.startswith((b"DTSTAMP", b"SEQUENCE"))}
