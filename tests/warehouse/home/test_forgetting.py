"""What the state forgets after the ages of section [retention], and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from treasury_watch.warehouse.home.state import State

AGE = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "2025-06-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state.sqlite")
    for number, (command, started, outcome) in enumerate(
        [
            ("run", "2025-01-01T00:00:00+00:00", "published"),
            ("run", OLD, "published"),
            ("run", NEW, "unchanged"),
            ("ingest", OLD, "published"),
            ("backfill", OLD, "running"),
        ]
    ):
        made.change(
            "INSERT INTO runs (run_id, command, started, outcome) VALUES (?, ?, ?, ?)",
            (f"{number}", command, started, outcome),
        )
    for run_id, checked in (("0", "2025-01-01T00:00:00+00:00"), ("1", OLD)):
        made.change(
            "INSERT INTO validation_results (run_id, gate, subject, expectation, checked) VALUES (?, 'g', 's', 'e', ?)",
            (run_id, checked),
        )
    for name, sent in (("old", OLD), ("new", NEW), ("waits", None)):
        made.change(
            "INSERT INTO alerts (alert_id, finding, state, sent, message, message_id) VALUES (?, ?, ?, ?, x'00', 'id')",
            (name, name, "sent" if sent else "failed", sent),
        )
    return made


def forget(state: State) -> int:
    return state.forget(runs_before=AGE, messages_before=AGE)


def test_old_runs_go_but_for_the_newest_of_each_command_and_one_at_work(state):
    forget(state)
    kept = [row["run_id"] for row in state.rows("SELECT run_id FROM runs ORDER BY run_id")]
    assert kept == ["2", "3", "4"]


def test_of_old_checks_the_newest_stay_for_status_to_show(state):
    forget(state)
    assert state.rows("SELECT run_id FROM validation_results") == [{"run_id": "1"}]


def test_a_message_that_left_long_ago_loses_its_text_and_never_the_record_that_it_was_sent(state):
    forget(state)
    rows = state.rows("SELECT alert_id, state, message IS NULL AS gone, message_id FROM alerts ORDER BY alert_id")
    assert rows == [
        {"alert_id": "new", "state": "sent", "gone": 0, "message_id": "id"},
        {"alert_id": "old", "state": "sent", "gone": 1, "message_id": "id"},
        {"alert_id": "waits", "state": "failed", "gone": 0, "message_id": "id"},
    ]


def test_a_second_time_changes_nothing(state):
    assert forget(state) == 4
    assert forget(state) == 0
