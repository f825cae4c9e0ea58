"""Moves between custodians: mirror-image rises, and places that are read together."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import CALM, RULES, history
from treasury_watch.transforms.findings.rules.custody import mirrors, paired_months, read_together, suspected
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs

NAN = math.nan
CENTRES = {"bvi": True, "el_salvador": False, "france": False}


def fall_and_rise(rise: float = 84_000.0, to: str = "el_salvador", **columns: object) -> pd.DataFrame:
    fall = history(200_000, [*CALM, -78_342.0], "bvi").assign(holder="British Virgin Islands")
    return pd.concat([fall, history(90_000, [*CALM, rise], to, **columns)], ignore_index=True)


def test_a_rise_of_the_same_size_in_the_same_month_is_a_mirror():
    (row,) = mirrors(fall_and_rise(), CENTRES, RULES).to_dict("records")
    assert (row["holder_id"], row["fall_usd_mn"], row["rise_usd_mn"]) == ("bvi", 78_342, 84_000)
    assert row["moved"]


def test_a_close_mirror_makes_the_verdict_moved_with_the_counterpart_named():
    months = fall_and_rise()
    found = suspected(sell_offs(months, RULES), mirrors(months, CENTRES, RULES), RULES)
    (row,) = found.to_dict("records")
    assert (row["verdict"], row["severity"], row["counterpart"]) == ("moved", "notice", "El_Salvador")
    assert (
        "stands against a rise in El_Salvador ($84.0bn): it reads as the same securities booked elsewhere"
        in row["suspicion"]
    )


def test_of_bills_that_left_it_is_said_that_they_may_have_matured():
    months = fall_and_rise()
    months.loc[months["holder_id"] == "bvi", "net_short_term_usd_mn"] = -70_000.0
    (row,) = suspected(sell_offs(months, RULES), mirrors(months, CENTRES, RULES), RULES).to_dict("records")
    assert row["suspicion"].endswith(" $70.0bn of it were bills, which may have matured instead.")


def test_prices_are_said_to_be_left_out_only_where_a_valuation_is_stated():
    without = fall_and_rise()
    priced = without.copy()
    priced.loc[priced["holder_id"] == "el_salvador", "valuation_usd_mn"] = 0.0
    traded = without.assign(net_purchases_usd_mn=84_000.0)  # as Form S has it: what was traded, and no valuation
    said = [
        suspected(sell_offs(months, RULES), mirrors(months, CENTRES, RULES), RULES)["suspicion"].iloc[0]
        for months in (without, priced, traded)
    ]
    assert ["prices left out" in text for text in said] == [False, True, False]


def test_a_looser_mirror_is_a_suspicion_and_leaves_the_verdict():
    months = fall_and_rise(88_000.0)
    (row,) = suspected(sell_offs(months, RULES), mirrors(months, CENTRES, RULES), RULES).to_dict("records")
    assert row["verdict"] == "unexplained"
    assert "may be the same securities booked elsewhere" in row["suspicion"]


@pytest.mark.parametrize("rise", [60_000.0, 100_000.0, -84_000.0])
def test_a_rise_of_another_size_is_none(rise):
    assert len(mirrors(fall_and_rise(rise), CENTRES, RULES)) == 0


def test_without_a_custodial_centre_there_is_no_suspicion():
    assert len(mirrors(fall_and_rise(), dict.fromkeys(CENTRES, False), RULES)) == 0


def test_a_rise_that_is_ordinary_for_the_place_is_none():
    swings = history(400_000, [80_000.0, -80_000.0] * 7 + [84_000.0], "france")
    fall = history(200_000, [*CALM, -78_342.0], "bvi")
    assert len(mirrors(pd.concat([fall, swings]), CENTRES, RULES)) == 0


def test_a_place_without_a_past_counts_when_it_more_than_doubles():
    """El Salvador is named by the history file only, from January 2025 on."""
    fall = history(200_000, [*CALM, -78_342.0], "bvi")
    young = history(1_100, [84_000.0], "el_salvador", first="2023-03")
    old = history(100_000, [84_000.0], "el_salvador", first="2023-03")
    assert len(mirrors(pd.concat([fall, young]), CENTRES, RULES)) == 1
    assert len(mirrors(pd.concat([fall, old]), CENTRES, RULES)) == 0


def test_what_prices_did_is_no_move():
    months = fall_and_rise(5_000.0)
    months.loc[months["holder_id"] == "el_salvador", "valuation_usd_mn"] = 0.0
    repriced = months.copy()
    last = repriced.groupby("holder_id").tail(1).index
    repriced.loc[last, "valuation_usd_mn"] = [-10_000.0, 4_900.0]
    assert len(mirrors(repriced, CENTRES, RULES)) == 0


def test_pairs_are_the_sums_of_their_members_and_unknown_where_one_is():
    china = history(700_000, [-20_000.0, 1.0], "china_mainland", net_purchases_usd_mn=[NAN, -15_000.0, NAN])
    belgium = history(400_000, [5_000.0, 1.0], "belgium", net_purchases_usd_mn=[NAN, 4_000.0, 1.0])
    table = paired_months(pd.concat([china, belgium]), RULES).fillna(-1)
    assert table["position_usd_mn"].tolist() == [1_100_000, 1_085_000, 1_085_002]
    assert table["change_usd_mn"].tolist() == [-1, -15_000, 2]
    assert table["net_purchases_usd_mn"].tolist() == [-1, -11_000, -1]


def test_a_finding_on_a_member_states_the_pair():
    china = history(700_000, [*CALM, -20_000.0], "china_mainland")
    months = pd.concat([china, history(400_000, [*CALM, 5_000.0], "belgium")])
    flagged = sell_offs(months, RULES)
    assert read_together(flagged, paired_months(months, RULES), RULES) == [
        "Mainland China and Belgium together: holdings fell $15.0bn."
    ]
    traded = months.assign(net_purchases_usd_mn=-9_000.0)
    assert read_together(flagged, paired_months(traded, RULES), RULES) == [
        "Mainland China and Belgium together: holdings fell $15.0bn, net sales were $18.0bn."
    ]
    bridged = read_together(flagged, paired_months(traded.assign(other_usd_mn=3_000.0), RULES), RULES)
    assert bridged == [
        "Mainland China and Belgium together: holdings fell $15.0bn, net sales were $18.0bn, other changes +$6.0bn."
    ]
    assert read_together(flagged.assign(holder_id="japan"), paired_months(months, RULES), RULES) == [None]


def test_no_months_give_no_pairs_and_no_mirrors():
    none = history(1, []).head(0)
    assert len(paired_months(none, RULES)) == len(mirrors(none, CENTRES, RULES)) == 0
