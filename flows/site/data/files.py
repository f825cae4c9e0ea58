"""A table as files: CSV, Parquet and an Excel workbook, the same bytes for the same rows, written only where rows changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from treasury_watch.flows.site.aside import Aside
from treasury_watch.flows.site.written import place_changed
from treasury_watch.flows.tabular.cells import FORMULA_STARTS
from treasury_watch.flows.tabular.workbooks import EXCEL_ROWS, SECONDS_PER_CELL, workbook_of
from treasury_watch.warehouse.declarations import Column, Table
from treasury_watch.warehouse.tables.declared_tables import schema

MADE_AS = "2"  # the way the files are made: another number writes them all again
WORKBOOK_CELLS = 100_000  # more are for programs, which take CSV or Parquet; writing them took most of the site's time
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


@dataclass(frozen=True)
class Begun:
    """A table whose CSV and Parquet are written and whose workbook may still be in the making."""

    table: Table
    rows: int
    content: str
    no_workbook: str
    folder: Path
    made: Path
    kinds: tuple[str, ...]
    kept: dict[str, TableFile] | None
    workbook: Callable[[], None] | None = None

    def finished(self) -> TableFiles:
        """The table's files, all in place. Waits for the workbook."""
        if self.kept is not None:
            return TableFiles(self.rows, self.content, self.kept, self.no_workbook)
        workbook = f"{self.table.name}.xlsx"
        if self.workbook is None:
            (self.folder / workbook).unlink(missing_ok=True)
        else:
            self.workbook()
            place_changed(self.made / workbook, self.folder / workbook)
        files = {kind: self.folder / f"{self.table.name}.{kind}" for kind in self.kinds}
        found = {kind: TableFile(path.name, path.stat().st_size, _sha256(path)) for kind, path in files.items()}
        return TableFiles(self.rows, self.content, found, self.no_workbook)


def write_table(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> TableFiles:
    """Write a published table into `folder`. Where its rows are those of last time, its files are left alone."""
    with Aside() as aside, writing(connection, folder, aside) as tables:
        return tables.begin(table).finished()


@contextmanager
def writing(connection: duckdb.DuckDBPyConnection, folder: Path, aside: Aside) -> Iterator[Tables]:
    """For writing tables into `folder`, their workbooks by `aside`. What is begun is finished within."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making.") as made:
        yield Tables(connection, folder, Path(made), aside)


@dataclass(frozen=True)
class Tables:
    """Begins the files of one table after another."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    made: Path
    aside: Aside

    def begin(self, table: Table, *, large_workbook: bool = False) -> Begun:
        """Write the table's CSV and Parquet where its rows are others than last time, and begin its workbook.

        With `large_workbook` it has one of whatever size, if Excel holds it.
        """
        parquet = self.made / f"{table.name}.parquet"
        rows = _parquet(self.connection, table, parquet)
        content = f"{MADE_AS}:{_sha256(parquet)}"
        why_none = without_workbook(rows, len(table.columns), large=large_workbook)
        kinds = tuple(kind for kind in KINDS if kind != "xlsx" or not why_none)
        begun = Begun(table, rows, content, why_none, self.folder, self.made, kinds, None)
        kept = _kept(self.folder, table, content, kinds)
        if kept is not None:
            parquet.unlink()
            return replace(begun, kept=kept)
        place_changed(parquet, self.folder / parquet.name)
        workbook = None
        if not why_none:
            seconds, out = rows * len(table.columns) * SECONDS_PER_CELL, self.made / f"{table.name}.xlsx"
            workbook = self.aside.begin(seconds, workbook_of, self.folder / parquet.name, out, table.name)
        _csv(self.connection, table, self.made / f"{table.name}.csv")
        place_changed(self.made / f"{table.name}.csv", self.folder / f"{table.name}.csv")
        return replace(begun, workbook=workbook)


def without_workbook(rows: int, columns: int, *, large: bool = False) -> str:
    """Why a table of this size has no workbook; "" where it has one. `large`: one that has one whatever its cells."""
    if rows > EXCEL_ROWS:
        return f"no workbook: {rows:,} rows, Excel holds {EXCEL_ROWS:,}"
    if rows * columns > WORKBOOK_CELLS and not large:
        return f"no workbook: {rows * columns:,} cells are too many for a spreadsheet; take CSV or Parquet"
    return ""


def _kept(folder: Path, table: Table, content: str, kinds: Sequence[str]) -> dict[str, TableFile] | None:
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
