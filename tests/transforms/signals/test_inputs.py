"""What the signals say of a month, and from which day on."""

import math

import pandas as pd

from tests.transforms.signals.literal_signals import inputs_of, signals
from treasury_watch.transforms.signals.nowcast.inputs import first_stated, standing_on

CUSTODY = [
    ("WMTSECL1", "2024-03-27", 2_900_000.0, "2024-03-28"),
    ("WMTSECL1", "2024-04-03", 2_907_000.0, "2024-04-04"),
    ("WMTSECL1", "2024-05-01", 2_900_000.0, "2024-05-02"),
    ("WMTSECL1", "2024-05-08", 2_886_000.0, "2024-05-09"),
]


def test_custody_is_read_three_days_after_the_months_end_between_two_wednesdays():
    april = inputs_of(*CUSTODY).loc["2024-04"]
    # 3 April is a Wednesday; 3 May lies two days of seven after 1 May: 2,900,000 - 2/7 of 14,000.
    assert math.isclose(april["custody_usd_bn"], (2_896_000 - 2_907_000) / 1000)


def test_custody_is_known_when_the_later_of_the_two_wednesdays_is_public():
    assert inputs_of(*CUSTODY).loc["2024-04", "custody_known"] == pd.Timestamp("2024-05-09")


def test_a_month_whose_later_wednesday_is_not_there_yet_has_no_custody():
    april = inputs_of(*CUSTODY[:3]).loc["2024-04"]
    assert math.isnan(april["custody_usd_bn"])
    assert pd.isna(april["custody_known"])


def test_a_gap_in_the_weeks_is_not_bridged():
    late = ("WMTSECL1", "2024-05-15", 2_886_000.0, "2024-05-16")
    assert math.isnan(inputs_of(*CUSTODY[:3], late).loc["2024-04", "custody_usd_bn"])


def test_a_month_that_is_not_over_has_no_change_of_the_dollar():
    days = [
        ("DTWEXBGS", day, value, day)
        for day, value in (("2024-03-29", 120.0), ("2024-04-30", 121.2), ("2024-05-17", 119.0))
    ]
    found = inputs_of(*days)["dollar_pct"]
    assert math.isclose(found["2024-04"], 100 * math.log(121.2 / 120))
    assert math.isnan(found["2024-05"])


def test_a_row_counts_from_the_day_on_which_it_was_public_until_it_was_replaced():
    rows = signals(*CUSTODY[:2])
    rows.loc[0, "superseded"] = pd.Timestamp("2024-04-04")
    assert list(standing_on(rows, pd.Timestamp("2024-04-03"))["value"]) == [2_900_000.0]
    assert list(standing_on(rows, pd.Timestamp("2024-04-04"))["value"]) == [2_907_000.0]


def test_a_replay_takes_a_level_as_it_was_first_stated():
    corrected = ("WMTSECL1", "2024-04-03", 1.0, "2024-06-06")
    assert set(first_stated(signals(*CUSTODY, corrected))["value"]) == {row[2] for row in CUSTODY}
