"""Prefect's records of old runs go from a server of this machine's own; younger ones, and what is still to come, stay."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from treasury_watch.flows.prefect_support import pruning
from treasury_watch.flows.prefect_support.local_server import LocalServer

NOW = datetime.now(UTC)


def run(server: LocalServer, name: str, state: str, days_ago: float, database: Path) -> None:
    """A run with a task, a log line and an artifact, that ended (or was to begin) so many days ago."""
    flow = server.tell("POST", "/flows/", {"name": "treasury-watch"}).json()["id"]
    moment = (NOW - timedelta(days=days_ago)).isoformat()
    made = {"name": name, "flow_id": flow, "state": {"type": state}}
    number = server.tell("POST", "/flow_runs/", made).json()["id"]
    task = {"flow_run_id": number, "task_key": "load", "dynamic_key": "0", "state": {"type": "COMPLETED"}}
    server.tell("POST", "/task_runs/", task)
    line = {"name": "x", "level": 20, "message": name, "timestamp": moment, "flow_run_id": number}
    server.tell("POST", "/logs/", [line])
    server.tell("POST", "/artifacts/", {"key": f"a-{name}", "type": "markdown", "data": name, "flow_run_id": number})
    with sqlite3.connect(database, timeout=30) as connection:  # no request sets these
        at = (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%d %H:%M:%S.%f")
        ended = state in pruning.ENDED
        connection.execute(
            "UPDATE flow_run SET end_time = ?, expected_start_time = ? WHERE name = ?",
            (at if ended else None, at, name),
        )


@pytest.mark.slow
def test_runs_older_than_the_age_go_with_their_tasks_and_artifacts_and_nothing_else_does(server_and_database):
    made, database = server_and_database
    for name, state, days in [
        ("old", "COMPLETED", 31), ("old-failed", "FAILED", 40), ("killed", "RUNNING", 31),
        ("young", "COMPLETED", 29), ("at-work", "RUNNING", 0.5), ("to-come", "SCHEDULED", -1),
    ]:  # fmt: skip
        run(made, name, state, days, database)
    assert pruning.prune(made, 30) == 3
    names = {found["name"] for found in made.tell("POST", "/flow_runs/filter", {}).json()}
    assert names == {"young", "at-work", "to-come"}
    assert len(made.tell("POST", "/task_runs/filter", {}).json()) == 3
    assert {found["data"] for found in made.tell("POST", "/artifacts/filter", {}).json()} == names
    assert pruning.prune(made, 30) == 0


def test_a_server_that_does_not_answer_is_left_for_the_next_time(caplog):
    assert pruning.prune(LocalServer("http://127.0.0.1:9/api", "", None), 30) == 0
    assert "could not be removed" in caplog.text


def test_events_are_told_to_the_server_and_what_the_user_set_is_kept(monkeypatch):
    names = ("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert pruning.event_settings(30) == dict(zip(names, ("PT2592000S", "3600"), strict=True))
    monkeypatch.setenv(names[0], "P7D")
    assert list(pruning.event_settings(30)) == [names[1]]
