"""What a failed run leaves in memory: nothing of the database's driver, which lists it on standard error at the end."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from treasury_watch.flows.commands.sql.asking import first_rows
from treasury_watch.flows.settings.sections import QuerySettings
from treasury_watch.transforms.errors import let_go

# Prefect's part: a thread that is stopped in its midst at the process's end, and has the error of a task.
KEPT = """
import sys, threading
import duckdb
from treasury_watch.transforms.errors import let_go

def step():
    with duckdb.connect() as connection:
        connection.execute("SELECT 1")
        raise ValueError("the step failed")

def task():
    try:
        step()
    except ValueError as problem:
        raise RuntimeError("the task failed") from problem

def keep(error):
    threading.Event().wait()

try:
    task()
except RuntimeError as problem:
    if sys.argv[1] == "let go":
        let_go(problem)
    threading.Thread(target=keep, args=(problem,), daemon=True).start()
"""


@pytest.mark.parametrize(("told", "listed"), [("let go", False), ("keep", True)])
def test_the_driver_lists_nothing_at_the_end_where_errors_let_go_of_connections(told: str, listed: bool):
    ended = subprocess.run([sys.executable, "-c", KEPT, told], capture_output=True, text=True, check=True)
    assert ("nanobind: leaked" in ended.stderr) is listed


def test_an_error_that_let_go_keeps_its_message_and_its_lines():
    def step() -> None:
        with duckdb.connect() as connection:
            connection.execute("SELECT no_such_column")

    with pytest.raises(duckdb.BinderException) as caught:
        step()
    before = [entry.lineno for entry in caught.traceback]
    let_go(caught.value)
    assert [entry.lineno for entry in caught.traceback] == before
    assert "no_such_column" in str(caught.value)
    assert "connection" not in caught.traceback[-1].frame.f_locals


def test_a_query_leaves_no_thread_that_holds_its_connection(tmp_path: Path):
    with duckdb.connect(str(tmp_path / "treasury.duckdb")) as made:
        made.execute("CREATE TABLE holders AS SELECT 'japan' AS holder_id")
    for _ in range(20):
        first_rows(tmp_path / "treasury.duckdb", "SELECT holder_id FROM holders", QuerySettings())
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
