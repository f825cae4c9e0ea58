"""Whether the published files are as they were published: their checksums are noted in the state."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.storage_failures import REBUILD, StorageFailed

FILES = "published files"  # the note with their checksums
PUBLISHED = "published"  # under which the state remembers the ledger and the declarations that were published


def remember(home: Home, state: State) -> None:
    """Note how the published files are now."""
    state.remember(FILES, json.dumps(_checksums(home)))


def damaged(home: Home, state: State) -> list[str]:
    """The published files that are missing or not as they were published, as paths below the home.

    Empty where it was never recorded how they were.
    """
    known = json.loads(state.remembered(FILES) or "{}")
    found = _checksums(home) if known else {}
    return sorted(name for name in known if found.get(name) != known[name])


def refuse_damage(home: Home, state: State) -> None:
    """Raises StorageFailed where a published file is missing or not as it was published."""
    found = damaged(home, state)
    if found:
        raise StorageFailed(f"{home.root / found[0]}: not as it was published; {REBUILD}")


def _checksums(home: Home) -> dict[str, str]:
    """The checksum of each published file, by its path below the home."""
    paths = [path for path in (home.database, *home.parquet.rglob("*.parquet")) if path.exists()]
    return {path.relative_to(home.root).as_posix(): _checksum(path, _identity(path)) for path in paths}


def _identity(path: Path) -> tuple[int, ...]:
    """Another one whenever the file was written or replaced: a run asks several times, and reads what is new since alone."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=1000)
def _checksum(path: Path, _identity: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
