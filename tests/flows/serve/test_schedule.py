"""When runs happen: the release calendar in New York time."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
from prefect.server.schemas.schedules import CronSchedule

from treasury_watch.flows.serve.schedule import recurrence, release_moments, standing
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.warehouse.declarations import Declarations

CALENDAR = Declarations().calendar


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestMoments:
    def test_the_coming_release_is_at_four_in_new_york_winter_and_summer(self):
        winter, *_ = release_moments(CALENDAR, utc("2026-11-23T00:00"))
        assert winter.astimezone(UTC) == utc("2026-12-15T21:00")
        summer, *_ = release_moments(CALENDAR, utc("2026-07-01T00:00"))
        assert summer.astimezone(UTC) == utc("2026-07-14T20:00")

    def test_a_release_that_has_passed_today_is_not_coming(self):
        assert release_moments(CALENDAR, utc("2026-12-15T21:01"))[0].date() > date(2026, 12, 15)

    def test_years_not_listed_yet_are_estimated_on_working_days(self):
        moments = release_moments(CALENDAR, utc("2027-03-01T00:00"))
        assert len(moments) >= 12
        assert all(moment.weekday() < 5 for moment in moments)

    def test_two_months_released_on_one_day_give_one_moment(self):
        days = [moment.date() for moment in release_moments(CALENDAR, utc("2025-11-01T00:00"))]
        assert days.count(date(2025, 11, 18)) == 1

    def test_the_recurrence_is_in_local_time_without_a_zone(self):
        assert recurrence(release_moments(CALENDAR, utc("2026-11-23T00:00"))[:1]) == "RDATE:20261215T160000"


class TestStanding:
    SETTINGS = Schedule(give_up_after_hours=2.5, daily_cron="5 18 * * 2", timezone="Europe/Zurich")

    def test_the_release_run_waits_only_on_release_days_and_the_daily_run_follows_the_settings(self):
        release, daily = standing(self.SETTINGS)
        assert release.parameters == {"command": "release day", "wait_hours": 2.5, "only_on_release_day": True}
        assert (daily.cron, daily.timezone, daily.parameters) == (
            "5 18 * * 2", "Europe/Zurich", {"command": "daily run"},
        )  # fmt: skip

    @pytest.mark.parametrize("now", ["2026-01-01T00:00", "2026-07-01T00:00", "2027-03-01T00:00"])
    def test_it_starts_at_the_very_moment_of_each_release_that_serve_would_register(self, now):
        release, _ = standing(self.SETTINGS)
        moments = release_moments(CALENDAR, utc(now))
        cron = CronSchedule(cron=release.cron, timezone=release.timezone)
        started = asyncio.run(cron.get_dates(n=400, start=moments[0]))
        assert set(moments) <= set(started)
