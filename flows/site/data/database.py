"""The published tables as one DuckDB file that remote clients can attach, without what is the operator's."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from treasury_watch.flows.site.written import place_changed
from treasury_watch.warehouse.declarations import Table
from treasury_watch.warehouse.tables.declared_tables import fill

NAME = "treasury-watch.duckdb"
STORAGE_VERSION = "v1.0.0"  # every DuckDB since 1.0 opens it, and the one that runs in browsers


def digest(contents: Mapping[str, str], macros: Iterable[str]) -> str:
    """What decides whether the file has to be made again: the rows of every table, and the functions on them."""
    told = "\n".join([STORAGE_VERSION, *(f"{name} {content}" for name, content in sorted(contents.items())), *macros])
    return hashlib.sha256(told.encode("utf-8")).hexdigest()


def macros_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The table functions of the published database (`positions_as_of` and so on), as statements that make them."""
    rows = connection.execute(
        "SELECT function_name, parameters, macro_definition FROM duckdb_functions() "
        "WHERE NOT internal AND function_type = 'table_macro' ORDER BY function_name"
    ).fetchall()
    waiting = {name: f"CREATE MACRO {name}({', '.join(parameters)}) AS TABLE {body}" for name, parameters, body in rows}
    made: list[str] = []
    while waiting:  # one that calls another comes after it
        ready = [
            name for name, text in waiting.items() if not any(f"{other}(" in text for other in set(waiting) - {name})
        ]
        made += [waiting.pop(name) for name in ready or list(waiting)]
    return made


def write_database(tables: Mapping[str, Table], macros: Iterable[str], folder: Path) -> Path:
    """Make the file from the Parquet files in `folder`, and return it. Tables and columns keep their descriptions."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making.") as made:
        path = Path(made) / NAME
        with duckdb.connect() as connection:
            # Without a log of what is written: a file that was not made whole is never used.
            options = f"STORAGE_VERSION '{STORAGE_VERSION}', RECOVERY_MODE no_wal_writes"
            connection.execute(f"ATTACH '{_quoted(path)}' AS published ({options})")
            connection.execute("USE published")
            for name, table in tables.items():
                fill(connection, table, f"FROM read_parquet('{_quoted(folder / f'{name}.parquet')}')")
            for macro in macros:
                connection.execute(macro)
            connection.execute("CHECKPOINT published")
            connection.execute("USE memory")
            connection.execute("DETACH published")
        place_changed(path, folder / NAME)
    return folder / NAME


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
