"""A run whose newest months are known by holdings alone says what its first months are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.transforms.findings.test_sentences import APRIL
from treasury_watch.transforms.findings.explain.first_months import first_months_read
from treasury_watch.transforms.findings.explain.sentences import Beside, explain_episodes, told

MONTHS = pd.DataFrame(
    {
        "holder_id": "norway",
        "month": pd.date_range("2026-03-01", periods=4, freq="MS"),
        "change_usd_mn": [-5_600.0, -2_700.0, -7_400.0, -4_100.0],
        "net_purchases_usd_mn": [-1_500.0, -1_100.0, np.nan, np.nan],
        "net_long_term_usd_mn": [-1_200.0, -1_800.0, np.nan, np.nan],
        "net_short_term_usd_mn": [-300.0, 700.0, np.nan, np.nan],
        "valuation_usd_mn": [-3_300.0, -1_300.0, np.nan, np.nan],
        "other_usd_mn": [-800.0, -300.0, np.nan, np.nan],
    }
)
UNKNOWN = dict.fromkeys(
    ("net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn", "other_usd_mn"),
    np.nan,
)
RUN = {key: value for key, value in APRIL.items() if key not in ("month", "position_usd_mn", "change_pct")} | {
    **UNKNOWN, "holder_id": "norway", "holder": "Norway", "change_usd_mn": -19_800.0, "verdict": "unexplained",
    "start_month": pd.Timestamp("2026-03-01"), "end_month": pd.Timestamp("2026-06-01"),
}  # fmt: skip


def explained(months: pd.DataFrame, custodial: bool = False) -> str:
    beside = Beside(custodial, first_months=first_months_read(RUN, months))
    return told(RUN, "in the 4 months from March to June 2026", beside)[1]


def test_what_the_first_months_are_made_of_is_told_and_only_of_the_rest_that_it_is_not_read():
    assert (
        "In March and April 2026 it sold $3.0bn of bonds and notes, bought $0.4bn of bills and lost $4.6bn in valuation. "
        "How much of the rest was sold and how much was price is not yet among the figures read here."
    ) in explained(MONTHS)
    assert "In March and April 2026 accounts there sold $3.0bn" in explained(MONTHS, custodial=True)


@pytest.mark.parametrize("read", [[], [1], [0, 2]])
def test_of_a_run_whose_months_taken_apart_are_not_its_first_it_is_said_of_all(read):
    months = MONTHS.assign(**{name: [-1_000.0 if place in read else np.nan for place in range(4)] for name in UNKNOWN})
    text = explained(months)
    assert "How much of it was sold and how much was price is not yet among the figures read here." in text
    assert "In March" not in text


def test_sums_are_those_of_the_first_months_alone():
    first = first_months_read(RUN, MONTHS)
    assert first is not None
    assert (first["net_purchases_usd_mn"], first["valuation_usd_mn"], first["end_month"]) == (
        -2_600.0, -4_600.0, pd.Timestamp("2026-04-01"),
    )  # fmt: skip
    assert first_months_read(RUN | {"net_purchases_usd_mn": -5.0}, MONTHS) is None


def test_a_run_that_one_month_makes_says_so_and_one_of_two_months_does_not():
    alone = Beside(most_in=(pd.Timestamp("2026-05-01"), -17_400.0))
    assert (
        "$17.4bn of the fall came in May 2026 alone." in told(RUN, "in the 4 months from March to June 2026", alone)[1]
    )
    months = MONTHS.assign(
        change_usd_mn=[-600.0, -700.0, -17_400.0, -1_100.0],
        custodial_centre=False,
        newer_positions_usd_mn=0.0,
        basis=None,
    )
    official = months.iloc[:0].assign(basis=None)
    rules = {"newer_positions": {"minimum_usd_mn": 500.0}}
    said = explain_episodes(pd.DataFrame([RUN]), months, official, rules)["explanation"].item()
    assert "$17.4bn of the fall came in May 2026 alone." in said
    even = months.assign(change_usd_mn=[-4_950.0] * 4)
    assert "alone" not in explain_episodes(pd.DataFrame([RUN]), even, official, rules)["explanation"].item()
