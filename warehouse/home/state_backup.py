"""A copy of the state beside it, and the state from its copy where it is missing or damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from treasury_watch.warehouse.home.durable_files import move_into_place

CHECK_SECONDS = 20  # a check that takes longer has met a damage that it cannot get over
STEPS_BETWEEN_LOOKS = 100_000


def backup_of(path: Path) -> Path:
    """Where the copy lies."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def restore(path: Path) -> None:
    """Put the copy in the place of a database that is missing or damaged; nothing where it is whole, or there is no copy."""
    copy = backup_of(path)
    damaged = path.exists() and not is_whole(path)
    if not copy.exists() or not (damaged or not path.exists()) or not is_whole(copy):
        return
    if damaged:
        os.replace(path, path.with_name(f"{path.stem}.damaged{path.suffix}"))
    for left in ("-wal", "-shm"):  # of the database that is gone: they would be applied to the copy
        path.with_name(path.name + left).unlink(missing_ok=True)
    staged = path.with_name(f"{path.stem}.next{path.suffix}")
    staged.write_bytes(copy.read_bytes())
    move_into_place(staged, path)
    made = datetime.fromtimestamp(copy.stat().st_mtime, UTC)
    logging.getLogger(__name__).warning(
        "%s was %s: taken from its copy of %s", path, "damaged" if damaged else "missing", f"{made:%Y-%m-%d %H:%M} UTC"
    )


def is_whole(path: Path) -> bool:
    """Whether SQLite can read all of the database. One that is busy, or may not be read, counts as whole: it is told later."""
    until = time.monotonic() + CHECK_SECONDS
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN_LOOKS)
            return connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError as problem:
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        return code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_INTERRUPT)
