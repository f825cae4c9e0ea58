"""Verdicts: sold, repriced, moved, mixed or unexplained."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.verdicts import VERDICTS, shares, verdict

NAN = math.nan
AMOUNT = st.floats(-200_000, 200_000) | st.just(NAN)


def judged(net: float, valuation: float, other: float) -> str:
    return verdict(net, valuation, other, dominant=0.6, moved=0.5)


@pytest.mark.parametrize(
    ("net", "valuation", "other", "expected"),
    [
        (-11_830, -29_824, 733, "repriced"),  # Japan, April 2024
        (-23_870, 7_252, -3_523, "sold"),  # Japan, May 2024
        (-60_339, -9_205, -6_053, "sold"),  # Japan, April to June 2024
        (-36_600, 22_100, 0, "sold"),  # a sale is one although prices rose
        (-1_000, -500, -9_000, "moved"),
        (-5_000, -5_000, 0, "mixed"),
        (-5_000, 0, -5_000, "moved"),  # half is enough for other changes
        (0, 0, 0, "mixed"),
        (5_000, 3_000, 1_000, "mixed"),  # nothing pulled it down
    ],
)
def test_the_cause_of_most_of_the_fall_gives_the_verdict(net, valuation, other, expected):
    assert judged(net, valuation, other) == expected


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_an_incomplete_decomposition_explains_nothing(unknown):
    causes = [-10_000.0, -1_000.0, -1_000.0]
    causes[unknown] = NAN
    assert judged(*causes) == "unexplained"


def test_the_limits_themselves_are_enough():
    assert judged(-6_000, -4_000, 0) == "sold"
    assert judged(-5_999, -4_001, 0) == "mixed"
    assert judged(-4_000, -6_000, 0) == "repriced"


def test_causes_that_raised_the_position_have_no_share():
    assert shares(-30.0, 50.0, -10.0) == {"sold": 0.75, "repriced": 0.0, "moved": 0.25}
    assert shares(NAN, -1.0, NAN) == {"sold": 0.0, "repriced": 1.0, "moved": 0.0}


@given(AMOUNT, AMOUNT, AMOUNT)
def test_every_month_has_one_of_the_verdicts_and_shares_are_parts_of_one(net, valuation, other):
    assert judged(net, valuation, other) in VERDICTS
    parts = shares(net, valuation, other)
    assert all(0 <= part <= 1 for part in parts.values())
    assert sum(parts.values()) == pytest.approx(1) or not any(parts.values())
