"""What release a file belongs to: the user's word, its own date, the calendar, its retrieval."""

from datetime import date, datetime

import pandas as pd
import pytest

from treasury_watch.transforms.model import Parsed
from treasury_watch.warehouse.ledger.dating import FutureRelease, dated

CALENDAR = [(date(2025, 12, 18), date(2025, 10, 1)), (date(2026, 1, 15), date(2025, 11, 1))]


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
