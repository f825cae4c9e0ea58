"""Explanations: signs, units, months and rounding of what people read."""

import math
import re

import pandas as pd
import pytest

from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.findings.explain.sentences import ALONE, Beside, explain_episodes, told
from treasury_watch.transforms.findings.explain.standing import pasts_of, rank
from treasury_watch.transforms.findings.explain.trades import trades
from treasury_watch.transforms.findings.rules.custody import ONE_MOVE
from treasury_watch.transforms.wording import causes_in_words, month_name

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
    "position_usd_mn": 1_126_094.0,
    "change_pct": -3.5,
}
MARCH = APRIL | {
    "month": pd.Timestamp("2026-03-01"),
    "change_usd_mn": -47_708.0,
    "change_pct": -3.84,
    "position_usd_mn": 1_191_621.0,
    "net_purchases_usd_mn": -23_880.0,
    "net_long_term_usd_mn": -23_900.0,
    "net_short_term_usd_mn": 20.0,
    "valuation_usd_mn": -18_000.0,
    "other_usd_mn": -5_800.0,
    "verdict": "sold",
    "instrument": "bonds",
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


def explained(row: dict, period: str, beside: Beside = ALONE) -> str:
    return told(row, period, beside)[1]


def test_a_fall_that_is_mostly_price_says_so_first_and_then_what_was_traded():
    headline, text = told(APRIL, "in April 2024")
    fall = "Japan's holdings fell $40.9bn in April 2024 to $1,126.1bn"
    assert headline == f"{fall}, and most of that was valuation ($29.8bn)."
    assert text == f"{headline} It sold or let mature $12.1bn of bills and bought $0.2bn of bonds and notes."


def test_a_sale_leads_with_who_sold_what_and_when():
    row = MARCH | {"verdict": "mixed"}
    assert explained(row, "in March 2026", Beside(fall_rank="the largest monthly fall since October 2022")) == (
        "Japan sold $23.9bn of Treasury bonds and notes in March 2026 and lost $18.0bn in valuation; its holdings fell "
        "$47.7bn (3.8%) to $1,191.6bn, the largest monthly fall since October 2022. Another $5.8bn of the fall is neither "
        "trading nor price."
    )


@pytest.mark.parametrize(
    ("valuation", "other", "text"),
    [
        (
            -1_300.0,
            -2_300.0,
            "Valuation and other changes together took $3.6bn.",
        ),  # 2.6% and 4.7% of 48,600: Canada, July 2025
        (-1_300.0, 1_300.0, ""),
        (-1_300.0, 6_000.0, "$6.0bn that is neither trading nor price came in."),
        (-1_100.0, -1_000.0, ""),
    ],
)
def test_parts_of_a_change_are_not_dropped_silently(valuation, other, text):
    """Of a part below 5% of the sale and of the fall nothing is said, unless both together reach it."""
    row = MARCH | {"net_purchases_usd_mn": -45_000.0, "net_long_term_usd_mn": -45_000.0, "net_short_term_usd_mn": 0.0}
    row |= {"valuation_usd_mn": valuation, "other_usd_mn": other, "change_usd_mn": -45_000.0 + valuation + other}
    assert explained(row, "in July 2025").partition("to $1,191.6bn. ")[2] == text


def test_prices_beside_a_shift_within_treasuries_are_told_after_it():
    """South Korea, February 2026."""
    row = MARCH | {
        "net_purchases_usd_mn": -1_400.0, "net_long_term_usd_mn": -11_900.0, "net_short_term_usd_mn": 10_500.0,
        "valuation_usd_mn": 1_400.0, "other_usd_mn": -400.0, "change_usd_mn": -400.0, "verdict": "mixed",
    }  # fmt: skip
    assert explained(row, "in February 2026").endswith("Valuation added $1.4bn.")


def test_what_newer_positions_make_of_other_changes_is_not_called_neither_trading_nor_price():
    """Saudi Arabia, April 2026: of other changes of -$2.7bn the revision of March makes -$2.4bn."""
    row = MARCH | {
        "holder": "Saudi Arabia", "net_purchases_usd_mn": -9_073.0, "net_long_term_usd_mn": 116.0,
        "net_short_term_usd_mn": -9_189.0, "valuation_usd_mn": -89.0, "other_usd_mn": -2_718.0, "change_usd_mn": -11_880.0,
    }  # fmt: skip
    assert "Another $2.7bn of the fall" in explained(row, "in April 2026")
    text = explained(row, "in April 2026", Beside(newer_usd_mn=-2_427.0))
    assert "neither trading" not in text
    assert "its holdings fell $11.9bn (3.8%), $2.4bn of it a revision in a newer release, to $1,191.6bn" in text
    assert "Another $2.4bn" not in text
    assert "Another $1.1bn is a revision" in explained(row, "in April 2026", Beside(newer_usd_mn=-1_100.0))


def test_a_pattern_is_told_right_after_the_sale():
    pattern = "Net sales of this size came in the first month of 5 of the last 6 quarters: a recurring pattern."
    text = explained(MARCH | {"pattern_measure": pattern}, "in March 2026", Beside(official_net_usd_mn=-50_070.0))
    assert (
        f"$47.7bn (3.8%) to $1,191.6bn. {pattern} Another $5.8bn of the fall is neither trading nor price. Foreign official"
        in text
    )


def test_a_price_change_that_no_source_states_is_called_estimated():
    text = explained(MARCH | {"basis": "estimated"}, "in March 2026")
    assert "and lost an estimated $18.0bn in valuation" in text
    assert "most of that was valuation (an estimated $29.8bn)" in explained(
        APRIL | {"basis": "estimated+slt"}, "in April 2024"
    )


def test_places_that_took_a_fall_up_are_the_headline():
    taken = "Japan's holdings fell $47.7bn in March 2026 while Belgium's rose $40.0bn. Together they fell $7.7bn."
    headline, text = told(MARCH | {"suspicion": taken, "absorbed_share_pct": 84.0}, "in March 2026")
    assert headline == taken
    assert text == (
        f"{taken} By the statistics, Japan sold $23.9bn of bonds and notes. Valuation took $18.0bn. $5.8bn of the fall is "
        "neither trading nor price."
    )


def test_what_holdings_contradict_says_so_after_the_fall():
    row = MARCH | {"verdict": "unexplained", "doubt": "Holdings do not bear out such a sale."}
    assert explained(row, "in March 2026").endswith("to $1,191.6bn. Holdings do not bear out such a sale.")


def test_what_foreign_officials_did_stands_beside_a_holder_and_not_beside_a_custodial_centre():
    beside = Beside(official_net_usd_mn=-50_070.0)
    text = explained(MARCH, "in March 2026", beside)
    assert text.endswith("Foreign official institutions together sold $50.1bn that month, net.")
    runs = explained(MARCH, "in the 3 months from April to June 2024", Beside(official_net_usd_mn=23_200.0))
    assert runs.endswith("Foreign official institutions together bought $23.2bn in these months, net.")
    assert "official" not in explained(MARCH, "in March 2026", Beside(custodial=True, official_net_usd_mn=-50_070.0))


def test_at_a_custodial_centre_accounts_sold_and_not_the_place():
    text = explained(MARCH | {"holder": "Belgium"}, "in March 2026", Beside(custodial=True))
    assert text.startswith("Accounts in Belgium sold $23.9bn of Treasury bonds and notes")
    assert "their holdings fell $47.7bn (3.8%)" in text


def test_a_sale_in_a_month_of_rising_holdings_says_that_they_rose():
    row = MARCH | {"change_usd_mn": 2_500.0, "change_pct": 0.2, "valuation_usd_mn": 26_500.0}
    text = explained(row, "in May 2025", Beside(sale_rank="the largest monthly net sale since June 2023"))
    assert text == (
        "Japan sold $23.9bn of Treasury bonds and notes in May 2025 and gained $26.5bn in valuation; its holdings "
        "rose $2.5bn (0.2%) to $1,191.6bn. It was the largest monthly net sale since June 2023. $5.8bn that is neither trading "
        "nor price left."
    )


@pytest.mark.parametrize("change", [-30.0, 0.0, 30.0])
def test_holdings_that_stay_the_same_to_the_rounding_hardly_changed(change):
    assert explained(APRIL | {"change_usd_mn": change}, "in May 2025").startswith(
        "Japan's holdings hardly changed in May 2025"
    )
    assert "; its holdings hardly changed." in explained(MARCH | {"change_usd_mn": change}, "in May 2025")
    tiny = MARCH | {"change_usd_mn": -90.0, "change_pct": -0.01}
    assert "; its holdings hardly changed, at $1,191.6bn." in explained(tiny, "in May 2025")


@pytest.mark.parametrize(
    ("month", "words"), [("2022-03", "not published."), ("2026-05", "not yet among the figures read here.")]
)
def test_a_month_without_a_decomposition_claims_nothing_about_selling(month, words):
    unknown = dict.fromkeys(
        ["net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn", "other_usd_mn"],
        math.nan,
    )
    row = APRIL | unknown | {"verdict": "unexplained", "month": pd.Timestamp(f"{month}-01")}
    assert explained(row, "then") == (
        f"Japan's holdings fell $40.9bn then to $1,126.1bn. How much of it was sold and how much was price is {words}"
    )


def test_an_unknown_change_is_not_called_a_rise():
    text = explained(APRIL | {"change_usd_mn": math.nan, "verdict": "unexplained"}, "in December 2011")
    assert text.startswith("The change in Japan's holdings in December 2011 is not known on one survey basis.")


def test_unknown_bills_leave_the_instruments_out():
    assert "let mature" in explained(APRIL, "in April 2024")
    assert "It sold $11.8bn of Treasuries, net." in explained(
        APRIL | {"net_short_term_usd_mn": math.nan}, "in April 2024"
    )


def test_an_episode_names_its_first_and_last_month():
    row = {key: value for key, value in APRIL.items() if key not in ("month", "position_usd_mn", "change_pct")}
    row |= {
        "start_month": pd.Timestamp("2024-04-01"),
        "end_month": pd.Timestamp("2024-06-01"),
        "months": 3,
        "holder_id": "japan",
    }
    columns = ["holder_id", "custodial_centre", "month", "change_usd_mn", "net_purchases_usd_mn", "basis"]
    nobody = pd.DataFrame(columns=columns, dtype=object)
    nobody["month"] = nobody["month"].astype("datetime64[us]")
    [text] = explain_episodes(pd.DataFrame([row]), nobody, nobody, {"newer_positions": {"minimum_usd_mn": 500.0}})[
        "headline"
    ]
    assert (
        text
        == "Japan's holdings fell $40.9bn in the 3 months from April to June 2024, and most of that was valuation ($29.8bn)."
    )


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
    assert explained(APRIL | {"holder": label}, "in April 2024").startswith(f"{text} holdings fell $40.9bn")


def test_prose_has_no_equals_sign_and_none_of_the_words_of_the_tables():
    rows = [APRIL, MARCH, *(MARCH | {"verdict": verdict} for verdict in ("mixed", "moved", "unexplained"))]
    for row in rows:
        text = explained(row, "in April 2024")
        assert not re.search(r"=|verdict|score|repriced|\bmoved\b", text), text


def test_nearly_all_of_one_instrument_is_said_so_and_both_are_named_else():
    row = MARCH | {
        "net_long_term_usd_mn": -43_000.0,
        "net_short_term_usd_mn": -800.0,
        "net_purchases_usd_mn": -43_800.0,
    }
    assert trades(row, "in April 2026") == "sold $43.8bn of Treasuries in April 2026, nearly all bonds and notes"
    both = row | {"net_short_term_usd_mn": -20_000.0, "net_purchases_usd_mn": -63_000.0}
    assert trades(both, "in April 2026") == (
        "sold $43.0bn of Treasury bonds and notes in April 2026 and sold or let mature $20.0bn of bills"
    )


def test_bonds_sold_for_bills_are_called_a_shift():
    row = MARCH | {
        "net_long_term_usd_mn": -23_900.0,
        "net_short_term_usd_mn": 12_500.0,
        "net_purchases_usd_mn": -11_400.0,
    }
    assert "and bought $12.5bn of bills: in part a shift within Treasuries" in explained(row, "in May 2024")
    more = row | {"net_short_term_usd_mn": 20_000.0, "net_purchases_usd_mn": -3_900.0}
    assert "and bought $20.0bn of bills: mostly a shift within Treasuries" in explained(more, "in May 2024")


def test_a_flagged_sale_of_bills_that_went_into_bonds_is_told_as_that():
    row = MARCH | {"of": "net_short_term_usd_mn", "net_long_term_usd_mn": 20_000.0, "net_short_term_usd_mn": -20_300.0}
    assert explained(row | {"net_purchases_usd_mn": -300.0}, "in March 2021").startswith(
        "Japan sold or let mature $20.3bn of Treasury bills in March 2021 and bought $20.0bn of bonds and notes: mostly a shift"
    )


def test_a_move_leads_with_the_place_where_it_went():
    words = f"The $78.4bn that left Bermuda in March 2025 stands against a rise in El Salvador ($83.9bn): {ONE_MOVE}."
    headline, text = told(APRIL | {"verdict": "moved", "suspicion": words}, "in March 2025")
    assert headline == words
    assert text.startswith(f"{words} Japan's holdings fell $40.9bn")
    # a place that may have taken up part of it is a caveat and no headline
    loose = APRIL | {"verdict": "moved", "suspicion": "Holdings in Spain rose $9.0bn: part of this may be a move."}
    assert told(loose, "in March 2025")[0].startswith("Japan's holdings fell $40.9bn")


def test_net_sales_that_other_changes_undo_are_not_told_as_selling():
    row = MARCH | {"verdict": "moved", "net_purchases_usd_mn": -17_500.0, "other_usd_mn": 25_000.0}
    text = explained(row | {"net_long_term_usd_mn": -17_500.0}, "in April 2025")
    assert text.startswith(
        "The statistics book net sales of $17.5bn by Japan in April 2025, but $25.0bn that is neither trading nor price came "
        "in at the same time"
    )


def test_a_residual_is_left_unexplained_and_is_no_cause():
    row = APRIL | {
        "verdict": "moved",
        "net_purchases_usd_mn": 7_800.0,
        "other_usd_mn": -21_300.0,
        "net_long_term_usd_mn": 2_200.0,
    }
    row |= {"net_short_term_usd_mn": 5_600.0, "valuation_usd_mn": -2_600.0}
    text = explained(row, "in February 2024")
    assert "Neither trading nor prices account for a decline of $21.3bn: custody or reporting, perhaps." in text
    assert text.endswith("It bought $5.6bn of bills and $2.2bn of bonds and notes.")


def test_without_a_valuation_a_sale_is_told_from_net_sales_alone():
    row = MARCH | {"valuation_usd_mn": math.nan, "other_usd_mn": math.nan, "net_purchases_usd_mn": -30_000.0}
    row |= {"net_long_term_usd_mn": math.nan, "net_short_term_usd_mn": math.nan}
    assert explained(row, "in March 2010") == (
        "Japan sold $30.0bn of Treasuries in March 2010, net; its holdings fell $47.7bn (3.8%) to $1,191.6bn. "
        "What prices did is not published for it."
    )


def test_an_exit_says_what_is_left_of_the_peak():
    row = MARCH | {"peak_usd_mn": 108_700.0, "position_usd_mn": 14_900.0}
    assert "What is left is 14% of the peak of the three years before ($108.7bn)." in explained(row, "in May 2018")


LARGEST = "the largest monthly fall until then in comparable figures"


def past(amounts: list[float], breaks: tuple[int, ...] = ()) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "holder_id": "japan",
            "month": pd.date_range("2020-01-01", periods=len(amounts), freq="MS"),
            "change_usd_mn": amounts,
            "series_break": [place in breaks for place in range(len(amounts))],
        }
    )


@pytest.mark.parametrize(
    ("amounts", "breaks", "words"),
    [
        ([-50.0, *[-10.0] * 30, -40.0], (), "the largest monthly fall since January 2020"),
        ([*[-10.0] * 31, -40.0], (), f"{LARGEST} (from January 2020)"),
        (
            [*[-10.0] * 29, -50.0, -10.0, -40.0],
            (),
            "the second-largest monthly fall until then in comparable figures (from January 2020)",
        ),
        ([*[-10.0] * 26, *[-50.0] * 5, -40.0], (), ""),  # five larger ones just before: no news
        ([-50.0, *[-10.0] * 30, -40.0], (3,), f"{LARGEST} (from May 2020)"),
        (
            [-50.0, *[-10.0] * 4, math.nan, *[-10.0] * 30, -40.0],
            (5,),
            f"{LARGEST} (from July 2020)",
        ),
        ([*[-10.0] * 12, -40.0], (), ""),  # too short a past
        ([*[-10.0] * 31, 40.0], (), ""),
    ],
)
def test_a_fall_is_ranked_by_a_month_that_can_be_looked_up_and_within_one_series(amounts, breaks, words):
    months = past(amounts, breaks)
    row = months.iloc[-1].to_dict()
    assert rank(row, pasts_of(months, "change_usd_mn")["japan"], "change_usd_mn", "monthly fall") == words


def test_what_comes_after_a_month_does_not_rank_it():
    months = past([*[-10.0] * 31, -40.0, -90.0])
    row = months.iloc[-2].to_dict()
    assert "largest monthly fall until then" in rank(
        row, pasts_of(months, "change_usd_mn")["japan"], "change_usd_mn", "monthly fall"
    )


RUN = (
    "Part of a longer run: Mainland China's holdings fell $100.4bn from March to November 2025 while Belgium's rose $86.3bn. "
    "Together they fell $14.1bn."
)


@pytest.mark.parametrize(
    ("severity", "words"),
    [("notice", RUN.replace("longer run:", "longer run, and for that a notice:")), ("warning", RUN)],
)
def test_a_sale_inside_a_run_that_was_taken_up_says_why_it_is_a_notice(severity, words):
    headline, text = told(MARCH | {"suspicion": RUN, "severity": severity}, "in March 2026")
    assert headline.startswith("Japan sold $23.9bn")
    assert text.startswith(f"{headline} {words} ")


def test_prices_that_took_more_than_the_fall_are_not_most_of_it():
    """Taiwan, March 2026: it bought."""
    taiwan = {"change_usd_mn": -12_743.0, "net_purchases_usd_mn": 2_379.0, "valuation_usd_mn": -14_985.0}
    parts = {"net_long_term_usd_mn": 1_993.0, "net_short_term_usd_mn": 386.0, "other_usd_mn": -137.0}
    text = explained(APRIL | taiwan | parts | {"holder": "Taiwan", "position_usd_mn": 300_791.0}, "in March 2026")
    assert text.startswith("Taiwan's holdings fell $12.7bn in March 2026 to $300.8bn; valuation alone took $15.0bn.")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (-7_467.0, "fell $7.5bn in March 2020 to $469.7bn, too little to bear out the net sales that Form S counts."),
        (2_700.0, "rose $2.7bn in March 2020 to $469.7bn, which does not bear out the net sales that Form S counts."),
    ],
)
def test_a_sale_that_holdings_contradict_is_doubted_in_the_first_sentence(change, words):
    doubt = "Form S counts net sales of $41.5bn of bonds and notes: the two do not agree, so no sale is told."
    row = {"verdict": "unexplained", "doubt": doubt, "holder": "United Kingdom", "position_usd_mn": 469_682.0}
    headline, text = told(MARCH | row | {"change_usd_mn": change}, "in March 2020", Beside(custodial=True))
    assert headline == f"Holdings in the United Kingdom {words}"
    assert text == f"{headline} {doubt}"


def test_what_press_releases_said_of_the_official_sector_is_said_to_be_theirs():
    """November 2016: their figures before 2023 are biased against it."""
    text = explained(MARCH, "in November 2016", Beside(official_net_usd_mn=-500.0, official_from_press=True))
    assert (
        "Foreign official institutions together sold $0.5bn that month, net, by the press releases of the time." in text
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            (13_584.0, -56_874.0, -46_905.0),
            "prices and other changes",
        ),  # China, August 2022 to February 2023: it bought
        ((-67_600.0, -46_700.0, 50_500.0), "sales and prices"),  # Japan, August to December 2016
        ((-5_500.0, 3_800.0, -17_300.0), "other changes and sales"),  # Belgium, April to May 2014
        ((-21_660.0, -72.0, 8_793.0), "sales, in part offset by other changes"),  # Cayman Islands, November 2024
        ((None, None, None), "several causes"),
    ],
)
def test_mixed_causes_are_named_and_none_that_was_not_there(parts, words):
    names = ("net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn")
    assert causes_in_words({"verdict": "mixed"} | dict(zip(names, parts, strict=True))) == words


def test_a_sale_without_a_valuation_names_its_instruments():
    """Foreign officials, August 2016: the subject names them too."""
    parts = {"net_purchases_usd_mn": -48_000.0, "net_long_term_usd_mn": -40_000.0, "net_short_term_usd_mn": -8_000.0}
    row = MARCH | parts | {"valuation_usd_mn": math.nan, "other_usd_mn": math.nan}
    assert explained(row, "in August 2016").startswith(
        "Japan sold $40.0bn of Treasury bonds and notes in August 2016 and sold or let mature $8.0bn of bills; its holdings fell"
    )


def test_net_sales_that_nothing_can_be_told_of_are_in_the_first_sentence():
    """Foreign officials, August 2015."""
    parts = {"change_usd_mn": 4_300.0, "net_purchases_usd_mn": -46_600.0, "of": "net_purchases_usd_mn"}
    row = MARCH | parts | {"verdict": "unexplained", "valuation_usd_mn": math.nan, "other_usd_mn": math.nan}
    headline, text = told(row | {"month": pd.Timestamp("2015-08-01")}, "in August 2015")
    assert headline == (
        "Japan's holdings rose $4.3bn in August 2015 to $1,191.6bn, while the statistics count net sales of $46.6bn."
    )
    assert text == f"{headline} What prices did is not published, so the two cannot be told apart."


def test_what_left_beyond_the_fall_is_no_part_of_it():
    """Luxembourg, December 2023: it bought, and $33.3bn that is neither trading nor price left a fall of $31.3bn."""
    parts = {
        "change_usd_mn": -31_326.0,
        "net_purchases_usd_mn": 944.0,
        "valuation_usd_mn": 1_031.0,
        "other_usd_mn": -33_301.0,
    }
    taken = {
        "suspicion": "Luxembourg's holdings fell while Ireland's rose.",
        "absorbed_share_pct": 100.0,
        "verdict": "moved",
    }
    text = explained(MARCH | parts | taken, "in December 2023")
    assert text.endswith("$33.3bn that is neither trading nor price left.")
