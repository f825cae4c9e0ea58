"""The monthly flow on Prefect: when it waits for a release, when it has nothing to do, what it leaves in Prefect's pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.artifacts import Artifact

from tests.prefect_database import prefect_server
from treasury_watch.flows.run import monthly

DAY_AFTER, RELEASE = datetime(2026, 6, 19, 20, tzinfo=UTC), datetime(2026, 6, 18, 20, tzinfo=UTC)
A_MOMENT_HOURS = 0.001  # of polling, where there is any


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory, prefect_database: Path) -> Iterator[None]:
    """A temporary Prefect server."""
    with prefect_server(tmp_path_factory.mktemp("server"), prefect_database):
        yield


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is for that moment."""
    monkeypatch.setattr(monthly, "scheduled_moment", lambda: moment)


def artifact(key: str) -> Any:
    """The newest artifact of that key; of a table its rows."""
    found = Artifact.get(key)
    return json.loads(found.data) if found.type == "table" else found.data


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


@pytest.mark.slow
class TestOnPrefect:
    def test_a_month_that_is_published_already_is_not_waited_for(self, loaded, publishers, monkeypatch, prefect):
        at(RELEASE, monkeypatch)
        said = monthly.monthly_run(wait_hours=A_MOMENT_HOURS, only_on_release_day=True)
        assert said.startswith("nothing new")
        assert len(publishers.server.seen(publishers.path("slt_table3"))) == 1

    def test_a_month_that_stays_away_is_told_after_the_rest_was_loaded(self, loaded, monkeypatch, prefect):
        at(datetime(2026, 7, 14, 20, tzinfo=UTC), monkeypatch)
        with pytest.raises(monthly.ReleaseLate, match="2026-05"):
            monthly.monthly_run(wait_hours=A_MOMENT_HOURS)
        assert loaded.state.rows("SELECT outcome FROM runs ORDER BY started DESC LIMIT 1") == [{"outcome": "unchanged"}]

    def test_the_run_in_figures_is_an_artifact(self, settings, monkeypatch, prefect):
        monkeypatch.setenv("TREASURY_WATCH_ALERTS_MINIMUM_SEVERITY", "critical")
        monthly.monthly_run(sample=True)
        measures = {row["measure"]: row["value"] for row in artifact("run-metrics")}
        files = artifact("run-files")
        assert measures["files that gave a new vintage"] == len(files) == 14
        assert measures["figures new or changed"] == sum(row["new or changed"] for row in files)
        assert measures["flagged months"] > measures["events of the newest month"] > 0
        assert measures["alerts written"] > 0
        steps = {"time to fetch", "time to load", "time to publish", "time to alert", "time to report"}
        assert steps <= set(measures)
        assert measures["time to load"] > 0
        assert artifact("newest-findings")[0]["month"] == "2026-04"
        assert "14 new vintages" in artifact("run-summary")
