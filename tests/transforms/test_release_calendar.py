"""Release days: as listed, estimated where not listed, and how far the estimate is right."""

import csv
from collections import Counter
from datetime import date

import pytest

from tests.conftest import PROJECT
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.release_dates.release_calendar import (
    Listed,
    business_day,
    estimated_release,
    expected_month,
    latest_release,
    next_release,
    possible_days,
    published_release,
    release_of,
    release_of_archive,
    with_announced,
)

CALENDAR = [
    Listed(date(2025, 9, 18), date(2025, 7, 1)),
    Listed(date(2025, 11, 18), date(2025, 8, 1), archive="ticrel_20251017.zip"),
    Listed(date(2025, 11, 18), date(2025, 9, 1)),
    Listed(date(2025, 12, 18), date(2025, 10, 1)),
    Listed(date(2026, 1, 15), date(2025, 11, 1)),
]
GUESSED = [*CALENDAR, Listed(date(2026, 2, 20), date(2025, 12, 1), "estimated", "guessed.zip")]


def test_a_listed_month_was_released_on_its_day():
    assert release_of(date(2025, 8, 1), CALENDAR) == date(2025, 11, 18)


@pytest.mark.parametrize(
    ("month", "released", "latest"),
    [
        (date(2026, 11, 1), date(2027, 1, 19), date(2027, 1, 22)),  # New Year's Day, Martin Luther King's
        (date(2026, 12, 1), date(2027, 2, 16), date(2027, 2, 19)),  # Washington's birthday
        (date(2027, 1, 1), date(2027, 3, 15), date(2027, 3, 18)),
    ],
)
def test_an_unlisted_month_is_estimated_on_the_11th_to_14th_business_day_of_the_second_month(month, released, latest):
    assert release_of(month, CALENDAR) == estimated_release(month) == released
    assert latest_release(month, CALENDAR) == latest
    assert [possible_days(month, CALENDAR)[place] for place in (0, -1)] == [released, latest]
    assert len(possible_days(month, CALENDAR)) == 4


def test_a_published_month_may_come_on_its_day_alone():
    assert possible_days(date(2025, 11, 1), CALENDAR) == [date(2026, 1, 15)]
    assert latest_release(date(2025, 11, 1), CALENDAR) == date(2026, 1, 15)


def test_an_estimate_in_the_list_is_expected_and_no_fact():
    december = date(2025, 12, 1)
    assert release_of(december, GUESSED) == date(2026, 2, 20)
    assert published_release(december, GUESSED) is None
    assert release_of_archive("guessed.zip", GUESSED) is None


def test_an_archive_is_of_the_release_that_holds_it_whatever_day_its_name_says():
    assert release_of_archive("ticrel_20251017.zip", CALENDAR) == date(2025, 11, 18)
    assert release_of_archive("ticrel_20251016.zip", CALENDAR) is None
    assert release_of_archive("", CALENDAR) is None


@pytest.mark.parametrize(
    ("today", "month"),
    [
        (date(2025, 11, 17), date(2025, 7, 1)),  # no release in October
        (date(2025, 11, 18), date(2025, 9, 1)),  # two months at once
        (date(2025, 12, 17), date(2025, 9, 1)),
        (date(2025, 12, 18), date(2025, 10, 1)),
        (date(2026, 1, 15), date(2025, 11, 1)),
    ],
)
def test_the_newest_month_to_expect_counts_from_the_release_day(today, month):
    assert expected_month(today, CALENDAR) == month


@pytest.mark.parametrize(("day", "month"), [(18, date(2025, 11, 1)), (19, date(2025, 11, 1)), (20, date(2025, 12, 1))])
def test_an_unlisted_month_counts_at_the_latest_on_the_last_day_that_the_rule_allows(day, month):
    assert expected_month(date(2026, 2, 18), CALENDAR) == date(2025, 12, 1)
    assert expected_month(date(2026, 2, day), CALENDAR, at_the_latest=True) == month


@pytest.mark.parametrize(
    ("today", "released", "covers"),
    [
        (date(2025, 11, 17), date(2025, 11, 18), date(2025, 9, 1)),  # of two months at once, the newest
        (date(2025, 11, 18), date(2025, 12, 18), date(2025, 10, 1)),
        (date(2026, 1, 15), date(2026, 2, 17), date(2025, 12, 1)),  # estimated
    ],
)
def test_the_next_release_comes_after_today(today, released, covers):
    assert next_release(today, CALENDAR) == (released, covers)


def test_an_announced_day_takes_the_place_of_the_listed_one_and_joins_where_none_is():
    announced = [Listed(date(2026, 1, 20), date(2025, 11, 1)), Listed(date(2026, 2, 18), date(2025, 12, 1))]
    calendar = with_announced(CALENDAR, announced)
    assert [entry.released for entry in calendar[-3:]] == [date(2025, 12, 18), date(2026, 1, 20), date(2026, 2, 18)]
    assert len(calendar) == 6


class TestTheProjectsCalendar:
    def test_has_the_release_of_november_2026(self, declarations):
        assert next_release(date(2026, 11, 17), declarations.calendar) == (date(2026, 11, 18), date(2026, 9, 1))

    def test_lists_every_month_from_october_2002_on_as_a_published_fact(self, declarations):
        months = sorted({entry.month for entry in declarations.calendar})
        assert months == [shifted(date(2002, 10, 1), by) for by in range(289)]
        assert {entry.basis for entry in declarations.calendar} == {"published"}
        assert sum(bool(entry.archive) for entry in declarations.calendar) == 276

    @pytest.mark.parametrize(("month", "day"), [(5, date(2009, 7, 16)), (7, date(2009, 9, 16))])
    def test_says_why_it_follows_the_archive_where_the_press_notice_has_another_day(self, declarations, month, day):
        assert published_release(date(2009, month, 1), declarations.calendar) == day
        with (PROJECT / "config" / "release_calendar.csv").open(newline="") as file:
            (row,) = [row for row in csv.DictReader(file) if row["month"] == f"2009-{month:02}"]
        assert "press notice" in row["note"]

    def test_a_month_with_two_archives_was_first_published_in_the_first(self, declarations):
        august = date(2006, 8, 1)
        assert published_release(august, declarations.calendar) == date(2006, 10, 17)
        assert release_of_archive("ticrel_20061020.zip", declarations.calendar) == date(2006, 10, 20)

    def test_the_rule_holds_for_265_of_the_276_archived_releases_and_its_first_day_for_245(self, declarations):
        found: Counter = Counter()
        for entry in declarations.calendar:
            if entry.archive:
                second = shifted(entry.month, 2)
                days = [business_day(second, number) for number in range(11, 15)]
                found[days.index(entry.released) + 11 if entry.released in days else "another day"] += 1
        assert found == {11: 245, 12: 10, 13: 8, 14: 2, "another day": 11}

    def test_the_estimate_would_be_too_late_for_15_january_and_14_july_2026(self):
        assert estimated_release(date(2025, 11, 1)) == date(2026, 1, 16)
        assert estimated_release(date(2026, 5, 1)) == date(2026, 7, 16)
