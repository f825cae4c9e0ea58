"""The second strand: its order, what it sees, and what becomes of it when something fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.beside import beside


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{tmp_path / 'made.duckdb'}' AS made")
        opened.execute("USE made")
        yield opened
        opened.execute("USE memory")
        opened.execute("DETACH made")  # refused while the second connection is at work in it


def make(connection: duckdb.DuckDBPyConnection, name: str, value: int) -> int:
    connection.execute(f"CREATE TABLE {name} AS SELECT {value} AS value")
    return value


def values(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple]:
    return connection.execute(f"FROM {name}").fetchall()


def test_both_connections_see_what_either_has_made(connection):
    make(connection, "first", 1)
    with beside(connection, "made") as second:
        assert second.start(values, "first").result() == [(1,)]
        second.start(make, "other", 2).result()
        assert values(connection, "other") == [(2,)]


def test_what_is_started_is_done_in_order_and_waited_for_at_the_end(connection):
    gate = threading.Event()
    with beside(connection, "made") as second:
        second.start(lambda _: gate.wait(10))
        second.start(make, "first", 1)
        second.start(lambda other: other.execute("CREATE TABLE second AS FROM first"))
        gate.set()
    assert values(connection, "second") == [(1,)]


def test_what_fails_beside_is_raised_by_its_result(connection):
    with beside(connection, "made") as second:
        failed = second.start(values, "nothing")
        with pytest.raises(duckdb.CatalogException, match="nothing"):
            failed.result()


def test_where_the_block_fails_what_was_not_begun_is_left_out(connection):
    begun, left_out = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        begun.set()
        left_out.wait(10)

    def fail() -> None:
        with beside(connection, "made") as second:
            second.start(wait)
            second.start(make, "first", 1).add_done_callback(lambda _: left_out.set())
            begun.wait(10)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fail()
    assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'first'").fetchall() == [(0,)]
