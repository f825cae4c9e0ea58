"""Which failures are told in one line, and with what next step; everything else stays as it is."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import duckdb
import pytest

from treasury_watch.warehouse.home.storage_failures import BACKUP, CHECK, PLACE, REBUILD, RIGHTS, ROOM, explained

SOMEWHERE = Path("/home/x/state.sqlite")


@pytest.mark.parametrize(
    ("number", "step"),
    [(errno.ENOSPC, ROOM), (errno.EFBIG, ROOM), (errno.EACCES, RIGHTS), (errno.ENOENT, PLACE), (errno.EIO, CHECK)],
)
def test_a_failure_of_the_system_names_its_file_and_the_next_step(number, step):
    told = str(explained(OSError(number, "as the system says", "/home/x/file")))
    assert told == f"/home/x/file: as the system says; {step}"


def test_a_file_that_is_no_sqlite_database_is_named(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"rot" * 1000)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        connection.execute("SELECT * FROM runs")
    connection.close()
    assert str(explained(caught.value, path)) == f"{path}: file is not a database; {BACKUP}"


def test_a_file_that_is_no_duckdb_database_is_named(tmp_path):
    path = tmp_path / "ledger.duckdb"
    path.write_bytes(b"rot" * 5000)
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect(str(path))
    told = str(explained(caught.value, path))
    assert str(path) in told
    assert told.endswith(f"; {REBUILD}")
    assert "\n" not in told


@pytest.mark.parametrize("problem", [ConnectionRefusedError(111, "refused"), TimeoutError(110, "late"), KeyError("x")])
def test_what_is_no_failure_of_storage_is_left_alone(problem):
    assert explained(problem) is None


def test_a_mistake_in_a_statement_is_left_alone():
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError) as slip:
        connection.execute("SELECT * FROM nowhere")
    connection.close()
    with pytest.raises(duckdb.Error) as other, duckdb.connect() as database:
        database.execute("SELECT * FROM nowhere")
    assert explained(slip.value, SOMEWHERE) is None
    assert explained(other.value, SOMEWHERE) is None
