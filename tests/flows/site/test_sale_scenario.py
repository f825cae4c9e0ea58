"""What would a sale do, on the page and on the command line; events marked in the charts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from tests.flows.site.page_data import DECLARED, GENERATED, JAPAN, Reading, fill
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.site.page import render
from treasury_watch.flows.site.risk.sale_scenario import content, marks_of

TODAY = date(2024, 7, 20)
HELD = [{**row, "long_term_usd_mn": 1_000_000.0, "short_term_usd_mn": 90_000.0} for row in JAPAN]
SERIES = [
    {"series_id": name, "date": day, "value": value, "unit": "percent"}
    for name, day, value in [
        *[("DGS2", "2024-05-31", 4.9), ("DGS10", "2024-05-31", 4.5)],
    ]
]
EVENT = {"date": "2024-04-29", "month": "2024-04-01", "end_month": "2024-04-01", "kind": "intervention"}
EVENTS = [
    {
        **EVENT,
        "country": "Japan",
        "holder_id": "japan",
        "what": "Japan sold dollars for 5,918.5bn yen",
        "derived": True,
    },
    {**EVENT, "country": "Russia", "holder_id": "russia", "kind": "sanctions", "what": "sanctions", "derived": False},
]
RECORD = {
    "holder_id": "japan", "holder": "Japan", "series_id": "DGS10", "measured_over": "month", "sales_months": 24,
    "rose_pct": 54.2, "rose_low_pct": 37.9, "rose_high_pct": 69.6, "mean_change_bp": 1.3, "other_months": 148,
    "other_rose_pct": 53.4, "other_mean_change_bp": 1.5, "difference_bp": -0.2, "difference_low_bp": -11.1,
    "difference_high_bp": 10.7, "months_of_sales": ["2024-03"],
    "first_month": "2012-01-01", "last_month": "2026-04-01",
}  # fmt: skip
DEBTS = [
    {"month": month, "outstanding_usd_mn": amount, "debt_basis": "market value", "source": "fred:MVMTD027MNFRBDAL"}
    for month, amount in (("2023-05-01", 24_000_000.0), ("2024-05-01", 26_000_000.0))
]
TABLES = {
    "marketable_debt": DEBTS,
    "holder_months": HELD,
    "market_series": SERIES,
    "events": EVENTS,
    "price_impact_record": [RECORD],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    with duckdb.connect(str(folder / "treasury.duckdb")) as made:
        fill(made, TABLES)
    return folder


@pytest.fixture(scope="module")
def connection(home):
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as opened:
        yield opened


def said(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["impact", *arguments], env={"TREASURY_WATCH_HOME": str(home)})
    return result.exit_code, " ".join(result.output.split())


def test_the_scenario_is_of_the_newest_month_at_the_debt_that_is_loaded(connection):
    sale = content(connection, DECLARED, TODAY)["sale"]
    assert sale["lead"].startswith(
        "If Japan sold 33% of the bonds and notes that it held in May 2024 ($1,000.0bn), that would be $330.0bn over 6 months, "
        "$55.0bn a month. By published studies yields would rise by "
    )
    assert "or more, scaled to the debt of May 2024" in sale["lead"]
    assert "Marketable Treasury debt was $26,000.0bn at market value in May 2024" in " ".join(sale["more"])
    assert "($2,000.0bn, issuance and price together)" in " ".join(sale["more"])


def test_every_bar_lies_within_the_chart_and_one_without_an_upper_end_reaches_its_edge(connection):
    lines = [line for study in content(connection, DECLARED, TODAY)["sale"]["studies"] for line in study["lines"]]
    assert all(0 <= line["left"] <= line["left"] + line["width"] <= 100.1 for line in lines)
    (open_end,) = [line for line in lines if line["open_end"] and line["applied"]]
    assert float(open_end["left"] + open_end["width"]) == pytest.approx(100, abs=0.2)
    assert sum(not line["applied"] for line in lines) == 2


def test_the_page_has_the_section_with_every_citation_and_the_record(connection):
    text = " ".join(Reading(render(connection, generated=GENERATED)).text.split())
    assert "What would a sale do?" in text
    for citation in content(connection, DECLARED, TODAY)["sale"]["studies"]:
        assert citation["citation"] in text
    assert "54% of 24" in text
    assert "This cannot tell which came first" in text


def test_without_bonds_of_the_holder_the_page_has_no_such_section():
    with duckdb.connect() as opened:
        fill(opened, {"holder_months": JAPAN})
        assert content(opened, DECLARED, TODAY) == {"sale": None}


def test_a_chart_is_marked_in_the_months_of_the_holders_own_events(connection):
    months = pd.DataFrame(HELD).assign(month=lambda frame: pd.to_datetime(frame["month"]))
    marks = marks_of(connection, "japan", months)
    assert [(f"{mark['month']:%Y-%m}", mark["label"]) for mark in marks] == [
        ("2024-04", "Japan sold dollars for 5,918.5bn yen (29 April 2024)")
    ]


def test_a_database_of_an_earlier_version_has_no_marks_and_no_record():
    with duckdb.connect() as opened:
        fill(opened, TABLES)
        opened.execute("DROP TABLE events; DROP TABLE price_impact_record")
        assert marks_of(opened, "japan", pd.DataFrame(HELD)) == []
        assert content(opened, DECLARED, TODAY)["sale"]["record"] == []


def test_the_command_gives_a_range_and_never_one_number(home):
    code, text = said(home, "--usd-bn", "100")
    assert code == 0
    assert "yields would rise by 0.8 basis points to 86 or more, scaled to the debt of May 2024" in text
    assert "5-year, at once, before other investors respond: 40 to 60 bp for $100.0bn; this sale 40 to 60 bp" in text
    assert "debt then $8,547.2bn (Federal Reserve Bank of Dallas, June 2010, the end of the period)" in text


def test_the_command_takes_a_holder_by_any_of_its_names(home):
    assert said(home, "--holder", "JPN", "--share", "0.33", "--months", "6") == said(
        home, "--holder", "japan", "--share", "0.33", "--months", "6"
    )
    assert "Japan's holdings here are official and private together." in said(home, "--holder", "JP", "--share", "1")[1]


def test_the_command_says_of_bills_that_no_study_covers_them(home):
    code, text = said(home, "--usd-bn", "50", "--instrument", "bills")
    assert code == 0
    assert "No study read here covers bills" in text
    assert " bp" not in text


def test_the_command_prints_the_record(home):
    code, text = said(home, "--record")
    assert code == 0
    assert "Japan 10-year the month 54% of 24 38% to 70% 53% of 148" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "give one of --usd-bn N, --holder NAME with --share S, or --record"),
        (("--usd-bn", "1", "--record"), 2, "give one of"),
        (("--holder", "Japan"), 2, "go together"),
        (("--usd-bn", "-3"), 2, "not in the range"),
        (("--holder", "Japan", "--share", "1.5"), 2, "not in the range"),
        (("--usd-bn", "90000"), 1, "is more than all marketable debt"),
        (("--holder", "Grand Total", "--share", "0.3"), 1, "Grand Total is no country (aggregate)"),
        (("--holder", "Atlantis", "--share", "0.3"), 1, "no holder 'Atlantis'"),
        (("--holder", "Peru", "--share", "0.3"), 1, "no bonds and notes of Peru are known"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(home, arguments, code, words):
    result = CliRunner().invoke(main, ["impact", *arguments], env={"TREASURY_WATCH_HOME": str(home)})
    assert result.exit_code == code
    assert words in " ".join(result.output.split())
    if code == 1:
        assert len(result.output.strip().splitlines()) == 1
