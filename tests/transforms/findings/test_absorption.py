"""Falls that declared partners take up, custodians that gain for months, and what chance does of it."""

import math
from typing import Any

import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import RULES, history
from treasury_watch.transforms.findings.conclusions import concluded
from treasury_watch.transforms.findings.rules.custody import mirrors, suspected
from treasury_watch.transforms.findings.rules.episodes import as_they_grew, episodes
from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS, sell_offs
from treasury_watch.transforms.findings.rules.places.absorption import partners_of, taken_up
from treasury_watch.transforms.findings.rules.places.chance import chance
from treasury_watch.transforms.findings.rules.places.inflows import beside_purchases
from treasury_watch.transforms.findings.rules.places.moves import moves_of

NAN = math.nan
FALL = {"of": "change_usd_mn", "minimum_months": 2, "minimum_usd_mn": 15_000, "minimum_share_pct": 4.0,
        "tolerated_interruptions": 0}  # fmt: skip
INFLOW = {"of": "inflow_usd_mn", "minimum_months": 3, "minimum_usd_mn": 40_000, "minimum_share_pct": 20.0,
          "tolerated_interruptions": 1, "direction": "rise", "holders": "custodial", "maximum_severity": "notice"}  # fmt: skip
PAIR = {"name": "Mainland China and Belgium", "members": ["china_mainland", "belgium"], "owners": ["china_mainland"],
        "kept": "where Chinese securities are also kept"}  # fmt: skip
DECLARED: dict[str, Any] = {**RULES, "pairs": {"china_belgium": PAIR}, "episodes": {"fall": FALL, "inflow": INFLOW}}
QUIET = [300.0, 100.0] * 14  # to May 2022; a custodian's are turned over, so that no run begins in them
CENTRES = {"belgium": True, "china_mainland": False, "luxembourg": False, "russia": False, "cayman_islands": False}


def held(start: float, changes: list[float], holder: str, basis: str = "slt", **parts: Any) -> pd.DataFrame:
    """Months in which all of the change is `other_usd_mn`, but for what `parts` say of the last months after QUIET."""
    quiet = [-change for change in QUIET] if CENTRES[holder] else QUIET
    months = history(start, [*quiet, *changes], holder, first="2020-01", custodial_centre=CENTRES[holder])
    months[AMOUNTS[1:]] = 0.0
    for name, amount in parts.items():
        months.loc[months.index[-len(changes) :], name] = amount
    known = months["change_usd_mn"].notna()
    months["other_usd_mn"] = (months["change_usd_mn"] - months["net_purchases_usd_mn"] - months["valuation_usd_mn"])[
        known
    ]
    months.loc[known, "basis"] = basis
    return months.assign(net_long_term_usd_mn=months["net_purchases_usd_mn"])


def china(changes: list[float], **columns: Any) -> pd.DataFrame:
    return held(1_000_000, changes, "china_mainland", **columns).assign(holder="China, Mainland")


def belgium(changes: list[float], **columns: Any) -> pd.DataFrame:
    return held(300_000, changes, "belgium", **columns)


def judged(*holders: pd.DataFrame, hindsight: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    months = pd.concat(holders, ignore_index=True)
    found = mirrors(months, CENTRES, DECLARED)
    flagged, runs = (suspected(of(months, DECLARED), found, DECLARED) for of in (sell_offs, episodes))
    return concluded(flagged, runs, months, CENTRES, DECLARED, hindsight=hindsight)


def fall_of(runs: pd.DataFrame) -> dict:
    (row,) = runs[(runs["holder_id"] == "china_mainland") & (runs["rule"] == "fall")].to_dict("records")
    return row


def test_a_run_that_a_declared_partner_takes_up_is_a_notice_that_names_it_and_the_sum():
    sold = china([-25_000.0] * 4, net_purchases_usd_mn=-25_000.0)
    row = fall_of(judged(sold, belgium([21_000.0] * 4))[1])
    assert (row["severity"], row["verdict"], row["counterpart"]) == ("notice", "sold", "Belgium")
    assert (row["absorbed_usd_mn"], row["absorbed_share_pct"], row["together_change_usd_mn"]) == (84_000, 84, -16_000)
    assert row["suspicion"] == (
        "Mainland China's holdings fell $100.0bn in the 4 months from June to September 2022 while Belgium's, where "
        "Chinese securities are also kept, rose $84.0bn. Together they fell $16.0bn."
    )


def test_what_is_inferred_names_the_verdict_only_where_no_source_states_one():
    sold = china([-25_000.0] * 4, net_purchases_usd_mn=-25_000.0, basis="estimated")
    row = fall_of(judged(sold, belgium([21_000.0] * 4, basis="estimated"))[1])
    assert (row["severity"], row["verdict"]) == ("notice", "moved")


@pytest.mark.parametrize(
    ("partner", "why"),
    [
        (belgium([12_000.0] * 4), "less than half of the fall"),
        (belgium([21_000.0] * 4, valuation_usd_mn=15_000.0), "most of it is price"),
        (belgium([21_000.0] * 4, net_purchases_usd_mn=18_000.0), "most of it was bought"),
        (belgium([-21_000.0] * 4), "it fell too"),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)
def test_a_partner_that_takes_up_less_bought_it_or_gained_by_prices_changes_nothing(partner, why):
    row = fall_of(judged(china([-25_000.0] * 4, net_purchases_usd_mn=-25_000.0), partner)[1])
    assert (row["severity"], row["verdict"]) == ("critical", "sold")
    assert pd.isna(row["suspicion"]), why
    assert math.isnan(row["absorbed_share_pct"])


def test_a_place_that_is_no_declared_partner_changes_nothing():
    other = held(300_000, [21_000.0] * 4, "luxembourg")
    assert fall_of(judged(china([-25_000.0] * 4, net_purchases_usd_mn=-25_000.0), other)[1])["severity"] == "critical"


def test_a_partner_that_always_swings_like_this_changes_nothing():
    swings = history(
        300_000, ([21_000.0] * 4 + [-21_000.0] * 4) * 3 + [-21_000.0] * 4 + [21_000.0] * 4, "belgium", first="2020-01"
    )
    swings = swings.assign(other_usd_mn=swings["change_usd_mn"], valuation_usd_mn=0.0, basis="slt")
    moves = moves_of(pd.concat([swings, china([-25_000.0] * 4)]), DECLARED)
    asked = "china_mainland", ("belgium",), pd.Timestamp("2022-06-01"), pd.Timestamp("2022-09-01")
    assert moves.over(("belgium",), 4)[moves.span(*asked[2:]).stop - 1] == 84_000
    assert taken_up(moves, *asked, {**RULES["absorption"], "run_score": 2.0}) is None


def test_a_fall_that_is_mostly_price_is_taken_up_by_nobody():
    """China, September 2022: $27.5bn of the $36.8bn are price, and Belgium gained more than the rest."""
    fell = china([-25_000.0] * 4, valuation_usd_mn=-18_000.0)
    assert math.isnan(fall_of(judged(fell, belgium([21_000.0] * 4))[1])["absorbed_share_pct"])
    less = china([-25_000.0] * 4, valuation_usd_mn=-12_000.0)
    assert fall_of(judged(less, belgium([21_000.0] * 4))[1])["absorbed_share_pct"] == 100


def test_several_partners_count_together():
    pair = {"name": "Russia and two places", "members": ["russia", "belgium", "cayman_islands"], "owners": ["russia"]}
    assert partners_of("russia", {"all": pair}) == [(("belgium", "cayman_islands"), "")]
    assert partners_of("belgium", {"all": pair}) == []
    places = [held(300_000, [12_000.0] * 2, place) for place in ("belgium", "cayman_islands")]
    moves = moves_of(pd.concat([held(96_100, [-47_400.0, -33_800.0], "russia"), *places]), DECLARED)
    span = pd.Timestamp("2022-06-01"), pd.Timestamp("2022-07-01")
    both = taken_up(moves, "russia", ("belgium", "cayman_islands"), *span, RULES["absorption"])
    assert both is not None
    assert (both.usd_mn, round(both.share, 3)) == (48_000, 0.591)
    assert taken_up(moves, "russia", ("belgium",), *span, RULES["absorption"]) is None


def test_a_month_inside_a_run_that_was_taken_up_is_corrected_once_the_run_is_known():
    sold = china([-20_000.0, -90_000.0, -20_000.0], net_purchases_usd_mn=[-20_000.0, -90_000.0, -20_000.0])
    partner = belgium([40_000.0, 20_000.0, 50_000.0])
    now, then = (judged(sold, partner, hindsight=known)[0] for known in (True, False))
    alarms = [
        table[(table["month"] == pd.Timestamp("2022-07-01")) & (table["rule"] == "fall")].to_dict("records")[0]
        for table in (then, now)
    ]
    assert [row["severity"] for row in alarms] == ["critical", "notice"]
    assert alarms[1]["suspicion"].startswith("Part of a longer run: Mainland China's holdings fell $130.0bn")


def test_a_custodial_centres_own_sale_is_a_notice():
    sold = belgium([-25_000.0] * 4, net_purchases_usd_mn=-25_000.0)
    flagged, runs = judged(sold)
    assert set(flagged["severity"]) | set(runs["severity"]) == {"notice"}
    assert set(runs["verdict"]) == {"sold"}


def inflow_of(runs: pd.DataFrame) -> dict:
    (row,) = runs[runs["rule"] == "inflow"].to_dict("records")
    return row


@pytest.mark.parametrize(
    ("bought", "gained", "words"),
    [
        (33_400.0, 112_800.0, "; $33.4bn of it were net purchases"),
        (61_262.0, 59_800.0, "; net purchases were more, $61.3bn"),  # Hong Kong, April to November 2024
        (-5_000.0, 59_800.0, "; the statistics book net sales of $5.0bn in the same months"),
        (float("nan"), 59_800.0, ""),
        (40.0, 59_800.0, ""),
    ],
)
def test_net_purchases_are_a_part_of_a_gain_only_where_they_are_no_more_than_it(bought, gained, words):
    assert beside_purchases(bought, gained) == words


def test_a_custodian_that_gains_for_months_is_an_inflow_with_likely_sources():
    row = inflow_of(judged(china([-16_000.0] * 4), belgium([40_000.0] * 4))[1])
    assert (row["holder_id"], row["inflow_usd_mn"], row["severity"]) == ("belgium", 160_000, "notice")
    assert (row["counterpart"], row["absorbed_usd_mn"], row["verdict"]) == ("China, Mainland", 64_000, "unexplained")
    assert row["suspicion"] == (
        "Holdings in Belgium rose $160.0bn in the 4 months from June to September 2022, price changes left out. "
        "A likely source, not a known one, is Mainland China (down $64.0bn, price changes left out)."
    )


@pytest.mark.parametrize(("sold", "told"), [(-15_000.0, True), (-2_000.0, False)])
def test_of_a_likely_source_that_sold_by_the_statistics_it_is_said(sold, told):
    source = china([-16_000.0] * 4, net_purchases_usd_mn=sold, valuation_usd_mn=0.0, other_usd_mn=-16_000.0 - sold)
    text = inflow_of(judged(source, belgium([40_000.0] * 4))[1])["suspicion"]
    assert ("of which the statistics book $60.0bn as its net sales)" in text) is told


def test_an_inflow_without_a_partner_that_fell_names_none():
    row = inflow_of(judged(china([-1_000.0] * 4), belgium([40_000.0] * 4))[1])
    assert (row["counterpart"], row["suspicion"].partition(" out. ")[2]) == (
        None, "None of the places read with it lost enough to be its source.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "held_there",
    [belgium([20_000.0] * 4, valuation_usd_mn=18_000.0), china([90_000.0] * 4), belgium([60_000.0, 60_000.0])],
    ids=["a gain in price", "no custodial centre", "two months only"],
)
def test_what_is_no_inflow(held_there):
    assert "inflow" not in set(judged(held_there)[1]["rule"])


def test_an_inflow_is_no_sell_off_as_it_grows():
    assert as_they_grew(belgium([40_000.0] * 4), DECLARED).empty


def test_places_that_fall_and_rise_by_chance_seldom_pass_all_tests():
    """The measure itself: the same places by size alone, and by all tests; and it drops when a test is taken away."""
    import numpy as np

    drawn = np.random.default_rng(7)
    places = []
    for number in range(12):
        months = history(300_000, list(drawn.normal(0, 12_000, 60)), f"place_{number}", first="2018-01")
        bought = months["change_usd_mn"] * drawn.uniform(0.4, 1.0, len(months))
        months = months.assign(net_purchases_usd_mn=bought, valuation_usd_mn=0.0, basis="slt")
        places.append(months.assign(other_usd_mn=months["change_usd_mn"] - bought))
    months = pd.concat(places, ignore_index=True)
    moves = moves_of(months, DECLARED)
    parts = chance(moves, months, DECLARED, pd.Timestamp("2020-01-01")).groupby("by")[["falls", "taken_up"]].sum()
    part = parts["taken_up"] / parts["falls"]
    assert part["size alone"] > 0.15
    assert part["all tests"] < part["size alone"] / 5
