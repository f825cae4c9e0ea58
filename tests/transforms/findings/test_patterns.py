"""Net sales of a season, bought back, or of a swing: labelled, and a notice."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import RULES, history
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.transforms.findings.rules.patterns.labels import with_patterns
from treasury_watch.transforms.findings.rules.patterns.seasons import season

NAN = math.nan
LIMITS = RULES["seasons"]
QUARTERS = [-30_000.0, 22_000.0, 10_000.0]  # sold in the first month of a quarter, bought in the others


def by_month(net: list[float]) -> dict[int, float]:
    return dict(enumerate(net))


def test_sales_at_every_quarters_end_are_a_season_with_its_measure():
    found = season(24, by_month([*QUARTERS * 8, -32_000.0]), LIMITS)
    assert found is not None
    assert (found.period_months, found.sales, found.last) == (3, 6, 6)
    assert found.p_value < 0.001


def test_only_the_months_before_count():
    sold = by_month([*QUARTERS * 8, -32_000.0])
    later = sold | {25 + n: amount for n, amount in enumerate([5_000.0, 9_000.0, 40_000.0] * 8)}
    assert season(24, later, LIMITS) == season(24, sold, LIMITS)


@pytest.mark.parametrize(
    ("net", "why"),
    [
        ([*QUARTERS * 5, -32_000.0], "too few months"),
        ([*[-3_000.0, 2_000.0, 1_000.0] * 8, -32_000.0], "the others were small"),
        ([*QUARTERS * 8, 5_000.0], "no sale"),
        ([*QUARTERS * 8, 22_000.0, -32_000.0], "another month of the quarter"),
    ],
)
def test_what_is_no_season(net, why):
    assert season(len(net) - 1, by_month(net), LIMITS) is None, why


def test_shuffled_months_are_a_season_hardly_ever():
    drawn = np.random.default_rng(3)
    shuffled = [[*drawn.permutation(QUARTERS * 12), -32_000.0] for _ in range(200)]
    assert sum(season(36, by_month(net), LIMITS) is not None for net in shuffled) <= 4


def canada(net: list[float], basis: str = "slt") -> pd.DataFrame:
    months = history(400_000, net, "canada")
    return months.assign(
        net_purchases_usd_mn=[NAN, *net], net_long_term_usd_mn=[NAN, *net], net_short_term_usd_mn=0.0,
        valuation_usd_mn=0.0, other_usd_mn=0.0, basis=basis,
    )  # fmt: skip


def labelled(months: pd.DataFrame, hindsight: bool = True) -> pd.DataFrame:
    found = sell_offs(months, RULES)
    return with_patterns(found[found["rule"] == "fall"], months, RULES, hindsight=hindsight)


SMALL = [1_000.0, -1_000.0] * 7


def test_what_is_bought_back_within_a_month_is_a_notice_from_then_on():
    months = canada([*SMALL, -58_000.0, 54_000.0])
    (now,) = labelled(months).to_dict("records")
    (then,) = labelled(months, hindsight=False).to_dict("records")
    assert (then["severity"], then["pattern"]) == ("critical", None)
    assert (now["severity"], now["pattern"], now["verdict"]) == ("notice", "bought back", "sold")
    assert now["pattern_measure"] == (
        "Net purchases of bonds and notes of $54.0bn in May 2023 bought back 93% of those sold in April 2023."
    )


def test_what_is_bought_back_by_less_than_most_of_it_alarms_on():
    (row,) = labelled(canada([*SMALL, -58_000.0, 40_000.0])).to_dict("records")
    assert (row["severity"], row["pattern"]) == ("critical", None)


def test_a_season_is_labelled_beside_the_verdict_and_is_a_notice():
    swings = [-30_000.0, 14_000.0, 16_000.0]  # not bought back within a month
    row = labelled(canada([*swings * 8, -60_000.0])).to_dict("records")[-1]
    assert (row["severity"], row["verdict"], row["pattern"]) == ("notice", "sold", "seasonal")
    assert (row["pattern_times"], row["pattern_of"]) == (6, 6)
    assert row["pattern_measure"] == (
        "Net sales of at least half this size came in the second month of 6 of the last 6 quarters: a recurring pattern."
    )


def test_a_season_is_measured_on_one_basis():
    months = canada([*[-30_000.0, 14_000.0, 16_000.0] * 8, -60_000.0], basis="form_s")
    months.loc[months.index[-1], "basis"] = "slt"
    assert pd.isna(labelled(months)["pattern"].iloc[-1])


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (54_000.0, "93% of those sold in April 2023."),
        (57_900.0, "nearly all of those sold in April 2023."),
        (58_000.0, "all of those sold in April 2023."),
        (62_800.0, "all of those sold in April 2023 and more."),
        (174_000.0, "all of those sold in April 2023 and came to 3.0 times as much."),  # Norway, February 2025: "300%"
    ],
)
def test_what_was_bought_back_beyond_what_was_sold_is_told_in_words(back, words):
    (row,) = labelled(canada([*SMALL, -58_000.0, back])).to_dict("records")
    assert row["pattern_measure"].partition("bought back ")[2] == words
