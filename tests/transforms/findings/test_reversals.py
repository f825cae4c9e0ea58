"""Net sales that are bought back, and what is told of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.transforms.findings.test_episodes import rules
from tests.transforms.findings.test_flagged_months import CALM, RULES, history
from treasury_watch.transforms.findings.explain.caveats import other_changes_over_usual, with_caveats
from treasury_watch.transforms.findings.rules.episodes import episodes
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.transforms.findings.rules.reversals import (
    Past,
    bought_back,
    bought_before,
    largest_sale,
    number_of,
    recurring,
)

LIMITS = {**RULES["reversals"], "minimum_usd_mn": 10}


def nets(*amounts: float, held: float = 2_500.0) -> Past:
    months = [number_of(month) for month in pd.date_range("2025-01-01", periods=len(amounts), freq="MS")]
    return Past(dict(zip(months, amounts, strict=True)), dict.fromkeys(months, held))


def on(text: str) -> pd.Timestamp:
    return pd.Timestamp(text + "-01")


@pytest.mark.parametrize(("after", "found"), [(70.0, 70.0), (69.0, None), (-100.0, None)])
def test_net_sales_are_bought_back_where_the_next_month_undoes_most_of_them(after, found):
    back = bought_back(on("2025-01"), nets(-100.0, after), LIMITS)
    assert (back and back.amount) == found


@pytest.mark.parametrize(
    ("bonds", "bills", "found"),
    [
        ((-39_944.0, -24_464.0), (2_288.0, 66_509.0), None),  # foreign officials, December 2024: bills came, no bonds
        ((-1_171.0, 6_204.0), (-10_762.0, 5_144.0), None),  # Ireland, January 2024: bonds came, half of the bills
        ((-52_700.0, 58_300.0), (-500.0, 400.0), ("bonds and notes", 58_300.0, 52_700.0)),
        ((-800.0, -1_200.0), (-13_800.0, 26_000.0), ("bills", 26_000.0, 13_800.0)),
        ((-10_474.0, 40_000.0), (-9_949.0, 12_000.0), ("Treasuries", 52_000.0, 20_423.0)),
        ((-58_300.0, 10_000.0), (0.0, 10_000.0), None),
    ],
)
def test_what_was_mostly_sold_has_to_be_bought_back(bonds, bills, found):
    numbers = number_of(on("2024-12")), number_of(on("2025-01"))
    net = {number: sum(parts) for number, *parts in zip(numbers, bonds, bills, strict=True)}
    past = Past(net, {}, dict(zip(numbers, bonds, strict=True)), dict(zip(numbers, bills, strict=True)))
    back = bought_back(on("2024-12"), past, LIMITS)
    assert (back and (back.what, back.amount, back.sold)) == found


def test_the_newest_month_is_not_bought_back_yet():
    assert bought_back(on("2025-01"), nets(-100.0), LIMITS) is None


@pytest.mark.parametrize(
    ("before", "found"), [(140.0, 140.0), (143.0, None), (70.0, 70.0), (69.0, None), (-100.0, None)]
)
def test_net_sales_undo_the_purchases_of_the_month_before(before, found):
    bought = bought_before(on("2025-02"), nets(before, -100.0), LIMITS)
    assert (bought and bought.amount) == found


def test_bills_that_went_before_are_no_bonds_bought_before():
    numbers = number_of(on("2025-01")), number_of(on("2025-02"))
    net, bonds, bills = ({numbers[0]: a, numbers[1]: -100.0 + b} for a, b in ((100.0, 0.0), (20.0, 0.0), (80.0, 100.0)))
    assert bought_before(on("2025-02"), Past(net, {}, bonds, bills), LIMITS) is None
    assert bought_before(on("2025-02"), Past(net, {}, net, bills), LIMITS).what == "bonds and notes"


def test_small_net_sales_are_not_looked_at():
    assert bought_back(on("2025-01"), nets(-9.0, 9.0), LIMITS) is None
    assert bought_before(on("2025-02"), nets(9.0, -9.0), LIMITS) is None


def test_a_swing_recurs_where_two_of_its_size_went_before():
    swings = nets(-100.0, 90.0, 0.0, -60.0, 60.0, 0.0, -100.0)
    assert recurring(on("2025-07"), swings, LIMITS) == [on("2025-04"), on("2025-01")]
    assert recurring(on("2025-04"), swings, LIMITS) == []
    small = nets(-40.0, 40.0, 0.0, -40.0, 40.0, 0.0, -100.0)
    assert recurring(on("2025-07"), small, LIMITS) == []


def test_what_comes_back_of_a_large_position_is_noise():
    swings = nets(-100.0, 90.0, 0.0, -60.0, 60.0, 0.0, -100.0, held=2_501.0)
    assert recurring(on("2025-07"), swings, LIMITS) == []


def test_a_month_of_purchases_is_no_swing():
    assert recurring(on("2025-07"), nets(-100.0, 90.0, 0.0, -60.0, 60.0, 0.0, 100.0), LIMITS) == []


def quarters(swings: list[float]) -> pd.DataFrame:
    """A year and more of calm, then the swings, in holdings and in net purchases alike."""
    months = history(300_000, [*CALM, *swings])
    return months.assign(
        net_purchases_usd_mn=months["change_usd_mn"], net_long_term_usd_mn=months["change_usd_mn"],
        net_short_term_usd_mn=0.0, valuation_usd_mn=0.0, other_usd_mn=0.0, basis="slt",
    )  # fmt: skip


def flagged(months: pd.DataFrame, doubt: str | None = None) -> list[dict[Any, Any]]:
    found = sell_offs(months, RULES)
    found = found[found["rule"] == "net_sale"].assign(suspicion=None, doubt=doubt)
    return found.assign(caveats=with_caveats(found, months, RULES)).to_dict("records")


def test_a_recurring_swing_alarms_less_and_says_when_it_was_there_before():
    months = quarters([-50_000.0, 50_000.0, 0.0, -50_000.0, 50_000.0, 0.0, -50_000.0])
    first, second, third = flagged(months)
    assert [row["severity"] for row in (first, second, third)] == ["critical", "critical", "warning"]
    assert (
        "A swing that recurs: net sales like those of this month were bought back a month later, 70% of them or more: those of "
        in third["caveats"]
    )
    assert "; not those" not in third["caveats"]
    assert "A swing that recurs" not in second["caveats"]
    assert "Bought back a month later: net purchases of bonds and notes of +$50.0bn." in first["caveats"]
    assert "Bought back" not in third["caveats"]


def test_months_in_which_other_changes_are_large_everywhere_are_known_from_the_months_before():
    months = pd.concat([quarters([0.0] * 3), quarters([0.0] * 3).assign(holder_id="belgium")])
    newest = months["month"].max()
    months["other_usd_mn"] = 1_000.0
    months.loc[months["month"] == newest, "other_usd_mn"] = -2_500.0
    ratios = other_changes_over_usual(months, RULES)
    assert ratios["slt", newest] == pytest.approx(2.5)
    assert ratios["slt", newest - pd.DateOffset(months=1)] == pytest.approx(1.0)


def test_a_finding_with_large_other_changes_in_such_a_month_says_so():
    months = quarters([-50_000.0])
    months["other_usd_mn"] = 1_000.0
    last = months["month"] == months["month"].max()
    months.loc[last, "other_usd_mn"] = -6_000.0
    (row,) = flagged(months)
    assert "Other changes were 6.0 times as large as usual in all places together" in row["caveats"]
    months.loc[last, "other_usd_mn"] = -4_900.0
    (row,) = flagged(months)
    assert "as large as usual" not in row["caveats"]


def run(start: str, end: str) -> dict[str, Any]:
    return {"start_month": on(start), "end_month": on(end)}


def test_the_month_that_a_runs_sales_are_made_of_has_half_of_them():
    assert largest_sale(run("2025-01", "2025-02"), nets(-40.0, -60.0)) == on("2025-02")
    assert largest_sale(run("2025-01", "2025-03"), nets(-40.0, -40.0, -40.0)) is None
    assert largest_sale(run("2025-01", "2025-02"), nets(5.0, 6.0)) is None
    assert largest_sale(run("2026-01", "2026-02"), nets(5.0, 6.0)) is None


def test_a_swing_that_was_not_bought_back_once_is_named_beside_those_that_were():
    months = quarters([-50_000.0, 50_000.0, 0.0, -50_000.0, 50_000.0, 0.0, -80_000.0, 40_000.0, 0.0, -50_000.0])
    caveats = flagged(months)[-1]["caveats"]
    (line,) = [line for line in caveats.splitlines() if line.startswith("A swing that recurs")]
    left_out = months["month"].iloc[-4]
    assert line.endswith(f"; not those of {left_out:%B %Y}.")


def test_a_run_that_a_recurring_swing_makes_alarms_less_and_says_so():
    months = quarters([-50_000.0, 50_000.0, 0.0, -50_000.0, 50_000.0, -1_000.0, -50_000.0])
    found = episodes(months, rules()).assign(suspicion=None)
    found = found.assign(caveats=with_caveats(found, months, rules()))
    (row,) = found[found["end_month"] == months["month"].max()].to_dict("records")
    assert row["severity"] == "warning"
    assert "A swing that recurs: net sales like those in" in row["caveats"]


def caveats_of(doubt: str | None = None, **changes: Any) -> str:
    """The caveats of a sale in the newest month; `changes` go into its row of the months."""
    months = quarters([-50_000.0])
    last = months["month"] == months["month"].max()
    for column, value in changes.items():
        months.loc[last, column] = value
    (row,) = flagged(months, doubt)
    return row["caveats"]


def test_other_changes_stand_against_bonds_and_notes_and_never_against_bills():
    """Net sales are -50.0bn: of them -30.0bn of bonds and notes."""
    parts = {"net_long_term_usd_mn": -30_000.0, "net_short_term_usd_mn": -20_000.0}
    assert "Other changes of +$15.0bn stand against 50% of the net sales of bonds and notes" in caveats_of(
        **parts, other_usd_mn=15_000.0
    )
    assert "stand against" not in caveats_of(**parts, other_usd_mn=8_900.0)


def test_what_an_estimate_leaves_is_called_estimated_and_is_no_custody_where_nothing_is_told():
    """Form S and holdings that do not agree are no case of custody: the explanation says that no sale is told."""
    changes = {"basis": "estimated", "other_usd_mn": 26_000.0}
    assert "Other changes of an estimated +$26.0bn stand against 52% of the net sales" in caveats_of(**changes)
    assert "stand against" not in caveats_of("The two do not agree, so no sale is told.", **changes)


@pytest.mark.parametrize(
    ("bills", "words"),
    [
        (-6_000.0, "Net sales of bills are an estimate: the change in the bills held."),
        (-4_000.0, None),  # nearly all bonds and notes: the sentence names no bills
        (9_000.0, None),
        (10_000.0, "Net purchases of bills are an estimate: the change in the bills held."),
    ],
)
def test_bills_that_a_sentence_names_as_sold_are_called_an_estimate(bills, words):
    text = caveats_of(net_long_term_usd_mn=-50_000.0 - bills, net_short_term_usd_mn=bills)
    assert (words in text) if words else ("of bills are" not in text)


@pytest.mark.parametrize(("newer", "told"), [(-2_427.0, True), (499.0, False), (float("nan"), False)])
def test_holdings_of_a_newer_release_than_the_net_purchases_are_told(newer, told):
    """Saudi Arabia, April 2026."""
    text = caveats_of(newer_positions_usd_mn=newer, other_usd_mn=-2_718.0)
    words = "the revision makes -$2.4bn of the other changes of -$2.7bn, and is left out of what is said of them."
    assert (words in (text or "")) is told


def test_the_months_of_a_swing_are_named_oldest_first():
    months = quarters([-50_000.0, 50_000.0, 0.0, -50_000.0, 50_000.0, 0.0, -50_000.0])
    third = flagged(months)[2]
    named = third["caveats"].partition("of them or more: those of ")[2].partition(".")[0].split(" and ")
    assert len(named) == 2
    assert pd.to_datetime(named[0], format="%B %Y") < pd.to_datetime(named[1], format="%B %Y")


def test_other_changes_that_undo_all_of_the_bonds_say_how_few_these_were():
    """Ireland, October 2022: bills, and bonds beside them. A trifle beside a sale of bills is not told."""
    parts = {"net_long_term_usd_mn": -3_500.0, "net_short_term_usd_mn": -46_500.0}
    text = caveats_of(**parts, other_usd_mn=6_600.0)
    assert "Other changes of +$6.6bn stand against all of the net sales of bonds and notes ($3.5bn)" in text
    parts = {"net_long_term_usd_mn": -500.0, "net_short_term_usd_mn": -49_500.0}
    assert "stand against" not in caveats_of(**parts, other_usd_mn=400.0)


def test_bills_bought_for_bonds_are_called_an_estimate_however_few():
    """Chile, February 2026: $7.5bn of them make its $10.6bn sale in part a shift within Treasuries."""
    bills = {"net_purchases_usd_mn": -10_000.0, "net_long_term_usd_mn": -19_990.0, "net_short_term_usd_mn": 9_995.0}
    assert "Net purchases of bills are an estimate" in caveats_of(**bills)
