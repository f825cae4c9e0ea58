"""The schema versions of the state: numbered SQL files in migrations/, applied in order, each once, each whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from treasury_watch.transforms.errors import TreasuryWatchError

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerState(TreasuryWatchError):
    """A state was written by a newer version of the program; `found` says so without naming the file."""

    def __init__(self, path: Path, version: int, newest: int):
        self.found = f"schema version {version}, newer than {newest}"
        super().__init__(
            f"{path}: expected schema version {newest} or older, found {version}; "
            "install the newer Treasury Watch that wrote it, or restore an older copy of the file"
        )


def upgrade(connection: sqlite3.Connection, path: Path, folder: Path = MIGRATIONS) -> None:
    """Bring the open database `path` to the newest version in `folder`; one that is there already is only looked at.

    A crash leaves the last version that was complete. Two processes may do this at once. Raises NewerState.
    """
    scripts = _scripts(folder)
    version, newest = _version(connection), max(scripts)
    if version > newest:
        raise NewerState(path, version, newest)
    for number in range(version + 1, newest + 1):
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) < number:  # else another process was first, while this one waited for the lock
            for statement in _statements(scripts[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.commit()


def _scripts(folder: Path) -> dict[int, Path]:
    """The files by their number, which is the version that they make."""
    return {int(path.name.partition("_")[0]): path for path in folder.glob("*.sql")}


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _statements(script: Path) -> Iterator[str]:
    """One by one: `executescript` would commit the transaction that they belong to."""
    statement = ""
    for line in script.read_text(encoding="utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"{script}: the last statement does not end with a semicolon")
