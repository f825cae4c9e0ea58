"""Runs, notes and validators; and one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.conftest import PROJECT
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.home.folders import Busy, Home, default_homes
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.vintages import SchemaMismatch


@pytest.fixture
def warehouse(tmp_path, declarations) -> Warehouse:
    return Warehouse(Home(tmp_path / "home"), declarations)


def runs(warehouse: Warehouse) -> list[tuple]:
    return [
        (row["command"], row["outcome"], row["summary"])
        for row in warehouse.state.rows("SELECT * FROM runs ORDER BY rowid")
    ]


def test_a_run_that_ends_well_is_recorded_with_its_summary(warehouse):
    with warehouse.session("ingest") as session:
        assert runs(warehouse) == [("ingest", "running", "")]
        session.summary = "nothing to do"
    assert runs(warehouse) == [("ingest", "unchanged", "nothing to do")]
    assert warehouse.state.rows("SELECT finished FROM runs")[0]["finished"]


def test_a_run_that_fails_is_recorded_with_the_reason(warehouse):
    with pytest.raises(TreasuryWatchError), warehouse.session("ingest"):
        raise TreasuryWatchError("the file is gone")
    assert runs(warehouse) == [("ingest", "failed", "TreasuryWatchError: the file is gone")]


def test_a_run_stopped_by_a_gate_is_recorded_as_blocked(warehouse):
    result = Result("parsed", "x", "figures are numbers", False, True, "three", "Mend the parser.")
    with pytest.raises(ValidationBlocked), warehouse.session("ingest"):
        raise ValidationBlocked([result])
    assert runs(warehouse)[0][1] == "blocked"


def test_a_ledger_of_another_version_ends_the_run_as_failed(warehouse):
    with duckdb.connect(str(warehouse.home.ledger)) as connection:
        connection.execute("CREATE TABLE meta (schema_version INTEGER); INSERT INTO meta VALUES (99)")
    with pytest.raises(SchemaMismatch), warehouse.session("ingest"):
        pass
    assert runs(warehouse)[0][1] == "failed"


def test_a_run_left_running_by_a_crash_is_recorded_as_failed_at_the_next(warehouse):
    script = (
        "import os, sys; from pathlib import Path; from treasury_watch.warehouse.home.folders import Home; "
        "from treasury_watch.warehouse.installation import Warehouse\n"
        "with Warehouse(Home(Path(sys.argv[1]))).session('run'): os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TREASURY_WATCH_CONFIG": str(PROJECT / "config")}
    ended = subprocess.run([sys.executable, "-c", script, str(warehouse.home.root)], env=environment, check=False)
    assert ended.returncode == 9
    assert runs(warehouse) == [("run", "running", "")]
    with warehouse.session("ingest"):
        pass
    assert runs(warehouse) == [
        ("run", "failed", "did not end: stopped or crashed"),
        ("ingest", "unchanged", "nothing new"),
    ]


def test_a_frame_of_the_state_has_its_columns_and_types_with_and_without_rows(warehouse):
    query = "SELECT run_id, outcome, summary FROM runs ORDER BY started"
    assert warehouse.state.frame(query).to_dict("list") == {"run_id": [], "outcome": [], "summary": []}
    with warehouse.session("ingest") as session:
        pass
    assert warehouse.state.frame(query).to_dict("records") == [
        {"run_id": session.run_id, "outcome": "unchanged", "summary": "nothing new"}
    ]


def test_a_damaged_state_is_named_whichever_way_it_is_read(warehouse):
    with closing(sqlite3.connect(warehouse.home.state)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'alerts'").fetchone()
    with warehouse.home.state.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    for read in (warehouse.state.rows, warehouse.state.frame):
        with pytest.raises(StorageFailed, match=r"state\.sqlite: .*malformed"):
            read("SELECT * FROM alerts")


def test_a_second_session_is_told_that_another_one_is_writing(warehouse):
    with warehouse.session("run"):
        with (
            pytest.raises(Busy, match=r"another run is writing to .*home; wait.*TREASURY_WATCH_HOME"),
            warehouse.session("x"),
        ):
            pass
        with pytest.raises(Busy):
            warehouse.rebuild()
    assert runs(warehouse) == [("run", "unchanged", "nothing new")]
    with warehouse.session("x"):
        pass


def test_a_failed_session_gives_the_lock_back(warehouse):
    with pytest.raises(ValueError, match="boom"), warehouse.session("run"):
        raise ValueError("boom")
    with warehouse.session("x"):
        pass


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path, declarations):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"data folder .*file/home.*TREASURY_WATCH_HOME"):
        Warehouse(Home(tmp_path / "file" / "home"), declarations)


def test_the_environment_names_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "a"))
    assert Home.from_environment().root == tmp_path / "a"
    monkeypatch.delenv("TREASURY_WATCH_HOME")
    assert Home.from_environment().root == PROJECT / "warehouse" / "data"


def test_an_installed_package_keeps_its_data_in_the_users_data_directory_and_never_beside_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path))
    package = tmp_path / "site-packages" / "treasury_watch"
    package.mkdir(parents=True)
    homes = default_homes(package)
    assert {home.name for home in homes} == {"data", "sample"}
    for home in homes:
        assert home.parent.name == "treasury-watch"
        assert home.is_relative_to(tmp_path)
        assert not home.is_relative_to(package.parent)
    if sys.platform == "linux":
        assert homes[0] == tmp_path / "share" / "treasury-watch" / "data"


def test_a_checkout_keeps_its_data_in_its_own_folder(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    assert default_homes(tmp_path) == (tmp_path / "warehouse" / "data", tmp_path / "warehouse" / "sample")


def test_checks_are_kept_by_run_and_the_last_word_stands(tmp_path):
    state = State(tmp_path / "state.sqlite")
    for success in (False, True):
        state.record_checks("r1", [Result("parsed", "x", "figures are numbers", success, True, "all", "")])
    state.record_checks("r2", [Result("parsed", "x", "figures are numbers", False, True, "one", "")])
    found = state.rows("SELECT run_id, success, observed FROM validation_results ORDER BY run_id")
    assert [tuple(row.values()) for row in found] == [("r1", 1, "all"), ("r2", 0, "one")]


def test_validators_belong_to_one_address(tmp_path):
    state = State(tmp_path / "state.sqlite")
    state.keep_validators("slt_table5", "https://a/t.txt", '"1"', None, "abc")
    assert state.validators("slt_table5", "https://a/t.txt")[:2] == ('"1"', None)
    assert state.validators("slt_table5", "https://mirror/t.txt")[:2] == (None, None)
    state.keep_validators("slt_table5", "https://a/t.txt", '"2"', "Thu", "def")
    assert state.validators("slt_table5", "https://a/t.txt")[:2] == ('"2"', "Thu")


def test_a_note_is_remembered_by_another_process_and_replaced(tmp_path: Path):
    state = State(tmp_path / "state.sqlite")
    assert state.remembered("published") is None
    state.remember("published", "one")
    state.remember("published", "two")
    assert State(tmp_path / "state.sqlite").remembered("published") == "two"


def test_changes_of_a_block_that_fails_are_undone(tmp_path):
    state = State(tmp_path / "state.sqlite")

    def stop_half_way() -> None:
        with state.open() as connection:
            connection.execute("INSERT INTO notes (name, value) VALUES ('a', 'b')")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        stop_half_way()
    assert state.remembered("a") is None


class TestTakingOver:
    """The state of another machine, brought together with this one's."""

    @pytest.fixture
    def here(self, tmp_path) -> State:
        return State(tmp_path / "here.sqlite")

    @pytest.fixture
    def there(self, tmp_path) -> State:
        return State(tmp_path / "there.sqlite")

    @staticmethod
    def alert(state: State, name: str, outcome: str) -> None:
        state.change("INSERT INTO alerts (alert_id, state) VALUES (?, ?)", (name, outcome))

    def outcomes(self, here: State, there: State, tmp_path: Path) -> dict[str, str]:
        there.copy_to(tmp_path / "copy.sqlite")
        here.take_over(tmp_path / "copy.sqlite", ["published"])
        return {row["alert_id"]: row["state"] for row in here.rows("SELECT alert_id, state FROM alerts")}

    def test_what_either_machine_sent_is_sent(self, here, there, tmp_path):
        for name, mine, theirs in (("a", "sent", "queued"), ("b", "queued", "sent"), ("c", "failed", "queued")):
            self.alert(here, name, mine)
            self.alert(there, name, theirs)
        self.alert(here, "only here", "written")
        self.alert(there, "only there", "queued")
        assert self.outcomes(here, there, tmp_path) == {
            "a": "sent", "b": "sent", "c": "queued", "only here": "written", "only there": "queued",
        }  # fmt: skip

    def test_runs_of_both_machines_are_known(self, here, there, tmp_path):
        for state, name in ((here, "one"), (there, "two")):
            state.start_run(name, "run")
            state.finish_run(name, "published", "")
        self.outcomes(here, there, tmp_path)
        assert {row["run_id"] for row in here.rows("SELECT run_id FROM runs")} == {"one", "two"}

    def test_notes_that_speak_of_one_machine_stay_its_own(self, here, there, tmp_path):
        here.remember("published", "mine")
        here.remember("health:a", "mine")
        there.remember("published", "theirs")
        there.remember("health:a", "theirs")
        self.outcomes(here, there, tmp_path)
        assert (here.remembered("published"), here.remembered("health:a")) == ("mine", "theirs")

    def test_a_note_of_the_other_machine_alone_is_not_taken_where_it_speaks_of_that_one(self, here, there, tmp_path):
        there.remember("published", "theirs")
        self.outcomes(here, there, tmp_path)
        assert here.remembered("published") is None

    def test_what_is_no_state_changes_nothing(self, here, tmp_path):
        self.alert(here, "a", "sent")
        (tmp_path / "other").write_bytes(b"no database at all" * 100)
        with pytest.raises(sqlite3.DatabaseError):
            here.take_over(tmp_path / "other", [])
        assert here.rows("SELECT alert_id FROM alerts") == [{"alert_id": "a"}]

    def test_a_copy_is_one_file_that_holds_all_that_was_committed(self, here, tmp_path):
        with here.open() as connection:
            connection.execute("INSERT INTO alerts (alert_id, state) VALUES ('open', 'queued')")
            here.copy_to(tmp_path / "copy.sqlite")
        assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.sqlite"]
        with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
            assert copy.execute("SELECT count(*) FROM alerts").fetchall() == [(0,)]
