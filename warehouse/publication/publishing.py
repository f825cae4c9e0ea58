"""Builds the tables aside, judges them at the second gate, and moves them into place.

The database is written as a new file and renamed over the old one: a reader that has the old file open keeps reading it,
and a crash at any point leaves the last good publication.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import ValidationBlocked, blocking_failures
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.storage_failures import REBUILD, StorageFailed
from treasury_watch.warehouse.ledger.vintages import Ledger
from treasury_watch.warehouse.publication.second_connection import beside
from treasury_watch.warehouse.tables.building import FINDINGS, Builder, standing_figures
from treasury_watch.warehouse.tables.declared_tables import create, place_parquet, write_parquet

OPERATIONS = ("runs", "validation_results", "alerts")
STAGED, STAGED_PARQUET = "treasury.next.duckdb", "parquet.next"
FILES = "published files"  # the note with their checksums
LOCK_WAIT_SECONDS = 60


@dataclass
class Publisher:
    """Publishes one home. `today` is the day by which freshness is judged."""

    home: Home
    declarations: Declarations
    state: State
    storage_version: str
    today: date

    def publish(self, ledger: Ledger, gates: Gates, run_id: str) -> dict[str, int]:
        """Build every table from the ledger and publish them all. Returns rows by table.

        Raises ValidationBlocked where the second gate stops it; the last publication then stays as it is.
        """
        connection = ledger.connection
        ledger_name = _one(connection, "SELECT current_database()")
        builder = Builder(ledger_name, self.declarations, Archive(self.home.raw))
        gate = SecondGate(connection, self.declarations, gates, self.today)
        with self._staging() as staged:
            self._attach(connection, staged)
            try:
                # What asks the database is done on the second strand while this one works on frames.
                with beside(connection, "published") as second:
                    observed = second.start(builder.observations)
                    builder.reference(connection)
                    builder.releases(connection)
                    builder.daily(connection)
                    observed.result()
                    standing = standing_figures(connection)
                    builder.corrections(connection, standing)
                    months = second.start(builder.months)
                    builder.reconciled(connection, standing)
                    results = gate.on_figures(standing)
                    months.result()
                    eve, viewed = second.start(builder.on_the_eve), second.start(builder.views)
                    late = [*FINDINGS, *OPERATIONS]
                    written = second.start(self._write, [name for name in self.declarations.tables if name not in late])
                    builder.findings(connection, eve)
                    viewed.result()
                    results += gate.on_months()
                    self.state.record_checks(run_id, results)
                    if blocking_failures(results):
                        raise ValidationBlocked(results)
                    self._operations(connection)
                    rows = written.result() | self._write(connection, late)
            finally:
                with suppress(duckdb.TransactionException):  # none is open, unless an interruption left one
                    connection.execute("ROLLBACK")
                connection.execute(f"USE {ledger_name}")
                connection.execute("DETACH published")
            self._place(staged, self.declarations.tables)
        return {name: rows[name] for name in self.declarations.tables}

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Where the database is staged, for the block; it and the Parquet files beside it are gone at the end."""
        staged, parquet = self.home.root / STAGED, self.home.root / STAGED_PARQUET
        # What a crash has left. What cannot be removed must not be published: that raises.
        remove_database(staged)
        if parquet.exists():
            shutil.rmtree(parquet)
        for copy in self.home.parquet.rglob(".*.next"):
            copy.unlink()
        try:
            yield staged
        finally:
            remove_database(staged)
            shutil.rmtree(parquet, ignore_errors=True)

    def _attach(self, connection: duckdb.DuckDBPyConnection, staged: Path) -> None:
        connection.execute(f"ATTACH '{_quoted(staged)}' AS published (STORAGE_VERSION '{self.storage_version}')")
        connection.execute("USE published")

    def _write(self, connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, int]:
        """Stage tables as Parquet, one after the other. Returns rows by table."""
        rows = {}
        for name in names:
            content = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
            write_parquet(content, self.declarations.tables[name], self.home.root / STAGED_PARQUET)
            rows[name] = content.num_rows
        return rows

    def _place(self, staged: Path, names: Iterable[str]) -> None:
        """Move what was staged into place, the database last."""

        def place(name: str) -> None:
            place_parquet(self.home.root / STAGED_PARQUET, self.declarations.tables[name], self.home.parquet)

        with ThreadPoolExecutor() as pool:  # a durable move is waiting
            list(pool.map(place, names))
        move_into_place(staged, self.home.database)
        self.state.remember(FILES, json.dumps(self._checksums()))

    def damaged(self) -> list[str]:
        """The published files that are missing or not as they were published, as paths below the home.

        Empty where it was never recorded how they were.
        """
        known = json.loads(self.state.remembered(FILES) or "{}")
        found = self._checksums() if known else {}
        return sorted(name for name in known if found.get(name) != known[name])

    def _checksums(self) -> dict[str, str]:
        """The checksum of each published file, by its path below the home."""
        paths = [path for path in (self.home.database, *self.home.parquet.rglob("*.parquet")) if path.exists()]
        return {path.relative_to(self.home.root).as_posix(): _checksum(path) for path in paths}

    def refresh_operations(self) -> None:
        """Bring runs, check results and alerts up to date in the published database, by way of a copy.

        Takes the writer's lock: the copy of an old publication must not replace a newer one. Raises Busy.
        """
        if self.home.database.exists():
            with self.home.writing(LOCK_WAIT_SECONDS):
                self._refresh_operations()

    def _refresh_operations(self) -> None:
        damaged = self.damaged()
        if damaged:  # a copy would make the damage part of the publication
            raise StorageFailed(f"{self.home.root / damaged[0]}: not as it was published; {REBUILD}")
        with self._staging() as staged:
            shutil.copyfile(self.home.database, staged)
            with duckdb.connect() as connection:
                self._attach(connection, staged)
                for name in OPERATIONS:
                    connection.execute(f"DROP TABLE {name}")
                self._operations(connection)
                self._write(connection, OPERATIONS)
                connection.execute("USE memory")
                connection.execute("DETACH published")
            self._place(staged, OPERATIONS)

    def _operations(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables of runs, check results and alerts."""
        order = {
            "runs": "started, run_id",
            "validation_results": "checked, gate, subject, expectation",
            "alerts": "queued, alert_id",
        }
        for name in OPERATIONS:
            table = self.declarations.tables[name]
            rows = self.state.frame(f"SELECT {', '.join(table.column_names)} FROM {name} ORDER BY {order[name]}")
            for column in table.columns:
                if column.type == "timestamp":
                    rows[column.name] = pd.to_datetime(rows[column.name], format="ISO8601", utc=True).dt.tz_localize(
                        None
                    )
                elif column.type == "boolean":
                    rows[column.name] = rows[column.name].astype(bool)
                elif column.type == "month":
                    rows[column.name] = pd.to_datetime(rows[column.name])
            create(connection, table, rows)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_database(path: Path) -> None:
    """Remove a staged database and its log."""
    for name in (path, path.with_name(path.name + ".wal")):
        if name.exists():
            os.unlink(name)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.execute(query).fetchall()
    return found[0][0] if found else None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
