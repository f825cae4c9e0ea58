"""What release a file belongs to: the user's word, its own date, the calendar, its retrieval."""

from datetime import date, datetime

import pandas as pd
import pytest

from treasury_watch.transforms.model import Parsed
from treasury_watch.transforms.release_dates.release_calendar import Listed
from treasury_watch.warehouse.ledger.dating import FutureRelease, dated

CALENDAR = [
    Listed(date(2025, 11, 18), date(2025, 8, 1), archive="ticrel_20251017.zip"),
    Listed(date(2025, 12, 18), date(2025, 10, 1)),
    Listed(date(2026, 1, 15), date(2025, 11, 1)),
    Listed(date(2026, 2, 17), date(2025, 12, 1), "estimated"),
]


def parsed(last: str, printed: date | None = None, holds="observations") -> Parsed:
    column = "month" if holds == "observations" else "date"
    return Parsed("any", holds, pd.DataFrame({column: pd.to_datetime(["2020-01-01", last])}), printed)


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


@pytest.mark.parametrize(
    ("container", "last", "day", "basis"),
    [
        ("ticrel_20251017.zip", "2024-12-01", date(2025, 11, 18), "calendar"),  # the archive's day, not its label's
        ("ticrel_20251017", "2025-08-01", date(2025, 11, 18), "calendar"),  # unpacked
        ("ticrel_20260310.zip", "2025-10-01", date(2025, 12, 18), "calendar"),  # by the newest month
        ("ticrel_20260217.zip", "2025-12-01", date(2026, 2, 17), "container"),
        ("saved 2026-02-19", "2025-12-01", date(2026, 2, 19), "container"),
        ("ticrel_20251230.zip", "2025-12-01", date(2026, 3, 1), "retrieval"),  # before the month's end
        ("2026-03-02", "2025-12-01", date(2026, 3, 1), "retrieval"),  # after the retrieval
        (None, "2025-12-01", date(2026, 3, 1), "retrieval"),  # an estimate dates nothing
    ],
)
def test_what_a_file_lay_in_dates_it_where_the_calendar_lists_it_or_nothing_else_does(
    declarations, container, last, day, basis
):
    source = declarations.source("slt_table5")
    found = dated(parsed(last), source, CALENDAR, retrieved=date(2026, 3, 1), container=container)
    assert found == (day, basis)


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
