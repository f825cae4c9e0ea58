"""Yields around the largest months of net sales: an effect that was put in is found, none is found where there is none."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from treasury_watch.transforms.risk.event_study import event_study, net_sales_pct
from treasury_watch.transforms.risk.record_words import HEAD, record_row, span_words, summary

MONTHS = pd.date_range("2012-01-01", periods=120, freq="MS")


def record(effect_bp: float, *, after: bool = False, seed: int = 1) -> pd.DataFrame:
    """120 months of flows and yields of which nothing moves together but what `effect_bp` adds for each percent sold."""
    random = np.random.default_rng(seed)
    sold = random.normal(0, 1, len(MONTHS))  # percent of the bonds held before
    steps = random.normal(0, 20, len(MONTHS)) + effect_bp * (np.roll(sold, 1) if after else sold)
    months = pd.DataFrame(
        {
            "holder_id": "japan", "holder": "Japan", "month": MONTHS,
            "net_long_term_usd_mn": -10 * sold, "long_term_usd_mn": 1000.0, "change_long_term_usd_mn": 0.0,
        }
    )  # fmt: skip
    ends = pd.DataFrame(
        {"series_id": "DGS10", "date": MONTHS + pd.offsets.MonthEnd(0), "value": 400 / 100 + np.cumsum(steps) / 100}
    )
    return event_study(months, ends).set_index("measured_over")


def test_an_effect_in_the_month_itself_is_found_there_and_not_in_the_month_after():
    found = record(40.0)
    assert found.loc["month", "difference_low_bp"] > 0
    assert found.loc["month", "rose_low_pct"] > found.loc["month", "other_rose_pct"]
    assert found.loc["month after", "difference_low_bp"] < 0 < found.loc["month after", "difference_high_bp"]


def test_an_effect_in_the_month_after_is_found_there():
    found = record(40.0, after=True)
    assert found.loc["month after", "difference_low_bp"] > 0
    assert found.loc["month", "difference_low_bp"] < 0


def test_where_nothing_was_put_in_the_interval_misses_as_often_as_it_says():
    rows = [record(0.0, seed=seed) for seed in range(40)]
    both = [(row["difference_low_bp"] > 0) | (row["difference_high_bp"] < 0) for row in rows]
    assert 0.02 < np.mean(both) < 0.2  # of 90% intervals


def test_the_counts_add_up_and_the_months_are_those_of_the_largest_net_sales():
    row = record(0.0).loc["month"]
    assert row["sales_months"] == len(row["months_of_sales"]) == 24
    assert row["sales_months"] + row["other_months"] == len(MONTHS) - 1  # the first month has no change
    assert row["rose_low_pct"] < row["rose_pct"] < row["rose_high_pct"]


def test_net_sales_are_in_percent_of_what_was_held_before():
    months = pd.DataFrame(
        {
            "month": MONTHS[:3],
            "net_long_term_usd_mn": [-30.0, 10.0, np.nan],
            "long_term_usd_mn": [970.0, 980.0, 980.0],
            "change_long_term_usd_mn": [-30.0, 10.0, 0.0],
        }
    )
    assert net_sales_pct(months).tolist() == pytest.approx([3.0, -100 * 10 / 970])


def test_with_few_months_or_without_yields_there_is_no_row():
    few = pd.DataFrame(
        {
            "holder_id": "japan", "holder": "Japan", "month": MONTHS[:10], "net_long_term_usd_mn": -1.0,
            "long_term_usd_mn": 100.0, "change_long_term_usd_mn": 0.0,
        }
    )  # fmt: skip
    ends = pd.DataFrame({"series_id": "DGS10", "date": MONTHS[:10] + pd.offsets.MonthEnd(0), "value": 4.0})
    assert event_study(few, ends).empty
    assert event_study(few, ends.head(0)).empty


def test_the_record_in_words_has_its_counts_and_both_intervals():
    row = record(0.0).reset_index().iloc[0].to_dict()
    cells = record_row(row)
    assert len(cells) == len(HEAD)
    assert cells[3].endswith("of 24")
    unclear = row | {"difference_bp": -0.2, "difference_low_bp": -1.0, "difference_high_bp": 1.0}
    higher = row | {"difference_bp": 2.0, "difference_low_bp": 1.0, "difference_high_bp": 3.0}
    lower = row | {"difference_bp": -2.0, "difference_low_bp": -3.0, "difference_high_bp": -1.0}
    assert (
        "They rose more than in other months in 1 of 3 comparisons, clear of chance in 1 of these, and less in 2, clear of chance "
        "in 1" in summary([unclear, higher, lower])
    )
    assert "in none of 1 comparisons, clear of chance in none of these, and less in 1" in summary([unclear])


def test_the_record_says_from_when_to_when_it_looked_at_each_holder():
    row = {"holder": "Japan", "first_month": date(2012, 1, 1), "last_month": date(2026, 4, 1)}
    officials = row | {"holder_id": "foreign_official", "first_month": date(2003, 12, 1)}
    japan = row | {"holder_id": "japan"}
    assert span_words([officials, officials, japan, japan]) == (
        "Looked at: Foreign officials from December 2003 to April 2026; Japan from January 2012 to April 2026."
    )
