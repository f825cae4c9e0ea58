"""Read-only SQL on the published database, as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.storage_failures import explained, is_damage


class QueryError(TreasuryWatchError):
    """The SQL was refused; the message is the database's own first line."""


def open_locked(database: Path) -> duckdb.DuckDBPyConnection:
    """A connection that can read the published tables and nothing else: no writing, no other files, no network."""
    connection = open_published(database)
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(database: Path, sql: str, form: str, out: Path | None) -> None:
    """Run the SQL and write its rows to the terminal or a file. Raises QueryError."""
    if form == "parquet" and out is None:
        raise click.UsageError("--format parquet needs --out FILE")
    with open_locked(database) as connection:
        try:
            relation = connection.sql(sql)
            if relation is None:
                raise QueryError("the statement returns no rows; `query` takes SELECT statements")
            if form == "parquet":
                _write_parquet(relation, out)
                return
            columns, rows = relation.columns, relation.fetchall()
        except duckdb.Error as problem:
            damage = explained(problem, database) if is_damage(problem) else None
            raise damage or QueryError(str(problem).strip().splitlines()[0]) from problem
    text = {"table": _table, "csv": _csv, "json": _json}[form](columns, [[_plain(v) for v in row] for row in rows])
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _write_parquet(relation: duckdb.DuckDBPyRelation, out: Path | None) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(relation.to_arrow_table(), out, compression="zstd")


def _plain(value: Any) -> Any:
    """Figures without an empty fraction: 1209889, not 1209889.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
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


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells)) if cells else len(name) for i, name in enumerate(columns)]
    right = [
        any(isinstance(row[i], int | float) and not isinstance(row[i], bool) for row in rows)
        for i in range(len(columns))
    ]

    def line(values: list[str]) -> str:
        return "  ".join(
            v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True)
        ).rstrip()

    body = [line(columns), "  ".join("-" * width for width in widths), *(line(row) for row in cells)]
    return "\n".join([*body, f"({len(rows)} row{'' if len(rows) == 1 else 's'})", ""])


def _csv(columns: list[str], rows: list[list[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_text(value) if isinstance(value, list | None) else value for value in row] for row in rows])
    return buffer.getvalue()


def _json(columns: list[str], rows: list[list[Any]]) -> str:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(records, indent=1, default=_json_value, ensure_ascii=False) + "\n"


def _json_value(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
