"""What a fall was, by the statistics alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.transforms.backtest.literal_months import LIMITS, NAN, month
from treasury_watch.transforms.backtest.evidence import Evidence
from treasury_watch.transforms.backtest.labels import (
    COLUMNS,
    label,
    largest_unflagged,
    set_of,
    stored_labels,
)
from treasury_watch.transforms.errors import ConfigurationError


def labelled(net: float, valuation: float = 0.0, other: float = 0.0, **known: Any) -> str:
    change = net + valuation + other
    evidence = Evidence(change_usd_mn=change, net_usd_mn=net, valuation_usd_mn=valuation, other_usd_mn=other, **known)
    return label(evidence, LIMITS)[0]


def test_net_sales_of_sixty_percent_of_the_gross_fall_are_a_sale_also_where_prices_rose():
    assert labelled(-36_608, 13_400, -3_300) == "sale"
    assert labelled(-6_000, -4_000) == "sale"
    assert labelled(-5_900, -4_100) == "unknown"


def test_prices_of_sixty_percent_of_the_gross_fall_are_price():
    assert labelled(-11_830, -29_824, 733) == "price"


def test_what_is_bought_back_within_a_month_is_a_pattern():
    assert labelled(-50_000, bought_back=0.7) == "pattern"
    assert labelled(-50_000, bought_back=0.69) == "sale"


def test_what_recurs_on_four_of_six_occasions_is_a_pattern():
    assert labelled(-50_000, recurred=4, season="quarter") == "pattern"
    assert labelled(-50_000, recurred=3, season="quarter") == "sale"


def test_a_run_whose_sales_lie_in_such_months_is_a_pattern():
    assert labelled(-80_000, pattern_share=0.7) == "pattern"


def test_prices_stay_price_though_the_small_sales_were_bought_back():
    assert labelled(-5_000, -40_000, bought_back=2.0) == "price"


def test_a_partner_that_takes_in_half_makes_it_a_move_whatever_was_booked():
    assert labelled(-78_300, partner="El Salvador", absorbed=1.07) == "move"
    assert labelled(-78_300, partner="El Salvador", absorbed=0.49) == "sale"
    assert labelled(-1_000, -9_000, partner="Belgium", absorbed=0.9) == "price"


def test_net_sales_at_a_custodial_centre_are_nobodys_sale():
    assert labelled(-50_000, custodial_centre=True) == "unknown"
    assert labelled(-5_000, -50_000, custodial_centre=True) == "price"


def test_net_sales_that_other_changes_give_back_are_no_sale():
    assert labelled(-20_000, other=10_000) == "unknown"
    assert labelled(-20_000, other=9_000) == "sale"


def test_transactions_that_the_holdings_contradict_are_unknown():
    india = {"estimated": True, "tolerance_usd_mn": 11_000.0}
    assert labelled(-46_500, 700, 45_400, **india) == "unknown"
    assert labelled(-46_500, 700, -45_400, **india) == "unknown"
    assert labelled(-46_500, 700, 5_400, **india) == "sale"
    assert labelled(-46_500, 700, 45_400, bought_back=1.0, **india) == "unknown"


def test_a_fall_beyond_the_transactions_is_a_move_where_a_partner_took_it_in():
    assert labelled(-21_700, -700, -25_000, estimated=True, tolerance_usd_mn=3_000.0, absorbed=0.63) == "move"


def test_without_transactions_or_prices_nothing_is_known():
    assert labelled(NAN) == "unknown"
    assert labelled(-20_000, NAN, NAN) == "unknown"


def test_what_is_too_small_to_matter_is_told_apart_from_what_is_unknown():
    assert labelled(-4_999) == "small"
    assert labelled(5_000) == "small"


def row(**changed: str) -> dict[str, str]:
    usual = dict(
        zip(COLUMNS, ["japan", "2024-05", "2024-06", "sale", "test", "warning", "figures", "..."], strict=True)
    )
    return {**usual, **changed}


CUT = pd.Timestamp("2023-02-01")


def test_the_set_goes_by_the_last_month_alone():
    assert set_of(pd.Series(pd.to_datetime(["2023-01-01", "2023-02-01"])), CUT).tolist() == ["calibration", "test"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(label="sold")], "expected one of sale, price"),
        ([row(set="calibration")], "goes by time"),
        ([row(start_month="May 2024")], "such as 2024-05"),
        ([row(), row()], "stands twice"),
        ([row(decided_by="feeling")], "figures, hand"),
    ],
)
def test_a_label_that_cannot_be_read_is_refused(rows: list[dict[str, str]], words: str):
    with pytest.raises(ConfigurationError, match=words):
        stored_labels(rows, CUT)


def test_the_largest_falls_that_no_alarm_covers_say_by_which_measure():
    months = pd.DataFrame(
        {
            "holder_id": ["japan", "japan", "china", "china"],
            "month": [month(0), month(1), month(0), month(1)],
            "change_usd_mn": [-30_000.0, -9_000.0, 4_000.0, -20_000.0],
            "net_purchases_usd_mn": [-1_000.0, NAN, -12_000.0, -2_000.0],
        }
    )
    alarms = pd.DataFrame({"holder_id": ["japan"], "start_month": [month(0)], "end_month": [month(0)]})
    found = largest_unflagged(months, alarms, month(0), month(1), 2)
    assert found[["holder_id", "end_month", "listed_for"]].to_numpy().tolist() == [
        ["china", month(1), "fall"],
        ["china", month(0), "net sales"],
    ]
