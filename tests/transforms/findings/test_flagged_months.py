"""Flagged months: size, share and score have to agree."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from treasury_watch.transforms.findings.rules.flagged_months import (
    AMOUNTS,
    capped,
    position_before,
    sell_offs,
    severity_of,
    trailing_peak,
)

NAN = math.nan
RULES: dict[str, Any] = {
    "score": {"window_months": 36, "minimum_months": 12, "scale_floor_usd_mn": 500},
    "newer_positions": {"minimum_usd_mn": 500},
    "rules": {
        "fall": {
            "of": "change_usd_mn",
            "share_of": "position_usd_mn",
            "scope": "countries",
            "minimum_usd_mn": 10_000,
            "minimum_share_pct": 2.5,
            "maximum_score": -1.5,
        },
        "net_sale": {
            "of": "net_purchases_usd_mn",
            "share_of": "position_usd_mn",
            "scope": "countries",
            "minimum_usd_mn": 10_000,
            "minimum_share_pct": 2.0,
            "maximum_score": -1.5,
        },
    },
    "severity": {
        "notice": {"minimum_usd_mn": 0, "minimum_share_pct": 0.0},
        "warning": {"minimum_usd_mn": 15_000, "minimum_share_pct": 3.0},
        "critical": {"minimum_usd_mn": 40_000, "minimum_share_pct": 5.0},
    },
    "severity_caps": {
        "moved": "notice",
        "repriced": "warning",
        "contradicted": "notice",
        "absorbed": "notice",
        "pattern": "notice",
        "custodial": "notice",
    },
    "price_return": {"error_pct": 1.8, "error_grows": 0.62},
    "seasons": {
        "periods_months": [3],
        "windows_months": [36],
        "minimum_months": 18,
        "minimum_times": 4,
        "minimum_usd_mn": 10_000,
        "maximum_p_value": 0.01,
        "last": 6,
        "minimum_part": 0.5,
    },
    "absorption": {
        "share": 0.5,
        "minimum_usd_mn": 10_000,
        "other_share": 0.5,
        "month_score": 3.0,
        "run_score": 0.5,
        "run_score_unpublished": 2.0,
        "window_months": 36,
        "minimum_months": 12,
        "scale_floor_usd_mn": 500,
        "source_share": 0.1,
    },
    "verdict": {
        "dominant": 0.6,
        "moved": 0.5,
        "instrument": 0.75,
        "negligible": 0.1,
        "credible_valuation_pct": 8.0,
        "credible_from_usd_mn": 3_000,
        "shift": 0.5,
        "bills_told_usd_mn": 10_000,
        "offset": 0.5,
        "agreeing": 1.5,
    },
    "mirror": {
        "minimum_usd_mn": 10_000,
        "tolerance": 0.15,
        "minimum_score": 4.0,
        "moved_tolerance": 0.1,
        "moved_minimum_usd_mn": 20_000,
        "moved_score": 5.0,
        "moved_share": 0.5,
    },
    "reversals": {
        "months": 15,
        "minimum_usd_mn": 10_000,
        "bought_back": 0.7,
        "minimum_times": 2,
        "recurring_share_pct": 4.0,
        "severity_cap": "warning",
    },
    "unsettled": {"window_months": 36, "minimum_months": 12, "factor": 2.0, "minimum_usd_mn": 5_000},
    "pairs": {"china_belgium": {"name": "Mainland China and Belgium", "members": ["china_mainland", "belgium"]}},
    "currency": {
        "months_next_to": 1,
        "banded": ["HKD"],
        "minimum_history_months": 3,
        "extreme_percentile": 95,
        "extreme_years": 3,
        "extreme_long_years": 10,
        "trend_record_share": 2.0,  # of so few months none is a trend
        "defence_minimum_usd_mn": 1_000,
        "defence_minimum_weakening_pct": 2.0,
    },
}


def history(
    start: float, changes: list[float], holder: str = "japan", first: str = "2022-01", **columns: Any
) -> pd.DataFrame:
    """One holder's months: the first position, then one month for every change (NaN: the position stays unknown)."""
    positions = [start]
    for change in changes:
        positions.append(positions[-1] + change)
    months = pd.DataFrame(
        {
            "holder_id": holder,
            "holder": holder.title(),
            "month": pd.date_range(f"{first}-01", periods=len(positions), freq="MS"),
            "position_usd_mn": positions,
            "long_term_usd_mn": positions,
            "change_long_term_usd_mn": [NAN, *changes],
            "evidence": "release",
            "custodial_centre": False,
            **dict.fromkeys(AMOUNTS, NAN),
            "basis": None,
            "series_break": False,
        }
    )
    months["change_usd_mn"] = [NAN, *changes]
    return months.assign(**columns)


def flagged(months: pd.DataFrame, rule: str = "fall") -> pd.DataFrame:
    found = sell_offs(months, RULES)
    return found[found["rule"] == rule].reset_index(drop=True)


CALM = [1_000.0, -1_000.0] * 7  # deviation 1,000, median 0


def test_a_fall_that_is_large_by_amount_share_and_score_is_flagged_with_all_three():
    found = flagged(history(1_000_000, [*CALM, -40_000.0]))
    (row,) = found.to_dict("records")
    assert row["month"] == pd.Timestamp("2023-04-01")
    assert row["share_pct"] == pytest.approx(4.0)
    assert row["score"] == pytest.approx(-40_000 / (1.4826 * 1_000))
    assert (row["severity"], row["verdict"]) == ("warning", "unexplained")


def test_the_limits_themselves_are_enough():
    assert len(flagged(history(400_000, [*CALM, -10_000.0]))) == 1
    assert len(flagged(history(400_000, [*CALM, -9_999.0]))) == 0
    assert len(flagged(history(400_001, [*CALM, -10_000.0]))) == 0


def test_a_small_holder_cannot_scream():
    """Half of the position within a month, far out of its own history, yet small."""
    months = history(12_000, [*([10.0, -10.0] * 7), -6_000.0], "saint_kitts")
    assert len(sell_offs(months, RULES)) == 0


def test_a_large_holders_ordinary_month_is_no_news():
    assert len(flagged(history(1_100_000, [*CALM, -12_000.0]))) == 0  # 1.1 percent


def test_a_holder_that_always_moves_that_much_is_no_news():
    swings = [30_000.0, -30_000.0] * 7
    months = history(400_000, [*swings, -30_000.0])
    assert months["month"].iloc[-1] not in set(flagged(months)["month"])


def test_without_enough_history_the_score_is_not_asked_for():
    (row,) = flagged(history(400_000, [1_000.0, -20_000.0])).to_dict("records")
    assert math.isnan(row["score"])


def test_one_holders_past_does_not_count_for_another():
    other = history(400_000, [30_000.0, -30_000.0] * 7, "aaa")
    alone = flagged(history(400_000, [*CALM, -20_000.0]))
    together = flagged(pd.concat([other, history(400_000, [*CALM, -20_000.0])], ignore_index=True))
    pd.testing.assert_series_equal(together.query("holder_id == 'japan'")["score"], alone["score"], check_index=False)


def test_the_order_of_the_rows_does_not_matter():
    months = history(400_000, [*CALM, -20_000.0])
    pd.testing.assert_frame_equal(sell_offs(months.sample(frac=1, random_state=1), RULES), sell_offs(months, RULES))


def test_a_month_without_the_amount_is_never_flagged_and_never_history():
    """Across a break that was published on one basis only the change is unknown, whatever the positions say."""
    months = history(400_000, [*CALM, -100_000.0, 1_000.0, -20_000.0])
    broken = len(CALM) + 1
    first, last = flagged(months).to_dict("records")
    assert first["month"] == months["month"][broken]
    assert last["score"] == pytest.approx(-20_000 / (1.4826 * 1_000))  # median 0
    months.loc[broken, "change_usd_mn"] = NAN
    (only,) = flagged(months).to_dict("records")
    assert only["month"] == last["month"]
    assert only["score"] == pytest.approx(-21_000 / 500)  # median 1,000: one fall fewer


def test_a_month_that_starts_a_new_survey_basis_is_never_flagged():
    """China, June 2010: 867.7 before; 843.7 on the old basis, 1,112.1 on the new one."""
    months = history(867_700, [244_400.0], "china_mainland", "2010-05")
    months.loc[1, "change_usd_mn"] = -24_000.0
    assert len(flagged(months)) == 1
    months.loc[1, "series_break"] = True
    assert len(flagged(months)) == 0


def test_the_share_is_of_the_position_before_whatever_basis_the_month_is_on():
    months = history(867_700, [244_400.0], "china_mainland", "2010-05")
    months.loc[1, "change_usd_mn"] = -24_000.0
    (row,) = flagged(months).to_dict("records")
    assert row["share_pct"] == pytest.approx(100 * 24_000 / 867_700)


def test_the_position_before_is_unknown_after_a_gap_and_for_the_first_month():
    months = history(400_000, [1_000.0, 1_000.0, 1_000.0]).drop(index=2)
    assert position_before(months).fillna(-1).tolist() == [-1, 400_000, -1]


def test_net_sales_are_flagged_although_holdings_rose():
    months = history(1_100_000, [*CALM, 2_500.0], net_purchases_usd_mn=500.0, valuation_usd_mn=0.0, other_usd_mn=0.0)
    last = len(CALM) + 1
    months.loc[last, ["net_purchases_usd_mn", "valuation_usd_mn"]] = [-30_000.0, 32_500.0]
    found = sell_offs(months, RULES)
    assert found[["rule", "verdict", "change_usd_mn"]].to_dict("records") == [
        {"rule": "net_sale", "verdict": "sold", "change_usd_mn": 2_500.0}
    ]


def test_an_empty_table_gives_an_empty_table():
    assert len(sell_offs(history(1, []).head(0), RULES)) == 0


@pytest.mark.parametrize(
    ("amount", "share", "level"),
    [
        (14_999, 50.0, "notice"),
        (15_000, 3.0, "warning"),
        (40_000, 4.9, "warning"),
        (40_000, 5.0, "critical"),
        (90_000, 2.9, "notice"),
    ],
)
def test_a_level_is_reached_by_amount_and_share_together(amount, share, level):
    assert severity_of(amount, share, RULES["severity"]) == level


BOND_SALE = {
    "of": "net_long_term_usd_mn",
    "share_of": "long_term_usd_mn",
    "scope": "countries",
    "minimum_usd_mn": 10_000,
    "minimum_share_pct": 3.0,
    "maximum_score": -1.5,
}
EXIT = RULES["rules"]["fall"] | {"minimum_usd_mn": 2_000, "minimum_share_pct": 10.0, "maximum_score": -1.0}
EXIT |= {"below_peak": 0.2, "minimum_peak_usd_mn": 20_000}


def with_rules(**rules: Any) -> dict[str, Any]:
    return RULES | {"rules": rules}


def test_a_sale_of_bonds_is_flagged_by_its_share_of_the_bonds_although_bills_were_bought():
    """Japan, June 2024: bonds -36,608, bills +11,969, holdings -14,535."""
    months = history(1_105_953, [*[1.0] * 14, -14_535.0])
    months[["net_long_term_usd_mn", "net_short_term_usd_mn", "net_purchases_usd_mn"]] = 0.0
    last = len(months) - 1
    months.loc[last, AMOUNTS] = [-14_535.0, -24_639.0, -36_608.0, 11_969.0, 13_367.0, -3_263.0]
    (row,) = sell_offs(months, with_rules(bond_sale=BOND_SALE)).to_dict("records")
    assert (row["verdict"], row["instrument"], row["severity"]) == ("sold", "bonds", "warning")
    assert row["share_pct"] == pytest.approx(100 * 36_608 / 1_105_967)
    assert row["sold_share_pct"] == pytest.approx(100 * 24_639 / (24_639 + 3_263))


def test_a_sale_of_bills_that_went_into_bonds_is_a_sale_of_bills():
    """Mainland China, March 2021: bills -20,312, bonds and notes +41,500."""
    months = history(1_104_200, [*[1.0] * 14, -3_860.0], "china")
    months[["net_long_term_usd_mn", "net_short_term_usd_mn", "net_purchases_usd_mn"]] = 0.0
    last = len(months) - 1
    months.loc[last, AMOUNTS] = [-3_860.0, 21_188.0, 41_500.0, -20_312.0, -20_000.0, -5_048.0]
    bill_sale = BOND_SALE | {"of": "net_short_term_usd_mn", "share_of": "position_usd_mn", "minimum_share_pct": 1.0}
    (row,) = sell_offs(months, with_rules(bill_sale=bill_sale)).to_dict("records")
    assert (row["verdict"], row["instrument"]) == ("mixed", "bills")
    assert row["sold_share_pct"] == pytest.approx(100 * 20_312 / (20_312 + 20_000 + 5_048))


def test_an_exit_is_the_month_in_which_a_fifth_of_the_trailing_peak_is_passed():
    months = history(100_000, [*[0.0] * 13, -60_000.0, -25_000.0, -5_000.0], "russia")
    (row,) = sell_offs(months, with_rules(exit=EXIT)).to_dict("records")
    assert (row["month"], row["peak_usd_mn"]) == (months["month"].iloc[-2], 100_000)


def test_a_holder_that_is_no_longer_published_did_not_exit():
    months = history(100_000, [*[0.0] * 13, -60_000.0, -25_000.0], "russia")
    months.loc[len(months) - 1, ["position_usd_mn", "change_usd_mn"]] = NAN
    assert len(sell_offs(months, with_rules(exit=EXIT))) == 0


def test_a_peak_on_another_survey_basis_is_no_peak():
    months = history(100_000, [0.0, 0.0, -500.0], "russia")
    months["position_usd_mn"] = [100_000, 100_000, 18_000, 17_500]
    months["series_break"] = [False, False, True, False]
    assert trailing_peak(months, 36).fillna(-1).tolist() == [-1, 100_000, -1, 18_000]


def test_rules_for_the_official_total_are_not_asked_of_countries():
    official = with_rules(official_fall=RULES["rules"]["fall"] | {"scope": "official"})
    months = history(400_000, [1_000.0, -20_000.0])
    assert len(sell_offs(months, official)) == 0
    assert len(sell_offs(months, official, "official")) == 1


def test_net_purchases_from_press_releases_are_no_history_for_those_of_another_basis():
    official = with_rules(official_sale=RULES["rules"]["net_sale"] | {"scope": "official"})
    months = history(1_000_000, [*[-40_000.0] * 13, -40_000.0])
    months["net_purchases_usd_mn"] = [math.nan, *[-30_000.0] * 13, -31_000.0]
    months["basis"] = [*["press_release"] * 14, "slt"]
    newest = sell_offs(months, official, "official").iloc[-1]
    assert (newest["rule"], math.isnan(newest["score"])) == ("official_sale", True)
    one_basis = sell_offs(months.assign(basis="slt"), official, "official")
    assert (one_basis.iloc[-1]["month"], one_basis.iloc[-1]["score"]) == (newest["month"], -2.0)
    falls = with_rules(official_fall=RULES["rules"]["fall"] | {"scope": "official", "maximum_score": 0.0})
    assert not math.isnan(sell_offs(months, falls, "official").iloc[-1]["score"])


def test_what_was_not_sold_alarms_less():
    assert capped("critical", "moved", {"moved": "notice"}) == "notice"
    assert capped("notice", "repriced", {"repriced": "warning"}) == "notice"
    assert capped("critical", "sold", {"moved": "notice"}) == "critical"


def test_a_rule_may_have_severities_of_its_own_and_a_least_one():
    months = history(400_000, [*CALM, -20_000.0])
    own = {"notice": {"minimum_usd_mn": 0, "minimum_share_pct": 0.0}}
    own |= {"warning": {"minimum_usd_mn": 30_000, "minimum_share_pct": 0.0}}
    own |= {"critical": {"minimum_usd_mn": 90_000, "minimum_share_pct": 0.0}}
    for changed, expected in (
        ({}, "warning"),
        ({"severity": own}, "notice"),
        ({"least_severity": "critical"}, "critical"),
    ):
        rules = {**RULES, "rules": {"fall": RULES["rules"]["fall"] | changed}}
        assert sell_offs(months, rules)["severity"].tolist() == [expected]
