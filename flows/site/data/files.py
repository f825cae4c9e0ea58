"""A table as files: CSV, Parquet and an Excel workbook, the same bytes for the same rows, written only where rows changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from treasury_watch.flows.site.written import place_changed
from treasury_watch.flows.tabular.cells import FORMULA_STARTS, plain
from treasury_watch.flows.tabular.workbooks import EXCEL_ROWS, write_workbook
from treasury_watch.warehouse.declarations import Column, Table
from treasury_watch.warehouse.tables.declared_tables import schema

MADE_AS = "2"  # the way the files are made: another number writes them all again
WORKBOOK_CELLS = 1_000_000  # a workbook of more takes a spreadsheet minutes to open, and the site its time to write
ROWS_AT_ONCE = 20_000
KINDS = ("csv", "parquet", "xlsx")


@dataclass(frozen=True)
class TableFile:
    """A written file: its name, size in bytes and SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableFiles:
    """The files of a table, by their ending; why there is no workbook, or ""; and the digest of the rows."""

    rows: int
    content: str
    files: dict[str, TableFile]
    no_workbook: str = ""


def write_table(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> TableFiles:
    """Write a published table into `folder`. Where its rows are those of last time, its files are left alone."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making.") as made:
        staging = Path(made)
        rows = _parquet(connection, table, staging / f"{table.name}.parquet")
        content = f"{MADE_AS}:{_sha256(staging / f'{table.name}.parquet')}"
        why_none = without_workbook(rows, len(table.columns))
        kinds = [kind for kind in KINDS if kind != "xlsx" or not why_none]
        kept = _kept(folder, table, content, kinds)
        if kept is not None:
            return TableFiles(rows, content, kept, why_none)
        _csv(connection, table, staging / f"{table.name}.csv")
        if not why_none:
            _workbook(connection, table, staging / f"{table.name}.xlsx")
        found = {}
        for kind in kinds:
            name = f"{table.name}.{kind}"
            place_changed(staging / name, folder / name)
            found[kind] = TableFile(name, (folder / name).stat().st_size, _sha256(folder / name))
        if why_none:
            (folder / f"{table.name}.xlsx").unlink(missing_ok=True)
    return TableFiles(rows, content, found, why_none)


def without_workbook(rows: int, columns: int) -> str:
    """Why a table of this size has no workbook; "" where it has one."""
    if rows > EXCEL_ROWS:
        return f"no workbook: {rows:,} rows, Excel holds {EXCEL_ROWS:,}"
    if rows * columns > WORKBOOK_CELLS:
        return f"no workbook: {rows:,} rows are too many to open in a spreadsheet; take CSV or Parquet"
    return ""


def _kept(folder: Path, table: Table, content: str, kinds: list[str]) -> dict[str, TableFile] | None:
    """The files of last time, where their description says that they hold these rows and they are all there."""
    try:
        described = json.loads((folder / f"{table.name}.metadata.json").read_text(encoding="utf-8"))
        files = {file["format"]: TableFile(file["path"], file["bytes"], file["sha256"]) for file in described["files"]}
        same = described["content"] == content and set(files) == set(kinds)
        whole = all((folder / file.name).stat().st_size == file.bytes for file in files.values())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if same and whole else None


def _public(table: Table) -> str:
    """The table as it is published: of a file from the operator's own disk its name, not the folders it lay in."""
    if "url" not in table.column_names:
        return table.name
    name = r"CASE WHEN url LIKE 'http%' THEN url ELSE regexp_replace(url, '^(file:)?.*[/\\]', '\1') END"
    return f"(SELECT * REPLACE ({name} AS url) FROM {table.name})"


def _ordered(table: Table) -> str:
    """ORDER BY the key, then all else: one order, whatever the database's."""
    rest = [name for name in table.column_names if name not in table.key]
    return "ORDER BY " + ", ".join(f"{name} NULLS LAST" for name in (*table.key, *rest))


def _parquet(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> int:
    names = ", ".join(table.column_names)
    content = connection.sql(f"SELECT {names} FROM {_public(table)} {_ordered(table)}").to_arrow_table()
    pq.write_table(content.cast(schema(table)), path, compression="zstd", version="2.6", row_group_size=122_880)
    return int(content.num_rows)


def _csv(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    """As `query --for-spreadsheets` writes it, but by the database: a hundred times the rows in the same time."""
    columns = ", ".join(f"{_csv_cell(column)} AS {column.name}" for column in table.columns)
    keys = _ordered(table).replace("ORDER BY ", "ORDER BY t.").replace(", ", ", t.")
    target = str(path).replace("'", "''")
    connection.execute(
        f"COPY (SELECT {columns} FROM {_public(table)} t {keys}) TO '{target}' (FORMAT csv, HEADER, NULL '')"
    )


def _csv_cell(column: Column) -> str:
    """The SQL of a cell: plain figures, days and moments as ISO 8601, text that no spreadsheet takes for a formula."""
    name = f"t.{column.name}"
    if column.type in ("usd_mn", "pct", "number"):
        whole = f"{name} = trunc({name}) AND abs({name}) < 9007199254740992"
        unknown = f"isnan({name}) OR isinf({name})"
        return (
            f"CASE WHEN {unknown} THEN NULL WHEN {whole} THEN CAST({name}::BIGINT AS VARCHAR) ELSE {name}::VARCHAR END"
        )
    if column.type == "boolean":
        return f"CASE WHEN {name} THEN 'True' WHEN NOT {name} THEN 'False' END"
    if column.type == "timestamp":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S')"
    if column.type in ("text", "texts"):
        text = f"array_to_string({name}, ', ')" if column.type == "texts" else name
        starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
        return f"CASE WHEN left({text}, 1) IN ({starts}) THEN '''' || {text} ELSE {text} END"
    return name


def _workbook(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    cursor = connection.execute(f"SELECT {', '.join(table.column_names)} FROM {_public(table)} {_ordered(table)}")

    def rows() -> Any:
        while batch := cursor.fetchmany(ROWS_AT_ONCE):
            for row in batch:
                yield [plain(value) for value in row]

    write_workbook(table.column_names, rows(), path, table.name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
