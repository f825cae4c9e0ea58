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
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import click
import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError

ROWS_AT_ONCE = 10_000
EXCEL_ROWS = 1_048_575  # below the header
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write(
    cursor: duckdb.DuckDBPyConnection, form: str, out: Path | None, rows_in_table: int, *, for_spreadsheets: bool
) -> str | None:
    """Write the rows of an executed query; what else is to be said of them. `for_spreadsheets` sets an apostrophe before
    text in CSV that a spreadsheet would take for a formula.
    """
    columns = distinct([column[0] for column in cursor.description or []])
    rows = _rows(cursor)
    if form == "xlsx":
        _excel(columns, rows, _named(out))
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


def distinct(columns: list[str]) -> list[str]:
    """Column names, each once: a second `month` becomes `month_2`, so that no format loses it."""
    found: list[str] = []
    for name in columns:
        number, made = 1, name
        while made in found:
            number += 1
            made = f"{name}_{number}"
        found.append(made)
    return found


def _named(out: Path | None) -> Path:
    if out is None:
        raise TreasuryWatchError("this format needs --out FILE")
    return out


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            yield [_plain(value) for value in row]


@contextmanager
def _text_file(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        yield file


def _plain(value: Any) -> Any:
    """Figures without an empty fraction: 1209889, not 1209889.0; what is no number is nothing."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None if math.isnan(value) else value
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)


def printable(text: str) -> str:
    """Text without the power to steer a terminal: control characters are shown as what they are."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _table(columns: list[str], rows: Iterator[list[Any]], most: int, file: IO[str]) -> None:
    kept: list[list[Any]] = []
    for row in rows:
        if len(kept) == most:
            break
        kept.append(row)
    more = len(kept) == most and next(rows, None) is not None
    names = [printable(name) for name in columns]
    cells = [[printable(_text(value)) for value in row] for row in kept]
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
        text = _text(value)
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


def _excel(columns: list[str], rows: Iterable[list[Any]], out: Path) -> None:
    """Typed cells; text stays text, whatever it begins with."""
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(out), options) as book:
        sheet = book.add_worksheet("query")
        bold, days = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, bold)
            sheet.set_column(place, place, min(max(len(name) + 2, 12), 40))
        for number, row in enumerate(rows, start=1):
            if number > EXCEL_ROWS:
                raise TreasuryWatchError(
                    f"{out}: expected at most {EXCEL_ROWS:,} rows, which is all that Excel holds, found more; "
                    "write .csv or .parquet"
                )
            for place, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, bool):
                    sheet.write_boolean(number, place, value)
                elif isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53:
                    sheet.write_number(number, place, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(number, place, value.replace(tzinfo=None), times)
                elif isinstance(value, date):
                    sheet.write_datetime(number, place, datetime(value.year, value.month, value.day), days)
                else:
                    sheet.write_string(number, place, _text(value))
