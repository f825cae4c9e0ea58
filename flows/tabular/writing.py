"""The rows of a query as a table for people, CSV, JSON, Parquet or an Excel workbook, written as they come."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import click
import duckdb

from treasury_watch.flows.tabular.cells import FORMULA_STARTS, distinct, plain, printable, text_of
from treasury_watch.flows.tabular.workbooks import write_workbook
from treasury_watch.transforms.errors import TreasuryWatchError

ROWS_AT_ONCE = 10_000


def write(
    cursor: duckdb.DuckDBPyConnection, form: str, out: Path | None, rows_in_table: int, *, for_spreadsheets: bool
) -> str | None:
    """Write the rows of an executed query; what else is to be said of them. `for_spreadsheets` sets an apostrophe before
    text in CSV that a spreadsheet would take for a formula.
    """
    columns = distinct([column[0] for column in cursor.description or []])
    rows = _rows(cursor)
    if form == "xlsx":
        write_workbook(columns, rows, _named(out))
        return None
    with _text_file(out) as file:
        if form == "table":
            _table(columns, rows, rows_in_table, file)
            return None
        if form == "json":
            _json(columns, rows, file)
            return None
        formulas = _csv(columns, rows, file, for_spreadsheets=for_spreadsheets)
    if not formulas or for_spreadsheets:
        return None
    return (
        f"{formulas} cells of text begin as formulas do: before a spreadsheet opens them, write with --for-spreadsheets"
    )


def as_text(cursor: duckdb.DuckDBPyConnection, rows_in_table: int) -> str:
    """The rows of an executed query as the table for people."""
    text = io.StringIO()
    _table(distinct([column[0] for column in cursor.description or []]), _rows(cursor), rows_in_table, text)
    return text.getvalue()


def _named(out: Path | None) -> Path:
    if out is None:
        raise TreasuryWatchError("this format needs --out FILE")
    return out


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            yield [plain(value) for value in row]


@contextmanager
def _text_file(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        yield file


def _table(columns: list[str], rows: Iterator[list[Any]], most: int, file: IO[str]) -> None:
    kept: list[list[Any]] = []
    for row in rows:
        if len(kept) == most:
            break
        kept.append(row)
    more = len(kept) == most and next(rows, None) is not None
    names = [printable(name) for name in columns]
    cells = [[printable(text_of(value)) for value in row] for row in kept]
    widths = [max(len(name), *(len(row[i]) for row in cells)) if cells else len(name) for i, name in enumerate(names)]
    right = [
        any(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in kept) for i in range(len(names))
    ]

    def line(values: list[str]) -> str:
        return "  ".join(
            v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True)
        ).rstrip()

    counted = f"({len(kept)} row{'' if len(kept) == 1 else 's'})"
    if more:
        counted = f"(the first {len(kept):,} rows; there are more: write them all with --out FILE.csv)"
    for said in (line(names), "  ".join("-" * width for width in widths), *map(line, cells), counted):
        click.echo(said, file=file)


def _csv(columns: list[str], rows: Iterable[list[Any]], file: IO[str], *, for_spreadsheets: bool) -> int:
    """The number of cells of text that a spreadsheet would take for formulas."""
    on_a_terminal = file.isatty()
    writer = csv.writer(file, lineterminator="\n")
    formulas = 0

    def cell(value: Any) -> Any:
        nonlocal formulas
        if not isinstance(value, str | list | None):
            return value
        text = text_of(value)
        if text.startswith(FORMULA_STARTS):
            formulas += 1
            text = f"'{text}" if for_spreadsheets else text
        return printable(text) if on_a_terminal else text

    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(value) for value in row] for row in rows)
    return formulas


def _json(columns: list[str], rows: Iterable[list[Any]], file: IO[str]) -> None:
    ascii_only = file.isatty()
    before = "["
    for row in rows:
        record = {name: _json_value(value) for name, value in zip(columns, row, strict=True)}
        file.write(f"{before}\n {json.dumps(record, ensure_ascii=ascii_only, allow_nan=False)}")
        before = ","
    file.write("[]\n" if before == "[" else "\n]\n")


def _json_value(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _json_value(item) for name, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def parquet(relation: duckdb.DuckDBPyRelation, out: Path) -> None:
    """Write the rows of a relation as they come."""
    import pyarrow
    import pyarrow.parquet

    reader: Any = relation.to_arrow_reader(ROWS_AT_ONCE)
    names = distinct(reader.schema.names)
    schema = pyarrow.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    with pyarrow.parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(pyarrow.RecordBatch.from_arrays(batch.columns, schema=schema))
