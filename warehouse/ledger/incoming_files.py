"""A file that arrives, as one value, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.model import Parsed
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive.archived_files import Entry


@dataclass(frozen=True)
class IncomingFile:
    """Bytes to load, with where they came from. Without `source` the layout is recognised from the content.

    `released` is the user's word for the release date and goes before the file's own. `figures` is what these very bytes
    say, where they were parsed before. `container` is the name of the archive or dated folder that the bytes lay in. Of what
    could not be read `unreadable` says why; the bytes are then those of the archive.
    """

    body: bytes
    url: str
    retrieved: datetime
    source: str | None = None
    released: date | None = None
    etag: str | None = None
    last_modified: str | None = None
    figures: Parsed | None = None
    container: str | None = None
    unreadable: TreasuryWatchError | None = None


@dataclass(frozen=True)
class Loaded:
    """What became of a file.

    `outcome`: vintage (new figures), same_figures (other bytes, no vintage), known (seen before), announced (a page with days
    of coming releases) or withdrawn (a user took these bytes out of the ledger: not loaded); `note` says more of it. `url` is
    where it came from.
    """

    source: str
    outcome: str
    released: date | None
    released_basis: str | None
    figures: int
    changed: int
    sha256: str
    last: date | None = None
    note: str = ""
    url: str = ""

    def said(self) -> str:
        """What became of it."""
        return {
            "vintage": f"{counted(self.changed, 'new or changed figure')} of {self.figures:,}",
            "same_figures": "other bytes, the same figures: no vintage",
            "known": "seen before",
            "announced": f"{counted(self.changed, 'new day of a coming release', 'new days of coming releases')}",
            "withdrawn": self.note,
        }[self.outcome]

    def line(self) -> str:
        """The outcome in one line."""
        when = f", released {self.released} (by the {self.released_basis})" if self.released else ""
        return f"{self.source}: {self.said()}{when}"


def withdrawn(entry: Entry) -> Loaded:
    """What is said of bytes that a user took out of the ledger: why, when, and how that is undone."""
    when = f" on {entry.withdrawal_decided:%Y-%m-%d}" if entry.withdrawal_decided else ""
    note = (
        f"not loaded, these bytes were withdrawn{when}: {entry.withdrawn}; to load them all the same: "
        f"`treasury-watch withdraw {entry.sha256[:12]} --undo`"
    )
    return Loaded(entry.source, "withdrawn", None, None, 0, 0, entry.sha256, note=note)
