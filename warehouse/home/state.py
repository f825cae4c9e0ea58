"""What no archive can tell: runs, the outbox, check results, HTTP validators. One SQLite file, transactional."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.state_backup import backup_of, restore
from treasury_watch.warehouse.home.state_versions import upgrade
from treasury_watch.warehouse.home.storage_failures import explained

if TYPE_CHECKING:
    import pandas as pd

LOCK_WAIT_SECONDS = 30


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class State:
    """The operational state of a home. A file of an older version is upgraded when it is opened; raises NewerState.

    One that is missing or damaged is taken from its backup, where there is one, and that is said.
    """

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        restore(path)
        with self.open() as connection:
            upgrade(connection, path)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are committed together at the end of the block, or not at all.

        Raises StorageFailed where the disk is full, the file is damaged or may not be written.
        """
        connection = None
        try:
            connection = sqlite3.connect(self.path, timeout=LOCK_WAIT_SECONDS)
            connection.row_factory = sqlite3.Row
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous=FULL")
            with connection:
                yield connection
        except sqlite3.Error as problem:
            known = explained(problem, self.path)
            if known is None:
                raise
            raise known from problem
        finally:
            if connection is not None:
                connection.close()

    def back_up(self) -> None:
        """Keep a whole copy beside the file, in the place of the last one."""
        copy = backup_of(self.path)
        staged = copy.with_name(f"{copy.name}.next")
        staged.unlink(missing_ok=True)
        self.copy_to(staged)
        move_into_place(staged, copy)

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """The answer to a query, as dictionaries."""
        with self.open() as connection:
            return [dict(row) for row in connection.execute(query, parameters)]

    def frame(self, query: str) -> pd.DataFrame:
        """The answer to a query, as a frame with its columns even where there is no row."""
        import pandas as pd  # here: most of what opens a state needs no frames

        with self.open() as connection:
            connection.row_factory = None  # plain tuples are read many times faster
            cursor = connection.execute(query)  # pandas' own reading would hide what the disk's failure is
            return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])

    def change(self, statement: str, parameters: tuple[Any, ...] = ()) -> int:
        """One statement in its own transaction; returns the number of rows it touched."""
        with self.open() as connection:
            return connection.execute(statement, parameters).rowcount

    def start_run(self, run_id: str, command: str) -> None:
        """Record that a run began. A run left `running` by a crash is recorded as failed."""
        with self.open() as connection:
            connection.execute(
                "UPDATE runs SET outcome = 'failed', summary = 'did not end: stopped or crashed' "
                "WHERE outcome = 'running'"
            )
            connection.execute(
                "INSERT INTO runs (run_id, command, started, outcome, summary) VALUES (?, ?, ?, 'running', '')",
                (run_id, command, now().isoformat()),
            )

    def record_failed_start(self, run_id: str, command: str, summary: str) -> None:
        """Record a run that failed before it began; others are left as they are: one may be at work."""
        moment = now().isoformat()
        self.change(
            "INSERT INTO runs (run_id, command, started, finished, outcome, summary) VALUES (?, ?, ?, ?, 'failed', ?)",
            (run_id, command, moment, moment, summary),
        )

    def finish_run(self, run_id: str, outcome: str, summary: str) -> None:
        """Record how a run ended: published, unchanged, blocked or failed."""
        self.change(
            "UPDATE runs SET finished = ?, outcome = ?, summary = ? WHERE run_id = ?",
            (now().isoformat(), outcome, summary, run_id),
        )

    def forget(self, *, runs_before: datetime, messages_before: datetime) -> int:
        """Forget runs begun before a moment, with what was checked in them, and the text of messages that left before
        another; both aware. Returns the rows changed.

        The newest run of each command stays, and the newest checks, which `status` shows. That a message was sent, and all
        else that decides anything, is kept for good.
        """
        runs = runs_before.isoformat()
        with self.open() as connection:
            statements = (
                (
                    "DELETE FROM runs WHERE started < ? AND outcome <> 'running' "
                    "AND (command, started) NOT IN (SELECT command, max(started) FROM runs GROUP BY command)",
                    runs,
                ),
                (
                    "DELETE FROM validation_results WHERE checked < ? AND run_id <> "
                    "(SELECT run_id FROM validation_results ORDER BY checked DESC LIMIT 1)",
                    runs,
                ),
                (
                    "UPDATE alerts SET message = NULL WHERE sent < ? AND message IS NOT NULL",
                    messages_before.isoformat(),
                ),
            )
            return sum(connection.execute(words, (moment,)).rowcount for words, moment in statements)

    def record_checks(self, run_id: str, results: list) -> None:
        """Keep the results of a gate (warehouse.gates.results.Result)."""
        with self.open() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO validation_results "
                "(run_id, gate, subject, expectation, success, blocking, observed, why, checked) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        run_id,
                        r.gate,
                        r.subject,
                        r.expectation,
                        r.success,
                        r.blocking,
                        r.observed,
                        r.why,
                        now().isoformat(),
                    )
                    for r in results
                ],
            )

    def validators(self, source: str, url: str) -> tuple[str | None, str | None, str | None]:
        """ETag, Last-Modified and checksum of what the source's server sent and was last loaded from this address."""
        found = self.rows(
            "SELECT etag, last_modified, sha256 FROM validators WHERE source = ? AND url = ?",
            (source, without_credentials(url)),
        )
        return (found[0]["etag"], found[0]["last_modified"], found[0]["sha256"]) if found else (None, None, None)

    def keep_validators(self, source: str, url: str, etag: str | None, last_modified: str | None, sha256: str) -> None:
        """Remember validators, once what they stand for is loaded."""
        self.change(
            "INSERT OR REPLACE INTO validators (source, url, etag, last_modified, sha256, checked) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (source, without_credentials(url), etag, last_modified, sha256, now().isoformat()),
        )

    def clean_addresses(self) -> bool:
        """Take the credentials out of the addresses of validators. Returns whether there were any; see `compact`."""
        changed = [
            (clean, row["source"], row["url"])
            for row in self.rows("SELECT source, url FROM validators")
            if (clean := without_credentials(row["url"])) != row["url"]
        ]
        with self.open() as connection:
            connection.executemany("UPDATE OR REPLACE validators SET url = ? WHERE source = ? AND url = ?", changed)
        return bool(changed)

    def compact(self) -> None:
        """Write the file anew, without what was deleted from it."""
        with self.open() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remember(self, name: str, value: str) -> None:
        """Keep a note under a name."""
        self.change("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value))

    def remembered(self, name: str) -> str | None:
        """The note under a name, or None."""
        found = self.rows("SELECT value FROM notes WHERE name = ?", (name,))
        return found[0]["value"] if found else None

    def copy_to(self, path: Path) -> None:
        """A consistent copy as one new file, also while others write."""
        with self.open() as connection, closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")

    def take_over(self, path: Path, own: Sequence[str]) -> None:
        """Make the state in the file `path` this one, all at once, with the rows added that only this one has.

        A message that waits there and has left here is taken as left. The notes named in `own` stay this one's. The file
        is changed on the way: it is upgraded first. Raises sqlite3.DatabaseError where it is no state, NewerState where a
        newer version wrote it.
        """
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA schema_version").fetchall()  # says so where the file is no database
        State(path)  # both are of this version from here on
        marks = ", ".join("?" for _ in own)
        with closing(sqlite3.connect(path)) as other:
            other.execute("ATTACH ? AS here", (str(self.path),))
            with other:
                other.execute(f"DELETE FROM notes WHERE name IN ({marks})", tuple(own))
                other.execute(
                    "DELETE FROM alerts WHERE state IN ('queued', 'failed') AND alert_id IN "
                    "(SELECT alert_id FROM here.alerts WHERE state NOT IN ('queued', 'failed'))"
                )
                for table in _names(other, "SELECT name FROM here.sqlite_schema WHERE type = 'table'"):
                    columns = ", ".join(_names(other, f"SELECT name FROM pragma_table_info('{table}', 'here')"))
                    other.execute(f"INSERT OR IGNORE INTO {table} ({columns}) SELECT {columns} FROM here.{table}")
            other.execute("DETACH here")
            with self.open() as connection:
                other.backup(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log. For another process that does the same now, SQLite itself does not wait."""
    end = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _names(connection: sqlite3.Connection, query: str) -> list[str]:
    return [name for (name,) in connection.execute(query)]
