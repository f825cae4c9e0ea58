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
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.layouts.containers import is_container, members
from treasury_watch.transforms.layouts.contents import contents_of
from treasury_watch.transforms.layouts.file_kinds import kind_of
from treasury_watch.transforms.layouts.pages import release_dates
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.model import Parsed
from treasury_watch.warehouse.archive.archived_files import Archive, Entry, Place, day_in
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.categorical_frames import texts_as_categories
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.ledger.dating import dated
from treasury_watch.warehouse.ledger.incoming.incoming_files import read_plain

CHECKSUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Found:
    """A file to load. Of one that an archive of the warehouse holds: its source, its release, and whether a user gave that
    date. Of one that lies in a zip or gzip file, at `path`: its name there.

    `container` is the name of what it lay in, a zip or a folder named for a day: `ticrel_20251118.zip`, `2026-06-22`.
    """

    path: Path
    url: str
    retrieved: datetime
    source: str | None = None
    released: date | None = None
    released_by_user: bool = False
    container: str | None = None
    member: str | None = None

    def body(self) -> bytes:
        """The bytes. Raises TreasuryWatchError where they cannot be read."""
        try:
            body = read_plain(self.path)
        except OSError as problem:
            raise TreasuryWatchError(f"{self.path}: {problem.strerror}; make it readable, or move it away") from problem
        if self.member is None:
            return body
        inside = next((one for one in members(body, self.path.name) if one.name == self.member), None)
        if inside is None:
            raise TreasuryWatchError(f"{self.path}: {self.member} is no longer in it; start again")
        return inside.body

    def within(self, member: str) -> Found:
        """The file of that name within this one."""
        url = f"{self.url}#{member}"
        return replace(self, url=url, container=self.path.name, member=member)


@dataclass(frozen=True)
class ParsedFile:
    """A file that was looked at. `source` is None where no layout fits; `figures` is where what it says lies, None where
    that has to be parsed again when it is loaded: the loader then says why it is refused. `kind` is what a file of no
    layout is, as far as that can be told; `unreadable` why a container, or what lies in it, could not be opened.
    """

    found: Found
    sha256: str
    source: str | None = None
    last: date = date.max
    day: date = date.max
    figures: Path | None = None
    kind: str = ""
    unreadable: TreasuryWatchError | None = None

    @property
    def name(self) -> str:
        """The file for a message, with its place in an archive."""
        return f"{self.found.path}: {self.found.member}" if self.found.member else str(self.found.path)

    @property
    def place(self) -> Place:
        """Its place among the files to load, as the archive will have it."""
        entry = Entry(
            self.source or "", self.sha256, 0, self.found.url, self.found.retrieved,
            released=self.day, container=self.found.container, last=self.last,
        )  # fmt: skip
        return entry.place

    def parsed(self, body: bytes) -> Parsed | None:
        """What the file says, None where `body` is not what was parsed or nothing could be."""
        if self.figures is None or hashlib.sha256(body).hexdigest() != self.sha256:
            return None
        return pickle.loads(self.figures.read_bytes())


def files_in(folder: Path, now: datetime) -> list[Found]:
    """Every file below the folder, by name. Hidden ones, an archive's notes, what it refused and what was withdrawn are left out.

    Raises ArchiveDamaged for a note that cannot be read, or whose file is missing or altered.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        archived = CHECKSUM.fullmatch(path.stem) is not None and path.with_suffix(".json").exists()
        if not archived:
            found.append(
                Found(path, path.resolve().as_uri(), now, container=dated_folder(path.relative_to(folder.parent)))
            )
            continue
        archive = Archive(path.parent.parent)
        entry = archive.noted(path)
        if entry is None or entry.refused is not None or entry.withdrawn is not None:
            continue
        if path.suffix == ".json":
            archive.body(entry)  # a damaged archive is no source of vintages
            continue
        by_user = entry.released_basis == "user"
        found.append(
            Found(path, entry.url, entry.retrieved, entry.source, entry.released, by_user, entry.container)
        )  # fmt: skip
    return found


def dated_folder(path: Path) -> str | None:
    """The name of the nearest folder of the path that is named for a day, None where none is."""
    return next((parent.name for parent in path.parents if day_in(parent.name)), None)


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


def parse_found(found: Found, into: Path, declarations: Declarations) -> list[ParsedFile]:
    """Parse a file, or those of known layouts that lie in it, into the scratch folder. What is not read is named, also what
    cannot be read from disk.
    """
    try:
        body = found.body()
    except TreasuryWatchError as problem:
        return [ParsedFile(found, "", unreadable=problem)]
    if found.source is not None or not is_container(body):
        return [parse_file(found, into, declarations, body)]
    checksum = hashlib.sha256(body).hexdigest()
    try:
        contents = contents_of(body, found.path.name)
    except LayoutError as problem:
        return [ParsedFile(found, checksum, unreadable=problem)]
    items = [ParsedFile(found.within(name), checksum, kind=what) for name, what in contents.passed_over]
    items += [ParsedFile(found.within(name), checksum, unreadable=why) for name, why in contents.refused]
    for member, source in contents.read:
        inside = found.within(member.name) if member.container else found
        try:
            items.append(parse_file(replace(inside, source=source), into, declarations, member.body))
        except LayoutError as problem:
            items.append(ParsedFile(inside, checksum, unreadable=problem))
    return items


def parse_file(found: Found, into: Path, declarations: Declarations, body: bytes | None = None) -> ParsedFile:
    """Parse one file into the scratch folder. Raises TreasuryWatchError where it cannot be read from disk."""
    body = found.body() if body is None else body
    checksum = hashlib.sha256(body).hexdigest()
    if found.source == release_dates.SOURCE or (found.source is None and release_dates.recognise(body)):
        return ParsedFile(found, checksum, release_dates.SOURCE, date.min)
    try:
        name = found.source or layouts.recognised(body)
    except LayoutError:
        kind = kind_of(body)
        return ParsedFile(found, checksum, kind=kind.name if kind else "")
    try:
        source = declarations.source(name)
        if source.id in PRINTED:  # each row has its own release: the loader reads them all together
            return ParsedFile(found, checksum, name)
        parsed = figures_of(body, source, declarations.holder_labels)
        retrieved = found.retrieved.date()
        user = found.released if found.released_by_user else None
        day, _ = dated(
            parsed, source, declarations.calendar, retrieved=retrieved, user=user, container=found.container
        )  # fmt: skip
    except TreasuryWatchError:
        return ParsedFile(found, checksum, name)
    figures = into / f"{checksum}.pickle"
    figures.write_bytes(pickle.dumps(replace(parsed, table=texts_as_categories(parsed.table))))
    return ParsedFile(found, checksum, name, parsed.last.date(), day, figures)


def in_release_order(items: Iterable[ParsedFile]) -> list[ParsedFile]:
    """The files of known layouts, source by source and oldest release first, so that no vintage comes in between."""
    return sorted((item for item in items if item.source is not None), key=lambda item: item.place)
