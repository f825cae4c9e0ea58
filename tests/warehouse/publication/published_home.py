"""A home with the embedded sample, and what of it can be looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from tests.conftest import PROJECT, majors, table5
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.publication.publishing import OPERATIONS
from treasury_watch.warehouse.tables.findings_as_known import CURRENT

OFFICIAL = PROJECT / ".." / "shared" / "official"
JULY = datetime(2026, 7, 15, 12, tzinfo=UTC)
RATES = b"observation_date,DEXJPUS\n2026-07-08,161.2\n2026-07-09,160.9\n2026-07-10,161.4\n"
NEXT = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]))


@contextmanager
def opened(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(root / "treasury.duckdb"), read_only=True) as connection:
        yield connection


def load(warehouse: Warehouse, body: bytes, retrieved: datetime = JULY) -> None:
    """One run as the command line does it: load, publish unless published."""
    with warehouse.session("ingest", today=retrieved.date()) as session:
        session.loader.load(IncomingFile(body, url="file:any.txt", retrieved=retrieved))
        if not session.is_published():
            session.publish()


def content(root: Path, *, operations: bool = True) -> dict[str, str]:
    """Checksums of the published files."""
    files = [root / "treasury.duckdb", *(root / "parquet").rglob("*.parquet")] if operations else [
        path for path in (root / "parquet").rglob("*.parquet") if path.stem not in OPERATIONS
    ]  # fmt: skip
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def last_run(warehouse: Warehouse) -> dict:
    return warehouse.state.rows("SELECT * FROM runs ORDER BY rowid DESC LIMIT 1")[0]


def japan(root: Path, query: str, day: date = CURRENT) -> list[tuple]:
    with opened(root) as connection:
        return connection.execute(query, [day]).fetchall()
