"""Japan in April and May 2024 and in August 2026: what could have been said, and on which day."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.transforms.signals.japan_months import MONTHS
from tests.transforms.signals.literal_signals import DECLARED, INTERVAL, PRICES, TARGETS
from treasury_watch.transforms.signals.nowcast.inputs import monthly_inputs
from treasury_watch.transforms.signals.nowcast.japan_timeline import InterventionTotal, Told, timeline
from treasury_watch.transforms.signals.nowcast.nowcasting import FIRST_DAY, TODAY, Known, nowcasts
from treasury_watch.transforms.signals.nowcast.scores import scored, summary
from treasury_watch.transforms.signals.nowcast.words import surprise

JAPAN = TARGETS["japan_holdings"]
DUE = {
    "2024-04": date(2024, 6, 18),
    "2024-05": date(2024, 7, 18),
    "2026-07": date(2026, 9, 16),
    "2026-08": date(2026, 10, 16),
}
TOTALS = [
    InterventionTotal(date(2024, 4, 26), date(2024, 5, 29), date(2024, 5, 31), 9788.5),
    InterventionTotal(date(2026, 6, 29), date(2026, 7, 29), date(2026, 7, 31), 0),
    InterventionTotal(date(2026, 7, 30), date(2026, 8, 26), date(2026, 8, 28), 15399.3),
]


def known_of(rows: list[list[str]]) -> Known:
    """Reserves public on the 7th of the next month, yields on the day after, holdings on the 18th of the month after that."""
    index = pd.PeriodIndex([row[0] for row in rows], freq="M")
    numbers = pd.DataFrame([row[1:] for row in rows], index, ["reserves", "position", "long_term", "DGS2", "DGS10"])
    numbers = numbers.replace("-", np.nan).astype(float)
    ends = pd.Series(index.end_time.floor("D").as_unit("us"), index)
    series = []
    for name, column, days in (
        ("japan_reserves_securities", "reserves", 7),
        ("DGS2", "DGS2", 1),
        ("DGS10", "DGS10", 1),
    ):
        day = index.to_timestamp().to_numpy() if column == "reserves" else ends.to_numpy()
        series.append(
            pd.DataFrame({"series_id": name, "date": day, "value": numbers[column].to_numpy(),
                          "known_from": (ends + pd.Timedelta(days=days)).to_numpy()})
        )  # fmt: skip
    signals = pd.concat(series, ignore_index=True).dropna(subset=["value"]).assign(superseded=pd.NaT)
    holdings = pd.DataFrame({"position": numbers["position"] / 1000, "long_term": numbers["long_term"] / 1000})
    holdings["long_term"] = holdings["long_term"].fillna(holdings["position"])
    holdings["change"] = holdings["position"].diff()
    due = {month: DUE.get(str(month), (month + 2).to_timestamp().date().replace(day=18)) for month in index}
    printed = pd.to_datetime(pd.Series({month: due[month] for month in index})).where(holdings["change"].notna())
    prints = pd.DataFrame({"value_usd_bn": holdings["change"], "known_from": printed, "basis": "latest_vintage"})
    newest = holdings["change"].last_valid_index()
    return Known(monthly_inputs(signals, DECLARED, PRICES), prints, holdings, due, newest)


@pytest.fixture(scope="module")
def known() -> Known:
    return known_of([line.split() for line in MONTHS.split("\n") if line])


@pytest.fixture(scope="module")
def made(known: Known) -> pd.DataFrame:
    return nowcasts(JAPAN, known, INTERVAL, pd.Period("2020-01", "M"), today=date(2026, 9, 7))


def first_of(made: pd.DataFrame, month: str) -> dict[str, Any]:
    rows = made[made["month"] == pd.Timestamp(f"{month}-01")].to_dict("records")
    return {str(name): value for name, value in rows[0].items()}


def told(made: pd.DataFrame, month: str) -> list[Told]:
    day = date.fromisoformat(f"{month}-01")
    return timeline(day, first_of(made, month), TOTALS, DUE[month], JAPAN.claims_from_usd_mn)


def test_april_2024_is_a_fall_in_price_and_known_six_weeks_before_the_statistics(made):
    assert told(made, "2024-04") == [
        Told(
            date(2024, 5, 7),
            "Securities in Japan's reserves fell $16.9bn in April 2024, of which prices, as estimated, -$19.8bn. "
            "Japan's holdings probably fell by about $21bn (80%: -$48bn to +$7bn); the statistics are due 42 days later, "
            "on 18 June 2024.",
        )
    ]


def test_may_2024_has_the_intervention_first_and_then_the_sale_of_reserves(made):
    intervention, reserves = told(made, "2024-05")
    assert intervention == Told(
        date(2024, 5, 31),
        "Japan intervened in the currency market for 9.79 trillion yen from 26 April 2024 to 29 May 2024; "
        "the statistics on May 2024 are due 48 days later, on 18 July 2024.",
    )
    assert reserves.day == date(2024, 6, 7)
    assert reserves.words.startswith(
        "Securities in Japan's reserves fell $50.4bn in May 2024, of which prices, as estimated, +$7.2bn. "
        "Japan's holdings probably fell by about $37bn"
    )


def test_august_2026_shows_the_raw_change_and_that_no_revaluation_is_available(made):
    intervention, reserves = told(made, "2026-08")
    assert intervention == Told(
        date(2026, 8, 28),
        "Japan intervened in the currency market for 15.40 trillion yen from 30 July 2026 to 26 August 2026; "
        "the statistics on August 2026 are due 49 days later, on 16 October 2026.",
    )
    assert reserves.day == date(2026, 9, 7)
    assert reserves.words.startswith(
        "Securities in Japan's reserves fell $87.8bn in August 2026; what prices did to them is not available. "
        "Japan's holdings probably fell by about $"
    )
    assert reserves.words.endswith("the statistics are due 39 days later, on 16 October 2026.")
    row = first_of(made, "2026-08")
    assert (row["made_on"], row["reserves_change_usd_mn"]) == (TODAY, pytest.approx(-87_773))
    assert pd.isna(row["revaluation_usd_mn"])
    assert "reserves_change" in row["model"]


def test_a_total_of_nothing_says_nothing(made):
    assert [entry.day for entry in told(made, "2026-07")] == [date(2026, 8, 7)]


def test_july_2026_is_too_small_to_claim_a_sign(made):
    assert "Nothing is said of Japan: its reserves tell large moves only" in told(made, "2026-07")[0].words


def test_large_estimates_have_the_right_sign_in_most_months(known, made):
    own = summary(scored(JAPAN, made[made["made_on"] != TODAY], known.prints), JAPAN.claims_from_usd_mn)
    assert own.loc["nowcast", "claimed"] >= 30
    assert own.loc["nowcast", "claimed_right_pct"] > 80
    assert own.loc["nowcast", "r_squared"] > max(own.loc[["zero", "last_month", "mean"], "r_squared"]) + 0.3


def test_without_reserves_the_record_is_worse(known, made):
    shuffled = known.inputs.assign(
        reserves_usd_bn=known.inputs["reserves_usd_bn"].sample(frac=1, random_state=5).to_numpy()
    )
    broken = nowcasts(JAPAN, replace(known, inputs=shuffled), INTERVAL, pd.Period("2020-01", "M"))
    records = [summary(scored(JAPAN, rows, known.prints)) for rows in (made[made["made_on"] != TODAY], broken)]
    assert records[1].loc["nowcast", "r_squared"] < records[0].loc["nowcast", "r_squared"] - 0.1


def test_the_release_is_told_against_the_estimate(made):
    row = first_of(made, "2024-05")
    assert row["made_on"] == FIRST_DAY
    assert surprise(row, -20_141).startswith(
        "Printed: -$20.1bn; estimated before the release: -$37bn (80%: -$65bn to -$10bn)"
    )
    assert surprise(row, -20_141).endswith("A surprise of +$17.1bn, within the interval.")
    assert surprise(row, -120_000).endswith(", outside the interval.")
