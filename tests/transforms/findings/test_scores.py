"""The robust score: how unusual a value is in the holder's own past."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury_watch.transforms.findings.rules.scores import MAD_TO_SIGMA, robust_score

QUIET = [1.0, 2.0, 3.0, 4.0, 5.0]  # median 3, median absolute deviation 1


def score(values: list[float], *, window: int = 5, minimum: int = 3, floor: float = 0.1) -> list[float]:
    return robust_score(pd.Series(values), window=window, minimum=minimum, floor=floor).tolist()


def test_a_value_is_measured_in_scaled_deviations_from_the_median_of_its_past():
    assert score([*QUIET, -10.0])[-1] == pytest.approx((-10 - 3) / MAD_TO_SIGMA)


def test_the_value_itself_is_no_part_of_its_past():
    assert score([*QUIET, 10.0])[-1] == pytest.approx(7 / MAD_TO_SIGMA)
    assert score([*QUIET, 1000.0])[-1] == pytest.approx(997 / MAD_TO_SIGMA)


def test_too_short_a_past_gives_no_score():
    found = score(QUIET, minimum=3)
    assert [math.isnan(value) for value in found] == [True, True, True, False, False]


def test_unknown_months_do_not_count_as_past():
    found = score([1.0, math.nan, 3.0, math.nan, 5.0, 9.0], minimum=3)
    assert [math.isnan(value) for value in found] == [True, True, True, True, True, False]
    assert found[-1] == pytest.approx((9 - 3) / (2 * MAD_TO_SIGMA))


def test_an_unknown_value_has_no_score():
    assert math.isnan(score([*QUIET, math.nan])[-1])


def test_only_the_window_counts():
    assert score([500.0, -700.0, *QUIET, 10.0])[-1] == score([*QUIET, 10.0])[-1]


def test_one_outlier_in_the_past_hardly_moves_the_scale():
    assert score([1.0, 2.0, 3.0, 4.0, -1000.0, -10.0])[-1] == pytest.approx((-10 - 2) / MAD_TO_SIGMA)


def test_a_holder_that_never_moved_scores_against_the_floor():
    assert score([0.0] * 5 + [-250.0], floor=500)[-1] == -0.5


def test_holders_one_after_the_other_are_scored_each_in_its_own_past():
    values = [*QUIET, -10.0, 1.0, 2.0, 30.0, 4.0, 5.0, -10.0]
    holders = pd.Series(["japan"] * 6 + ["belgium"] * 6)
    found = robust_score(pd.Series(values), holders, window=5, minimum=3, floor=0.1).tolist()
    apart = score(values[:6]) + score(values[6:])
    assert found == pytest.approx(apart, nan_ok=True)


@given(
    st.lists(st.lists(st.one_of(st.just(math.nan), st.integers(-9, 9).map(float)), min_size=1, max_size=9), max_size=4),
    st.integers(1, 5),
)
def test_the_score_is_that_of_the_median_of_what_is_known_whatever_is_not(columns, window):
    values = [value for column in columns for value in column]
    holders = [number for number, column in enumerate(columns) for _ in column]
    found = robust_score(pd.Series(values, dtype=float), pd.Series(holders), window=window, minimum=2, floor=0.5)
    expected = []
    for column in columns:
        for place, value in enumerate(column):
            past = pd.Series(column[max(0, place - window) : place], dtype=float).dropna()
            scale = max(MAD_TO_SIGMA * (past - past.median()).abs().median(), 0.5)
            expected.append((value - past.median()) / scale if len(past) >= 2 else math.nan)
    assert found.tolist() == pytest.approx(expected, nan_ok=True)
