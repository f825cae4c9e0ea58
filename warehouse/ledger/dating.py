"""When a file was released: by the user's word, the day it prints, the release calendar, what it lay in, its retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.release_dates.release_calendar import Calendar, published_release, release_of_archive
from treasury_watch.warehouse.archive.archived_files import Entry, day_in

# What `released_basis` and `dated_by` say of a day.
USER, FILE, CALENDAR, CONTAINER, RETRIEVAL = "user", "file", "calendar", "container", "retrieval"
NO_PRINTED_DAY = {"cslt"}  # what an earlier version took for one was the day of transmission, before the release
SIGNALS = "signal_series"  # figures whose files print months to come, which a slip would fill
NEXT_RELEASE = "next_release"  # before the release that followed, and no more is known


class FutureRelease(TreasuryWatchError):
    """A file claims to have been released after it was retrieved."""


class TooEarlyRelease(TreasuryWatchError):
    """A file is said to have been released before the end of a month that it states."""


@dataclass(frozen=True)
class Release:
    """The day of a file's release, how it was determined (user, file, calendar, container, retrieval or next_release), and
    what the file is evidence of: a release, or a snapshot of the day.
    """

    day: date
    basis: str
    evidence: str


def dated(
    parsed: Parsed,
    source: Source,
    calendar: Calendar,
    *,
    retrieved: date,
    user: date | None = None,
    container: str | None = None,
) -> tuple[date, str]:
    """A file's release date and how it was determined, whatever else is known.

    Only facts date a file: an estimate of the calendar does not, and such a file is dated by its retrieval, when it was
    there at the latest. Kinds of figure that come in no releases are dated so too. Raises FutureRelease, and
    TooEarlyRelease for a day that a user gives or a file prints before the end of its newest month.
    """
    in_releases, last = KINDS[source.holds].in_releases, parsed.last.date()
    if user is not None:
        released, basis = user, USER
    elif parsed.dated is not None:
        released, basis = parsed.dated, FILE
        if (
            not in_releases and eve_of(released) == retrieved
        ):  # the day has begun east of Greenwich, where it was printed
            released, basis = retrieved, RETRIEVAL
    else:
        released, basis = _day_known(in_releases, last, calendar, retrieved, container)
    if released > retrieved:
        raise FutureRelease(
            f"{source.id}: released {released} by the {basis}, but retrieved {retrieved}; "
            "check this machine's clock, or give the date with --released"
        )
    if source.holds == SIGNALS and eve_of(last) > retrieved:
        raise FutureRelease(
            f"{source.id}: states {last}, but was retrieved {retrieved}; expected no figure of a day to come: "
            "check the file's dates, or this machine's clock; nothing was loaded"
        )
    if in_releases and basis in (USER, FILE) and released < shifted(last.replace(day=1), 1):
        raise TooEarlyRelease(
            f"{source.id}: released {released} by the {basis}, but the file states {last:%Y-%m}; "
            "give the day of its release with --released"
        )
    return released, basis


def dated_again(entry: Entry, source: Source, calendar: Calendar) -> Release:
    """The release of an accepted file by what is known today: where the calendar dated it, or could not yet, it may know
    better now. What a user gave and a file printed stays.
    """
    if entry.released is None or entry.released_basis is None or entry.evidence is None:
        raise ValueError(f"{entry.source}: an undated file cannot become a vintage")
    by_file = entry.released_basis == FILE and source.layout not in NO_PRINTED_DAY
    if by_file or entry.released_basis == USER or entry.last is None:
        return Release(entry.released, entry.released_basis, entry.evidence)
    in_releases, retrieved = KINDS[source.holds].in_releases, entry.retrieved.date()
    day, basis = _day_known(in_releases, entry.last, calendar, retrieved, entry.container)
    if day > retrieved:  # another day was published since; the file was there before it
        day, basis = retrieved, RETRIEVAL
    return release(day, basis, source)


def release(day: date, basis: str, source: Source) -> Release:
    """A release of the source. What is dated by when it was there is a snapshot of that day."""
    told = KINDS[source.holds].in_releases and basis != RETRIEVAL
    return Release(day, basis, "release" if told else "snapshot")


def _day_known(
    in_releases: bool, last: date, calendar: Calendar, retrieved: date, container: str | None
) -> tuple[date, str]:
    if not in_releases:
        return retrieved, RETRIEVAL
    listed = release_of_archive(container or "", calendar) or published_release(last, calendar)
    if listed is not None:
        return listed, CALENDAR
    named = day_in(container or "")
    if named is not None and shifted(last.replace(day=1), 1) <= named <= retrieved:
        return named, CONTAINER
    return retrieved, RETRIEVAL


def eve_of(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)
