"""What a cron user is told where no run happened: a second cron line mails the operator once a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from click.testing import CliRunner

from treasury_watch.flows.commands.main import main
from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.state import State


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    made = Home(tmp_path / "home")
    made.root.mkdir(mode=0o700)
    State(made.root / "state.sqlite").remember(home_kinds.NOTE, home_kinds.OFFICIAL)
    return made


def ran(home: Home, run_id: str, days_ago: float, outcome: str = "unchanged") -> None:
    began = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    State(home.root / "state.sqlite").change(
        "INSERT INTO runs (run_id, command, started, finished, outcome, summary) VALUES (?, 'run', ?, ?, ?, '')",
        (run_id, began, began, outcome),
    )


def asked(*options: str):
    return CliRunner().invoke(main, ["status", "--check", *options])


def subjects(home: Home) -> list[str]:
    return [
        str(message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"])
        for path in sorted(home.outbox.glob("*.eml"))
    ]


def test_the_operator_is_told_once_a_gap_that_no_run_happened_when_one_was_due(home):
    ran(home, "a", 20)
    ran(home, "b", 12)
    assert asked().exit_code == 1
    assert subjects(home) == []  # it only looks
    first = asked("--notify")
    assert first.exit_code == 1
    assert "though one was due at" in first.output
    assert "operator: 1 message sent, 0 failed" in first.output
    assert len(subjects(home)) == 1
    assert "no run happened" in subjects(home)[0]
    asked("--notify")
    assert len(subjects(home)) == 1
    ran(home, "c", 11)  # a good run, and the next gap
    asked("--notify")
    assert len(subjects(home)) == 2


def test_nobody_is_told_where_the_last_run_began_in_time(home):
    ran(home, "a", 20)
    ran(home, "b", 0)
    assert "operator" not in asked("--notify").output
    assert subjects(home) == []


def test_notify_without_check_is_wrong_usage(home):
    assert CliRunner().invoke(main, ["status", "--notify"]).exit_code == 2
