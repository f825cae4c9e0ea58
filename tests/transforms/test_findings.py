"""From months to findings: currency and interventions beside them, and the figures of Japan in 2024."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.transforms.test_episodes import rules
from tests.transforms.test_sell_offs import history
from transforms.findings import findings, interventions_in_usd

HOLDERS = pd.DataFrame({"holder_id": ["japan", "poland"], "currency": ["JPY", "PLN"]})
MONTHLY = pd.DataFrame(
    {
        "currency": "JPY",
        "month": pd.date_range("2022-01-01", periods=4, freq="MS"),
        "average": [100.0, 110.0, 120.0, 150.0],
    }
)
NO_OPERATIONS = pd.DataFrame(columns=["country", "month", "interventions_usd_mn"]).astype(
    {"month": "datetime64[us]", "interventions_usd_mn": "float64"}
)


def operations(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "amount_jpy_mn", "pair", "direction"]).assign(country="Japan")
    return table.astype({"date": "datetime64[us]"})


def rates(**days: float) -> pd.DataFrame:
    dates = pd.to_datetime([day[1:].replace("_", "-") for day in days]).astype("datetime64[us]")
    return pd.DataFrame({"currency": "JPY", "date": dates, "per_usd": list(days.values())})


def test_a_finding_has_its_explanation_and_what_the_currency_did():
    months = history(400_000, [1_000.0, 1_000.0, -20_000.0])
    flagged, runs = findings(months, HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    (row,) = flagged.to_dict("records")
    assert (row["currency"], row["fx_per_usd_average"]) == ("JPY", 150.0)
    assert row["fx_change_month_pct"] == pytest.approx(25.0)
    assert row["fx_change_quarter_pct"] == pytest.approx(50.0)
    assert row["explanation"].startswith("Japan's holdings fell by $20.0bn in April 2022.")
    assert pd.isna(row["interventions_usd_mn"])
    assert len(runs) == 0


def test_interventions_stand_beside_the_month_of_their_country():
    months = pd.concat([history(400_000, [1.0, -20_000.0]), history(400_000, [1.0, -20_000.0], "poland")])
    done = pd.DataFrame(
        {"country": ["Japan"], "month": pd.to_datetime(["2022-03-01"]), "interventions_usd_mn": [-62_000.0]}
    )
    flagged, _ = findings(months, HOLDERS, MONTHLY, done, rules())
    found = flagged.set_index("holder")["interventions_usd_mn"]
    assert found["Japan"] == -62_000
    assert pd.isna(found["Poland"])


def test_nothing_flagged_keeps_the_columns():
    flagged, runs = findings(history(400_000, [1.0]), HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    assert (len(flagged), len(runs)) == (0, 0)
    assert {"explanation", "currency", "fx_change_month_pct", "interventions_usd_mn"} <= set(flagged.columns)
    assert "explanation" in runs.columns


def test_dollars_sold_are_negative_and_summed_by_month_at_the_days_rates():
    done = operations(
        ("2022-10-21", 5_620_200, "USD/JPY", "sell USD"),
        ("2022-10-24", 729_600, "USD/JPY", "sell USD"),
        ("2010-09-15", 2_124_900, "JPY/USD", "buy USD"),
    )
    found = interventions_in_usd(done, rates(d2010_09_15=85.0, d2022_10_21=150.0, d2022_10_24=148.0))
    assert found["month"].tolist() == [pd.Timestamp("2010-09-01"), pd.Timestamp("2022-10-01")]
    assert found["interventions_usd_mn"].tolist() == pytest.approx([2_124_900 / 85, -(5_620_200 / 150 + 729_600 / 148)])


@pytest.mark.parametrize(("day", "found"), [("2024-04-26", 1), ("2024-04-22", 1), ("2024-04-21", 0)])
def test_a_holiday_takes_the_last_rate_within_a_week(day, found):
    done = operations(("2024-04-29", 5_918_500, "USD/JPY", "sell USD"))
    rate = rates(**{f"d{day}": 158.0})
    result = interventions_in_usd(done, rate)
    assert len(result) == found
    if found:
        assert result["interventions_usd_mn"].item() == pytest.approx(-5_918_500 / 158)


def test_a_later_rate_is_never_taken():
    done = operations(("2024-04-29", 5_918_500, "USD/JPY", "sell USD"))
    assert len(interventions_in_usd(done, rates(d2024_04_30=157.0))) == 0


def test_a_month_of_which_a_day_has_no_rate_is_left_out_rather_than_given_in_part():
    done = operations(
        ("2024-07-11", 3_167_800, "USD/JPY", "sell USD"), ("2024-07-25", 2_367_000, "USD/JPY", "sell USD")
    )
    assert len(interventions_in_usd(done, rates(d2024_07_11=159.0))) == 0


def test_operations_without_the_dollar_and_other_currencies_rates_are_left_out():
    done = operations(("2024-07-11", 100, "EUR/JPY", "sell EUR"), ("2024-07-11", 1_590, "USD/JPY", "sell USD"))
    euro = rates(d2024_07_11=0.9).assign(currency="EUR")
    found = interventions_in_usd(done, pd.concat([euro, rates(d2024_07_11=159.0)]))
    assert found["interventions_usd_mn"].tolist() == [-10.0]


def test_no_operations_give_an_empty_table():
    assert len(interventions_in_usd(operations(), rates(d2024_07_11=159.0))) == 0
