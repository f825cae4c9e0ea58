"""What somebody who may not write in a home can see of it, without touching it.

SQLite has to write beside a state even to read it. A reader gets a copy of it, or, where it may not be read at all, one
with what the publication says of runs, checks and messages.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.published_database import open_published, rows_of
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.state_backup import is_whole

TRIES = 3  # a copy that was made while another process wrote may be of two states
PUBLISHED = ("runs", "validation_results", "alerts")


@dataclass
class View:
    """The archive and the state as far as they can be seen, and in `unknown` what is not known for want of rights."""

    archive: Archive
    state: State
    unknown: tuple[str, ...]
    all_archived: bool  # whether the archive is the home's own
    folder: tempfile.TemporaryDirectory[str] = field(
        repr=False
    )  # gone with the view, at the process's end at the latest


def may_write(home: Home) -> bool:
    """Whether this user may write in the home, or make it."""
    if not _exists(home.root):
        return True  # what hinders that is told when it is made
    return os.access(home.root, os.W_OK | os.X_OK) and (
        not home.state.exists() or os.access(home.state, os.R_OK | os.W_OK)
    )


def nothing_kept(home: Home) -> bool:
    """Whether nothing was ever kept in the home: reading is then to make nothing either."""
    return not any(map(_exists, (home.state, home.database, home.raw, home.ledger)))


def view_of_nothing(home: Home) -> View:
    """What can be seen of a home in which nothing is kept yet."""
    folder = tempfile.TemporaryDirectory(prefix="treasury-watch-")
    return View(Archive(home.raw), State(Path(folder.name) / "state.sqlite"), (), True, folder)


def view_of(home: Home) -> View:
    """What can be seen of the home. Raises TreasuryWatchError where not even its publication can."""
    folder = tempfile.TemporaryDirectory(prefix="treasury-watch-")
    aside, unknown = Path(folder.name), []
    state = _copied(home.state, aside / "state.sqlite")
    if state is None:
        state = _of_publication(home, aside / "published.sqlite")
        unknown.append(
            "state.sqlite may not be read: runs, checks and messages are told as the last publication has them, and whether "
            "its files or the declarations changed since is not known"
        )
    seen = os.access(home.raw, os.R_OK | os.X_OK)
    if not seen:
        unknown.append("raw/ may not be read: whether archived files are lost or in quarantine is not known")
    return View(Archive(home.raw if seen else aside / "raw"), state, tuple(unknown), seen, folder)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True


def _copied(path: Path, copy: Path) -> State | None:
    """The state in a copy; None where it may not be read or there is none."""
    log = path.with_name(f"{path.name}-wal")
    for _ in range(TRIES):
        try:
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
        except OSError:
            return None
        if is_whole(copy):
            return State(copy)
    return None


def _of_publication(home: Home, path: Path) -> State:
    """A new state with what the publication has of one. Raises TreasuryWatchError where there is none."""
    with open_published(home.database) as connection:
        found = {name: rows_of(connection, f"FROM {name}") for name in PUBLISHED}
    state = State(path)
    with state.open() as connection:
        for name, rows in found.items():
            known = {column for (_, column, *_) in connection.execute(f"PRAGMA table_info({name})")}
            for row in rows:
                kept = {column: _plain(value) for column, value in row.items() if column in known}
                _insert(connection, name, kept)
    return state


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def _plain(value: object) -> object:
    """A published time as the state keeps it, in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value
