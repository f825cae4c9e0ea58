"""Pegged currencies: rates that follow from the declared peg, from its first month on, never over a currency's own."""

from __future__ import annotations

import pandas as pd
import pytest

from treasury_watch.transforms.rates.pegs import pegged_months, rate_sources

JANUARY, FEBRUARY, MARCH = (pd.Timestamp(f"2025-0{month}-01") for month in (1, 2, 3))


def currencies(*rows):
    table = pd.DataFrame(rows, columns=["currency", "peg", "peg_rate", "peg_since"])
    return table.assign(peg_since=pd.to_datetime(table["peg_since"]))


def monthly(*rows):
    return pd.DataFrame(rows, columns=["currency", "month", "average", "end_of_month", "days", "source"])


NONE = monthly()


def test_a_peg_to_the_dollar_is_its_rate_in_every_month():
    found = pegged_months(currencies(("SAR", "USD", 3.75, "1986-06-01")), NONE, JANUARY, MARCH)
    assert found.values.tolist() == [["SAR", month, 3.75, 3.75, 0, "peg"] for month in (JANUARY, FEBRUARY, MARCH)]


def test_a_peg_to_another_currency_takes_that_currency_s_months():
    rates = monthly(("HKD", JANUARY, 7.75, 7.8, 20, "fred:DEXHKUS"), ("JPY", JANUARY, 150.0, 151.0, 20, "fred:DEXJPUS"))
    found = pegged_months(currencies(("MOP", "HKD", 1.03, "1983-10-01")), rates, JANUARY, MARCH)
    assert found[["currency", "month", "source"]].values.tolist() == [["MOP", JANUARY, "peg"]]
    assert found[["average", "end_of_month"]].values.tolist() == [[pytest.approx(7.9825), pytest.approx(8.034)]]


def test_nothing_is_stated_before_a_peg_began():
    found = pegged_months(currencies(("XCG", "USD", 1.79, "2025-03-01")), NONE, JANUARY, MARCH)
    assert found["month"].tolist() == [MARCH]


def test_a_currency_s_own_rate_goes_before_its_peg():
    rates = monthly(("SAR", FEBRUARY, 3.76, 3.76, 20, "ecb"))
    found = pegged_months(currencies(("SAR", "USD", 3.75, "1986-06-01")), rates, JANUARY, MARCH)
    assert found["month"].tolist() == [JANUARY, MARCH]


def test_without_pegs_there_are_no_rows():
    found = pegged_months(
        currencies(("JPY", None, None, None)), monthly(("JPY", JANUARY, 1.0, 1.0, 1, "x")), JANUARY, MARCH
    )
    assert found.empty
    assert found.columns.tolist() == NONE.columns.tolist()


def test_where_each_currency_s_rates_come_from():
    daily = pd.DataFrame(
        [("JPY", "fred:DEXJPUS"), ("CNY", "fred:DEXCHUS"), ("CNY", "ecb"), ("PLN", "ecb")],
        columns=["currency", "source"],
    )
    table = currencies(*((name, peg, 1.0, None) for name, peg in
                         [("JPY", None), ("CNY", None), ("PLN", None), ("SAR", "USD"), ("VES", None)]))  # fmt: skip
    assert rate_sources(table, daily).tolist() == ["h10", "h10+ecb", "ecb", "peg", "none"]
