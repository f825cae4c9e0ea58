"""Declared tables in the database, as typed Arrow and as Parquet, each column with its description."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.declarations import Table
from treasury_watch.warehouse.home.durable_files import move_into_place

ARROW = {
    "text": pa.string(),
    "month": pa.date32(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "usd_mn": pa.float64(),
    "pct": pa.float64(),
    "number": pa.float64(),
    "texts": pa.list_(pa.string()),
}
SQL = {
    "text": "VARCHAR",
    "month": "DATE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "usd_mn": "DOUBLE",
    "pct": "DOUBLE",
    "number": "DOUBLE",
    "texts": "VARCHAR[]",
}
UNITS = {"usd_mn": "USD millions", "pct": "percent", "month": "first day of the month"}


class TypeMismatch(TreasuryWatchError):
    """A frame does not fit its declared table."""


def schema(table: Table) -> pa.Schema:
    """The declared columns as an Arrow schema; description and unit are field metadata."""
    return pa.schema(
        [
            pa.field(c.name, ARROW[c.type], metadata={"description": c.description, "unit": UNITS.get(c.type, c.type)})
            for c in table.columns
        ],
        metadata={"table": table.name, "description": table.description},
    )


def typed(frame: pd.DataFrame, table: Table) -> pa.Table:
    """A frame as the declared table: its columns, order and types; NaN is NULL. Raises TypeMismatch."""
    missing = [name for name in table.column_names if name not in frame.columns]
    if missing:
        raise TypeMismatch(
            f"table {table.name}: columns {', '.join(missing)} are declared in tables.toml but were not made"
        )
    arrays = []
    for column in table.columns:
        try:
            array = pa.array(frame[column.name], from_pandas=True)
            wanted = ARROW[column.type]
            arrays.append(pc.cast(array, wanted) if array.type != pa.null() else pa.nulls(len(frame), wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as problem:
            raise TypeMismatch(
                f"table {table.name}, column {column.name}: declared {column.type}, but {problem}"
            ) from problem
    return pa.Table.from_arrays(arrays, schema=schema(table))


def create(connection: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame) -> pa.Table:
    """Create a declared table of the database with a frame's rows, and return them. Raises TypeMismatch."""
    content = typed(frame, table)
    _create_empty(connection, table)
    connection.register("made", content)
    connection.execute(f"INSERT INTO {table.name} SELECT * FROM made")
    connection.unregister("made")
    return content


def fill(connection: duckdb.DuckDBPyConnection, table: Table, query: str, *parameters: Any) -> None:
    """Create a declared table of the database with the answer to a query, which never leaves the database.

    Raises ConfigurationError where the query lacks a declared column.
    """
    _create_empty(connection, table)
    names = ", ".join(table.column_names)
    try:
        connection.execute(f"INSERT INTO {table.name} SELECT {names} FROM ({query})", list(parameters))
    except duckdb.BinderException as problem:
        raise ConfigurationError(
            f"tables.toml, {table.name}: its query lacks a declared column: {str(problem).splitlines()[0]}; "
            "add the column's expression to the table's query in warehouse/tables"
        ) from problem


def _create_empty(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f"{column.name} {SQL[column.type]}" for column in table.columns)
    comments = [f"COMMENT ON TABLE {table.name} IS {_literal(table.description)}"] + [
        f"COMMENT ON COLUMN {table.name}.{column.name} IS {_literal(column.description)}" for column in table.columns
    ]
    # In a copy of a publication the table is there. One transaction: every one of a file's is written to its log.
    connection.execute("; ".join(["BEGIN", f"CREATE OR REPLACE TABLE {table.name} ({columns})", *comments, "COMMIT"]))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_parquet(content: pa.Table, table: Table, folder: Path) -> None:
    """Write the table into `folder`, which has nothing of it yet: one file, or one per value of its partition column.

    Same content, same bytes: order is the table's, statistics and compression are fixed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = content.cast(schema(table))
    if table.partition is None:
        _write(content, folder / f"{table.name}.parquet")
        return
    for value, part in _parts(content, table.partition):
        name = str(value).replace(":", "_")
        _write(part, folder / table.name / f"{table.partition}={name}" / "data.parquet")


def place_parquet(staged: Path, table: Table, folder: Path, mode: int | None = None) -> None:
    """Move a table's files from where they were written into `folder`.

    With a `mode` each has that. A file whose bytes would be the same is left alone; files of values that are gone are removed.
    """
    pattern = f"{table.name}.parquet" if table.partition is None else f"{table.name}/*/data.parquet"
    placed = set()
    for file in sorted(staged.glob(pattern)):
        path = folder / file.relative_to(staged)
        placed.add(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size == file.stat().st_size and path.read_bytes() == file.read_bytes():
            file.unlink()
        else:
            move_into_place(file, path, mode)
    if table.partition is not None:
        for stale in set((folder / table.name).glob(f"{table.partition}=*")) - placed:
            shutil.rmtree(stale)


def _parts(content: pa.Table, column: str) -> Iterator[tuple[object, pa.Table]]:
    """The rows of each value of the column, by which the table is in order."""
    values = content.column(column)
    counts = pc.value_counts(values)
    start = 0
    for value, count in zip(counts.field("values"), counts.field("counts"), strict=True):
        part = content.slice(start, count.as_py())
        if part.column(column)[0] != value or part.column(column)[-1] != value:
            raise ValueError(f"the table is not in order of {column}")
        yield value.as_py(), part
        start += count.as_py()


def _write(content: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, compression="zstd", version="2.6", row_group_size=122_880)
