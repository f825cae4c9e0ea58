"""Episodes: runs of consecutive months with their sums."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import RULES, history
from treasury_watch.transforms.findings.rules.episodes import as_they_grew, consecutive, episodes

NAN = math.nan


def rules(tolerated: int = 0, of: str = "change_usd_mn", **changes: Any) -> dict[str, Any]:
    rule = {
        "of": of, "minimum_months": 2, "minimum_usd_mn": 15_000, "minimum_share_pct": 4.0,
        "tolerated_interruptions": tolerated, **changes,
    }  # fmt: skip
    return {**RULES, "episodes": {"fall" if of == "change_usd_mn" else "net_sale": rule}}


def spans(months: pd.DataFrame, declared: dict[str, Any]) -> list[tuple]:
    found = episodes(months, declared)
    return [(f"{r.start_month:%Y-%m}", f"{r.end_month:%Y-%m}", r.months) for r in found.itertuples()]


def test_a_run_has_the_sums_of_its_months_and_its_share_of_the_position_before():
    months = history(1_167_015, [-40_921.0, -20_141.0, -14_535.0, 9_000.0], first="2024-03")
    months["net_purchases_usd_mn"] = [NAN, -11_830.0, -23_870.0, -24_639.0, 1.0]
    months["valuation_usd_mn"] = [NAN, -29_824.0, 7_252.0, 13_367.0, 1.0]
    months["other_usd_mn"] = [NAN, 733.0, -3_523.0, -3_263.0, 1.0]
    months["basis"] = ["slt"] * 5
    (row,) = episodes(months, rules()).to_dict("records")
    assert (row["start_month"], row["end_month"]) == (pd.Timestamp("2024-04-01"), pd.Timestamp("2024-06-01"))
    assert (row["months"], row["change_usd_mn"], row["net_purchases_usd_mn"]) == (3, -75_597, -60_339)
    assert (row["valuation_usd_mn"], row["other_usd_mn"]) == (-9_205, -6_053)
    assert row["share_pct"] == pytest.approx(100 * 75_597 / 1_167_015)
    assert (row["rule"], row["verdict"], row["severity"], row["basis"]) == ("fall", "sold", "critical", "slt")


def test_a_run_of_net_sales_does_not_ask_what_holdings_did():
    months = history(400_000, [5_000.0, -1_000.0, 3_000.0], net_purchases_usd_mn=[NAN, -9_000.0, -9_000.0, 2_000.0])
    found = episodes(months, rules(of="net_purchases_usd_mn"))
    assert found[["rule", "months", "net_purchases_usd_mn", "change_usd_mn"]].to_dict("records") == [
        {"rule": "net_sale", "months": 2, "net_purchases_usd_mn": -18_000.0, "change_usd_mn": 4_000.0}
    ]


def test_a_rise_ends_the_run():
    months = history(400_000, [-9_000.0, -9_000.0, 100.0, -9_000.0, -9_000.0])
    assert spans(months, rules()) == [("2022-02", "2022-03", 2), ("2022-05", "2022-06", 2)]


def test_a_month_that_neither_rose_nor_fell_ends_the_run():
    months = history(400_000, [-9_000.0, -9_000.0, 0.0, -9_000.0])
    assert spans(months, rules()) == [("2022-02", "2022-03", 2)]


def test_a_tolerated_interruption_belongs_to_the_run_and_to_its_sums():
    months = history(400_000, [-9_000.0, 100.0, -9_000.0, 500.0])
    assert spans(months, rules()) == []
    (row,) = episodes(months, rules(1)).to_dict("records")
    assert (row["months"], row["change_usd_mn"]) == (3, -17_900)


def test_more_interruptions_than_tolerated_end_the_run():
    months = history(400_000, [-9_000.0, -9_000.0, 1.0, 1.0, -9_000.0, -9_000.0])
    assert spans(months, rules(1)) == [("2022-02", "2022-03", 2), ("2022-06", "2022-07", 2)]
    assert spans(months, rules(2)) == [("2022-02", "2022-07", 6)]


@pytest.mark.parametrize("tolerated", [0, 1])
def test_an_unknown_month_ends_the_run_and_is_never_passed_over(tolerated):
    months = history(400_000, [-9_000.0, -9_000.0, -9_000.0, -9_000.0, -9_000.0])
    months.loc[3, "change_usd_mn"] = NAN
    assert spans(months, rules(tolerated)) == [("2022-02", "2022-03", 2), ("2022-05", "2022-06", 2)]


@pytest.mark.parametrize("tolerated", [0, 1])
def test_a_gap_in_the_months_ends_the_run(tolerated):
    months = history(400_000, [-9_000.0] * 6)
    months.loc[4, "change_usd_mn"] = NAN  # the month before it is not there
    assert spans(months.drop(index=3), rules(tolerated)) == [("2022-02", "2022-03", 2), ("2022-06", "2022-07", 2)]
    fell = pd.Series([True] * 4)
    assert consecutive(pd.to_datetime(pd.Series(["2022-02", "2022-03", "2022-05", "2022-06"])), fell, tolerated) == [
        slice(0, 2),
        slice(2, 4),
    ]


@pytest.mark.parametrize("tolerated", [0, 1])
def test_a_new_survey_basis_ends_the_run_with_the_change_on_the_old_one(tolerated):
    months = history(400_000, [-9_000.0] * 4)
    months.loc[2, "series_break"] = True
    assert spans(months, rules(tolerated)) == [("2022-02", "2022-03", 2), ("2022-04", "2022-05", 2)]


def test_a_sum_is_unknown_where_one_of_its_months_is():
    months = history(400_000, [-9_000.0, -9_000.0])
    months.loc[1, ["net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]] = [-9_000.0, 0.0, 0.0]
    (row,) = episodes(months, rules()).to_dict("records")
    assert math.isnan(row["net_purchases_usd_mn"])
    assert (row["change_usd_mn"], row["verdict"]) == (-18_000, "unexplained")


def test_a_run_that_starts_in_the_month_of_a_break_is_measured_by_the_position_before():
    """Before: 400 bn on the old basis; a fall of 18 bn is 4.5 percent, whatever the new basis says."""
    months = history(400_000, [600_000.0, -9_000.0], first="2010-05")
    months.loc[1, "change_usd_mn"] = -9_000.0
    (row,) = episodes(months, rules()).to_dict("records")
    assert row["share_pct"] == pytest.approx(4.5)


@pytest.mark.parametrize(
    ("start", "changes", "kept"),
    [
        (400_000, [-18_000.0], False),  # one month
        (400_000, [-8_000.0, -7_999.0], False),  # 15,999 is below four percent of 400,000
        (375_000, [-7_500.0, -7_500.0], True),  # both limits themselves
        (375_000, [-7_500.0, -7_499.0], False),
        (2_000, [-900.0, -900.0], False),  # a small holder
    ],
)
def test_months_amount_and_share_have_to_agree(start, changes, kept):
    assert bool(spans(history(start, changes), rules())) is kept


def test_holders_do_not_run_into_one_another():
    first, second = history(400_000, [1.0, -9_000.0], "aaa"), history(400_000, [-9_000.0], "bbb", "2022-04")
    assert spans(pd.concat([first, second]), rules()) == []


def test_nothing_found_keeps_the_columns():
    found = episodes(history(400_000, [1.0]), rules())
    assert len(found) == 0
    assert {"holder_id", "rule", "start_month", "verdict", "change_usd_mn", "basis"} <= set(found.columns)


def test_runs_are_slices_that_start_and_end_with_a_fall():
    months = pd.Series(pd.date_range("2023-11-01", periods=6, freq="MS"))
    falling = pd.Series([False, True, False, True, False, False])
    assert consecutive(months, falling, 0) == [slice(1, 2), slice(3, 4)]
    assert consecutive(months, falling, 1) == [slice(1, 4)]
    assert consecutive(months, ~falling & False, 1) == []


def test_an_episode_as_it_grew_is_what_was_found_on_the_months_known_then():
    months = history(400_000, [-9_000.0, -9_000.0, 1.0, -9_000.0, -9_000.0, -9_000.0, 1.0])
    grown = as_they_grew(months, rules())
    for month in months["month"]:
        then = episodes(months[months["month"] <= month], rules())
        expected = then[then["end_month"] == month][["start_month", "change_usd_mn", "share_pct", "verdict"]]
        found = grown[grown["end_month"] == month][expected.columns]
        pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False)
    assert len(grown) == 3


def test_an_episode_of_moves_is_a_notice_whatever_its_size():
    months = history(400_000, [-30_000.0, -30_000.0], net_purchases_usd_mn=0.0, valuation_usd_mn=0.0)
    months["other_usd_mn"] = months["change_usd_mn"]
    (row,) = episodes(months, rules()).to_dict("records")
    assert (row["verdict"], row["severity"]) == ("moved", "notice")


def test_a_run_with_a_month_whose_valuation_cannot_be_believed_has_none_that_can():
    months = history(400_000, [1.0, -20_000.0, -40_000.0]).assign(
        net_purchases_usd_mn=-1.0, net_long_term_usd_mn=-1.0, net_short_term_usd_mn=0.0, other_usd_mn=0.0
    )
    months["valuation_usd_mn"] = [0.0, 0.0, -20_000.0, -30_000.0]
    (row,) = episodes(months, rules()).query("rule == 'fall'").to_dict("records")
    assert (row["verdict"], round(row["valuation_pct"], 1)) == ("repriced", 7.9)
    months["valuation_usd_mn"] = [0.0, 0.0, -10_000.0, -40_000.0]  # 10.5% of the position in one month
    (row,) = episodes(months, rules()).query("rule == 'fall'").to_dict("records")
    assert row["verdict"] == "unexplained"
