"""The monthly flow: for which moment it runs, and when it has nothing to do. On Prefect it is in test_backfill.py."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prefect.states import Failed

from treasury_watch.flows.fetch.failures import FetchError, HostAway, Refused
from treasury_watch.flows.run import monthly
from treasury_watch.flows.run.monthly import may_be_asked_again

DAY_AFTER, RELEASE = datetime(2026, 6, 19, 20, tzinfo=UTC), datetime(2026, 6, 18, 20, tzinfo=UTC)


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is for that moment."""
    monkeypatch.setattr(monthly, "scheduled_moment", lambda: moment)


def test_on_other_days_nothing_is_done_where_only_release_days_are_wanted(settings, publishers, monkeypatch):
    at(DAY_AFTER, monkeypatch)
    said = monthly.monthly_run.fn(wait_hours=6, only_on_release_day=True)
    assert said == "no release on 2026-06-19: nothing to do"
    assert not settings.home().root.exists()
    assert not publishers.server.seen()


def test_a_run_outside_a_schedule_is_for_now():
    assert abs((datetime.now(UTC) - monthly.scheduled_moment()).total_seconds()) < 60


def test_a_run_that_prefect_starts_a_little_early_is_for_its_scheduled_time(monkeypatch):
    scheduled = datetime(2999, 12, 15, 21, tzinfo=UTC)
    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", scheduled, raising=False)
    assert monthly.scheduled_moment() == scheduled


@pytest.mark.parametrize(("kind", "again"), [(Refused, False), (HostAway, False), (FetchError, True)])
def test_a_server_that_says_no_is_asked_once_and_a_busy_one_again(kind, again):
    problem = kind("slt_table5", "https://ticdata.treasury.gov/a.txt", "status 200", "status 404 Not Found")
    assert may_be_asked_again(None, None, Failed(data=problem)) is again
