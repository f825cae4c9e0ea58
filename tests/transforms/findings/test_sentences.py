"""Explanations: signs, units, months and rounding of what people read."""

import math

import pandas as pd
import pytest

from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.findings.explain.sentences import explain_episodes, explain_months, explained
from treasury_watch.transforms.wording import month_name

APRIL = {
    "holder": "Japan",
    "rule": "fall",
    "of": "change_usd_mn",
    "month": pd.Timestamp("2024-04-01"),
    "change_usd_mn": -40_921.0,
    "net_purchases_usd_mn": -11_830.0,
    "net_long_term_usd_mn": 246.0,
    "net_short_term_usd_mn": -12_076.0,
    "valuation_usd_mn": -29_824.0,
    "other_usd_mn": 733.0,
    "verdict": "repriced",
    "sold_share_pct": 28.4,
    "repriced_share_pct": 71.6,
    "moved_share_pct": 0.0,
    "instrument": "bills",
    "suspicion": None,
}


@pytest.mark.parametrize(
    ("usd_mn", "signed", "text"),
    [
        (-40_921, True, "-$40.9bn"),
        (246, True, "+$0.2bn"),
        (246, False, "$0.2bn"),
        (-40_921, False, "-$40.9bn"),
        (1_126_094, False, "$1,126.1bn"),
        (11_950, True, "+$12.0bn"),  # half up, in decimal
        (-12_050, True, "-$12.1bn"),
        (40.0, True, "$0.0bn"),
        (-49.9, True, "$0.0bn"),
        (50.0, True, "+$0.1bn"),
        (0.0, True, "$0.0bn"),
        (math.nan, True, "n.a."),
        (None, True, "n.a."),
    ],
)
def test_millions_are_shown_as_billions_with_one_decimal(usd_mn, signed, text):
    assert billions(usd_mn, signed=signed) == text


def test_a_month_is_written_out():
    assert month_name(pd.Timestamp("2024-04-01")) == "April 2024"


def test_a_repriced_month_says_so_with_the_whole_identity_and_what_was_traded():
    assert explain_months(pd.DataFrame([APRIL])) == [
        "Japan's holdings fell by $40.9bn in April 2024. Mostly repriced: change -$40.9bn = "
        "net purchases -$11.8bn + valuation -$29.8bn + other +$0.7bn. "
        "Of what pulled it down: valuation 72%, net sales 28%. Bills were sold (-$12.1bn); bonds and notes +$0.2bn."
    ]


def test_a_sale_in_a_month_of_rising_holdings_says_that_they_rose():
    row = APRIL | {
        "change_usd_mn": 2_500.0,
        "net_purchases_usd_mn": -20_000.0,
        "valuation_usd_mn": 22_500.0,
        "other_usd_mn": 0.0,
    }
    text = explained(row | {"verdict": "sold"}, "in May 2025")
    assert text.startswith(
        "Japan's holdings rose by $2.5bn in May 2025 although its net sales were $20.0bn. "
        "Mostly sold: change +$2.5bn = net purchases -$20.0bn"
    )


@pytest.mark.parametrize("change", [-30.0, 0.0, 30.0])
def test_holdings_that_stay_the_same_to_the_rounding_hardly_changed(change):
    text = explained(APRIL | {"change_usd_mn": change}, "in May 2025")
    assert text.startswith("Japan's holdings hardly changed in May 2025.")


def test_a_month_without_a_decomposition_claims_nothing_about_selling():
    unknown = dict.fromkeys(
        ["net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn", "other_usd_mn"],
        math.nan,
    )
    text = explained(APRIL | unknown | {"verdict": "unexplained"}, "in March 2022")
    assert text == (
        "Japan's holdings fell by $40.9bn in March 2022. "
        "Not explained: no complete decomposition is published for this period."
    )


def test_an_unknown_change_is_not_called_a_rise():
    text = explained(APRIL | {"change_usd_mn": math.nan, "verdict": "unexplained"}, "in December 2011")
    assert text.startswith("Japan: the change in holdings in December 2011 is not known on one survey basis.")


def test_unknown_bills_leave_the_sentence_on_instruments_out():
    assert "Bills were sold" in explained(APRIL, "in April 2024")
    assert "ills were sold" not in explained(APRIL | {"net_short_term_usd_mn": math.nan}, "in April 2024")


def test_an_episode_names_its_first_and_last_month():
    row = {key: value for key, value in APRIL.items() if key != "month"}
    row |= {"start_month": pd.Timestamp("2024-04-01"), "end_month": pd.Timestamp("2024-06-01"), "verdict": "mixed"}
    (text,) = explain_episodes(pd.DataFrame([row]))
    assert text.startswith("Japan's holdings fell by $40.9bn from April 2024 to June 2024. Mixed: change -$40.9bn = ")


def test_nothing_to_explain_gives_no_sentences():
    assert explain_months(pd.DataFrame([APRIL]).head(0)) == []


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Japan", "Japan's"),
        ("British Virgin Islands", "The British Virgin Islands'"),
        ("United Kingdom", "The United Kingdom's"),
        ("China, Mainland", "Mainland China's"),
        ("Korea, South", "South Korea's"),
        ("Foreign Official", "Foreign official institutions'"),
    ],
)
def test_a_holder_owns_its_holdings_in_good_english(label, text):
    assert explained(APRIL | {"holder": label}, "in April 2024").startswith(f"{text} holdings fell by")


def test_rounded_parts_that_do_not_add_up_say_so():
    row = APRIL | {"change_usd_mn": -100.0, "net_purchases_usd_mn": -40.0, "valuation_usd_mn": -40.0}
    assert "(rounded)" in explained(row | {"other_usd_mn": -20.0}, "in May 2025")
    assert "(rounded)" not in explained(APRIL, "in April 2024")


def test_bonds_sold_for_bills_are_called_a_shift():
    row = APRIL | {"net_long_term_usd_mn": -23_900.0, "net_short_term_usd_mn": 12_500.0, "instrument": "bonds"}
    assert "Bonds and notes were sold (-$23.9bn); bills +$12.5bn: in part a shift" in explained(row, "in May 2024")
    more = row | {"net_short_term_usd_mn": 20_000.0}
    assert "Bonds and notes were sold (-$23.9bn); bills +$20.0bn: mostly a shift" in explained(more, "in May 2024")


def test_a_flagged_sale_of_bonds_that_went_into_bills_is_told_as_that_and_not_as_a_withdrawal():
    row = APRIL | {
        "rule": "bond_sale",
        "of": "net_long_term_usd_mn",
        "holder": "Korea, South",
        "verdict": "sold",
        "instrument": "bonds",
    }
    row |= {"change_usd_mn": -370.0, "net_purchases_usd_mn": -1_400.0, "valuation_usd_mn": 1_400.0}
    row |= {"other_usd_mn": -370.0, "net_long_term_usd_mn": -11_900.0, "net_short_term_usd_mn": 10_500.0}
    assert explained(row, "in February 2026") == (
        "South Korea sold $11.9bn of bonds and notes in February 2026, net, and bought $10.5bn of bills: mostly a shift "
        "within Treasuries. South Korea's holdings fell by $0.4bn in February 2026. In all: change -$0.4bn = "
        "net purchases -$1.4bn + valuation +$1.4bn + other -$0.4bn."
    )


def test_a_flagged_sale_of_bills_that_went_into_bonds_is_told_as_that():
    row = APRIL | {"rule": "bill_sale", "of": "net_short_term_usd_mn", "verdict": "mixed", "instrument": "bills"}
    row |= {"net_long_term_usd_mn": 41_500.0, "net_short_term_usd_mn": -20_300.0}
    assert explained(row, "in March 2021").startswith(
        "Japan sold $20.3bn of bills in March 2021, net, and bought $41.5bn of bonds and notes: mostly a shift"
    )


def test_not_sold_is_only_said_where_next_to_nothing_was():
    assert "Mostly repriced: change" in explained(APRIL | {"sold_share_pct": 10.0}, "in April 2024")
    assert "Mostly repriced, not sold: change" in explained(APRIL | {"sold_share_pct": 9.9}, "in April 2024")


def test_holdings_that_rose_in_spite_of_net_sales_say_so():
    row = APRIL | {"change_usd_mn": 46_600.0, "net_purchases_usd_mn": -15_700.0}
    assert explained(row, "in May 2025").startswith(
        "Japan's holdings rose by $46.6bn in May 2025 although its net sales were $15.7bn."
    )


def test_a_move_names_the_place_where_it_went():
    row = APRIL | {"verdict": "moved", "suspicion": "El Salvador rose by $83.9bn in March 2025: taken for one move."}
    text = explained(row, "in March 2025")
    assert "Mostly moved, not sold: change" in text
    assert "El Salvador rose by $83.9bn" in text


def test_net_sales_that_other_changes_undo_are_not_explained_by_net_sales():
    row = APRIL | {"verdict": "moved", "net_purchases_usd_mn": -17_500.0, "other_usd_mn": 25_000.0}
    row |= {"net_long_term_usd_mn": -17_500.0}
    text = explained(row, "in April 2025")
    assert "Other changes of +$25.0bn offset all of the net sales." in text
    assert "Of what pulled it down" not in text
    bills_too = explained(row | {"net_long_term_usd_mn": -10_000.0}, "in April 2025")
    assert "Other changes of +$25.0bn offset $10.0bn of the net sales." in bills_too


def test_without_a_valuation_a_sale_is_told_from_net_sales_alone():
    row = APRIL | {"verdict": "sold", "valuation_usd_mn": math.nan, "other_usd_mn": math.nan}
    text = explained(row | {"net_purchases_usd_mn": -30_000.0}, "in March 2010")
    assert "Mostly sold: net purchases of -$30.0bn against a change of -$40.9bn." in text


def test_an_exit_says_what_is_left_of_the_peak():
    row = APRIL | {"peak_usd_mn": 108_700.0, "position_usd_mn": 14_900.0}
    assert "to $14.9bn, 14% of the peak of the three years before ($108.7bn)." in explained(row, "in May 2018")
