"""The site's folder: files appear whole, only those that changed are written, and what was once published stays known."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.written import replace_whole
from treasury_watch.transforms.errors import TreasuryWatchError

LOCK = ".site.lock"
WAIT_SECONDS = 60
# What stays where a build no longer makes it: readers link to it.
KEPT = ("holders/", "findings/", "releases/", "previews/")

Row = dict[str, Any]


class SiteError(TreasuryWatchError):
    """The site cannot be made or written."""


@dataclass
class Record:
    """What earlier builds published: the checksum of each file, the drawing that each preview was made of, and what was
    said of each finding and release then. Kept in the site's own folder, in addresses.RECORD.
    """

    files: dict[str, str] = field(default_factory=dict)
    drawings: dict[str, str] = field(default_factory=dict)
    findings: dict[str, Row] = field(default_factory=dict)
    releases: dict[str, Row] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """The record as it is kept: the same for the same site."""
        return (json.dumps(vars(self), indent=0, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_record(folder: Path) -> Record:
    """The record of a site's folder, empty where there is none yet. Raises SiteError for a folder that is no site's."""
    path = folder / addresses.RECORD
    try:
        if path.exists():
            return Record(**json.loads(path.read_bytes()))
        others = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except (OSError, ValueError, TypeError) as problem:
        raise SiteError(
            f"site: {path}: expected the record of an earlier build, found {type(problem).__name__}; "
            "restore the file, or name an empty folder with --out"
        ) from problem
    if others:
        raise SiteError(
            f"site: {folder} holds other files ({sorted(others)[0]!r} among {len(others)}) and no {addresses.RECORD}; "
            "name an empty folder, or that of a site, with --out"
        )
    return Record()


@contextmanager
def building(folder: Path, mode: int = 0o644, wait_seconds: float = WAIT_SECONDS) -> Iterator[Record]:
    """The folder for one build alone, with its record; a crash frees it. It is made as open as its files, of this `mode`,
    are. Raises SiteError where it cannot be had.
    """
    try:
        open_folder(folder, mode)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=wait_seconds)
    except Timeout as problem:
        raise SiteError(f"site: another build is writing to {folder}; wait for it to end") from problem
    except OSError as problem:
        raise SiteError(f"site: {folder} cannot be written ({problem.strerror}); name another with --out") from problem
    try:
        record = read_record(folder)
        if not (folder / addresses.RECORD).exists():  # a build that ends early leaves a site's folder all the same
            replace_whole(folder / addresses.RECORD, record.as_json(), mode)
        yield record
    finally:
        lock.release()


def open_folder(folder: Path, mode: int) -> None:
    """Make the folders that are missing, each as open as files of this mode: who may read them may look into it."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        os.chmod(place, mode | 0o100 | (mode & 0o044) >> 2)


@dataclass
class Folder:
    """A site's folder during one build. `made` are the addresses of this build, `written` those whose bytes changed."""

    root: Path
    record: Record
    mode: int = 0o644
    made: dict[str, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def put(self, address: str, body: bytes | str) -> None:
        """Write a file whole where its bytes are not there yet; one that is as it was keeps its time. Raises SiteError."""
        content = body.encode() if isinstance(body, str) else body
        self.made[address] = hashlib.sha256(content).hexdigest()
        path = self.root / address
        try:
            if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
                return
            open_folder(path.parent, self.mode)
            replace_whole(path, content, self.mode)
        except OSError as problem:
            raise SiteError(f"site: {path} cannot be written ({problem.strerror}); see to the folder") from problem
        self.written.append(address)

    def adopt(self, address: str) -> None:
        """Count a file that a builder has put into the folder itself, whole and only where it changed."""
        with (self.root / address).open("rb") as file:
            self.made[address] = hashlib.file_digest(file, "sha256").hexdigest()
        os.chmod(self.root / address, self.mode)
        if self.record.files.get(address) != self.made[address] and address not in self.written:
            self.written.append(address)

    def open_folder(self, folder: Path) -> None:
        """Make the folders that are missing, as open as the files in them."""
        open_folder(folder, self.mode)

    def keep(self, address: str) -> bool:
        """Count a file of an earlier build as one of this build. Returns whether it is there as it was written."""
        known = self.record.files.get(address)
        if known is None or not (self.root / address).is_file():
            return False
        self.made[address] = known
        return True

    def finish(self) -> None:
        """Remove what earlier builds made and this one did not, but for pages that others may link to; keep the record."""
        for address in self.record.files.keys() - self.made.keys():
            if address.startswith(KEPT) and (self.root / address).is_file():
                self.made[address] = self.record.files[address]
                continue
            (self.root / address).unlink(missing_ok=True)
            self.removed.append(address)
        self.record.files = dict(self.made)
        self.record.drawings = {page: drawn for page, drawn in self.record.drawings.items() if page in self.made}
        made = dict(self.made)
        self.put(addresses.RECORD, self.record.as_json())
        self.made = made
