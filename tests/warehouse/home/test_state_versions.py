"""A state of an older version opens, upgraded; one of a newer version is refused."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from treasury_watch.flows.alerts import outbox
from treasury_watch.warehouse.home import state_versions
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.state_versions import MIGRATIONS, NewerState, upgrade

UNVERSIONED = Path(__file__).parent / "data" / "state_unversioned.sqlite"
CHINA, POLAND = "month:china:2026-04", "month:poland:2026-04"
POLAND_BEFORE = "month:fall:poland:2026-04"  # as older versions named it
NEWEST = len(list(MIGRATIONS.glob("*.sql")))
TABLES = ("runs", "validation_results", "alerts", "notes", "validators")


@pytest.fixture
def old(tmp_path) -> Path:
    return Path(shutil.copy(UNVERSIONED, tmp_path / "state.sqlite"))


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_the_migrations_are_numbered_without_gaps():
    assert sorted(int(path.name[:4]) for path in MIGRATIONS.iterdir()) == list(range(1, NEWEST + 1))


def test_a_state_without_a_version_opens_with_all_its_rows(old):
    before = {table: rows(old, f"SELECT * FROM {table}") for table in TABLES}
    assert {table: len(found) for table, found in before.items()} == {
        "runs": 2, "validation_results": 2, "alerts": 9, "notes": 4, "validators": 1,
    }  # fmt: skip
    state = State(old)
    assert rows(old, "PRAGMA user_version") == [(NEWEST,)]
    added = {"alerts": "next_attempt", "validation_results": "why"}
    for table in set(TABLES) - {"notes"}:
        found = [
            tuple(value for name, value in row.items() if name != added.get(table))
            for row in state.rows(f"SELECT * FROM {table}")
        ]
        assert found == [tuple(_key_of_today(value) for value in row) for row in before[table]]


def _key_of_today(value: object) -> object:
    """The key of a month without its rule, other values as they are."""
    return value.replace("month:fall:", "month:") if isinstance(value, str) else value


def test_the_next_attempt_at_a_waiting_message_is_kept_and_its_note_gone(old, monkeypatch):
    state = State(old)
    waits = {row["finding"]: row["next_attempt"] for row in state.rows("SELECT * FROM alerts") if row["next_attempt"]}
    assert waits == {CHINA: "2026-06-18T21:00:00+00:00"}
    assert {row["name"] for row in state.rows("SELECT name FROM notes")} == {"published", "health:late:ecb:2026-06"}
    monkeypatch.setattr(outbox, "now", lambda: datetime(2026, 6, 18, 20, 50, tzinfo=UTC))
    assert "; next try after 2026-06-18 21:00 UTC" in "\n".join(outbox.listing(state, ["failed"]))


def test_a_message_that_no_longer_waits_has_no_next_attempt(old):
    joined = "SELECT state, value FROM alerts JOIN notes ON name = 'retry:' || alert_id"
    assert rows(old, f"{joined} WHERE finding = '{POLAND_BEFORE}'") == [("superseded", "2026-06-18T20:45:00+00:00")]
    State(old)
    assert rows(old, f"SELECT next_attempt FROM alerts WHERE finding = '{POLAND}'") == [(None,)]


def test_the_messages_on_one_month_become_one_and_what_came_furthest_keeps_it(old):
    State(old)
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("PRAGMA user_version = 3")
        connection.executemany(
            "INSERT INTO alerts (alert_id, finding, recipient, state, queued) VALUES (?, ?, ?, ?, '2026-06-18')",
            [
                ("1", "month:bond_sale:japan:2024-06", "desk", "superseded"),
                ("2", "month:fall:japan:2024-06", "desk", "sent"),
                ("3", "month:net_sale:japan:2024-06", "desk", "queued"),
                ("4", "month:net_sale:japan:2024-06", "other", "queued"),
            ],
        )
    State(old)
    found = rows(
        old, "SELECT alert_id, finding, state FROM alerts WHERE finding LIKE 'month:%japan:2024-06' ORDER BY 1"
    )
    assert found == [
        ("1", "month:bond_sale:japan:2024-06", "superseded"),
        ("2", "month:japan:2024-06", "sent"),
        ("3", "month:net_sale:japan:2024-06", "superseded"),
        ("4", "month:japan:2024-06", "queued"),
    ]


def test_opening_again_changes_nothing(old):
    State(old)
    once = content(old)
    State(old)
    assert content(old) == once


def test_a_new_state_and_an_upgraded_one_have_the_same_tables(old, tmp_path):
    State(old)
    State(tmp_path / "new.sqlite")
    query = (
        "SELECT m.name, c.name, c.type, c.pk FROM sqlite_schema m, pragma_table_info(m.name) c ORDER BY m.name, c.cid"
    )
    assert rows(old, query) == rows(tmp_path / "new.sqlite", query)


OPENS = """
import sys
from pathlib import Path
from treasury_watch.warehouse.home.state import State
print("ready", flush=True)
sys.stdin.readline()
print(len(State(Path(sys.argv[1])).rows("SELECT * FROM alerts")))
"""


@pytest.mark.parametrize("there", [True, False], ids=["an old file", "no file"])
def test_two_processes_that_open_a_state_at_once_both_succeed(tmp_path, there):
    for attempt in range(3):
        path = tmp_path / f"{attempt}.sqlite"
        if there:
            shutil.copy(UNVERSIONED, path)
        command = [sys.executable, "-c", OPENS, str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        both = [subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) for _ in range(2)]
        for process in both:
            assert process.stdout.readline() == "ready\n"
        for process in both:
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.communicate(timeout=60) for process in both] == [(f"{9 * there}\n", "")] * 2
        assert rows(path, "PRAGMA user_version") == [(NEWEST,)]


def test_a_file_of_a_newer_version_is_refused_in_one_line_and_left_as_it_is(old):
    State(old)
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    before = content(old)
    with pytest.raises(
        NewerState,
        match=rf"state\.sqlite: expected schema version {NEWEST} or older, found {NEWEST + 1}; install the newer",
    ) as refused:
        State(old)
    assert "\n" not in str(refused.value)
    assert content(old) == before


def numbered(folder: Path, *scripts: str) -> Path:
    folder.mkdir()
    for number, script in enumerate(scripts, start=1):
        (folder / f"{number:04}_step.sql").write_text(script)
    return folder


def test_a_migration_that_fails_half_way_leaves_the_version_before(tmp_path):
    folder = numbered(
        tmp_path / "m", "CREATE TABLE a (x);\n", "ALTER TABLE a ADD COLUMN y;\nINSERT INTO gone VALUES (1);\n"
    )
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.OperationalError, match="gone"):
        upgrade(connection, path, folder)
    assert rows(path, "SELECT name FROM pragma_table_info('a')") == [("x",)]
    assert rows(path, "PRAGMA user_version") == [(1,)]


KILLED = """
import os, signal, sys
from pathlib import Path
from treasury_watch.warehouse.home import state_versions
from treasury_watch.warehouse.home.state import State
statements = state_versions._statements

def killed_after_the_first(script):
    for number, statement in enumerate(statements(script)):
        if number and script.name.startswith("0002"):
            os.kill(os.getpid(), signal.SIGKILL)
        yield statement

state_versions._statements = killed_after_the_first
State(Path(sys.argv[1]))
"""


def test_a_kill_between_two_statements_leaves_the_version_before_and_the_next_opening_goes_on(old):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(old)], cwd=PROJECT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert rows(old, "PRAGMA user_version") == [(1,)]
    assert rows(old, "SELECT count(*) FROM pragma_table_info('alerts') WHERE name = 'next_attempt'") == [(0,)]
    assert rows(old, "SELECT count(*) FROM notes WHERE name LIKE 'retry:%'") == [(2,)]
    State(old)
    assert rows(old, f"SELECT next_attempt FROM alerts WHERE finding = '{CHINA}'") == [("2026-06-18T21:00:00+00:00",)]


def test_a_script_whose_last_statement_has_no_end_is_an_error_and_not_left_out(tmp_path):
    script = tmp_path / "0001_step.sql"
    script.write_text("CREATE TABLE a (x);\nCREATE TABLE b (x)\n")
    with pytest.raises(ValueError, match=r"0001_step\.sql: the last statement does not end"):
        list(state_versions._statements(script))


def test_a_state_of_an_older_version_is_taken_over_with_its_next_attempt(old, tmp_path):
    here = State(tmp_path / "here.sqlite")
    here.start_run("here", "run")
    here.take_over(old, [])
    assert {row["run_id"] for row in here.rows("SELECT run_id FROM runs")} == {"here", "0a1b2c3d4e5f", "1b2c3d4e5f6a"}
    assert here.rows(f"SELECT next_attempt FROM alerts WHERE finding = '{CHINA}'") == [
        {"next_attempt": "2026-06-18T21:00:00+00:00"}
    ]
    assert rows(here.path, "PRAGMA user_version") == [(NEWEST,)]


def test_a_state_of_an_older_version_takes_over_another(old, tmp_path):
    there = State(tmp_path / "there.sqlite")
    there.start_run("there", "run")
    there.change("INSERT INTO alerts (alert_id, state, next_attempt) VALUES ('x', 'failed', '2026-07-01')")
    there.copy_to(tmp_path / "copy.sqlite")
    here = State(old)
    here.take_over(tmp_path / "copy.sqlite", [])
    assert len(here.rows("SELECT * FROM runs")) == 3
    waits = here.rows("SELECT finding, next_attempt FROM alerts WHERE next_attempt IS NOT NULL ORDER BY 2")
    assert [tuple(row.values()) for row in waits] == [(CHINA, "2026-06-18T21:00:00+00:00"), (None, "2026-07-01")]


def test_rows_are_taken_over_by_the_names_of_their_columns(tmp_path):
    here, there = State(tmp_path / "here.sqlite"), State(tmp_path / "there.sqlite")
    with there.open() as connection:
        connection.execute("DROP TABLE notes")
        connection.execute("CREATE TABLE notes (value TEXT, name TEXT PRIMARY KEY)")
    here.remember("a", "mine")
    there.remember("b", "theirs")
    there.copy_to(tmp_path / "copy.sqlite")
    here.take_over(tmp_path / "copy.sqlite", [])
    assert (here.remembered("a"), here.remembered("b")) == ("mine", "theirs")


def test_a_state_of_a_newer_version_is_not_taken_over_and_changes_nothing(old, tmp_path):
    here = State(tmp_path / "here.sqlite")
    here.remember("a", "mine")
    before = content(here.path)
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(NewerState) as refused:
        here.take_over(old, [])
    assert refused.value.found == f"schema version {NEWEST + 1}, newer than {NEWEST}"
    assert content(here.path) == before
