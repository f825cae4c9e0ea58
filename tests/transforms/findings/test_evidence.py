"""No sale without evidence: transactions that holdings do not bear out are no sale."""

import math

import pandas as pd
import pytest

from tests.transforms.findings.test_flagged_months import CALM, RULES, history
from treasury_watch.transforms.findings.rules.episodes import episodes
from treasury_watch.transforms.findings.rules.evidence import contradicted, doubt, error_usd_mn
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.transforms.findings.rules.verdicts import Reading, reading

NAN = math.nan
LIMITS = RULES["verdict"]


def read(
    net: float, change: float, valuation: float = NAN, error: float = 2_000.0, basis: str = "estimated"
) -> Reading:
    row = {
        "net_purchases_usd_mn": net, "net_long_term_usd_mn": net, "net_short_term_usd_mn": 0.0,
        "change_usd_mn": change, "valuation_usd_mn": valuation, "other_usd_mn": change - net - valuation,
        "valuation_pct": NAN, "basis": basis, "error_usd_mn": error,
    }  # fmt: skip
    return reading(row, net, LIMITS)


def test_net_sales_far_above_the_fall_are_no_sale_as_in_india_from_2018_01_to_2019_02():
    error = error_usd_mn(133_025, 14, RULES["price_return"])
    found = read(-46_500, -400, valuation=-2_200, error=error)
    assert (found.verdict, found.contradicted, found.instrument) == ("unexplained", True, None)
    assert error < 48_300  # what is left over is more than prices can have done


def test_net_sales_that_prices_hide_are_a_sale():
    assert read(-20_000, -3_000, valuation=16_500).verdict == "sold"


@pytest.mark.parametrize(("other", "told"), [(6_000, False), (6_001, True)])
def test_what_is_left_over_counts_from_the_error_of_the_estimate_on(other, told):
    assert contradicted(-15_000, other, 6_000, {"offset": 0.3}) is told


@pytest.mark.parametrize(("other", "told"), [(17_999, False), (18_000, True)])
def test_a_small_part_of_the_sale_does_not_contradict_it(other, told):
    assert contradicted(-60_000, other, 6_000, {"offset": 0.3}) is told


def test_a_fall_that_is_mostly_neither_in_transactions_nor_in_prices_is_not_explained():
    """Russia, May 2018: holdings fell by $33.8bn, Form S has $8.4bn of net sales."""
    found = read(-8_355, -33_800, valuation=254, error=877)
    assert (found.verdict, found.contradicted) == ("unexplained", True)


def test_a_sale_that_holdings_more_than_bear_out_is_told_in_part():
    """Saudi Arabia, April 2020."""
    assert read(-19_579, -33_851, valuation=343, error=2_191).verdict == "mixed"


def test_what_the_error_of_the_estimate_may_be_does_not_count_as_unaccounted_for():
    """Brazil, March 2020: $14.6bn are in neither, but $5.1bn of them may be prices."""
    assert read(-13_196, -21_525, valuation=6_239, error=5_057).verdict == "mixed"
    assert read(-13_196, -21_525, valuation=6_239, error=500).verdict == "unexplained"


def test_what_an_estimate_leaves_over_is_never_called_a_move():
    assert read(-1_000, -3_000, valuation=0.0, error=2_500).verdict == "mixed"
    assert read(-1_000, -3_000, valuation=0.0, error=2_500, basis="slt").verdict == "moved"


@pytest.mark.parametrize("basis", ["slt", "cslt"])
def test_published_parts_are_never_doubted(basis):
    assert not read(-46_500, -400, valuation=-2_200, basis=basis).contradicted


@pytest.mark.parametrize(("net", "verdict"), [(-15_000, "sold"), (-15_001, "unexplained"), (-5_999, "unexplained")])
def test_without_any_valuation_net_sales_and_fall_have_to_agree(net, verdict):
    assert read(net, -10_000, basis="form_s").verdict == verdict


def estimated(net: float, other: float) -> pd.DataFrame:
    """A fall by 16,000 of 200,000 with these net purchases; what is left is the estimated valuation."""
    months = history(200_000, [*CALM, -16_000.0])
    months["basis"] = "estimated"
    last = months.index[-1]
    months.loc[last, ["net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn"]] = [net, net, 0.0]
    months.loc[last, ["valuation_usd_mn", "other_usd_mn"]] = [-16_000.0 - net - other, other]
    return months


def fall(months: pd.DataFrame) -> dict:
    (row,) = [row for row in sell_offs(months, RULES).to_dict("records") if row["rule"] == "fall"]
    return row


def test_a_month_that_holdings_contradict_is_a_notice_and_says_why():
    row = fall(estimated(-40_000.0, 24_000.0))
    assert (row["verdict"], row["severity"]) == ("unexplained", "notice")
    assert doubt(row) == (
        "Form S counts net sales of $40.0bn of bonds and notes and prices did next to nothing (give or take $3.6bn); "
        "holdings fell $16.0bn: the two do not agree, so no sale is told."
    )


def test_form_s_is_not_said_to_have_the_bills_held():
    row = {**fall(estimated(-20_400.0, 10_000.0)), "net_purchases_usd_mn": -22_900.0, "net_short_term_usd_mn": -2_500.0}
    text = doubt({**row, "contradicted": True})
    assert text.startswith(
        "Form S counts net sales of $20.4bn of bonds and notes, bills held fell $2.5bn and prices took an estimated $5.6bn"
    )


def test_a_fall_that_transactions_do_not_account_for_says_so():
    assert doubt({**fall(estimated(-4_000.0, -12_000.0)), "contradicted": True}) == (
        "Form S counts net sales of $4.0bn of bonds and notes and prices did next to nothing (give or take $3.6bn): "
        "most of the fall of $16.0bn is in none of these, so it is not explained."
    )


def test_a_month_that_holdings_bear_out_alarms_and_is_not_doubted():
    row = fall(estimated(-15_000.0, 0.0))
    assert (row["verdict"], row["severity"], doubt(row)) == ("sold", "warning", None)


def test_a_run_is_allowed_an_error_that_grows_with_its_months():
    months = history(200_000, [-10_000.0] * 4)
    rule = {"of": "change_usd_mn", "minimum_months": 2, "minimum_usd_mn": 15_000, "minimum_share_pct": 4.0,
            "tolerated_interruptions": 0}  # fmt: skip
    (row,) = episodes(months, {**RULES, "episodes": {"fall": rule}}).to_dict("records")
    assert row["error_usd_mn"] == pytest.approx(200_000 * 0.018 * 4**0.62)
