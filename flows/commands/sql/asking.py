"""Read-only SQL on the published database, within limits of memory and time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb

from treasury_watch.flows.settings.sections import QuerySettings
from treasury_watch.flows.tabular import writing
from treasury_watch.flows.tabular.cells import distinct, plain
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.storage_failures import explained, is_damage

FORMATS = ("table", "csv", "json", "parquet", "xlsx")
if TYPE_CHECKING:
    import pandas as pd

LONGEST_SQL = 10_000_000  # bytes
NO_ROWS = "the statement returns no rows; `query` takes SELECT statements"


class QueryError(TreasuryWatchError):
    """The SQL was refused, or reached a limit; the message is the database's own, or names the limit."""


def open_locked(database: Path, limits: QuerySettings) -> duckdb.DuckDBPyConnection:
    """A connection that can read the published tables and nothing else: no writing, no other files, no network."""
    connection = open_published(database)
    connection.execute(f"SET memory_limit = '{limits.memory}'")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def read_sql(given: str) -> str:
    """The SQL: as given, from standard input where it is `-`, or from the file that it names."""
    if given == "-":
        return sys.stdin.read()
    if given.lower().endswith(".sql") and not any(mark in given for mark in " \n\t("):
        from treasury_watch.warehouse.ledger.incoming.incoming_files import (
            NoPlainFile,
            read_plain,
        )  # not for SQL as given

        try:
            return read_plain(Path(given), LONGEST_SQL).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError, NoPlainFile) as problem:
            raise QueryError(f"{given}: expected a file with SQL in UTF-8, found none ({problem})") from problem
    return given


def form_of(form: str | None, out: Path | None) -> str:
    """The format: the one that is named, else the one of the file's ending. Raises click.UsageError."""
    ending = out.suffix.lower().lstrip(".") if out else ""
    if form is None and out is not None:
        if ending not in FORMATS:
            raise click.UsageError(f"{out} has no ending of {', '.join(FORMATS[1:])}; name one with --format")
        form = ending
    form = form or "table"
    if form in ("parquet", "xlsx") and out is None:
        raise click.UsageError(f"--format {form} needs --out FILE")
    return form


def answer(
    database: Path, given: str, form: str | None, out: Path | None, limits: QuerySettings, *, for_spreadsheets: bool
) -> str | None:
    """Run the SQL and write its rows to the terminal or a file; what else is to be said, or None. Raises QueryError."""
    form = form_of(form, out)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    with _asking(database, read_sql(given), limits) as (connection, statement):
        if form == "parquet" and out is not None:
            relation = connection.sql(statement)
            if relation is None:
                raise QueryError(NO_ROWS)
            writing.parquet(relation, out)
            return None
        cursor = _executed(connection, statement)
        return writing.write(cursor, form, out, limits.rows_in_table, for_spreadsheets=for_spreadsheets)


def first_rows(database: Path, sql: str, limits: QuerySettings) -> tuple[list[str], list[list[Any]], bool]:
    """The columns and rows of a query, `rows_in_table` at most, and whether there are more. Raises QueryError."""
    with _asking(database, sql, limits) as (connection, statement):
        cursor = _executed(connection, statement)
        columns = distinct([column[0] for column in cursor.description or []])
        rows = [[plain(value) for value in row] for row in cursor.fetchmany(limits.rows_in_table + 1)]
    return columns, rows[: limits.rows_in_table], len(rows) > limits.rows_in_table


@contextmanager
def _asking(
    database: Path, sql: str, limits: QuerySettings
) -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.Statement]]:
    """A locked connection and the statement that gives the answer, what comes before it done. Raises QueryError."""
    with open_locked(database, limits) as connection:
        try:
            *before, statement = _statements(connection, sql)
            with _within(connection, limits):
                for preparing in before:
                    connection.execute(preparing)
                yield connection, statement
        except duckdb.OutOfMemoryException as problem:
            raise QueryError(
                f"the query needs more memory than {limits.memory}; ask for fewer rows or columns, or raise memory in "
                "section [query] of settings.toml"
            ) from problem
        except duckdb.Error as problem:
            damage = explained(problem, database) if is_damage(problem) else None
            raise damage or QueryError(_words(problem)) from problem


def _executed(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> duckdb.DuckDBPyConnection:
    cursor = connection.execute(statement)
    if cursor.description is None:
        raise QueryError(NO_ROWS)
    return cursor


def write_frame(frame: pd.DataFrame, form: str | None, out: Path | None, limits: QuerySettings) -> None:
    """The rows of a frame, as the rows of a query are written."""
    form = form_of(form, out)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        if form == "parquet" and out is not None:
            writing.parquet(connection.sql("FROM frame"), out)
            return
        writing.write(connection.execute("FROM frame"), form, out, limits.rows_in_table, for_spreadsheets=False)


def _statements(connection: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.Statement]:
    """What prepares the answer, such as a temporary table, and last what gives it. Raises QueryError where there is none, or
    more than one.
    """
    statements = connection.extract_statements(sql)
    answers = [statement for statement in statements if statement.type == duckdb.StatementType.SELECT]
    if not statements or len(answers) > 1:
        found = "none" if not statements else f"{len(answers)}: ask them one after the other"
        raise QueryError(f"expected one statement that gives rows, found {found}")
    return statements


@contextmanager
def _within(connection: duckdb.DuckDBPyConnection, limits: QuerySettings) -> Iterator[None]:
    """The block, interrupted after the limit of time. Raises QueryError then."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(limits.seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (duckdb.Error, RuntimeError) as problem:
        if late.is_set():
            raise QueryError(
                f"no answer within {limits.seconds:g} s; ask for less, or raise seconds in section [query] of settings.toml"
            ) from problem
        raise
    finally:
        timer.cancel()
        timer.join()  # it holds the connection, which must not be alive in a thread when the process ends


def _words(problem: duckdb.Error) -> str:
    """The database's message in one line, with the names that it proposes; without the drawing of the place."""
    lines = [line.strip() for line in str(problem).strip().splitlines()]
    told = [
        lines[0],
        *(line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))),
    ]
    return "; ".join(told)
