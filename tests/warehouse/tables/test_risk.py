"""The risk lens on small literal tables: each formula worked out by hand."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import PROJECT
from treasury_watch.warehouse.tables.declared_tables import SQL

VIEWS = PROJECT / "warehouse" / "tables" / "views"
NEEDED = [
    "holders", "sources", "holder_months", "aggregate_months", "securities_months", "fx_monthly", "market_series",
    "observations", "signals", "implied_durations", "real_yields", "marketable_debt",
]  # fmt: skip
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)


class Tables:
    """An in-memory database with the declared tables that the views read."""

    def __init__(self, declarations):
        self.connection = duckdb.connect()
        for name in NEEDED:
            columns = ", ".join(f"{c.name} {SQL[c.type]}" for c in declarations.tables[name].columns)
            self.connection.execute(f"CREATE TABLE {name} ({columns})")

    def add(self, table, **row):
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def ask(self, view, columns):
        query = (VIEWS / f"{view}.sql").read_text(encoding="utf-8")
        return self.connection.execute(f"SELECT {columns} FROM ({query})").fetchall()


@pytest.fixture
def tables(declarations):
    made = Tables(declarations)
    made.add("holders", holder_id="japan", holder="Japan", currency="JPY", kind="country")
    yield made
    made.connection.close()


def japan(tables, **row):
    stated = {"holder_id": "japan", "holder": "Japan", "month": APRIL, "position_usd_mn": 1126094.0, "basis": "slt"}
    tables.add("holder_months", **stated | row)


def a_year(tables, **changed):
    """Twelve months of Japan to April 2024 in each of which prices and the dollar gained 1%."""
    months = [date(2023, month, 1) for month in range(5, 13)] + [date(2024, month, 1) for month in range(1, 5)]
    tables.add("fx_monthly", currency="JPY", month=date(2023, 4, 1), end_of_month=100.0)
    for place, month in enumerate(months, start=1):
        tables.add("fx_monthly", currency="JPY", month=month, end_of_month=100.0 * 1.01**place)
        row = {"valuation_usd_mn": 10.0, "long_term_usd_mn": 1010.0, "change_long_term_usd_mn": 10.0}
        japan(tables, month=month, **(row | (changed if month == date(2023, 9, 1) else {})))


def series(tables, name, values):
    for day, value in values:
        tables.add("market_series", series_id=name, date=day, value=value, source=f"fred:{name}")


def test_the_valuation_return_is_of_the_bonds_held_before(tables):
    japan(tables, valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=-20.0)
    assert tables.ask("risk_months", "valuation_return_pct") == [(-3.0,)]


@pytest.mark.parametrize("change", [None, 980.0])
def test_without_bonds_held_before_there_is_no_return(tables, change):
    japan(tables, valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=change)
    assert tables.ask("risk_months", "valuation_return_pct") == [(None,)]


def test_an_estimated_valuation_gives_no_holder_a_return_of_its_own(tables):
    japan(tables, basis="estimated", valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=-20.0)
    assert tables.ask("risk_months", "valuation_return_pct, own_currency_return_pct, real_return_pct") == [
        (None, None, None)
    ]


def test_the_dollar_s_rise_is_a_gain_in_the_holder_s_currency(tables):
    japan(tables, position_usd_mn=1000.0)
    tables.add("fx_monthly", currency="JPY", month=MARCH, average=149.0, end_of_month=150.0)
    tables.add("fx_monthly", currency="JPY", month=APRIL, average=154.0, end_of_month=157.5)
    ((change, position, both),) = tables.ask(
        "risk_months", "currency_return_pct, position_local_mn, own_currency_return_pct"
    )
    assert change == pytest.approx(5.0)
    assert (position, both) == (157500.0, None)  # no price is known


def test_price_and_currency_multiply_in_the_holder_s_own_currency(tables):
    japan(tables, valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=-20.0)
    tables.add("fx_monthly", currency="JPY", month=MARCH, end_of_month=150.0)
    tables.add("fx_monthly", currency="JPY", month=APRIL, end_of_month=157.5)
    ((both,),) = tables.ask("risk_months", "own_currency_return_pct")
    assert both == pytest.approx(100 * (0.97 * 1.05 - 1))


def test_a_month_without_a_rate_before_it_has_no_return_but_a_position(tables):
    japan(tables, position_usd_mn=1000.0)
    tables.add("fx_monthly", currency="JPY", month=date(2024, 2, 1), end_of_month=1.0)
    tables.add("fx_monthly", currency="EUR", month=MARCH, end_of_month=1.0)
    tables.add("fx_monthly", currency="JPY", month=APRIL, end_of_month=157.5)
    assert tables.ask("risk_months", "currency_return_pct, position_local_mn") == [(None, 157500.0)]


YEAR = "valuation_return_12m_pct, currency_return_12m_pct, own_currency_return_12m_pct, valuation_12m_usd_mn"


def test_twelve_months_multiply_and_valuations_add_up(tables):
    a_year(tables)
    *before, year = tables.ask("risk_months", f"{YEAR}, valuation_12m_basis")
    assert year[:4] == pytest.approx((100 * (1.01**12 - 1), 100 * (1.01**12 - 1), 100 * (1.01**24 - 1), 120.0))
    assert year[4] == "slt"
    assert {row[0] for row in before} == {None}


def test_a_year_with_an_unknown_month_is_unknown_and_one_with_an_estimate_says_so(tables):
    a_year(tables, basis="estimated")
    year = tables.ask("risk_months", f"{YEAR}, valuation_12m_basis")[-1]
    assert (year[0], year[2], year[4]) == (None, None, "mixed")
    assert year[3] == pytest.approx(120.0)
    tables.connection.execute("UPDATE holder_months SET valuation_usd_mn = NULL WHERE month = DATE '2023-09-01'")
    assert tables.ask("risk_months", "valuation_12m_usd_mn, valuation_12m_basis")[-1] == (None, None)


def test_returns_are_deflated_by_the_prices_of_the_same_months(tables):
    a_year(tables)
    series(tables, "CPIAUCSL", [(date(2023, 4, 1), 300.0), (MARCH, 308.0), (APRIL, 309.0)])
    month, year = tables.ask("risk_months", "real_return_pct, real_return_12m_pct")[-1]
    assert month == pytest.approx(100 * (1.01 * 308 / 309 - 1))
    assert year == pytest.approx(100 * (1.01**12 * 300 / 309 - 1))


def test_a_rise_of_yields_costs_the_duration_of_the_bonds_and_nothing_of_the_bills(tables):
    japan(tables, position_usd_mn=1000.0, long_term_usd_mn=800.0)
    tables.add("implied_durations", holder_id="japan", month=APRIL, implied_duration_years=5.0, duration_low_years=4.0,
               duration_high_years=6.0)  # fmt: skip
    columns = "loss_100bp_usd_mn, loss_100bp_low_usd_mn, loss_100bp_high_usd_mn, loss_100bp_pct"
    assert tables.ask("risk_months", columns) == [(40.0, 32.0, 48.0, 4.0)]


def test_the_own_long_yield_is_the_country_s_and_else_that_of_its_currency(tables):
    for holder in ("germany", "belgium"):
        tables.add("holders", holder_id=holder, holder=holder, currency="EUR")
        tables.add("holder_months", holder_id=holder, holder=holder, month=APRIL)
    japan(tables)
    tables.add("sources", source="fred:EZ", long_yield_of="EUR", reserves_of="")
    tables.add("sources", source="fred:DE", long_yield_of="germany", reserves_of="")
    series(tables, "EZ", [(APRIL, 3.0)])
    series(tables, "DE", [(APRIL, 2.5)])
    tables.add("real_yields", month=APRIL, nominal_yield_pct=4.5)
    assert tables.ask("risk_months", "holder_id, own_long_yield_pct, yield_pickup_pct") == [
        ("belgium", 3.0, 1.5), ("germany", 2.5, 2.0), ("japan", None, None),
    ]  # fmt: skip


def test_reserves_stand_beside_the_treasuries_of_the_declared_holder_alone(tables):
    japan(tables, position_usd_mn=900.0)
    tables.add("sources", source="fred:R", long_yield_of="", reserves_of="japan")
    series(tables, "R", [(APRIL, 1200.0)])
    assert tables.ask("risk_months", "reserves_usd_mn, treasuries_to_reserves_pct") == [(1200.0, 75.0)]


def test_sales_are_measured_against_issuance_and_the_debt_outstanding(tables):
    japan(tables, net_purchases_usd_mn=-50.0)
    tables.add("marketable_debt", month=APRIL, outstanding_usd_mn=20000.0, net_issuance_usd_mn=200.0, debt_basis="par")
    columns = "sales_to_issuance_pct, sales_to_debt_pct, debt_basis"
    assert tables.ask("risk_months", columns) == [(25.0, 0.25, "par")]
    tables.connection.execute("UPDATE marketable_debt SET net_issuance_usd_mn = -200")  # debt was paid back: no share
    assert tables.ask("risk_months", "sales_to_issuance_pct, sales_to_debt_pct") == [(None, 0.25)]


def test_debt_at_market_value_is_no_measure_of_issuance(tables):
    series(tables, "MVMTD027MNFRBDAL", [(MARCH, 25.0), (APRIL, 24.0)])
    assert tables.ask("marketable_debt", "month, outstanding_usd_mn, net_issuance_usd_mn, debt_basis") == [
        (MARCH, 25000.0, None, "market value"), (APRIL, 24000.0, None, "market value"),
    ]  # fmt: skip


def test_debt_at_par_goes_before_that_at_market_value_and_gives_net_issuance_between_months_at_par(tables):
    series(tables, "MVMTD027MNFRBDAL", [(date(2024, 2, 1), 26.0), (MARCH, 25.0), (APRIL, 24.0)])
    for month, value in ((MARCH, 27000.0), (APRIL, 27150.0)):
        tables.add("signals", series_id="marketable_debt_outstanding", date=month, value=value, source="treasury_debt")
    rows = tables.ask("marketable_debt", "month, outstanding_usd_mn, net_issuance_usd_mn, debt_basis, source")
    assert rows == [
        (date(2024, 2, 1), 26000.0, None, "market value", "fred:MVMTD027MNFRBDAL"),
        (MARCH, 27000.0, None, "par", "treasury_debt"), (APRIL, 27150.0, 150.0, "par", "treasury_debt"),
    ]  # fmt: skip


def real_yields(tables):
    return tables.ask("real_yields", "month, nominal_yield_pct, inflation_pct, real_yield_pct, market_real_yield_pct")


def test_the_real_yield_is_the_month_s_mean_yield_less_a_year_s_inflation(tables):
    series(tables, "DGS10", [(date(2024, 4, 1), 4.4), (date(2024, 4, 30), 4.6), (date(2024, 5, 1), 9.0)])
    series(tables, "DFII10", [(date(2024, 4, 29), 2.0)])
    series(tables, "DGS2", [(APRIL, 99.0)])
    series(tables, "CPIAUCSL", [(date(2023, 4, 1), 300.0), (APRIL, 309.0)])
    (found,) = real_yields(tables)  # of May one day is known: the month is not over
    assert found[0] == APRIL
    assert found[1:] == pytest.approx((4.5, 3.0, 1.5, 2.0))


def test_without_last_year_s_prices_there_is_no_real_yield(tables):
    series(tables, "DGS10", [(date(2024, 4, 30), 4.4)])
    series(tables, "CPIAUCSL", [(APRIL, 309.0)])
    assert real_yields(tables) == [(APRIL, 4.4, None, None, None)]


def traded(tables, measure, value, superseded=None, month=APRIL):
    tables.add("observations", source="s1_globl", holder_id="japan", month=month, measure=measure, value_usd_mn=value,
               superseded=superseded)  # fmt: skip


def test_sales_are_measured_against_what_was_bought_and_sold(tables):
    japan(tables, net_long_term_usd_mn=-200.0)
    traded(tables, "long_term_gross_purchases", 400.0)
    traded(tables, "long_term_gross_sales", 600.0)
    traded(tables, "long_term_gross_sales", 5.0, superseded=date(2024, 5, 1))
    traded(tables, "long_term_gross_sales", 5.0, month=MARCH)
    traded(tables, "long_term_net", 5.0)
    assert tables.ask("risk_months", "gross_transactions_usd_mn, sales_to_turnover_pct") == [(1000.0, 20.0)]


def test_where_no_transactions_are_known_nothing_is_said_of_them(tables):
    japan(tables, net_long_term_usd_mn=-200.0)
    assert tables.ask("risk_months", "gross_transactions_usd_mn, sales_to_turnover_pct") == [(None, None)]


def test_only_half_of_the_transactions_is_no_turnover(tables):
    japan(tables, net_long_term_usd_mn=-200.0)
    traded(tables, "long_term_gross_purchases", 400.0)
    traded(tables, "long_term_gross_sales", None)
    assert tables.ask("risk_months", "gross_transactions_usd_mn") == [(None,)]


def test_every_country_month_is_there_once(tables):
    japan(tables)
    japan(tables, month=MARCH)
    for source in ("a", "b"):
        tables.add("holders", holder_id=source, holder=source)
    assert tables.ask("risk_months", "holder_id, month") == [("japan", MARCH), ("japan", APRIL)]


def aggregate(tables, holder_id, position, **row):
    tables.add("aggregate_months", **{"holder_id": holder_id, "month": APRIL, "position_usd_mn": position} | row)


def test_concentration_is_the_sum_of_the_squares_of_the_shares(tables):
    aggregate(tables, "grand_total", 1000.0, short_term_usd_mn=150.0)
    aggregate(tables, "foreign_official", 400.0)
    for number, share in enumerate([30.0, 20.0, 10.0, 8.0, 4.0, 2.0]):
        tables.add("holder_months", holder_id=f"h{number}", month=APRIL, share_of_foreign_pct=share)
    tables.add("holder_months", holder_id="na", month=APRIL, share_of_foreign_pct=None)
    columns = "month, grand_total_usd_mn, countries, herfindahl, top5_share_pct, official_usd_mn"
    assert tables.ask("concentration_months", columns) == [
        (APRIL, 1000.0, 6, 900 + 400 + 100 + 64 + 16 + 4, 72.0, 400.0)
    ]
    assert tables.ask("concentration_months", "named_share_pct") == [(74.0,)]
    assert tables.ask("concentration_months", "official_share_pct, share_of_bills_pct") == [(40.0, 15.0)]


def test_without_the_official_split_the_month_stays(tables):
    aggregate(tables, "grand_total", 1000.0)
    found = tables.ask("concentration_months", "grand_total_usd_mn, official_share_pct, share_of_bills_pct, countries")
    assert found == [(1000.0, None, None, None)]


def test_a_month_without_a_grand_total_is_left(tables):
    aggregate(tables, "grand_total", None)
    aggregate(tables, "foreign_official", 400.0, month=MARCH)
    assert tables.ask("concentration_months", "month") == []


def test_concentration_without_centres_is_of_what_is_held_outside_of_them(tables):
    aggregate(tables, "grand_total", 1000.0)
    for name, share, centre in [("a", 30.0, False), ("b", 20.0, True), ("c", 10.0, False)]:
        tables.add("holder_months", holder_id=name, month=APRIL, share_of_foreign_pct=share, custodial_centre=centre)
    ((found, centres),) = tables.ask("concentration_months", "herfindahl_without_centres, custodial_share_pct")
    assert centres == 20.0
    assert found == pytest.approx((100 * 30 / 80) ** 2 + (100 * 10 / 80) ** 2)


def test_foreign_holdings_are_a_share_of_the_debt_and_treasuries_of_all_securities(tables):
    aggregate(tables, "grand_total", 1000.0)
    tables.add("marketable_debt", month=APRIL, outstanding_usd_mn=4000.0, debt_basis="market value")
    for security, held in [("treasury", 600.0), ("agency", 100.0), ("corporate", 300.0), ("equity", 1000.0)]:
        tables.add("securities_months", holder_id="grand_total", month=APRIL, security=security, position_usd_mn=held)
    columns = "foreign_share_of_debt_pct, treasury_share_of_securities_pct, treasury_share_of_bonds_pct"
    assert tables.ask("concentration_months", columns) == [(25.0, 30.0, 60.0)]
    tables.connection.execute("DELETE FROM securities_months WHERE security = 'agency'")
    assert tables.ask("concentration_months", columns) == [(25.0, None, None)]
