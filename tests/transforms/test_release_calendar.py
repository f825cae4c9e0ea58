"""Release days: as listed, estimated where not listed, and what day a file belongs to."""

from datetime import date, datetime

import pandas as pd
import pytest

from treasury_watch.transforms.model import Parsed
from treasury_watch.transforms.release_calendar import (
    FutureRelease,
    dated,
    estimated_release,
    expected_month,
    next_release,
    release_of,
)

CALENDAR = [
    (date(2025, 9, 18), date(2025, 7, 1)),
    (date(2025, 11, 18), date(2025, 8, 1)),
    (date(2025, 11, 18), date(2025, 9, 1)),
    (date(2025, 12, 18), date(2025, 10, 1)),
    (date(2026, 1, 15), date(2025, 11, 1)),
]


def parsed(last: str, printed: date | None = None, holds="observations") -> Parsed:
    column = "month" if holds == "observations" else "date"
    return Parsed("any", holds, pd.DataFrame({column: pd.to_datetime(["2020-01-01", last])}), printed)


def test_a_listed_month_was_released_on_its_day():
    assert release_of(date(2025, 8, 1), CALENDAR) == date(2025, 11, 18)


@pytest.mark.parametrize(
    ("month", "released"),
    [
        (date(2027, 1, 1), date(2027, 3, 16)),  # a Tuesday
        (date(2026, 11, 1), date(2027, 1, 18)),  # the 16th is a Saturday
        (date(2026, 12, 1), date(2027, 2, 16)),
    ],
)
def test_an_unlisted_month_is_estimated_in_the_middle_of_the_second_month_after_it(month, released):
    assert release_of(month, CALENDAR) == estimated_release(month) == released


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


@pytest.mark.parametrize(
    ("today", "released", "covers"),
    [
        (date(2025, 11, 17), date(2025, 11, 18), date(2025, 9, 1)),  # of two months at once, the newest
        (date(2025, 11, 18), date(2025, 12, 18), date(2025, 10, 1)),
        (date(2026, 1, 15), date(2026, 2, 16), date(2025, 12, 1)),  # estimated
    ],
)
def test_the_next_release_comes_after_today(today, released, covers):
    assert next_release(today, CALENDAR) == (released, covers)


def test_the_projects_calendar_has_the_release_of_november_2026(declarations):
    assert next_release(date(2026, 11, 17), declarations.calendar) == (date(2026, 11, 18), date(2026, 9, 1))


def test_the_users_word_goes_before_the_files_own_date(declarations):
    found = dated(
        parsed("2025-10-01", date(2025, 12, 18)),
        declarations.source("mfhhis01"),
        CALENDAR,
        retrieved=date(2026, 1, 1),
        user=date(2025, 12, 20),
    )
    assert found == (date(2025, 12, 20), "user")


def test_a_printed_date_goes_before_the_calendar(declarations):
    file = parsed("2025-10-01", date(2025, 12, 19))
    found = dated(file, declarations.source("mfhhis01"), CALENDAR, retrieved=date(2026, 1, 1))
    assert found == (date(2025, 12, 19), "file")


def test_a_file_without_a_date_is_of_the_release_that_first_had_its_newest_month(declarations):
    found = dated(parsed("2025-10-01"), declarations.source("slt_table5"), CALENDAR, retrieved=date(2026, 7, 1))
    assert found == (date(2025, 12, 18), "calendar")


def test_a_daily_series_is_dated_by_its_retrieval(declarations):
    file = parsed("2026-06-30", holds="fx")
    found = dated(file, declarations.source("fred:DEXJPUS"), CALENDAR, retrieved=datetime(2026, 7, 1).date())
    assert found == (date(2026, 7, 1), "retrieval")


@pytest.mark.parametrize("user", [None, date(2025, 12, 18)])
def test_a_release_after_its_retrieval_is_refused(declarations, user):
    with pytest.raises(FutureRelease, match=r"slt_table5: released 2025-12-18 by the (calendar|user).*2025-12-17"):
        dated(
            parsed("2025-10-01"), declarations.source("slt_table5"), CALENDAR, retrieved=date(2025, 12, 17), user=user
        )
