"""When a file was released: by the user's word, the date it prints, the release calendar, or its retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.release_calendar import release_of
from treasury_watch.warehouse.archive.archived_files import Entry
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.vintages import Ledger


class FutureRelease(TreasuryWatchError):
    """A file claims to have been released after it was retrieved."""


class UnplacedRelease(TreasuryWatchError):
    """A file states a release that is known with other figures and is not the newest: only the user can date it."""


@dataclass(frozen=True)
class Release:
    """The day of a file's release, how it was determined (user, file, calendar or retrieval), and what the file is
    evidence of: a release, or a snapshot of the day.
    """

    day: date
    basis: str
    evidence: str


def dated(
    parsed: Parsed,
    source: Source,
    calendar: list[tuple[date, date]],
    *,
    retrieved: date,
    user: date | None = None,
) -> tuple[date, str]:
    """A file's release date and how it was determined, whatever else is known. Raises FutureRelease.

    Kinds of figure that come in no releases are dated by their retrieval.
    """
    if user is not None:
        released, basis = user, "user"
    elif parsed.dated is not None:
        released, basis = parsed.dated, "file"
    elif KINDS[source.holds].in_releases:
        released, basis = release_of(parsed.last.date(), calendar), "calendar"
    else:
        return retrieved, "retrieval"
    if released > retrieved:
        raise FutureRelease(
            f"{source.id}: released {released} by the {basis}, but retrieved {retrieved}; "
            "check this machine's clock, or give the date with --released"
        )
    return released, basis


def release_of_file(
    file: IncomingFile, parsed: Parsed, source: Source, calendar: list[tuple[date, date]], ledger: Ledger
) -> Release:
    """The release of a file among those that the ledger knows. Raises FutureRelease or UnplacedRelease.

    Where the release of that day is known with other figures, the file is a later state of it, dated by its download.
    """
    kind, retrieved = KINDS[source.holds], file.retrieved.date()
    day, basis = dated(parsed, source, calendar, retrieved=retrieved, user=file.released)
    if not kind.in_releases:
        return Release(day, basis, "snapshot")
    if file.released is not None or not ledger.released_on(source.id, day):
        return Release(day, basis, "release")
    conflicts = ledger.conflicting(source.id, kind, parsed.table, day)
    if not conflicts:
        return Release(day, basis, "release")
    newest = ledger.newest(source.id)
    if newest is not None and newest > day:
        raise UnplacedRelease(
            f"{source.id}: {conflicts} figures differ from the known release of {day}, and a later one, of "
            f"{newest}, is known too; dated by its download the file would replace it: "
            "give its day with --released"
        )
    return Release(retrieved, "retrieval", "snapshot")


def release_noted(entry: Entry) -> Release:
    """The release under which the archive keeps a file that was accepted."""
    if entry.released is None or entry.released_basis is None or entry.evidence is None:
        raise ValueError(f"{entry.source}: an undated file cannot become a vintage")
    return Release(entry.released, entry.released_basis, entry.evidence)
