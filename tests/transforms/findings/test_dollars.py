"""What became of the dollars of a bond sale: how much other securities took up, and the sentence that says it."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS
from treasury_watch.transforms.findings.explain.dollars import dollars_sentence, with_dollars, with_dollars_told

RULES = DECLARATIONS.rules
LIMITS = RULES["dollars"]
AUGUST = {
    "holder_id": "cayman_islands",
    "holder": "Cayman Islands",
    "month": pd.Timestamp("2025-08-01"),
    "of": "change_usd_mn",
    "instrument": "bonds",
    "verdict": "sold",
    "net_long_term_usd_mn": -28427.0,
    "net_short_term_usd_mn": -3558.0,
}
BOUGHT = {"agency": -785.0, "corporate": -1370.0, "equity": 21474.0}


def securities(holder: str = "cayman_islands", month: str = "2025-08", **amounts: float) -> pd.DataFrame:
    rows = [(holder, pd.Timestamp(f"{month}-01"), name, amount) for name, amount in amounts.items()]
    return pd.DataFrame(rows, columns=["holder_id", "month", "security", "net_purchases_usd_mn"])


def told(row: dict, table: pd.DataFrame | None) -> dict:
    return with_dollars(pd.DataFrame([row]), table, RULES).to_dict("records")[0]


def test_two_thirds_of_the_cayman_islands_sale_of_august_2025_went_into_shares():
    row = told(AUGUST, securities(**BOUGHT))
    assert row["dollars_went"] == "partly stayed"
    assert row["other_securities_net_usd_mn"] == 19319
    assert (row["net_agency_usd_mn"], row["net_corporate_usd_mn"], row["net_equity_usd_mn"]) == (-785, -1370, 21474)
    assert dollars_sentence(row, LIMITS) == (
        "The Cayman Islands bought $21.5bn of U.S. shares in the same month, net. In all, net purchases of other U.S. "
        "securities came to 60% of the Treasuries sold ($32.0bn); whether it is the same money cannot be known."
    )
    bonds_alone = dollars_sentence(told({**AUGUST, "net_short_term_usd_mn": 0.0}, securities(**BOUGHT)), LIMITS)
    assert "came to 68% of the bonds and notes sold; whether" in bonds_alone


def test_bills_that_were_the_larger_sale_count_beside_the_bonds():
    """Foreign officials, September 2025: what was bought is 76% of the bonds sold, and 23% of what was sold."""
    row = AUGUST | {"instrument": "both", "net_long_term_usd_mn": -16845.0, "net_short_term_usd_mn": -39962.0}
    found = told(row, securities(agency=-5414.0, corporate=2538.0, equity=15663.0))
    assert found["other_securities_net_usd_mn"] == 12787
    assert found["dollars_went"] == "cannot be told"
    assert "whether it is the same money" not in dollars_sentence(found, LIMITS)


@pytest.mark.parametrize(
    ("equity", "bills", "went"),
    [
        (21_321.0, 0.0, "stayed"),  # 75% of 28,427, rounded up
        (21_320.0, 0.0, "partly stayed"),
        (7_107.0, 0.0, "partly stayed"),  # 25%
        (7_106.0, 0.0, "cannot be told"),
        (2_843.0, 0.0, "cannot be told"),  # 10%
        (2_842.0, 0.0, "left"),
        (0.0, 0.0, "left"),
        (-9_000.0, 0.0, "left"),
        (0.0, 21_321.0, "stayed"),  # bills that were bought are dollars in Treasuries
        (0.0, -21_321.0, "left"),
        (math.nan, 0.0, "cannot be told"),
    ],
)
def test_the_declared_shares_of_the_sale_decide(equity, bills, went):
    row = told({**AUGUST, "net_short_term_usd_mn": bills}, securities(agency=0.0, corporate=0.0, equity=equity))
    assert row["dollars_went"] == went


def test_a_security_that_is_not_published_is_not_zero():
    row = told(AUGUST, securities(corporate=1.0, equity=30_000.0))
    assert row["dollars_went"] == "cannot be told"
    assert math.isnan(row["other_securities_net_usd_mn"])
    assert row["net_equity_usd_mn"] == 30_000
    assert dollars_sentence(row, LIMITS) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"instrument": "bills"},
        {"instrument": None},
        {"verdict": "moved"},
        {"verdict": "unexplained"},
        {"net_long_term_usd_mn": -1_999.0},
        {"net_long_term_usd_mn": math.nan},
    ],
)
def test_what_is_no_sale_of_bonds_is_not_asked_where_its_dollars_went(change):
    row = told({**AUGUST, **change}, securities(**BOUGHT))
    assert row["dollars_went"] is None
    assert math.isnan(row["other_securities_net_usd_mn"])


def test_a_rule_on_bonds_asks_whatever_else_was_sold_more():
    row = told({**AUGUST, "instrument": "none", "of": "net_long_term_usd_mn"}, securities(**BOUGHT))
    assert row["dollars_went"] == "partly stayed"


@pytest.mark.parametrize("table", [None, securities()])
def test_without_figures_of_other_securities_nothing_is_said(table):
    rows = with_dollars_told(pd.DataFrame([{**AUGUST, "explanation": "Sold."}]), table, {})
    assert rows["dollars_went"].tolist() == [None]
    assert rows["explanation"].tolist() == ["Sold."]


@pytest.mark.parametrize("table", [securities("japan", equity=1.0), securities(equity=math.nan)])
def test_a_holder_of_whom_no_figure_is_known_cannot_be_told(table):
    assert told(AUGUST, table)["dollars_went"] == "cannot be told"


def test_the_sentence_stands_at_the_end_of_the_explanation():
    rows = pd.DataFrame([{**AUGUST, "explanation": "Sold."}, {**AUGUST, "verdict": "moved", "explanation": "Moved."}])
    first, second = with_dollars_told(rows, securities(**BOUGHT), RULES)["explanation"]
    assert first.startswith("Sold. The Cayman Islands bought $21.5bn of U.S. shares in the same month, net. In all,")
    assert second == "Moved."


def test_a_run_of_months_adds_them_up_and_a_missing_month_is_not_zero():
    run = {**AUGUST, "start_month": pd.Timestamp("2025-08-01"), "end_month": pd.Timestamp("2025-09-01"), "months": 2}
    del run["month"]
    both = pd.concat([securities(**BOUGHT), securities(month="2025-09", agency=100.0, corporate=200.0, equity=3000.0)])
    assert told(run, both)["other_securities_net_usd_mn"] == 19319 + 3300
    assert "in the same months, net" in dollars_sentence(told(run, both), LIMITS)
    assert dollars_sentence(told(run, both), LIMITS, custodial=True).startswith("Accounts there ")
    assert told(run, securities(**BOUGHT))["dollars_went"] == "cannot be told"
    others = securities("japan", "2025-09", agency=1.0, corporate=1.0, equity=1.0)
    assert told(run, pd.concat([securities(**BOUGHT), others]))["dollars_went"] == "cannot be told"


@pytest.mark.parametrize(
    ("holder", "amounts", "sentence"),
    [
        (
            "Canada",
            (-5961.0, -1300.0, -15700.0),
            "Canada also sold $15.7bn of U.S. shares and $6.0bn of agency bonds in the same month, net.",
        ),
        ("Brazil", (-100.0, 20.0, -62.0), "Net sales of other U.S. securities in the same month were small beside this ($0.1bn)."),
        ("Turkey", (20.0, -10.0, 30.0), "Turkey bought and sold hardly any other U.S. securities in the same month, net."),
        ("Brazil", (1500.0, 1500.0, 1500.0), "Brazil bought $4.5bn of other U.S. securities in the same month, net."),
        (
            "Japan",
            (-6617.0, 2673.0, 7557.0),
            "Japan bought $7.6bn of U.S. shares and $2.7bn of corporate bonds in the same month, net, and sold $6.6bn of "
            "agency bonds.",
        ),
        (
            "Foreign Official",
            (-5400.0, 3100.0, 31700.0),
            "Foreign official institutions bought $31.7bn of U.S. shares and $3.1bn of corporate bonds in the same month, net, "
            "and sold $5.4bn of "
            "agency bonds. In all, net purchases of other U.S. securities came to 92% of the Treasuries sold ($32.0bn); "
            "whether it is the same money cannot be known.",
        ),
    ],
)  # fmt: skip
def test_the_sentence_names_the_amounts_that_matter_largest_first(holder, amounts, sentence):
    found = securities("any", **dict(zip(("agency", "corporate", "equity"), amounts, strict=True)))
    assert dollars_sentence(told({**AUGUST, "holder_id": "any", "holder": holder}, found), LIMITS) == sentence
