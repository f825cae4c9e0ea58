"""Zips of the Treasury's release archive: each kept whole until its members are archived, a note on it kept for good.

release_archive/<name>.zip holds the bytes, <name>.json beside it where and when they came and what became of the members;
index.html and index.json are the page that lists them. A zip that was taken in whole is removed: the archive of the
warehouse has the bytes of its members. Nothing here is needed to make the tables again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.warehouse.home.durable_files import write_whole

INDEX = "index"
REFUSED = "refused"


@dataclass(frozen=True)
class ZipNote:
    """What is known of one zip. `row` is what the page said of it when it was asked for; `members` are the loaded or refused
    ones (name, source, sha256, outcome), None until they were looked at; `passed_over` counts the others.
    """

    url: str
    sha256: str
    bytes: int
    retrieved: datetime
    etag: str | None
    last_modified: str | None
    row: str
    members: tuple[dict[str, Any], ...] | None = None
    passed_over: int = 0

    @property
    def taken(self) -> bool:
        """Whether every member that matters was loaded: nothing is left to do."""
        return self.members is not None and all(member["outcome"] != REFUSED for member in self.members)


class ReleaseZips:
    """The folder release_archive/ of a home."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where the bytes of a zip, or of the page, lie while they are kept."""
        return self.folder / (f"{INDEX}.html" if name == INDEX else name)

    def note(self, name: str) -> ZipNote | None:
        """What is known of a zip; None where nothing is, or the note cannot be read: it is then fetched again."""
        try:
            content = json.loads(self._note(name).read_bytes())
            members = content["members"]
            return ZipNote(
                **{
                    **content,
                    "retrieved": datetime.fromisoformat(content["retrieved"]),
                    "members": None if members is None else tuple(members),
                }
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def is_kept(self, name: str) -> bool:
        """Whether the zip lies here whole, as its note says."""
        note = self.note(name)
        try:
            return note is not None and hashlib.sha256(self.path(name).read_bytes()).hexdigest() == note.sha256
        except OSError:
            return False

    def keep(self, name: str, body: bytes, note: ZipNote) -> None:
        """Keep bytes that were just fetched: they are here whole, and known, or not at all."""
        write_whole(self.path(name), body)
        self._write(name, note)

    def again(self, name: str, note: ZipNote, **changes: Any) -> None:
        """Note what changed of a zip whose bytes are as they were."""
        self._write(name, replace(note, **changes))

    def looked_at(self, name: str, members: Sequence[dict[str, Any]], passed_over: int) -> None:
        """Note what became of the members; a zip that was taken in whole is removed."""
        note = self.note(name)
        if note is None:
            return
        note = replace(note, members=tuple(members), passed_over=passed_over)
        self._write(name, note)
        if note.taken:
            self.path(name).unlink(missing_ok=True)

    def set_aside(self, name: str, sha256: str) -> None:
        """Note that a member that was loaded could not be published: the zip is fetched and read again by the next run."""
        note = self.note(name)
        if note is not None and note.members is not None:
            members = ({**m, "outcome": REFUSED} if m["sha256"] == sha256 else m for m in note.members)
            self._write(name, replace(note, members=tuple(members)))

    def clean(self) -> bool:
        """Write the notes again whose address has credentials, without. Returns whether there were any."""
        cleaned = False
        for path in sorted(self.folder.glob("*.json")):
            note = self.note(path.stem)
            if note is None:
                continue
            link, space, rest = note.row.partition(" ")
            row = without_credentials(link) + space + rest
            if (row, without_credentials(note.url)) != (note.row, note.url):
                self._write(path.stem, replace(note, row=row))
                cleaned = True
        return cleaned

    def _write(self, name: str, note: ZipNote) -> None:
        place = without_credentials(note.url)
        content = {**asdict(note), "url": place, "retrieved": note.retrieved.isoformat()}
        write_whole(self._note(name), json.dumps(content, indent=1).encode())

    def _note(self, name: str) -> Path:
        return self.folder / f"{name.removesuffix('.zip')}.json"
