"""When runs happen: the release calendar in New York time, polling, catching up."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
from prefect.server.schemas.schedules import CronSchedule

from tests.conftest import SAMPLE
from tests.flows.loopback import Reply
from treasury_watch.flows.serve.schedule import (
    ReleaseLate,
    await_release,
    behind,
    is_release_day,
    month_due,
    recurrence,
    release_moments,
    standing,
)
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.warehouse.declarations import Declarations

CALENDAR = Declarations().calendar
TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()


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


class TestReleaseDay:
    def test_the_days_of_the_calendar_are_release_days_and_their_neighbours_are_not(self):
        assert is_release_day(CALENDAR, utc("2026-12-15T21:00"))
        assert not is_release_day(CALENDAR, utc("2026-12-14T21:00"))
        assert not is_release_day(CALENDAR, utc("2026-12-16T21:00"))

    def test_the_day_is_new_yorks(self):
        assert is_release_day(CALENDAR, utc("2026-12-16T04:59"))
        assert not is_release_day(CALENDAR, utc("2026-12-15T04:59"))


class TestMonthDue:
    def test_before_four_on_release_day_the_month_is_not_due(self):
        assert month_due(CALENDAR, utc("2026-12-15T20:59")) == date(2026, 9, 1)

    def test_from_four_on_it_is(self):
        assert month_due(CALENDAR, utc("2026-12-15T21:00")) == date(2026, 10, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.mark.slow
class TestPolling:
    def test_it_asks_until_the_new_month_is_there(self, settings, publishers, tmp_path):
        old = TABLE3.replace(b"2026-04", b"2026-05")  # any other file that states the month wanted
        publishers.serve("slt_table3", old)
        publishers.answer("slt_table3", Reply(503), Reply(503), Reply(body=TABLE3))
        clock = Clock()
        asked = await_release(
            settings,
            settings.warehouse(),
            date(2026, 4, 1),
            give_up_after_seconds=3600,
            sleep=clock.sleep,
            clock=clock,
        )
        assert asked == 2  # the first request was tried twice by the HTTP policy and failed
        assert clock.waits == [60.0]

    def test_waits_double_up_to_a_quarter_of_an_hour_and_then_it_gives_up_with_the_cure(self, settings, publishers):
        clock = Clock()
        with pytest.raises(ReleaseLate, match=r"expected figures for 2026-05, found figures to 2026-04 .*calendar"):
            await_release(
                settings,
                settings.warehouse(),
                date(2026, 5, 1),
                give_up_after_seconds=6 * 3600,
                sleep=clock.sleep,
                clock=clock,
            )
        assert clock.waits[:6] == [60, 120, 240, 480, 900, 900]
        assert sum(clock.waits) <= 6 * 3600


def test_a_home_without_the_month_due_is_behind(sample):
    assert not behind(sample, CALENDAR, utc("2026-07-01T00:00"))
    assert behind(sample, CALENDAR, utc("2026-07-14T20:00"))


def test_an_empty_home_is_behind(settings):
    assert behind(settings.warehouse(), CALENDAR, utc("2026-07-01T00:00"))
