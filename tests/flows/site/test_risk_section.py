"""The risk section: its sentences and charts are the database's figures; what is not known is not drawn."""

from __future__ import annotations

import json
import re
from datetime import date

import altair as alt
import duckdb
import pytest

from tests.flows.site.page_data import FULL, GENERATED, fill, month_row
from treasury_watch.flows.site.page import render
from treasury_watch.flows.site.risk import answers, case_panel, charts, section
from treasury_watch.flows.site.risk.answers import as_many_named
from treasury_watch.flows.site.risk.charts import Line, Mark
from treasury_watch.flows.site.risk.figures import Figure, Key, described, key_of
from treasury_watch.warehouse.declarations import Declarations

DECLARED = Declarations().rules["price_return"]
SIX = ["2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01", "2024-08-01", "2024-09-01"]
JAPAN = [
    month_row("japan", "Japan", month, 1100000, *parts)
    for month, parts in zip(
        SIX,
        [
            (-40921, -11830, 246, -12076, -29824, 733), (-20141, -23870, 171, -24041, 7252, -3523),
            (-14535, -24639, -36625, 11986, 13367, -3263), (2000, -14000, -11000, -3000, 17000, -1000),
            (12000, -3000, -22000, 19000, 15000, 0), (-10000, -16000, -29000, 13000, 4000, 2000),
        ],
        strict=True,
    )
]  # fmt: skip
RISKS = [
    {
        "holder_id": name, "holder": holder, "month": "2024-05-01", "position_usd_mn": held, "long_term_usd_mn": held / 2,
        "implied_duration_years": 4.84, "duration_low_years": 4.2, "duration_high_years": 5.5, "loss_100bp_usd_mn": loss,
        "loss_100bp_low_usd_mn": loss * 0.8, "loss_100bp_high_usd_mn": loss * 1.2, "loss_100bp_pct": 4.4,
        "valuation_return_12m_pct": year, "currency_return_12m_pct": 15.85, "own_currency_return_12m_pct": 11.3,
        "real_return_12m_pct": -7.04,
    }
    for name, holder, held, loss, year in [("japan", "Japan", 1100000, 49815, -3.91), ("sons", "Sons", 50000, 60, -12.4)]
]  # fmt: skip
YEAR = [f"2023-{month:02}-01" for month in range(6, 13)] + [f"2024-{month:02}-01" for month in range(1, 6)]
CONTENT = {
    "holder_months": JAPAN,
    "holders": [
        {"holder_id": "japan", "holder": "Japan", "custodial_centre": False},
        {"holder_id": "sons", "holder": "Sons", "custodial_centre": True},
    ],
    "risk_months": RISKS,
    "price_returns": [{"month": month, "price_return_pct": -0.2} for month in YEAR],
    "concentration_months": [
        {"month": "2008-06-01", "herfindahl": 1700.0, "custodial_share_pct": 15.0, "official_share_pct": 70.0,
         "foreign_share_of_debt_pct": 53.2, "debt_basis": "market value", "herfindahl_without_centres": 2000.0},
        {"month": "2024-05-01", "herfindahl": 520.0, "custodial_share_pct": 37.0, "official_share_pct": 46.0,
         "herfindahl_without_centres": 860.0},
    ],
    "real_yields": [
        {"month": "2022-03-01", "real_yield_pct": -6.4, "market_real_yield_pct": -0.7},
        {"month": "2024-05-01", "real_yield_pct": 1.23, "market_real_yield_pct": 2.1},
    ],
    "fx_daily": [
        {"currency": "JPY", "date": "2024-04-26", "per_usd": 158.0}, {"currency": "JPY", "date": "2024-05-01", "per_usd": 155.0},
    ],
    "interventions": [
        {"country": "Japan", "date": "2024-04-29", "amount_jpy_mn": 5918500, "pair": "USD/JPY", "direction": "sell USD"},
        {"country": "Japan", "date": "2024-05-01", "amount_jpy_mn": 3870000, "pair": "USD/JPY", "direction": "sell USD"},
    ],
    "securities_months": [
        {"holder_id": "japan", "month": month, "security": security, "net_purchases_usd_mn": net}
        for month in SIX
        for security, net in [("treasury", -16000), ("agency", 2400), ("corporate", 300), ("equity", -2800)]
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        fill(connection, CONTENT)
        yield connection


@pytest.fixture(scope="module")
def risks(database):
    return section.content(database, date(2024, 5, 1), DECLARED)["risks"]


def test_the_loss_by_a_rise_of_yields_is_told_of_the_holder_that_loses_most(risks):
    figure = risks["figures"]["rates"]
    assert figure.headline == (
        "A rise of all yields by one percentage point would cost Japan about $49.8bn, 4.4% of what it held in May 2024"
    )
    assert "Japan $49.8bn ($39.9bn to $59.8bn)" in figure.described
    assert "80% interval" in figure.units


def test_a_year_that_no_price_explains_is_marked(risks):
    assert [(row["holder"], row["beyond_prices"]) for row in risks["holders"]] == [("Japan", False), ("Sons", True)]


def test_the_shares_are_told_from_peak_to_last_and_each_with_its_own_month(risks):
    assert risks["figures"]["debt"].headline == (
        "Foreigners' share of marketable debt was 53% in June 2008; official institutions' share of foreign holdings fell "
        "from 70% in 2008 to 46% in May 2024"
    )
    assert [key.last for key in risks["figures"]["debt"].keys] == ["53.2% in June 2008", "46.0% in May 2024"]
    herfindahl = risks["figures"]["herfindahl"]
    assert herfindahl.headline == (
        "Holdings as booked are less concentrated than in June 2008: an index of 520 in May 2024, after 1,700"
    )
    assert "were 15% of holdings in" in herfindahl.source
    assert herfindahl.source.endswith("and 37% in May 2024.")


def test_a_series_that_ends_well_before_the_holdings_is_said_to(risks):
    assert risks["late"]["debt"] == "Read here only to June 2008: Foreigners' share of marketable debt."
    assert risks["late"]["herfindahl"] == ""


@pytest.mark.parametrize(
    ("newest", "said"), [(date(2024, 6, 1), ""), (date(2024, 7, 1), "Read here only to April 2024.")]
)
def test_yields_may_come_two_months_late_and_no_more(newest, said):
    figure = answers.pickup([{"holder": "Japan", "month": date(2024, 4, 1), "yield_pickup_pct": 3.67}])
    assert figure is not None
    assert figure.late(newest) == said


def test_peaks_are_told_of_comparable_months_alone():
    shares = [("2008-06-01", 53.0, 76.0), ("2012-01-01", 48.0, 73.0), ("2026-07-01", 32.0, 41.0)]
    months = [
        {
            "month": date.fromisoformat(day),
            "foreign_share_of_debt_pct": whole,
            "official_share_pct": official,
            "debt_basis": None,
        }
        for day, whole, official in shares
    ]
    figure = answers.debt(months, date(2011, 12, 1))
    assert figure is not None
    assert figure.headline == (
        "Foreigners' share of marketable debt fell from 48% in 2012 to 32% in July 2026; official institutions' share of foreign "
        "holdings fell from 73% in 2012 to 41% in July 2026"
    )


def test_series_that_end_together_are_said_to_once():
    keys = [Key("Both", "blue", "", date(2024, 1, 1)), Key("One", "red", "", date(2024, 1, 1))]
    assert Figure("x", "x", "x", {}, "x", "x", keys).late(date(2024, 7, 1)) == "Read here only to January 2024."
    apart = Figure("x", "x", "x", {}, "x", "x", [*keys, Key("Third", "grey", "", date(2024, 7, 1))])
    assert apart.late(date(2024, 7, 1)) == "Read here only to January 2024: Both and One."


def test_inflation_is_told_by_its_worst_and_its_last_month(risks):
    assert risks["figures"]["inflation"].headline == (
        "Inflation ran 6.4 points above the 10-year yield in March 2022; in May 2024 the yield was 1.2 points above inflation"
    )


def test_the_pick_up_is_told_by_the_two_ends_and_drawn_with_its_sign():
    rows = [
        {"holder": "Japan", "month": date(2024, 4, 1), "yield_pickup_pct": 3.67},
        {"holder": "United Kingdom", "month": date(2024, 4, 1), "yield_pickup_pct": -0.32},
    ]
    figure = answers.pickup(rows)
    assert figure is not None
    assert figure.headline == (
        "A 10-year Treasury paid 3.7 points more than Japan's own bond in April 2024, and 0.3 points less than the United "
        "Kingdom's"
    )
    assert figure.described.endswith("Japan +3.7 and United Kingdom −0.3.")


def test_what_the_database_does_not_know_has_no_figure(risks):
    assert {"book", "reserves", "pickup"}.isdisjoint(risks["figures"])
    assert (risks["survey"], risks["liquidity"], risks["past_loss"]) == (None, None, None)


def test_the_panel_takes_the_months_apart(database):
    figures = {figure.name: figure for figure in case_panel.content(database)}
    assert figures["panel-parts"].headline == (
        "Japan sold $93.3bn net in these six months, its holdings fell $71.6bn: a valuation gain of $26.8bn hid part of the sale"
    )
    assert "In April 2024 valuation took $29.8bn" in figures["panel-parts"].described
    assert figures["panel-book"].headline == (
        "Residents of Japan sold $96.0bn of Treasury bonds and notes, bought $4.9bn of bills and, net, sold $0.6bn of other "
        "U.S. securities"
    )
    assert "panel-gap" not in figures  # no yields here


def test_interventions_are_counted_at_the_last_rate_before_them(database):
    figure = next(figure for figure in case_panel.content(database) if figure.name == "panel-yen")
    assert figure.headline.startswith("Japan's authorities sold about $62.4bn on 2 days of 2024 to buy yen")
    assert "29 April (5.9 trillion yen, about $37.5bn)" in figure.described


def test_the_two_months_of_the_headlines_add_up(database):
    assert case_panel.first_months(database) == (
        "In April and May 2024 Japan's holdings fell $61.1bn: it sold or let mature $36.1bn of bills, bought $0.4bn of bonds "
        "and notes, and lost $22.6bn in valuation. Other changes were −$2.8bn."
    )


def test_a_month_that_is_not_taken_apart_leaves_no_panel():
    with duckdb.connect() as connection:
        fill(connection, CONTENT | {"holder_months": [*JAPAN[:5], {**JAPAN[5], "valuation_usd_mn": None}]})
        assert case_panel.content(connection) == []


def test_a_database_without_these_tables_has_no_section():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE holder_months (month DATE)")
        assert section.content(connection, date(2024, 5, 1), DECLARED) == {"risks": None}


def test_every_chart_is_a_valid_document_that_names_no_address(risks):
    documents = {figure.name: figure.document for figure in [*risks["figures"].values(), *risks["panel"]]}
    assert set(risks["drawn"]) == set(documents)
    assert {"rates", "inflation", "debt", "herfindahl", "panel-parts", "panel-yen", "panel-book"} <= set(documents)
    for name, document in documents.items():
        alt.LayerChart.from_dict(document, validate=True)
        assert "://" not in json.dumps(document), name


def test_a_line_keeps_its_gap_and_its_last_known_value():
    line = Line("Share", charts.BLUE, [(date(2024, 1, 1), 1.0), (date(2024, 2, 1), None), (date(2024, 3, 1), 3.0)])
    document = charts.lines([line], zero=True, marks=[Mark(date(2024, 2, 9), "a day")])
    marked, drawn = (document["datasets"][layer["data"]["name"]] for layer in document["layer"])
    assert [row["value"] for row in drawn] == [1.0, None, 3.0]
    assert marked == [{"day": "2024-02-09", "words": "a day"}]
    assert key_of(line, "%").last == "3.0% in March 2024"
    assert described([line], "%") == "Share: 1.0% in January 2024, 3.0% in March 2024."


def test_reserves_need_both_lines():
    assert (
        answers.reserves([{"month": date(2024, 5, 1), "held": None, "reserves": 1200.0, "ratio": None}], "Japan")
        is None
    )


def test_the_page_states_the_figures_of_the_database():
    with duckdb.connect() as connection:
        fill(connection, {**FULL, **{name: rows for name, rows in CONTENT.items() if name not in ("holders", "holder_months")},
                          "holders": CONTENT["holders"]})  # fmt: skip
        page = render(connection, generated=GENERATED)
    cells = re.findall(r'data-table="risk_months" data-column="(\w+)" data-exact="([^"]*)">([^<]*)<', page)
    assert ("valuation_return_12m_pct", "-3.91", "−3.9%") in cells
    assert ("valuation_return_12m_pct", "-12.4", "n.a. ‡") in cells
    assert ("loss_100bp_usd_mn", "49815", "49.8") in cells
    figures = page.partition('id="risks"')[2].partition("</section>")[0].split('<figure class="told"')[1:]
    assert figures
    assert all("<svg" in figure for figure in figures)
    assert 'role="img" aria-label="A rise of all yields' in page


def test_a_share_that_is_as_it_was_is_said_to_be() -> None:
    assert answers.then_in_words(54.1, 53.9) == "as then"
    assert answers.then_in_words(20.8, 30.2) == "after 30%"


def test_newest_months_of_which_few_places_are_named_are_no_concentration():
    rows = [{"countries": 60}] * 14 + [{"countries": 20}] * 2
    assert len(as_many_named(rows)) == 14
    assert len(as_many_named([{"countries": 20}] * 20)) == 20
    assert len(as_many_named([{"countries": None}])) == 1
