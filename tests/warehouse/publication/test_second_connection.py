"""The second strand: its order, what it sees, and what becomes of it when something fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from treasury_watch.warehouse.publication.second_connection import beside


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


def test_where_the_block_fails_a_query_at_work_is_given_up(connection):
    at_work, started = threading.Event(), []

    def beat(number: int) -> int:
        at_work.set()
        return number

    def fail() -> None:
        with beside(connection, "made") as second:
            second.connection.create_function("beat", beat, ["BIGINT"], "BIGINT")
            endless = "SELECT sum(beat(range)) FROM range(10000000000)"
            started.append(second.start(lambda other: other.execute(endless).fetchall()))
            assert at_work.wait(10)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fail()
    with pytest.raises(duckdb.InterruptException):
        started[0].result()


def test_an_interruption_while_the_thread_is_waited_for_does_not_close_its_connection(connection, monkeypatch):
    shutdown, calls = ThreadPoolExecutor.shutdown, []

    def interrupted(pool: ThreadPoolExecutor, **options: bool) -> None:
        calls.append(options)
        if len(calls) < 4:
            raise KeyboardInterrupt
        shutdown(pool, **options)

    def stop() -> None:
        with beside(connection, "made") as second:
            work.append(second.start(lambda other: (time.sleep(0.2), values(other, "first"))))
            raise KeyboardInterrupt

    work: list[Future] = []
    make(connection, "first", 1)
    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "shutdown", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stop()
    assert work[0].done()
    assert work[0].result()[1] == [(1,)]
