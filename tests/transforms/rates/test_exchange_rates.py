"""Exchange rates: which source counts, months, the cross-check, and what a month looked like in its history."""

import math
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.layouts.rates import ecb, fred
from treasury_watch.transforms.model import Source
from treasury_watch.transforms.rates import exchange_rates

OFFICIAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "official"
PRECEDENCE = {"fred:DEXJPUS": 1, "fred:DEXCHUS": 1, "ecb": 2}


def rates(*rows):
    table = pd.DataFrame(
        [(currency, day, rate, source, f"sha-{source}") for currency, day, rate, source in rows],
        columns=["currency", "date", "per_usd", "source", "sha256"],
    )
    return table.assign(date=pd.to_datetime(table["date"]))


def months(currency, **averages):
    table = pd.DataFrame({"month": pd.to_datetime([name[1:].replace("_", "-") for name in averages])})
    values = list(averages.values())
    return table.assign(currency=currency, average=values, end_of_month=values, days=20, source="ecb")


def test_h10_comes_first_and_the_ecb_stands_in_for_a_day_or_currency_without_it():
    daily = exchange_rates.best_daily(
        rates(
            ("JPY", "2024-04-30", 157.1, "ecb"),
            ("JPY", "2024-04-29", 156.9, "ecb"),
            ("JPY", "2024-04-29", 156.1, "fred:DEXJPUS"),
            ("PLN", "2024-04-29", 4.0, "ecb"),
        ),
        PRECEDENCE,
    )
    assert daily.values.tolist() == [
        ["JPY", pd.Timestamp("2024-04-29"), 156.1, "fred:DEXJPUS", "sha-fred:DEXJPUS"],
        ["JPY", pd.Timestamp("2024-04-30"), 157.1, "ecb", "sha-ecb"],
        ["PLN", pd.Timestamp("2024-04-29"), 4.0, "ecb", "sha-ecb"],
    ]


def test_the_declared_precedence_decides_not_the_name():
    both = rates(("JPY", "2024-04-29", 156.1, "fred:DEXJPUS"), ("JPY", "2024-04-29", 156.9, "ecb"))
    assert exchange_rates.best_daily(both, {"fred:DEXJPUS": 2, "ecb": 1})["source"].tolist() == ["ecb"]


def test_days_without_a_rate_are_never_filled():
    daily = exchange_rates.best_daily(
        rates(
            ("JPY", "2024-04-26", 158.0, "ecb"),
            ("JPY", "2024-04-29", math.nan, "fred:DEXJPUS"),
            ("JPY", "2024-04-30", 157.0, "ecb"),
        ),
        PRECEDENCE,
    )
    assert daily["date"].dt.day.tolist() == [26, 30]


def test_a_source_without_a_precedence_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="no precedence for boj"):
        exchange_rates.best_daily(rates(("JPY", "2024-04-29", 156.1, "boj")), PRECEDENCE)


def test_two_rates_of_one_source_and_day_are_refused_but_the_same_rate_twice_is_one():
    once = ("JPY", "2024-04-29", 156.1, "ecb")
    assert len(exchange_rates.best_daily(rates(once, once), PRECEDENCE)) == 1
    twice = rates(once, ("JPY", "2024-04-29", 156.2, "ecb"))
    with pytest.raises(exchange_rates.ConflictingRatesError, match="ecb, JPY 2024-04-29"):
        exchange_rates.best_daily(twice, PRECEDENCE)
    with pytest.raises(exchange_rates.ConflictingRatesError, match="ecb, JPY 2024-04-29"):
        exchange_rates.cross_check(twice)


def test_a_month_is_the_mean_of_its_days_and_its_last_rate():
    table = exchange_rates.monthly(
        rates(
            ("JPY", "2024-04-30", 158.0, "ecb"),
            ("JPY", "2024-04-01", 151.0, "fred:DEXJPUS"),
            ("JPY", "2024-04-15", 153.0, "fred:DEXJPUS"),
            ("JPY", "2024-05-01", 156.0, "fred:DEXJPUS"),
            ("CNY", "2024-04-30", 7.2, "ecb"),
        )
    )
    assert table.columns.tolist() == ["currency", "month", "average", "end_of_month", "days", "source"]
    assert table.values.tolist() == [
        ["CNY", pd.Timestamp("2024-04-01"), 7.2, 7.2, 1, "ecb"],
        ["JPY", pd.Timestamp("2024-04-01"), 154.0, 158.0, 3, "ecb+fred:DEXJPUS"],
        ["JPY", pd.Timestamp("2024-05-01"), 156.0, 156.0, 1, "fred:DEXJPUS"],
    ]
    assert table["month"].dtype == "datetime64[us]"


def test_no_rates_give_empty_tables_with_every_column():
    nothing = rates(("JPY", "2024-04-30", 158.0, "ecb")).iloc[:0]
    daily = exchange_rates.best_daily(nothing, PRECEDENCE)
    assert daily.columns.tolist() == ["currency", "date", "per_usd", "source", "sha256"]
    table = exchange_rates.monthly(daily)
    assert table.columns.tolist() == ["currency", "month", "average", "end_of_month", "days", "source"]
    assert len(table) == len(exchange_rates.cross_check(nothing)) == 0
    assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-04")["weakest_since"] is None


def test_the_cross_check_lists_days_on_which_the_sources_differ_by_more_than_the_tolerance():
    table = exchange_rates.cross_check(
        rates(
            ("JPY", "2024-04-29", 100.0, "fred:DEXJPUS"),
            ("JPY", "2024-04-29", 103.0, "ecb"),
            ("JPY", "2024-04-30", 100.0, "fred:DEXJPUS"),
            ("JPY", "2024-04-30", 101.0, "ecb"),
            ("JPY", "2024-05-01", 100.0, "fred:DEXJPUS"),
            ("JPY", "2024-05-02", 150.0, "ecb"),
            ("CNY", "2024-05-02", 8.0, "fred:DEXCHUS"),
            ("CNY", "2024-05-02", 6.0, "ecb"),
        )
    )
    assert table.columns.tolist() == ["currency", "date", "h10_per_usd", "ecb_per_usd", "difference_pct"]
    assert table.values.tolist() == [
        ["CNY", pd.Timestamp("2024-05-02"), 8.0, 6.0, -25.0],
        ["JPY", pd.Timestamp("2024-04-29"), 100.0, 103.0, 3.0],
    ]


def test_the_tolerance_can_be_narrowed():
    near = rates(("JPY", "2024-04-30", 100.0, "fred:DEXJPUS"), ("JPY", "2024-04-30", 100.75, "ecb"))
    assert len(exchange_rates.cross_check(near)) == 0
    assert exchange_rates.cross_check(near, tolerance_pct=0.5)["difference_pct"].tolist() == [0.75]


def test_a_month_is_compared_with_the_month_and_the_quarter_before():
    table = months("JPY", m2024_01=100.0, m2024_02=180.0, m2024_03=120.0, m2024_04=150.0)
    assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), pd.Timestamp("2024-04-01")) == {
        "fx_per_usd_average": 150.0,
        "fx_change_month_pct": 25.0,
        "fx_change_quarter_pct": 50.0,
        "weakest_since": pd.Timestamp("2024-02-01"),
    }


def test_a_change_over_a_missing_month_is_unknown_and_not_taken_from_an_older_one():
    found = exchange_rates.context(
        exchange_rates.averages_of(months("JPY", m2024_01=100.0, m2024_02=110.0, m2024_04=121.0), "JPY"),
        date(2024, 4, 1),
    )
    assert math.isnan(found["fx_change_month_pct"])
    assert found["fx_change_quarter_pct"] == pytest.approx(21.0)


def test_a_currency_at_its_weakest_has_no_weaker_month_before():
    table = months("JPY", m2024_01=100.0, m2024_02=150.0, m2024_03=150.0, m2024_04=200.0)
    assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-03")["weakest_since"] is None
    assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-04")["weakest_since"] is None


def test_other_currencies_and_unknown_months_do_not_enter():
    table = pd.concat([months("JPY", m2024_01=100.0, m2024_02=110.0), months("KRW", m2024_01=1300.0)])
    assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-02")["weakest_since"] is None
    unknown = exchange_rates.context(exchange_rates.averages_of(table, "KRW"), "2024-02")
    assert math.isnan(unknown["fx_per_usd_average"])
    assert math.isnan(unknown["fx_change_month_pct"])
    assert unknown["weakest_since"] is None


def test_a_record_ends_with_the_month_it_is_asked_for_and_knows_no_month_without_a_rate():
    record = exchange_rates.averages_of(months("JPY", m2024_01=100.0, m2024_02=110.0, m2024_04=121.0), "JPY")
    march = exchange_rates.month_of("2024-03-15")
    assert record.until(march).per_usd.tolist() == [100.0, 110.0]
    assert math.isnan(record.at(march))
    assert (record.at(march + 1), len(record), len(exchange_rates.NO_AVERAGES)) == (121.0, 3, 0)


def official_rates():
    base = {"title": "", "publisher": "", "url": "", "holds": "fx", "unit": "", "rhythm": "daily"}
    yen = Source(id="fred:DEXJPUS", layout="fred", precedence=1, currency="JPY", per="usd", **base)
    euro = Source(id="ecb", layout="ecb", precedence=2, **base)
    tables = [
        fred.parse((OFFICIAL / "fred" / "DEXJPUS.csv").read_bytes(), yen).table.assign(source=yen.id, sha256="a"),
        ecb.parse((OFFICIAL / "ecb" / "eurofxref-hist.zip").read_bytes(), euro).table.assign(source="ecb", sha256="b"),
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[table["currency"] == "JPY"]


@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not here")
class TestOfficialFiles:
    def test_yen_months_of_both_sources_agree_within_one_percent_apart_from_the_days_the_cross_check_lists(self):
        stated = official_rates()
        apart = exchange_rates.cross_check(stated)
        # Noon in New York against early afternoon in Frankfurt: only days on which the yen jumped in between.
        assert len(apart) == 33
        assert apart["difference_pct"].abs().max() < 4
        intervention_days = {pd.Timestamp("2022-10-21"), pd.Timestamp("2024-07-11")}
        assert intervention_days <= set(apart["date"])
        near = stated[~stated["date"].isin(apart["date"])]
        by_source = [exchange_rates.monthly(near[near["source"] == name]) for name in ("fred:DEXJPUS", "ecb")]
        both = by_source[0].merge(by_source[1], on="month", suffixes=("_h10", "_ecb"))
        assert len(both) == 121
        assert ((both["average_h10"] / both["average_ecb"] - 1).abs() < 0.01).all()

    def test_june_2024_was_the_weakest_yen_of_the_history_at_hand(self):
        table = exchange_rates.monthly(exchange_rates.best_daily(official_rates(), PRECEDENCE))
        found = exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-06")
        assert found["fx_per_usd_average"] == pytest.approx(157.86, abs=0.01)
        assert found["weakest_since"] is None
        assert exchange_rates.context(exchange_rates.averages_of(table, "JPY"), "2024-10")[
            "weakest_since"
        ] == pd.Timestamp("2024-07-01")
