"""Opens the published database for reading."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.folders import DEFAULT_HOME, SAMPLE_HOME
from treasury_watch.warehouse.home.storage_failures import StorageFailed, explained, with_owner


def open_published(database: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Raises TreasuryWatchError where there is no publication yet, or it cannot be opened."""
    try:
        there, readable = database.exists(), os.access(database, os.R_OK)
    except PermissionError:
        there, readable = True, False
    if there and not readable:
        raise StorageFailed(
            f"{database}: this user may not read it; {with_owner(database)}its owner shares what is published by "
            '[storage] share = "group" or "everyone" in settings.toml, and a run after that'
        )
    if not there:
        raise TreasuryWatchError(
            f"{database} does not exist yet; run `treasury-watch run --sample` or `treasury-watch run` first"
            f"{where_the_sample_is(database)}"
        )
    try:
        return duckdb.connect(str(database), read_only=True)
    except duckdb.Error as problem:
        known = explained(problem, database)
        if known is None:
            raise
        raise known from problem


def where_the_sample_is(database: Path) -> str:
    """Where the sample is, for somebody who ran it and asks the home of official data; else empty."""
    asked_default = database.parent == DEFAULT_HOME
    there = asked_default and SAMPLE_HOME.joinpath(database.name).exists()
    return f"; the sample's tables are in {SAMPLE_HOME}: name it in TREASURY_WATCH_HOME" if there else ""


def rows_of(connection: duckdb.DuckDBPyConnection, query: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries; NULL and NaN are None."""
    result = connection.execute(query, list(parameters))
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, map(_known, row), strict=True)) for row in result.fetchall()]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
