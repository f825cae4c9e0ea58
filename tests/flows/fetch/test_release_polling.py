"""Waiting for a release: the month that is due in New York time, polling until it is there, a home that lacks it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.conftest import SAMPLE
from tests.flows.loopback import Reply
from treasury_watch.flows.fetch.release_polling import (
    ReleaseLate,
    await_release,
    due_month_is_missing,
    is_release_day,
    month_due,
)
from treasury_watch.warehouse.declarations import Declarations

CALENDAR = Declarations().calendar
TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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
                give_up_after_seconds=3600,
                sleep=clock.sleep,
                clock=clock,
            )
        assert clock.waits[:6] == [60, 120, 240, 480, 900, 900]
        assert sum(clock.waits) <= 3600


def test_a_home_with_the_newest_month_lacks_nothing_until_the_next_release(sample):
    assert not due_month_is_missing(sample, CALENDAR, utc("2026-07-01T00:00"))
    assert due_month_is_missing(sample, CALENDAR, utc("2026-07-14T20:00"))


def test_an_empty_home_lacks_the_month_due(settings):
    assert due_month_is_missing(settings.warehouse(), CALENDAR, utc("2026-07-01T00:00"))
