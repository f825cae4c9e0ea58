"""A file that arrives, as one value, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from treasury_watch.transforms.model import Parsed


@dataclass(frozen=True)
class IncomingFile:
    """Bytes to load, with where they came from. Without `source` the layout is recognised from the content.

    `released` is the user's word for the release date and goes before the file's own. `figures` is what these very bytes
    say, where they were parsed before. `container` is the name of the zip or archive that the bytes lay in.
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


@dataclass(frozen=True)
class Loaded:
    """What became of a file.

    `outcome`: vintage (new figures), same_figures (other bytes, no vintage) or known (seen before).
    """

    source: str
    outcome: str
    released: date | None
    released_basis: str | None
    figures: int
    changed: int
    sha256: str
    last: date | None = None

    def line(self) -> str:
        """The outcome in one line."""
        said = {
            "vintage": f"{self.changed:,} new or changed figures of {self.figures:,}",
            "same_figures": "other bytes, the same figures: no vintage",
            "known": "seen before",
        }[self.outcome]
        when = f", released {self.released} (by the {self.released_basis})" if self.released else ""
        return f"{self.source}: {said}{when}"
