"""The members of a release's zip on their way into the ledger, parsed in any process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.layouts.containers import members
from treasury_watch.transforms.layouts.pages.release_archive import wanted
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.incoming.backfill_files import Found, ParsedFile, parse_file


@dataclass(frozen=True)
class ZipToRead:
    """A zip on disk, with the address and the time it came from."""

    path: Path
    url: str
    retrieved: datetime


@dataclass(frozen=True)
class ReadZip:
    """What a zip holds: the members that matter, parsed or not, each under its name; the names of those passed over; and
    what was wrong with the zip, or with a member that could not be expanded, line by line.
    """

    name: str
    files: tuple[tuple[str, ParsedFile], ...]
    passed_over: tuple[str, ...]
    problems: tuple[str, ...] = ()


def read_zip(zipped: ZipToRead, tables: Sequence[str], into: Path, declarations: Declarations) -> ReadZip:
    """Expand the members that matter into the scratch folder and parse them there."""
    name = zipped.path.name
    try:
        found = {member.name: member for member in members(zipped.path.read_bytes(), name)}
    except (TreasuryWatchError, OSError) as problem:
        return ReadZip(name, (), (), (str(problem),))
    chosen, passed_over = wanted(list(found), tables)
    files, problems = [], []
    for member in chosen:
        try:
            body = found[member].body
        except TreasuryWatchError as problem:
            problems.append(str(problem))
            continue
        path = into / f"{name}.{sha256(body).hexdigest()[:16]}"
        path.write_bytes(body)
        place = Found(path, f"{zipped.url}#{member}", zipped.retrieved, container=name)
        files.append((member, parse_file(place, into, declarations)))
    return ReadZip(name, tuple(files), tuple(passed_over), tuple(problems))
