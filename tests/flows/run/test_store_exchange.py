"""Runs with a store: the next machine goes on, a store that fails costs no run, and the operator hears of it once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tests.conftest import SAMPLE
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.steps import PLAIN
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.store.exchange import Store
from treasury_watch.warehouse.store.objects import StoreBehind, StoreError

TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()
TABLE5 = (SAMPLE / "tic" / "slt_table5.txt").read_bytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store that the settings name."""
    monkeypatch.setenv("TREASURY_WATCH_STORAGE_STORE", (tmp_path / "shared" / "store").as_uri())
    return tmp_path / "shared" / "store"


def run(warehouse: Warehouse) -> Outcome:
    return steps.run(Settings(), warehouse, PLAIN, sample=False, command="run")


def elsewhere(path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Another machine, with an empty home."""
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(path))
    return Settings().warehouse()


def store_of(warehouse: Warehouse) -> Store:
    found = Settings().store(warehouse)
    assert found is not None
    return found


def told(warehouse: Warehouse, kind: str) -> list[dict]:
    query = "SELECT finding, state, title FROM alerts WHERE finding LIKE ? ORDER BY queued"
    return warehouse.state.rows(query, (f"health:{kind}:%",))


def unreachable(folder: Path) -> None:
    """Put a file where the store's folder was, or should be."""
    if folder.exists():
        folder.rename(folder.with_name("kept"))
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"")


def reachable(folder: Path) -> None:
    folder.unlink()
    if folder.with_name("kept").exists():
        folder.with_name("kept").rename(folder)


@pytest.mark.slow
def test_an_empty_machine_takes_over_from_the_store_also_what_was_refused_and_mails_nothing_twice(
    loaded, settings, folder, publishers, tmp_path, monkeypatch
):
    publishers.serve("slt_table3", TABLE3[: len(TABLE3) // 2])
    assert run(loaded).refused
    [refused] = [entry for entry in loaded.archive.entries("slt_table3") if entry.refused]
    assert (folder / "raw" / "slt_table3" / loaded.archive.path(refused).name).exists()
    publishers.serve("slt_table3", TABLE3)
    run(loaded)
    sent = loaded.state.rows("SELECT alert_id, state FROM alerts ORDER BY alert_id")
    assert any(row["state"] == "written" for row in sent)
    [message] = told(loaded, "refused")
    assert message["state"] == "written"

    other = elsewhere(tmp_path / "other", monkeypatch)
    outcome = run(other)
    assert outcome.published is None
    assert "slt_table3" in outcome.unchanged  # asked with the first machine's validators
    assert (outcome.queued, outcome.written) == (0, 0)
    assert other.state.rows("SELECT alert_id, state FROM alerts ORDER BY alert_id") == sent
    assert [entry.refused for entry in other.archive.entries("slt_table3") if entry.refused] == [refused.refused]
    assert told(other, "refused") == [message]
    with duckdb.connect(str(other.home.database), read_only=True) as connection:
        japan = connection.execute(
            "SELECT change_usd_mn, net_purchases_usd_mn FROM holder_months "
            "WHERE holder = 'Japan' AND month = DATE '2024-04-01'"
        ).fetchall()
    assert japan == [(-40921, -11830)]
    assert json.loads((folder / "current.json").read_bytes())["home"]["archived_files"] == len(loaded.archive.entries())


@pytest.mark.slow
def test_a_run_whose_store_fails_is_complete_and_tells_the_operator_once_until_the_next_catches_up(
    loaded, settings, folder, publishers
):
    unreachable(folder)
    publishers.serve("slt_table5", TABLE5 + b"\r\n")
    for _ in range(2):
        with pytest.raises(StoreBehind, match="complete on this machine, but the store is behind, and the next run"):
            run(loaded)
    assert loaded.state.rows("SELECT outcome FROM runs ORDER BY started DESC LIMIT 1") == [{"outcome": "unchanged"}]
    [message] = told(loaded, "store")
    assert message["finding"].startswith("health:store:never:")
    assert message["state"] == "written"
    assert message["title"].startswith("Treasury Watch: store behind: ")
    assert "BEHIND: store file://" in " ".join(CliRunner().invoke(main, ["status"]).output.split())
    reachable(folder)
    run(loaded)
    assert "in step since 20" in " ".join(CliRunner().invoke(main, ["status"]).output.split())
    assert {path.name for path in (folder / "raw").rglob("*.*")} == {
        loaded.archive.path(entry).name for entry in loaded.archive.entries()
    }


@pytest.mark.slow
def test_a_home_goes_on_while_its_store_cannot_be_read(loaded, settings, folder, publishers):
    run(loaded)
    unreachable(folder)
    publishers.serve("slt_table5", TABLE5 + b"\r\n")
    with pytest.raises(StoreBehind):
        run(loaded)
    assert any(entry.sha256 for entry in loaded.archive.entries("slt_table5") if entry.bytes == len(TABLE5) + 2)
    reachable(folder)
    run(loaded)
    assert json.loads((folder / "current.json").read_bytes())["home"]["archived_files"] == len(loaded.archive.entries())


def test_an_empty_home_does_not_begin_history_anew_while_its_store_cannot_be_read(settings, folder, publishers):
    unreachable(folder)
    warehouse = settings.warehouse()
    with pytest.raises(StoreError, match=r"store file://.*store, current\.json: .*Not a directory"):
        run(warehouse)
    assert warehouse.archive.entries() == []
    assert not warehouse.home.database.exists()
    assert publishers.server.seen(publishers.path("slt_table3")) == []


@pytest.mark.slow
def test_a_run_that_another_machine_overtook_says_so_and_the_next_is_in_step(
    loaded, settings, folder, tmp_path, monkeypatch
):
    run(loaded)
    shutil.copytree(loaded.home.root, tmp_path / "other")
    other = elsewhere(tmp_path / "other", monkeypatch)

    def overtaken(session, outcome):
        with other.session("run"):
            pass
        store_of(other).put()
        return steps.publish(session, outcome)

    changed = steps.Steps(PLAIN.fetch, PLAIN.load, overtaken, PLAIN.alert, PLAIN.write_page)
    with pytest.raises(StoreBehind, match=r"current\.json was moved by run .* of another machine"):
        steps.run(Settings(), loaded, changed, sample=False, command="run")
    run(loaded)
    newest = loaded.state.rows("SELECT run_id FROM runs ORDER BY started DESC LIMIT 1")[0]["run_id"]
    assert json.loads((folder / "current.json").read_bytes())["home"]["id"] == newest


@pytest.mark.slow
def test_ingest_rebuild_and_alerts_send_put_to_the_store_as_runs_do(loaded, settings, folder, tmp_path):
    file = tmp_path / "table5.txt"
    file.write_bytes(TABLE5 + b"\r\n")
    seen = set()
    for arguments in (["ingest", str(file)], ["rebuild"], ["alerts", "send"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
        seen.add(json.loads((folder / "current.json").read_bytes())["home"]["id"])
    assert len(seen) == 3
    assert len(list((folder / "raw").rglob("*.*"))) == len(loaded.archive.entries())


class TestPull:
    def test_a_reader_queries_what_was_pulled(self, sample, folder, tmp_path, monkeypatch):
        store_of(sample).put()
        elsewhere(tmp_path / "reader", monkeypatch)
        pulled = CliRunner().invoke(main, ["pull"])
        assert pulled.exit_code == 0, pulled.output
        assert f"from {folder.as_uri()}" in pulled.output
        query = "SELECT position_usd_mn FROM holder_months WHERE holder = 'Japan' AND month = DATE '2026-04-01'"
        answer = CliRunner().invoke(main, ["query", query, "--format", "csv"])
        assert "1209889" in answer.output

    def test_without_a_store_it_says_where_to_name_one(self, tmp_path, monkeypatch):
        elsewhere(tmp_path / "reader", monkeypatch)
        done = CliRunner().invoke(main, ["pull"])
        assert done.exit_code == 1
        assert "name one in the data folder's settings.toml, [storage] store" in done.output
