"""Verdicts: sold, repriced, moved, mixed or unexplained."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury_watch.transforms.findings.rules.verdicts import VERDICTS, reading, shares, verdict

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


LIMITS = {
    "dominant": 0.6,
    "moved": 0.5,
    "instrument": 0.75,
    "negligible": 0.1,
    "credible_valuation_pct": 8.0,
    "credible_from_usd_mn": 3_000,
    "shift": 0.5,
    "bills_told_usd_mn": 10_000,
    "offset": 0.3,
    "agreeing": 1.5,
}


def read(
    net: float, valuation: float, other: float, bonds: float = NAN, bills: float = NAN, change: float = NAN,
    basis: str = "slt", error: float = NAN,
):  # fmt: skip
    row = {
        "basis": basis,
        "error_usd_mn": error,
        "valuation_usd_mn": valuation,
        "other_usd_mn": other,
        "net_long_term_usd_mn": bonds,
    }
    row |= {"net_short_term_usd_mn": bills, "valuation_pct": valuation / 10_000}  # of a position of 1,000,000
    return reading({**row, "change_usd_mn": net + valuation + other if math.isnan(change) else change}, net, LIMITS)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((-11_830, -29_824, 733, 246, -12_076), ("repriced", "bills")),  # Japan, April 2024
        ((-23_870, 7_252, -3_523, 171, -24_041), ("sold", "bills")),
        ((-24_639, 13_367, -3_263, -36_608, 11_969), ("sold", "bonds")),
        ((-33_422, -2_833, 470, -23_572, -9_850), ("sold", "both")),  # China, July 2025
        ((2_000, -12_000, 0, -3_000, 5_000), ("repriced", "none")),  # bought on the whole
        ((-500, -12_000, 0, -500, 0), ("repriced", "none")),  # negligible
    ],
)
def test_a_verdict_comes_with_the_instrument_sold(amounts, expected):
    found = read(*amounts)
    assert (found.verdict, found.instrument) == expected


def test_shares_are_percent_of_the_gross_fall():
    found = read(-11_830, -29_824, 733, bonds=246, bills=-12_076)
    assert (found.sold_share_pct, found.moved_share_pct) == (pytest.approx(100 * 11_830 / 41_654), 0)


@pytest.mark.parametrize(("net", "verdict"), [(-6_000.0, "sold"), (-5_999.0, "unexplained"), (3_000.0, "unexplained")])
def test_without_a_valuation_only_a_sale_as_large_as_most_of_the_fall_is_told(net, verdict):
    found = read(net, NAN, NAN, bonds=net, change=-10_000.0)
    assert found.verdict == verdict
    assert math.isnan(found.repriced_share_pct)


def test_without_a_fall_and_a_valuation_nothing_is_told():
    assert read(-30_000.0, NAN, NAN, bonds=-30_000.0, change=5_000.0).verdict == "unexplained"


def test_bonds_stand_for_net_purchases_where_bills_are_unknown():
    assert read(NAN, NAN, NAN, bonds=-9_000.0, change=-10_000.0).verdict == "sold"


def test_a_valuation_that_prices_cannot_have_made_is_not_used():
    assert read(-10_000, -80_000, 0).verdict == "repriced"
    assert read(-10_000, -80_001, 0).verdict == "unexplained"
    assert read(-60_000, -80_001, 60_001, change=-80_000.0).verdict == "sold"


def test_net_sales_that_other_changes_undo_are_moved():
    assert read(-20_000, 1_500, 25_000).verdict == "moved"
    assert read(-20_000, 1_500, 10_000).verdict == "moved"
    assert read(-20_000, 1_500, 9_999).verdict == "mixed"
    assert read(-20_000, 1_500, 8_000).verdict == "sold"
    assert read(-20_000, 1_500, 8_000).moved_share_pct == pytest.approx(40)


def test_other_changes_are_of_bonds_and_undo_no_sale_of_bills():
    assert read(-20_000, 0, 25_000, bonds=-20_000, bills=0).verdict == "moved"
    assert read(-20_000, 0, 25_000, bonds=0, bills=-20_000).verdict == "sold"
    assert read(-20_000, 0, 25_000, bonds=-12_000, bills=-8_000).sold_share_pct == pytest.approx(40)
