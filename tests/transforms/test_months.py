from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury_watch.transforms.months import (
    month_of,
    months_between,
    months_from,
    number_of,
    numbers_of,
    shifted,
    starts_of,
)

MONTHS = st.dates(date(1900, 1, 1), date(2200, 12, 1)).map(lambda day: day.replace(day=1))


@pytest.mark.parametrize(("by", "expected"), [(1, date(2025, 1, 1)), (-12, date(2023, 12, 1)), (13, date(2026, 1, 1))])
def test_a_step_in_months_crosses_the_year(by, expected):
    assert shifted(date(2024, 12, 1), by) == expected


def test_a_step_keeps_the_type_it_was_given():
    assert isinstance(shifted(pd.Timestamp("2024-01-01"), -1), pd.Timestamp)
    assert shifted(pd.Timestamp("2024-01-31"), 1) == pd.Timestamp("2024-02-01")


def test_months_from_first_to_last_have_both_and_none_where_they_run_backwards():
    assert months_from(date(2024, 11, 1), date(2025, 1, 1)) == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    assert months_from(date(2024, 2, 1), date(2024, 1, 1)) == []


def test_days_of_a_column_have_the_number_and_start_of_their_month():
    days = pd.Series(pd.to_datetime(["1969-12-31", "2024-05-01", "2024-05-31"]))
    assert numbers_of(days).tolist() == [number_of(day) for day in days]
    assert [f"{day:%Y-%m-%d}" for day in pd.Series(starts_of(days))] == ["1969-12-01", "2024-05-01", "2024-05-01"]


@given(MONTHS, st.integers(-600, 600))
def test_stepping_forth_and_measuring_back_agree(month, by):
    later = shifted(month, by)
    assert months_between(month, later) == by
    assert month_of(number_of(later)) == later
