"""What is declared of a source against its figures: rhythm, direction of a rate, zeros in the place of billions."""

from __future__ import annotations

import pandas as pd
import pytest

from treasury_watch.transforms.quality.declared_facts import (
    against_second_source,
    in_bounds,
    rhythm,
    zeros_for_billions,
)
from treasury_watch.warehouse.declarations import Declarations

SOURCES = Declarations().sources


def days(*texts: str) -> pd.Series:
    return pd.to_datetime(pd.Series(texts)).astype("datetime64[us]")


@pytest.mark.parametrize(
    ("declared", "texts", "found", "weekend_days"),
    [
        ("daily", ["2024-03-01", "2024-04-01", "2024-05-01", "2024-06-01", "2024-07-01"], "monthly", 1),
        ("daily", ["2022-01-05", "2022-01-12", "2022-01-19", "2022-01-26"], "weekly", 0),
        ("daily", ["2024-02-01", "2024-03-01"], "monthly", 0),
        ("daily", ["2024-05-30", "2024-05-31", "2024-06-01", "2024-06-02", "2024-06-03"], "daily", 2),
        ("daily", ["2024-12-24", "2025-01-02"], "daily", 0),
        ("daily", ["2024-04-26", "2024-04-29", "2024-04-30"], "daily", 0),
        ("daily", ["2024-05-01"], "daily", 0),
        ("every day", ["2024-05-30", "2024-05-31", "2024-06-01", "2024-06-02", "2024-06-03"], "every day", 0),
        ("every day", ["2024-05-01", "2024-06-01", "2024-07-01"], "monthly", 0),
        ("weekly", ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-06"], "daily", 0),
        ("weekly", ["2024-01-03", "2024-01-10", "2024-01-17"], "weekly", 0),
        ("monthly", ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"], "weekly", 0),
        ("monthly", ["2024-01-01", "2024-04-01", "2024-07-01"], "quarterly", 0),
        ("monthly", ["2025-09-01", "2025-10-01", "2025-12-01"], "every 45.5 days", 0),
        ("monthly", ["2025-08-01", "2025-09-01", "2025-11-01", "2025-12-01"], "monthly", 0),
    ],
)
def test_the_rhythm_of_a_series_is_found_and_set_against_the_declared_one(declared, texts, found, weekend_days):
    [row] = rhythm(days(*texts), "fred:X", declared).to_dict("records")
    assert (row["found"], row["as_declared"]) == (found, found == declared)
    assert (row["weekend_days"], row["on_weekdays"]) == (weekend_days, weekend_days == 0)


def test_a_series_that_has_turned_monthly_of_late_is_found_among_years_of_days():
    daily = pd.Series(pd.bdate_range("2019-01-01", "2023-12-29"))
    monthly = pd.Series(pd.date_range("2024-01-01", "2024-12-01", freq="MS"))
    [row] = rhythm(pd.concat([daily, monthly]), "fred:X", "daily").to_dict("records")
    assert (row["found"], row["as_declared"], row["first_weekend_day"]) == ("monthly", False, "2024-06-01")


def test_of_a_rhythm_that_says_nothing_of_days_nothing_is_asked():
    assert rhythm(days("2024-01-01", "2024-06-01"), "x", "with revisions").empty


def rates(currency: str, values: list[float], source: str | None = None) -> pd.DataFrame:
    dates = pd.bdate_range("2024-05-01", periods=len(values))
    frame = pd.DataFrame({"currency": currency, "date": dates, "per_usd": values})
    return frame if source is None else frame.assign(source=source)


@pytest.mark.parametrize(
    ("file", "other", "apart", "upside_down", "mostly_apart"),
    [
        ([0.93, 0.92, 0.93], [0.929, 0.921, 0.93], 0, False, False),
        ([1.25, 1.26, 1.27], [0.80, 0.79, 0.79], 3, True, True),
        ([0.0064, 0.0065, 0.0064], [156.0, 155.0, 157.0], 3, True, True),
        ([15600.0, 15550.0], [156.0, 155.0], 2, False, True),
        ([156.0, 1550.0, 157.0], [156.1, 155.1, 156.9], 1, False, False),
        ([118.0], [100.0], 0, False, False),
        ([122.0], [100.0], 1, False, True),
    ],
)
def test_a_rate_over_20_percent_off_the_second_source_is_found(file, other, apart, upside_down, mostly_apart):
    [row] = against_second_source(rates("XXX", file), rates("XXX", other, "ecb")).to_dict("records")
    assert (row["compared_with"], row["compared"], row["apart"]) == ("ecb", len(file), apart)
    assert (row["upside_down"], row["mostly_apart"], row["some_apart"]) == (upside_down, mostly_apart, apart > 0)


def test_rates_of_no_common_day_or_currency_are_not_compared():
    assert against_second_source(rates("JPY", [156.0]), rates("CHF", [0.9], "ecb")).empty


def position(holder: str, month: str, value: float, measure: str = "total_position") -> dict:
    return {
        "holder_id": holder, "month": pd.Timestamp(month), "measure": measure, "series": "XIII", "value_usd_mn": value,
    }  # fmt: skip


NOTHING = pd.DataFrame([position("nobody", "2000-01-01", 0.0)]).head(0)


def test_a_zero_after_a_month_of_billions_is_named_and_one_after_little_is_not():
    table = pd.DataFrame(
        [
            position("japan", "2026-03-01", 1_191_600.0), position("japan", "2026-04-01", 0.0),
            position("malta", "2026-03-01", 900.0), position("malta", "2026-04-01", 0.0),
            position("brazil", "2026-03-01", 5_000.0, "short_term_position"),
            position("brazil", "2026-04-01", 0.0, "short_term_position"),
            position("norway", "2026-04-01", 0.0),
        ]
    )  # fmt: skip
    [row] = zeros_for_billions(table, NOTHING, "slt_table3").to_dict("records")
    assert (row["holder_id"], row["month"], row["stood_usd_mn"]) == ("japan", pd.Timestamp("2026-04-01"), 1_191_600.0)
    assert (row["where_it_stood"], row["few"]) == ("the month before", True)


def test_a_zero_that_replaces_billions_is_named_and_many_are_too_many():
    holders = ["belgium", "france", "ireland", "canada"]
    known = pd.DataFrame([position(name, "2026-04-01", 300_000.0) for name in holders])
    found = zeros_for_billions(known.assign(value_usd_mn=0.0), known, "slt_table5")
    assert set(found["holder_id"]) == set(holders)
    assert set(found["where_it_stood"]) == {"the replaced figure"}
    assert not found["few"].any()
    assert zeros_for_billions(known, known.assign(value_usd_mn=0.0), "slt_table5").empty


@pytest.mark.parametrize(
    ("source", "value", "within"),
    [
        ("fred:TRESEGJPM052N", 1_207_524.0, True),
        ("fred:TRESEGJPM052N", 1_207_524_000_000.0, False),  # dollars, as another country's series is
        ("fred:MVMTD027MNFRBDAL", 26_000.0, True),
        ("fred:MVMTD027MNFRBDAL", 26_000_000.0, False),  # millions
        ("fred:DGS10", 4.25, True),
        ("fred:DGS10", 425.0, False),  # basis points
        ("fred:H41RESPPALGTRFNWW", 0.0, True),  # nobody borrows: the rule
        ("fred:WLRRAFOIAL", 357_392.0, True),
        ("fred:WLRRAFOIAL", 0.0, False),
        ("fred:WFASECL1", 230_000.0, True),
        ("fred:WSEFINTL1", 2_900.0, False),  # billions
    ],
)
def test_each_series_has_bounds_of_its_own(source, value, within):
    series = source.removeprefix("fred:")
    table = pd.DataFrame({"series_id": [series], "date": pd.Timestamp("2026-08-01"), "value": value, "line": 2})
    assert in_bounds(table, "value", SOURCES[source]).empty is within
