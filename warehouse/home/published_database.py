"""Opens the published database for reading."""

from __future__ import annotations

from pathlib import Path

import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.storage_failures import explained


def open_published(database: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Raises TreasuryWatchError where there is no publication yet, or it cannot be opened."""
    if not database.exists():
        raise TreasuryWatchError(
            f"{database} does not exist yet; run `treasury-watch run --sample` or `treasury-watch run` first"
        )
    try:
        return duckdb.connect(str(database), read_only=True)
    except duckdb.Error as problem:
        known = explained(problem, database)
        if known is None:
            raise
        raise known from problem
