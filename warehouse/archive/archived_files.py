"""The archive: bytes as served, kept once by checksum, with where, when and how they came.

raw/<source>/<sha256>.<ending> holds the bytes, <sha256>.json beside it what is known of them. An entry exists once its
JSON does. Nothing is ever changed or removed here; every table can be made again from this folder. Addresses are kept
without credentials.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.durable_files import write_whole

Place = tuple[str, date, date, date, datetime, str]
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CHECKSUM = "note_sha256"
DAY = re.compile(rf"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d|{'|'.join(MONTHS)})[-_.]?(\d\d)(?!\d)", re.IGNORECASE | re.ASCII)


class ArchiveDamaged(TreasuryWatchError):
    """An archived file is missing or no longer has its checksum."""


@dataclass(frozen=True)
class Entry:
    """One archived file. `refused` says why it was not loaded, `same_figures` that it told nothing new when it was: it
    need not be read again. `withdrawn` is the reason for which a user took it out of the ledger, `withdrawal_decided` when
    that was, or when it was undone.

    `released` is the day that its release is stated to be, by `released_basis`: user, file, calendar, container or
    retrieval. Of several states of one release all have it; the ledger tells them apart. `last` is the newest month or
    day that it covers, `container` the name of the archive or folder that it lay in.
    """

    source: str
    sha256: str
    bytes: int
    url: str
    retrieved: datetime
    etag: str | None = None
    last_modified: str | None = None
    released: date | None = None
    released_basis: str | None = None
    evidence: str | None = None
    refused: str | None = None
    same_figures: bool = False
    container: str | None = None
    last: date | None = None
    withdrawn: str | None = None
    withdrawal_decided: datetime | None = None

    @property
    def seen(self) -> date:
        """The day on which the file was there at the latest: that in the name of what it lay in, else its retrieval."""
        retrieved = self.retrieved.date()
        named = day_in(self.container or "")
        return named if named is not None and (self.released or named) <= named <= retrieved else retrieved

    @property
    def place(self) -> Place:
        """Its place among the files of its source; see `release_order`."""
        last, released = self.last or date.min, self.released or date.min
        return release_order(self.source, last, released, self.seen, self.retrieved, self.sha256)

    @property
    def accepted(self) -> bool:
        """Whether the file was loaded, as a vintage or as one that told nothing new, and was not withdrawn since."""
        return self.refused is None and self.withdrawn is None and self.released is not None


def content_of(entry: Entry) -> dict[str, Any]:
    """An entry as plain JSON values."""
    return {k: v.isoformat() if isinstance(v, date | datetime) else v for k, v in asdict(entry).items()}


def checksum_of(content: dict[str, Any]) -> str:
    """The checksum that a note carries of itself: a changed word is then noticed as a changed byte of a file is."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def entry_of(content: dict[str, Any]) -> Entry:
    """The entry that `content_of` made these values from. Raises ValueError, TypeError or KeyError where none did."""
    retrieved = datetime.fromisoformat(content["retrieved"])
    released = date.fromisoformat(content["released"]) if content["released"] else None
    last = date.fromisoformat(content["last"]) if content.get("last") else None
    decided = content.get("withdrawal_decided")
    known = {"retrieved": retrieved, "released": released, "last": last}
    return Entry(**{**content, **known, "withdrawal_decided": datetime.fromisoformat(decided) if decided else None})


def quarantined(entries: Iterable[Entry]) -> list[Entry]:
    """The files that were refused and still wait for somebody to look at them, the newest first.

    One whose address was later read without fault waits no more, nor does one that was withdrawn.
    """
    entries = list(entries)
    read: dict[str, datetime] = {}
    for entry in entries:
        if entry.accepted:
            read[entry.url] = max(entry.retrieved, read.get(entry.url, entry.retrieved))
    waiting = [
        entry
        for entry in entries
        if entry.refused is not None
        and entry.withdrawn is None
        and not (entry.url in read and read[entry.url] > entry.retrieved)
    ]
    return sorted(waiting, key=lambda entry: (entry.retrieved, entry.source, entry.sha256), reverse=True)


def release_order(source: str, last: date, released: date, seen: date, retrieved: datetime, sha256: str) -> Place:
    """The place of a file among its source's, the one rule for it: what it covers, when it was released, when it was seen.

    A file that covers less is an older statement, whenever it was downloaded. The checksum tells apart what nothing else
    does, so that the order does not depend on that of loading.
    """
    return source, last, released, seen, retrieved, sha256


def day_in(name: str) -> date | None:
    """The day that a name states, such as `ticrel_20220222.zip`, `2026-06-22` or `ticrel_2002dec31.zip`; None without one."""
    for year, month, day in DAY.findall(name):
        number = f"{1 + MONTHS.index(month.lower()):02}" if month.isalpha() else month
        with suppress(ValueError):
            return date.fromisoformat(f"{year}-{number}-{day}")
    return None


def _day_of_container(name: str | None) -> tuple[date, str]:
    return day_in(name or "") or date.max, name or "\uffff"


class Archive:
    """The folder raw/ of a home."""

    def __init__(self, folder: Path):
        self.folder = folder

    def put(
        self,
        source: str,
        body: bytes,
        *,
        url: str,
        retrieved: datetime,
        etag: str | None = None,
        last_modified: str | None = None,
        container: str | None = None,
    ) -> tuple[Entry, bool]:
        """Keep the bytes. Returns the entry and whether they are new; bytes seen before keep their entry, and of when they
        were retrieved and what they lay in the earliest, so that it does not matter which copy came first."""
        checksum = hashlib.sha256(body).hexdigest()
        known = self._read(self.note_path(source, checksum))
        if known is not None:
            try:
                self.body(known)
            except ArchiveDamaged:  # the same bytes are at hand: they mend the file
                write_whole(self.path(known), body)
            earliest = min(known.retrieved, retrieved)
            named = min(known.container, container, key=_day_of_container)
            if (known.retrieved, known.container) != (earliest, named):
                known = self.note(known, retrieved=earliest, container=named)
            return known, False
        place = without_credentials(url)
        entry = Entry(source, checksum, len(body), place, retrieved, etag, last_modified, container=container)
        write_whole(self.path(entry), body)
        self.note(entry)
        return entry, True

    def note(self, entry: Entry, **changes) -> Entry:
        """Record what is known of an entry, with changes such as its release date."""
        entry = replace(entry, url=without_credentials(entry.url), **changes)
        content = content_of(entry)
        note = json.dumps({**content, CHECKSUM: checksum_of(content)}, indent=1)
        write_whole(self.note_path(entry.source, entry.sha256), note.encode())
        return entry

    def find(self, source: str, checksum: str) -> Entry | None:
        """The entry of these bytes, or None. Raises ArchiveDamaged."""
        return self._read(self.note_path(source, checksum))

    def entries(self, source: str | None = None) -> list[Entry]:
        """Every entry, or one source's, in the order of `release_order`."""
        folders = [self._folder(source)] if source else sorted(p for p in self.folder.glob("*") if p.is_dir())
        found = [self._read(path) for folder in folders for path in sorted(folder.glob("*.json"))]
        kept = [entry for entry in found if entry is not None]
        return sorted(kept, key=lambda entry: entry.place)

    def clean(self) -> list[Entry]:
        """Write the notes again whose address has credentials, without. Returns their entries."""
        cleaned = []
        for entry in self.entries():
            note = json.loads(self.note_path(entry.source, entry.sha256).read_bytes())
            if note["url"] != entry.url:
                cleaned.append(self.note(entry))
        return cleaned

    def body(self, entry: Entry) -> bytes:
        """The bytes, checked against their checksum. Raises ArchiveDamaged that names the file."""
        path = self.path(entry)
        try:
            body = path.read_bytes()
        except FileNotFoundError as problem:
            raise ArchiveDamaged(
                f"{path}: missing from the archive; restore it from a backup, or fetch {entry.url} again"
            ) from problem
        found = hashlib.sha256(body).hexdigest()
        if found != entry.sha256:
            raise ArchiveDamaged(
                f"{path}: expected checksum {entry.sha256[:12]}, found {found[:12]}; "
                f"restore the file from a backup, or fetch {entry.url} again"
            )
        return body

    def noted(self, path: Path) -> Entry | None:
        """What the archive knows of one of its files, or None where it has no note. Raises ArchiveDamaged."""
        return self._read(path.with_suffix(".json"))

    def path(self, entry: Entry) -> Path:
        """Where the bytes lie."""
        ending = Path(entry.url.partition("?")[0]).suffix.lower() or ".txt"
        return (
            self._folder(entry.source)
            / f"{entry.sha256}{ending if ending in {'.txt', '.csv', '.html', '.zip'} else '.csv'}"
        )

    def _folder(self, source: str) -> Path:
        return self.folder / source.replace(":", "_")

    def note_path(self, source: str, checksum: str) -> Path:
        """Where what is known of these bytes lies."""
        return self._folder(source) / f"{checksum}.json"

    def _read(self, path: Path) -> Entry | None:
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_bytes())
            stated = content.pop(CHECKSUM, None)  # notes of before had none
            if stated is not None and stated != checksum_of(content):
                raise ValueError("it is not as it was written")
            entry = entry_of(content)
            return replace(entry, url=without_credentials(entry.url))  # notes of before kept all of it
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise ArchiveDamaged(
                f"{path}: not a readable archive note ({problem}); restore it from a backup"
            ) from problem
