"""Months of the calendar. A month is its first day; every step and distance in months is reckoned here."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Day = TypeVar("Day", bound=date)  # a pandas Timestamp is one too
YEAR_OF_DATETIME64 = 1970  # numpy counts its months from there


def number_of(month: date) -> int:
    """The months of the calendar counted through: two months one apart have numbers one apart."""
    return month.year * 12 + month.month - 1


def month_of(number: int) -> date:
    """The month with this number."""
    return date(number // 12, number % 12 + 1, 1)


def shifted(month: Day, by: int) -> Day:
    """The month so many months later, or earlier where `by` is negative; of the type it was given."""
    year, before = divmod(number_of(month) + by, 12)
    return type(month)(year, before + 1, 1)


def months_between(earlier: date, later: date) -> int:
    """How many months later the second is; negative where it is the earlier one."""
    return number_of(later) - number_of(earlier)


def months_from(first: Day, last: Day) -> list[Day]:
    """Every month from the first to the last, both included; empty where the last is before the first."""
    return [shifted(first, by) for by in range(months_between(first, last) + 1)]


def numbers_of(days: pd.Series) -> np.ndarray:
    """The `number_of` the month that each day is in."""
    numbers: np.ndarray = days.to_numpy().astype("datetime64[M]").astype("int64") + 12 * YEAR_OF_DATETIME64
    return numbers


def starts_of(days: pd.Series) -> np.ndarray:
    """The first day of the month that each day is in, in the unit of the project's tables."""
    return days.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
