"""Files on their way into the warehouse: found in a folder, parsed in any process, put in the order of their release.

What a file says lies in a scratch folder between the process that parsed it and the one that loads, so that no process
holds more than a file or two, however many there are. The scratch folder lives as long as one load does.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.model import Parsed
from treasury_watch.warehouse.archive.archived_files import Archive, release_order
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.ledger.dating import dated

CHECKSUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Found:
    """A file to load. Of one that an archive holds: its source, its release, and whether a user gave that date.
    `container` is the name of the archive that it lay in."""

    path: Path
    url: str
    retrieved: datetime
    source: str | None = None
    released: date | None = None
    released_by_user: bool = False
    container: str | None = None

    def body(self) -> bytes:
        """The bytes. Raises TreasuryWatchError where they cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as problem:
            raise TreasuryWatchError(f"{self.path}: {problem.strerror}; make it readable, or move it away") from problem


@dataclass(frozen=True)
class ParsedFile:
    """A file that was looked at. `source` is None where no layout fits; `figures` is where what it says lies, None where
    that has to be parsed again when it is loaded: the loader then says why it is refused.
    """

    found: Found
    sha256: str
    source: str | None = None
    day: date = date.max
    figures: Path | None = None

    def parsed(self, body: bytes) -> Parsed | None:
        """What the file says, None where `body` is not what was parsed or nothing could be."""
        if self.figures is None or hashlib.sha256(body).hexdigest() != self.sha256:
            return None
        return pickle.loads(self.figures.read_bytes())


def files_in(folder: Path, now: datetime) -> list[Found]:
    """Every file below the folder, by name. Hidden ones, an archive's notes and what it refused are left out.

    Raises ArchiveDamaged for a note that cannot be read, or whose file is missing or altered.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        archived = CHECKSUM.fullmatch(path.stem) is not None and path.with_suffix(".json").exists()
        if not archived:
            found.append(Found(path, path.resolve().as_uri(), now))
            continue
        archive = Archive(path.parent.parent)
        entry = archive.noted(path)
        if entry is None or entry.refused is not None:
            continue
        if path.suffix == ".json":
            archive.body(entry)  # a damaged archive is no source of vintages
            continue
        by_user = entry.released_basis == "user"
        found.append(Found(path, entry.url, entry.retrieved, entry.source, entry.released, by_user))
    return found


@contextmanager
def scratch(home: Home) -> Iterator[Path]:
    """An empty folder for what files say, removed at the end. Only for the holder of the writer's lock."""
    folder = home.root / "parsed"
    shutil.rmtree(folder, ignore_errors=True)  # left by a crash
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse_file(found: Found, into: Path, declarations: Declarations) -> ParsedFile:
    """Parse one file into the scratch folder. Raises TreasuryWatchError where it cannot be read from disk."""
    body = found.body()
    checksum = hashlib.sha256(body).hexdigest()
    try:
        name = found.source or layouts.recognised(body)
    except LayoutError:
        return ParsedFile(found, checksum)
    try:
        source = declarations.source(name)
        if source.layout == "press":  # each row has its own release: the loader reads them all together
            return ParsedFile(found, checksum, name)
        parsed = figures_of(body, source, declarations.holder_labels)
        retrieved = found.retrieved.date()
        day = found.released or dated(parsed, source, declarations.calendar, retrieved=retrieved)[0]
    except TreasuryWatchError:
        return ParsedFile(found, checksum, name)
    figures = into / f"{checksum}.pickle"
    figures.write_bytes(pickle.dumps(parsed))
    return ParsedFile(found, checksum, name, day, figures)


def in_release_order(items: Iterable[ParsedFile]) -> list[ParsedFile]:
    """The files of known layouts, source by source and oldest release first, so that no vintage comes in between."""
    known = [item for item in items if item.source is not None]
    return sorted(
        known, key=lambda item: release_order(item.source or "", item.day, item.found.retrieved, str(item.found.path))
    )
