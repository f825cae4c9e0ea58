"""Days of coming releases that the Treasury announced: read from the archived pages, so that a rebuild knows the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treasury_watch.transforms.model import RELEASE_DATES
from treasury_watch.transforms.release_dates.release_calendar import Listed
from treasury_watch.warehouse.archive.archived_files import Archive, Entry

if TYPE_CHECKING:
    from treasury_watch.transforms.layouts.pages.release_dates import ReleaseDates


def announced_releases(archive: Archive) -> list[Listed]:
    """What the archived pages announced, the newest statement last. Raises ArchiveDamaged."""
    pages = sorted(archive.entries(RELEASE_DATES), key=lambda page: (page.retrieved, page.sha256))
    if not pages:
        return []
    from treasury_watch.transforms.layouts.pages.release_dates import read  # half a second, with all parsers

    return [entry for page in pages for entry in still_to_come(read(archive.body(page)), page)]


def still_to_come(page: ReleaseDates, entry: Entry) -> list[Listed]:
    """The releases of a page that were still to come when it was fetched, on days that it is sure of.

    On these the Treasury's newest word goes before the declared calendar's. On what had been released the calendar is
    made of what happened, and stays.
    """
    return [
        listed for listed in page.listed if listed.basis == "published" and listed.released > entry.retrieved.date()
    ]
