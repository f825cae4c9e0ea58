"""What ends a run though the data are right: a full disk, a folder that may not be written, a damaged file."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import sys
from pathlib import Path

from treasury_watch.transforms.errors import TreasuryWatchError, shorten
from treasury_watch.warehouse.home.permissions import whose

ROOM = "make room on the disk and start again; what is published stays as it was"
RIGHTS = "make it writable for the user who runs this, or name another folder in TREASURY_WATCH_HOME"
REBUILD = "`treasury-watch rebuild` makes it again from the archive"
BACKUP = "restore it from a backup"
PLACE = "name a file in a folder that exists"
CHECK = "see that the disk is whole, has room and can be written, then start again"

NETWORK = (ConnectionError, TimeoutError, socket.gaierror)
FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
NO_PLACE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
SQLITE = {
    sqlite3.SQLITE_FULL: ROOM,
    sqlite3.SQLITE_IOERR: CHECK,
    sqlite3.SQLITE_READONLY: RIGHTS,
    sqlite3.SQLITE_CANTOPEN: RIGHTS,
    sqlite3.SQLITE_PERM: RIGHTS,
    sqlite3.SQLITE_CORRUPT: BACKUP,
    sqlite3.SQLITE_NOTADB: BACKUP,
    sqlite3.SQLITE_BUSY: "another process holds it; wait for it to end and start again",
}
# DuckDB gives its reasons in words only; the first that fits.
DUCKDB = {
    "No space left": ROOM,
    "File too large": ROOM,
    "Disk quota exceeded": ROOM,
    "Permission denied": RIGHTS,
    "Read-only file system": RIGHTS,
    "Conflicting lock": "another process holds it; wait for it to end and start again",
    "Could not set lock": "another process holds it; wait for it to end and start again",
    "orrupt": REBUILD,
    "checksum": REBUILD,
    "not a valid DuckDB database": REBUILD,
    "erialization": REBUILD,
    "IO Error": CHECK,
}
REASON = "Original error: "


class StorageFailed(TreasuryWatchError):
    """The disk or a stored file of the home failed; the message names it and what to do."""


def explained(problem: BaseException, path: Path | None = None) -> StorageFailed | None:
    """`problem` in one line with the next step, where it is a failure of disk, rights or a stored file; else None.

    `path` is the file it was about, for messages that do not name it themselves.
    """
    if isinstance(problem, OSError):
        return _of_system(problem, path)
    if isinstance(problem, sqlite3.Error):
        step = SQLITE.get(getattr(problem, "sqlite_errorcode", 0) & 0xFF)
        if step is None:
            return None
        return StorageFailed(f"{path or 'state.sqlite'}: {problem}; {_with_owner_where(step, path)}{step}")
    duckdb = sys.modules.get("duckdb")  # where it was not imported, the problem is not one of its own
    if duckdb is not None and isinstance(problem, duckdb.Error):
        return _of_duckdb(str(problem), path)
    return None


def is_damage(problem: BaseException) -> bool:
    """Whether DuckDB met a damaged file, whatever was asked of it."""
    words = str(problem)
    return "Corrupt database file" in words or words.startswith(("Serialization Error", "INTERNAL Error", "FATAL"))


def _of_system(problem: OSError, path: Path | None) -> StorageFailed | None:
    if problem.errno is None or problem.strerror is None or isinstance(problem, NETWORK):
        return None
    place = problem.filename or path or "data folder"
    known = {FULL: ROOM, FORBIDDEN: RIGHTS, NO_PLACE: PLACE}
    step = next((step for numbers, step in known.items() if problem.errno in numbers), CHECK)
    return StorageFailed(f"{place}: {problem.strerror}; {_with_owner_where(step, Path(os.fsdecode(place)))}{step}")


def with_owner(path: Path) -> str:
    """Whose the path is, with a semicolon, where it is not one's own; else nothing."""
    owner = whose(path)
    return f"{owner}; " if owner else ""


def _with_owner_where(step: str, path: Path | None) -> str:
    return with_owner(path) if step == RIGHTS and path is not None and path.is_absolute() else ""


def _of_duckdb(words: str, path: Path | None) -> StorageFailed | None:
    step = next((step for sign, step in DUCKDB.items() if sign in words), None)
    if step is None:
        return None
    reason = shorten(words.rpartition(REASON)[2], 300)
    place = f"{path}: " if path and str(path) not in reason else ""
    return StorageFailed(f"{place}{reason}; {_with_owner_where(step, path)}{step}")
