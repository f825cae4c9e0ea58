"""The ledger: what each source said, from which release, until which release replaced it. Only changes are stored.

A private DuckDB file with one table per kind of figure and one of the vintages. A vintage later than all of its source
is added in one step; an older one, slotted in, makes the source be replayed from the archive (see loading.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS, Kind
from treasury_watch.warehouse.categorical_frames import with_categories
from treasury_watch.warehouse.home.storage_failures import explained

SCHEMA_VERSION = 1

# Arrow's default allocator keeps what it was given, 25 MB in the ingest of the Continuous SLT; the C library's returns it.
pa.set_memory_pool(pa.system_memory_pool())


STANDING = "t.superseded IS NULL"
KNOWN_AT = "t.released <= ? AND (t.superseded IS NULL OR t.superseded > ?)"


class SchemaMismatch(TreasuryWatchError):
    """The ledger was written by another version."""


@dataclass(frozen=True)
class Vintage:
    """One release of one source, as it entered the ledger."""

    source: str
    layout: str
    released: date
    released_basis: str
    evidence: str
    sha256: str
    first: date
    last: date
    figures: int
    retrieved: datetime | None  # None for figures that come from config/
    url: str
    bytes: int
    etag: str | None = None
    last_modified: str | None = None


class Ledger:
    """An open ledger. Use as a context manager; one process at a time."""

    def __init__(self, path: Path | str):
        self.path = path
        try:
            self.connection = duckdb.connect(str(path))
        except duckdb.Error as problem:
            known = explained(problem, Path(path))
            if known is None:
                raise
            raise known from problem
        self._in_transaction = False
        self._create()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.close()
        del self.connection  # whoever still holds the ledger at the process's end must not hold the driver's objects

    def _create(self) -> None:
        run = self.connection.execute
        run("CREATE TABLE IF NOT EXISTS meta (schema_version INTEGER)")
        version = self._one("SELECT max(schema_version) FROM meta")
        if version is not None and version != SCHEMA_VERSION:
            self.connection.close()
            raise SchemaMismatch(
                f"{self.path}: schema version {version}, this program writes {SCHEMA_VERSION}; "
                "run `treasury-watch rebuild`"
            )
        if version is None:
            run("INSERT INTO meta VALUES (?)", [SCHEMA_VERSION])
        run(
            "CREATE TABLE IF NOT EXISTS vintages (source VARCHAR, layout VARCHAR, released DATE, "
            "released_basis VARCHAR, evidence VARCHAR, sha256 VARCHAR, first DATE, last DATE, figures INTEGER, "
            "changed_figures INTEGER, retrieved TIMESTAMP, url VARCHAR, bytes BIGINT, etag VARCHAR, "
            "last_modified VARCHAR)"
        )
        run("CREATE TABLE IF NOT EXISTS press_files (sha256 VARCHAR)")
        for kind in KINDS.values():
            types = {kind.dated_by: "DATE", kind.value: "DOUBLE", "line": "INTEGER"}
            declared = ", ".join(f"{column} {types.get(column, 'VARCHAR')}" for column in kind.columns)
            run(
                f"CREATE TABLE IF NOT EXISTS {kind.name} (source VARCHAR, {declared}, released DATE, superseded DATE, "
                "evidence VARCHAR, sha256 VARCHAR)"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes of the block, or none of them. A transaction within another one is part of it."""
        if self._in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        self._in_transaction = True
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        finally:
            self._in_transaction = False

    def newest(self, source: str) -> date | None:
        """The newest release of a source, or None."""
        newest: date | None = self._one("SELECT max(released) FROM vintages WHERE source = ?", [source])
        return newest

    def vintage(self, source: str, sha256: str) -> tuple[date, str] | None:
        """The day under which a file is a vintage and how it was determined, or None where it is none."""
        query = "SELECT released, released_basis FROM vintages WHERE source = ? AND sha256 = ?"
        found = self.connection.execute(query, [source, sha256]).fetchall()
        return found[0] if found else None

    def days_of(self, source: str, checksums: Sequence[str]) -> list[date]:
        """The days under which these files are vintages, each once, in order."""
        query = "SELECT DISTINCT released FROM vintages WHERE source = ? AND list_contains(?, sha256) ORDER BY released"
        return [row[0] for row in self.connection.execute(query, [source, list(checksums)]).fetchall()]

    def files(self) -> set[tuple[str, str, date]]:
        """The source, the checksum and the release of every file that is a vintage."""
        return set(self.connection.execute("SELECT source, sha256, released FROM vintages").fetchall())

    def evidence(self) -> set[tuple[str, str, date, str]]:
        """The source, the checksum, the release and the evidence of every vintage: what `fingerprint` is made of."""
        listed = self.connection.execute("SELECT source, sha256, released, evidence FROM vintages").fetchall()
        return set(listed)

    def press_files(self) -> set[str]:
        """The checksums of the files that the press figures were last read from."""
        return {row[0] for row in self.connection.execute("SELECT sha256 FROM press_files").fetchall()}

    def keep_press_files(self, checksums: set[str]) -> None:
        """Note the files that the press figures were read from, whether or not they hold any."""
        with self.transaction():
            self.connection.execute("DELETE FROM press_files")
            for checksum in sorted(checksums):
                self.connection.execute("INSERT INTO press_files VALUES (?)", [checksum])

    def conflicting(self, source: str, kind: Kind, table: pd.DataFrame, day: date) -> int:
        """How many of the table's figures the source stated otherwise at the end of `day`; new ones do not count."""
        with self._incoming(kind, table):
            return int(
                self._one(
                    f"SELECT count(*) FROM incoming i JOIN {kind.name} t ON {self._same_key(kind, 't', 'i')} "
                    f"WHERE t.source = ? AND {KNOWN_AT} AND t.{kind.value} IS DISTINCT FROM i.{kind.value}",
                    [source, day, day],
                )
            )

    def restated(self, source: str, kind: Kind, table: pd.DataFrame, checksums: Sequence[str]) -> int:
        """How many of the table's figures say otherwise than those files of their release did: of the figures that stand,
        those that they gave, or left standing by stating the month too.
        """
        day, first = self.connection.execute(
            "SELECT min(released), min(first) FROM vintages WHERE source = ? AND list_contains(?, sha256)",
            [source, list(checksums)],
        ).fetchall()[0]
        with self._incoming(kind, table):
            return int(
                self._one(
                    f"SELECT count(*) FROM incoming i JOIN {kind.name} t ON {self._same_key(kind, 't', 'i')} "
                    f"WHERE t.source = ? AND {STANDING} AND t.{kind.value} IS DISTINCT FROM i.{kind.value} "
                    f"AND (CAST(? AS DATE) IS NULL OR t.released >= ? OR t.{kind.dated_by} >= ?)",
                    [source, day, day, first],
                )
            )

    def add(
        self, vintage: Vintage, kind: Kind, table: pd.DataFrame, besides: tuple[Kind, pd.DataFrame] | None = None
    ) -> int:
        """Add a vintage newer than all of its source: close the figures it replaces, append the new ones.

        `besides` is what the same file states of another kind. Returns the number of changed figures. A figure that the
        file does not state keeps standing.
        """
        pa.default_memory_pool().release_unused()  # parsing and the gate are done; adding a large file needs room
        with self.transaction():
            changed = sum(self._add_figures(vintage, *stated) for stated in filter(None, [(kind, table), besides]))
            if changed:
                self._note(vintage, changed)
        return changed

    def _add_figures(self, vintage: Vintage, kind: Kind, table: pd.DataFrame) -> int:
        with self._incoming(kind, table):
            if self._one(f"SELECT 1 FROM {kind.name} WHERE source = ? LIMIT 1", [vintage.source]):
                changed = self._add_news(vintage, kind)
            else:  # nothing to compare with, and the order in which a large file states its figures costs no memory
                changed = self._insert(vintage, kind, "incoming")
        return changed

    def _add_news(self, vintage: Vintage, kind: Kind) -> int:
        """Close the figures that `incoming` replaces and append what is new in it; what still stands is left."""
        run = self.connection.execute
        run(
            f"CREATE OR REPLACE TEMP TABLE news AS SELECT {', '.join(kind.columns)} FROM incoming i "
            f"WHERE {self._differs(kind, STANDING)} ORDER BY {', '.join(kind.keys)}",
            [vintage.source],
        )
        run(
            f"UPDATE {kind.name} t SET superseded = ? FROM news i "
            f"WHERE t.source = ? AND {STANDING} AND {self._same_key(kind, 't', 'i')}",
            [vintage.released, vintage.source],
        )
        if self.newest(vintage.source) == vintage.released:
            # Of two states of one day the later stands: the other was never known at a day's end.
            run(f"DELETE FROM {kind.name} WHERE source = ? AND superseded = released", [vintage.source])
        changed = self._insert(vintage, kind, "news")
        run("DROP TABLE news")
        return changed

    def _insert(self, vintage: Vintage, kind: Kind, rows: str) -> int:
        inserted = self.connection.execute(
            f"INSERT INTO {kind.name} SELECT ?, {', '.join(kind.columns)}, ?, NULL, ?, ? FROM {rows}",
            [vintage.source, vintage.released, vintage.evidence, vintage.sha256],
        ).fetchall()
        return int(inserted[0][0])

    def add_prints(self, vintages: list[Vintage], kind: Kind, table: pd.DataFrame) -> int:
        """Add figures that no other print replaces, each with its own `released` and `sha256`, in one step.

        For a source of which the ledger has nothing, and a kind whose keys name the print. Returns the number of figures.
        """
        source, evidence = vintages[0].source, vintages[0].evidence
        names = ", ".join(kind.columns)
        with self._incoming(kind, table, "released", "sha256"), self.transaction():
            self.connection.execute(
                f"INSERT INTO {kind.name} SELECT ?, {names}, released, NULL, ?, sha256 FROM incoming "
                f"ORDER BY {', '.join(kind.keys)}",
                [source, evidence],
            )
            rows = pa.Table.from_pylist([{**vars(v), "changed_figures": v.figures} for v in vintages])
            with _Registered(self.connection, rows):
                self.connection.execute("INSERT INTO vintages BY NAME FROM incoming")
        return len(table)

    def fingerprint(self) -> str:
        """Changes whenever a vintage is added, removed or dated anew."""
        listed = self.connection.execute(
            "SELECT source, sha256, released, evidence FROM vintages ORDER BY ALL"
        ).fetchall()
        return hashlib.sha256(repr((SCHEMA_VERSION, listed)).encode()).hexdigest()

    def forget(self, source: str) -> None:
        """Remove a source, so that it can be replayed from the archive."""
        with self.transaction():
            for table in [*(kind.name for kind in KINDS.values()), "vintages"]:
                self.connection.execute(f"DELETE FROM {table} WHERE source = ?", [source])

    def current(self, source: str, kind: Kind) -> pd.DataFrame:
        """A source's figures that stand now: the key and the value of the kind, texts as categories."""
        names = ", ".join([*kind.keys, kind.value])
        query = f"SELECT {names} FROM {kind.name} t WHERE source = ? AND {STANDING}"
        return with_categories(self.connection.sql(query, params=[source]))

    def rates_of_others(self, source: str) -> pd.DataFrame:
        """The exchange rates that stand of all sources but one: currency, date, per_usd, source; texts as categories."""
        query = f"SELECT currency, date, per_usd, source FROM fx t WHERE source <> ? AND {STANDING}"
        return with_categories(self.connection.sql(query, params=[source]))

    def _note(self, vintage: Vintage, changed: int) -> None:
        v = vintage
        self.connection.execute(
            "INSERT INTO vintages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                v.source, v.layout, v.released, v.released_basis, v.evidence, v.sha256, v.first, v.last, v.figures,
                changed, v.retrieved and v.retrieved.replace(tzinfo=None), v.url, v.bytes, v.etag, v.last_modified,
            ],
        )  # fmt: skip

    def _incoming(self, kind: Kind, table: pd.DataFrame, *besides: str) -> _Registered:
        arrow = pa.Table.from_pandas(table[[*kind.columns, *besides]], preserve_index=False)  # NaN becomes NULL here
        index = arrow.schema.get_field_index(kind.dated_by)
        arrow = arrow.set_column(index, kind.dated_by, arrow.column(kind.dated_by).cast(pa.date32()))
        return _Registered(self.connection, arrow)

    def _differs(self, kind: Kind, known: str) -> str:
        return (
            f"NOT EXISTS (SELECT 1 FROM {kind.name} t WHERE t.source = ? AND {known} "
            f"AND {self._same_key(kind, 't', 'i')} AND t.{kind.value} IS NOT DISTINCT FROM i.{kind.value})"
        )

    @staticmethod
    def _same_key(kind: Kind, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{key} = {right}.{key}" for key in kind.keys)

    def _one(self, query: str, parameters: list[Any] | None = None) -> Any:
        found = self.connection.execute(query, parameters or []).fetchall()  # an unread result blocks the connection
        return found[0][0] if found else None


class _Registered:
    """The incoming table under the name `incoming`, for as long as the block lasts."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: pa.Table):
        self.connection, self.table = connection, table

    def __enter__(self) -> None:
        self.connection.register("incoming", self.table)

    def __exit__(self, *exception: object) -> None:
        self.connection.unregister("incoming")
