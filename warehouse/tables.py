"""Declared tables as typed Arrow and Parquet, each column with its description."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.errors import TreasuryWatchError
from warehouse.declarations import Table
from warehouse.files import move_into_place

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


def write_parquet(content: pa.Table, table: Table, folder: Path) -> list[Path]:
    """Write the table below `folder`, one file, or one per value of its partition column. Returns the paths.

    Same content, same bytes: order is the table's, statistics and compression are fixed. A file whose bytes would be
    the same is left alone; files of values that are gone are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = content.cast(schema(table))
    if table.partition is None:
        return [_write(content, folder / f"{table.name}.parquet")]
    home = folder / table.name
    written = []
    for value, part in _parts(content, table.partition):
        name = str(value).replace(":", "_")
        written.append(_write(part, home / f"{table.partition}={name}" / "data.parquet"))
    for stale in home.glob(f"{table.partition}=*"):
        if stale not in {path.parent for path in written}:
            shutil.rmtree(stale)
    return written


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


def _write(content: pa.Table, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.next")
    pq.write_table(content, staged, compression="zstd", version="2.6", row_group_size=122_880)
    if path.exists() and path.stat().st_size == staged.stat().st_size and path.read_bytes() == staged.read_bytes():
        staged.unlink()
    else:
        move_into_place(staged, path)
    return path
