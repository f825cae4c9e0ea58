"""The risk lens on small literal tables: each formula worked out by hand."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import PROJECT
from treasury_watch.warehouse.tables.declared_tables import SQL

VIEWS = PROJECT / "warehouse" / "tables" / "views"
NEEDED = ["holders", "holder_months", "aggregate_months", "fx_monthly", "market_series", "observations"]
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
    tables.add(
        "holder_months", **{"holder_id": "japan", "holder": "Japan", "month": APRIL, "position_usd_mn": 1126094.0} | row
    )


def test_the_valuation_return_is_of_the_bonds_held_before(tables):
    japan(tables, valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=-20.0)
    assert tables.ask("risk_months", "valuation_return_pct") == [(-3.0,)]


@pytest.mark.parametrize("change", [None, 980.0])
def test_without_bonds_held_before_there_is_no_return(tables, change):
    japan(tables, valuation_usd_mn=-30.0, long_term_usd_mn=980.0, change_long_term_usd_mn=change)
    assert tables.ask("risk_months", "valuation_return_pct") == [(None,)]


def test_the_dollar_s_rise_is_a_gain_in_the_holder_s_currency(tables):
    japan(tables, position_usd_mn=1000.0)
    tables.add("fx_monthly", currency="JPY", month=MARCH, average=149.0, end_of_month=150.0)
    tables.add("fx_monthly", currency="JPY", month=APRIL, average=154.0, end_of_month=157.5)
    ((change, position),) = tables.ask("risk_months", "local_currency_return_pct, position_local_mn")
    assert change == pytest.approx(5.0)
    assert position == 157500.0


def test_a_month_without_a_rate_before_it_has_no_return_but_a_position(tables):
    japan(tables, position_usd_mn=1000.0)
    tables.add("fx_monthly", currency="JPY", month=date(2024, 2, 1), end_of_month=1.0)
    tables.add("fx_monthly", currency="EUR", month=MARCH, end_of_month=1.0)
    tables.add("fx_monthly", currency="JPY", month=APRIL, end_of_month=157.5)
    assert tables.ask("risk_months", "local_currency_return_pct, position_local_mn") == [(None, 157500.0)]


def test_the_real_yield_is_the_month_s_mean_yield_less_a_year_s_inflation(tables):
    japan(tables)
    for day, value in [(date(2024, 4, 1), 4.4), (date(2024, 4, 30), 4.6), (date(2024, 5, 1), 9.0), (MARCH, 1.0)]:
        tables.add("market_series", series_id="DGS10", date=day, value=value)
    tables.add("market_series", series_id="DGS2", date=APRIL, value=99.0)
    for day, value in [(date(2023, 4, 1), 300.0), (APRIL, 309.0), (MARCH, 1.0)]:
        tables.add("market_series", series_id="CPIAUCSL", date=day, value=value)
    ((found,),) = tables.ask("risk_months", "real_yield_pct")
    assert found == pytest.approx(4.5 - 3.0)


def test_without_last_year_s_prices_there_is_no_real_yield(tables):
    japan(tables)
    tables.add("market_series", series_id="DGS10", date=APRIL, value=4.4)
    tables.add("market_series", series_id="CPIAUCSL", date=APRIL, value=309.0)
    assert tables.ask("risk_months", "real_yield_pct") == [(None,)]


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
    assert tables.ask("concentration_months", "official_share_pct, share_of_bills_pct") == [(40.0, 15.0)]


def test_without_the_official_split_the_month_stays(tables):
    aggregate(tables, "grand_total", 1000.0)
    found = tables.ask("concentration_months", "grand_total_usd_mn, official_share_pct, share_of_bills_pct, countries")
    assert found == [(1000.0, None, None, None)]


def test_a_month_without_a_grand_total_is_left(tables):
    aggregate(tables, "grand_total", None)
    aggregate(tables, "foreign_official", 400.0, month=MARCH)
    assert tables.ask("concentration_months", "month") == []
