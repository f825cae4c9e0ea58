"""Totals of interventions beside their days: what a finding says where only the total is known, and whether the two agree."""

from __future__ import annotations

import pandas as pd
import pytest

from treasury_watch.transforms.findings.explain.context.currency_context import with_context
from treasury_watch.transforms.findings.explain.context.intervention_periods import words
from treasury_watch.transforms.rates.intervention_periods import with_days
from treasury_watch.transforms.rates.interventions import interventions_in_usd

TOTALS = (
    ("2024-04-26", "2024-05-29", 9_788_500.0),
    ("2026-04-28", "2026-05-27", 11_734_900.0),
    ("2026-05-28", "2026-06-26", 0.0),
    ("2026-06-29", "2026-07-29", 0.0),
    ("2026-07-30", "2026-08-26", 15_399_300.0),
    ("2026-08-27", "2026-09-28", 0.0),
)
DAYS = (
    ("2024-04-29", 5_918_500.0), ("2024-05-01", 3_870_000.0), ("2024-07-11", 3_167_800.0),
    ("2026-04-30", 6_278_700.0), ("2026-05-04", 780_200.0), ("2026-05-06", 4_675_900.0),
)  # fmt: skip


def periods(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["start_date", "end_date", "amount_jpy_mn"]).assign(country="Japan")
    return table.astype({"start_date": "datetime64[us]", "end_date": "datetime64[us]"})


def days(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "amount_jpy_mn"]).assign(country="Japan", pair="USD/JPY")
    return table.assign(direction="sell USD").astype({"date": "datetime64[us]"})


def month(first: str) -> dict:
    return {"holder": "Japan", "month": pd.Timestamp(first)}


def test_the_days_of_2024_and_2026_add_up_to_the_totals_announced_before_them():
    found = with_days(periods(*TOTALS), days(*DAYS)).set_index("start_date")
    assert found["agrees"].all()
    known = found["known_until"].iloc[0]
    assert known == pd.Timestamp("2026-06-30")  # the end of the last quarter with a day
    assert found.loc["2026-04-28", "days_jpy_mn"] == pytest.approx(11_734_800)
    assert found["outstanding_jpy_mn"].to_dict()[pd.Timestamp("2026-07-30")] == 15_399_300


@pytest.mark.parametrize(
    ("total", "agrees"), [(9_788_500.0, True), (9_788_700.0, False), (9_788_200.0, False), (15_399_300.0, False)]
)
def test_a_total_that_its_published_days_do_not_add_up_to_disagrees(total, agrees):
    (found,) = with_days(periods(("2024-04-26", "2024-05-29", total)), days(*DAYS)).to_dict("records")
    assert (found["agrees"], found["outstanding_jpy_mn"]) == (agrees, 0.0)


def test_days_that_add_up_to_more_than_a_total_disagree_before_all_are_known():
    (found,) = with_days(periods(("2024-07-01", "2024-10-28", 100.0)), days(*DAYS)).to_dict("records")
    assert not found["agrees"]


def test_a_month_whose_days_are_not_published_is_told_the_total_and_its_period():
    beside = with_days(periods(*TOTALS), days(*DAYS))
    assert words(month("2026-08-01"), beside) == [
        "Japan reported interventions of ¥15.4 trillion from 30 July to 26 August 2026; the days are not read here (due in "
        "November).",
        "Japan reported no interventions from 27 August to 28 September 2026.",
    ]
    assert words(month("2026-05-01"), beside) == []  # its days are known
    assert words(month("2025-01-01"), beside) == []  # no total of it is


def test_an_episode_is_told_the_totals_of_all_its_months_and_runs_without_any_as_one():
    run = {"holder": "Japan", "start_month": pd.Timestamp("2026-04-01"), "end_month": pd.Timestamp("2026-07-01")}
    beside = with_days(periods(*TOTALS[1:]), days(("2026-03-30", 100.0)))
    assert words(run, beside) == [
        "Japan reported interventions of ¥11.7 trillion from 28 April to 27 May 2026; the days are not read here (due in August).",
        "Japan reported no interventions from 28 May to 26 June 2026.",
        "Japan reported no interventions from 29 June to 29 July 2026.",
        "Japan reported interventions of ¥15.4 trillion from 30 July to 26 August 2026; the days are not read here (due in "
        "November).",
    ]
    joined = periods(("2026-05-28", "2026-06-28", 0.0), ("2026-06-29", "2026-07-29", 0.0))
    assert words(run, with_days(joined, days(("2026-03-30", 100.0)))) == [
        "Japan reported no interventions from 28 May to 29 July 2026."
    ]


def test_a_period_over_the_end_of_a_quarter_is_told_what_of_it_is_known():
    across = periods(("2024-06-28", "2024-07-29", 5_534_800.0), ("2024-11-28", "2025-01-06", 72_000.0))
    beside = with_days(across, days(("2024-06-28", 1_000_000.0)))
    assert words(month("2024-07-01"), beside) == [
        "Japan reported interventions of ¥5.5 trillion from 28 June to 29 July 2024; ¥1.0 trillion of it fell on days that are "
        "known, the other days are not read here (due in November)."
    ]
    assert words(month("2024-12-01"), beside) == [
        "Japan reported interventions of ¥72.0 billion from 28 November 2024 to 6 January 2025; the days are not read here (due in "
        "February and May)."
    ]


def test_a_total_that_differs_from_its_days_says_so():
    beside = with_days(periods(("2024-04-26", "2024-05-29", 10_788_500.0)), days(*DAYS))
    assert words(month("2024-05-01"), beside) == [
        "Japan reported interventions of ¥10.8 trillion from 26 April to 29 May 2024, but the days published for it add up to "
        "¥9.8 trillion."
    ]


def test_a_total_is_neither_dollars_sold_nor_a_reason_for_sales():
    beside = with_days(periods(*TOTALS), days().iloc[:0])
    row = {"holder_id": "japan", "holder": "Japan", "month": pd.Timestamp("2026-08-01"), "verdict": "sold"}
    months = pd.DataFrame({"holder_id": ["japan"], "month": row["month"], "net_purchases_usd_mn": -50_000.0})
    holders = pd.DataFrame({"holder_id": ["japan"], "currency": ["JPY"], "currency_name": ["Japanese yen"]})
    rates = pd.DataFrame(columns=["currency", "month", "average", "source"])
    limits = {"months_next_to": 1, "minimum_history_months": 60, "banded": [], "defence_minimum_usd_mn": 1}
    none = interventions_in_usd(pd.DataFrame(), pd.DataFrame())
    (found,) = with_context(pd.DataFrame([row]), months, holders, rates, none, {"currency": limits}, beside).to_dict(
        "records"
    )
    assert found["context"].startswith("Japan reported interventions of ¥15.4 trillion from 30 July")
    assert "defence" not in found["context"]
    assert "No intervention statistics" not in found["context"]
    assert pd.isna(found["interventions_usd_mn"])
