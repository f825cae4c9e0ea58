"""A scheduled run that was due and did not happen is told, and made up for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from treasury_watch.flows.serve import watchdog
from treasury_watch.flows.serve.schedule import Standing, standing
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.state import State

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday
DAILY = Standing("daily", "30 17 * * 1-5", "America/New_York", {"command": "daily run"})
JAPAN = Standing("japan", "55 8 * * 1-5", "Asia/Tokyo", {"command": "poll japan"})
THURSDAY = "2026-11-26T22:30"  # the last daily run, in UTC; Japan's poll of Friday was at 23:55 on Thursday


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite")


def ran(state: State, *runs: tuple[str, str], outcome: str = "unchanged") -> State:
    """Runs that began at these moments, the last with this outcome."""
    for number, (command, started) in enumerate(runs):
        state.change(
            "INSERT INTO runs (run_id, command, started, outcome) VALUES (?, ?, ?, ?)",
            (f"{number}", command, f"{started}:00+00:00", outcome if number == len(runs) - 1 else "unchanged"),
        )
    return state


OLD = ("daily run", "2026-11-25T22:30")


def test_a_daily_run_that_did_not_happen_is_told_with_the_moment_and_the_last_run(state):
    assert watchdog.overdue(ran(state, OLD), [DAILY], NOW) == [
        "no run since 2026-11-25 22:30 UTC, though one was due at 2026-11-26 22:30 UTC (daily: 30 17 * * 1-5 America/New_York)"
    ]


@pytest.mark.parametrize("command", ["run", "daily run", "catching up", "scheduled run"])
def test_any_run_of_all_sources_since_then_will_do(state, command):
    assert watchdog.overdue(ran(state, OLD, (command, THURSDAY)), [DAILY], NOW) == []


@pytest.mark.parametrize("command", ["ingest", "rebuild", "poll japan"])
def test_what_asks_other_things_will_not(state, command):
    assert len(watchdog.overdue(ran(state, OLD, (command, "2026-11-27T09:00")), [DAILY], NOW)) == 1


def test_a_run_that_failed_did_happen(state):
    assert watchdog.overdue(ran(state, OLD, ("run", THURSDAY), outcome="failed"), [DAILY], NOW) == []


def test_a_run_has_two_hours_to_begin_and_one_at_work_keeps_others_waiting(state):
    soon = datetime(2026, 11, 27, 0, 15, tzinfo=UTC)
    assert watchdog.overdue(ran(state, OLD), [DAILY], soon) == []
    assert len(watchdog.overdue(state, [DAILY], soon + timedelta(minutes=20))) == 1
    ran_since = State(state.path.with_name("other.sqlite"))
    ran(ran_since, OLD, ("release day", "2026-11-26T21:00"), outcome="running")
    assert watchdog.overdue(ran_since, [DAILY], NOW) == []


def test_a_home_that_is_younger_than_the_moment_or_never_ran_lacks_nothing(state):
    assert watchdog.overdue(state, [DAILY], NOW) == []
    assert watchdog.overdue(ran(state, ("ingest", "2026-11-27T08:00")), [DAILY], NOW) == []


def test_a_poll_is_made_by_itself_or_by_a_run_of_all_sources(state):
    ran(state, OLD, ("daily run", THURSDAY), ("poll thursday", "2026-11-27T00:30"))
    assert len(watchdog.overdue(state, [DAILY, JAPAN], NOW)) == 1
    state.change("UPDATE runs SET command = 'poll japan' WHERE command = 'poll thursday'")
    assert watchdog.overdue(state, [DAILY, JAPAN], NOW) == []


def test_runs_every_few_seconds_are_missed_after_a_quarter_of_an_hour(state):
    ran(state, ("scheduled run", "2026-11-27T11:50"))
    assert watchdog.overdue(state, [], NOW, interval_seconds=10) == []
    later = NOW + timedelta(minutes=7)
    assert watchdog.overdue(state, [], later, interval_seconds=10) == [
        "no run since 2026-11-27 11:50 UTC, though one is due every 10 s"
    ]


class TestWhatIsPromised:
    POLLS = tuple(Declarations().polls.values())

    def promised(self, state: State, *, sample: bool = False):
        schedules, seconds = watchdog.promised(state, Schedule(), self.POLLS, sample=sample)
        return [item.slug for item in schedules], seconds

    def test_without_serve_cron_is_expected_once_a_day_and_in_a_home_of_the_sample_nothing(self, state):
        assert self.promised(state) == (["daily"], 0)
        assert self.promised(state, sample=True) == ([], 0)

    def test_what_is_served_is_promised_until_it_ends_as_asked_and_not_where_it_was_killed(self, state):
        with watchdog.serving(state, json.dumps({"interval_seconds": None, "cron": None})):
            slugs, _ = self.promised(state)
            assert slugs == [item.slug for item in standing(Schedule(), self.POLLS) if item.slug != "release"]
        assert self.promised(state) == (["daily"], 0)
        with (
            pytest.raises(OSError, match="killed"),
            watchdog.serving(state, json.dumps({"interval_seconds": 10, "cron": None})),
        ):
            raise OSError("killed")
        assert self.promised(state) == ([], 10)
