"""Findings as alarms, as they stood."""

from __future__ import annotations

import pandas as pd

from tests.transforms.backtest.literal_months import CALM, holder_months, month
from treasury_watch.transforms.backtest.alarms import (
    alarming,
    as_spans,
    as_they_stood,
    compared,
    events_by_year,
    events_of,
)

NET, BONDS = "net_purchases_usd_mn", "net_long_term_usd_mn"


def spans(*rows: tuple[str, int, int, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["holder_id", "start_month", "end_month", "severity", "verdict"])
    return table.assign(start_month=table["start_month"].map(month), end_month=table["end_month"].map(month))


def test_of_several_rules_on_the_same_months_the_severest_counts_and_the_whole_before_one_instrument():
    flagged = pd.DataFrame(
        {
            "holder_id": ["japan", "japan", "china", "china"],
            "month": month(0),
            "severity": ["notice", "warning", "warning", "warning"],
            "verdict": ["mixed", "sold", "sold", "repriced"],
            "of": [NET, BONDS, BONDS, NET],
        }
    )
    found = as_spans(flagged, flagged.head(0))
    assert found[["holder_id", "severity", "verdict"]].to_numpy().tolist() == [
        ["china", "warning", "repriced"],
        ["japan", "warning", "sold"],
    ]


def test_one_row_per_holder_and_month_without_the_rules_amount_is_read_alike():
    flagged = pd.DataFrame({"holder_id": ["japan"], "month": month(0), "severity": ["critical"], "verdict": ["sold"]})
    runs = spans(("japan", 0, 1, "notice", "mixed"))
    assert as_spans(flagged, runs)["end_month"].tolist() == [month(0), month(1)]
    assert alarming(as_spans(flagged, runs))["severity"].tolist() == ["critical"]


def test_a_run_of_rises_is_no_alarm_of_a_sale():
    runs = spans(("belgium", 0, 3, "warning", "unexplained"), ("china", 0, 3, "warning", "sold"))
    found = as_spans(runs.head(0).assign(month=[]), runs.assign(rule=["inflow", "net_sale"]))
    assert found["holder_id"].tolist() == ["china"]


def test_alarms_of_a_holder_that_overlap_are_one_event_in_the_year_in_which_it_first_alarmed():
    found = spans(
        ("japan", 10, 12, "warning", "sold"),
        ("japan", 11, 11, "warning", "sold"),
        ("japan", 12, 14, "critical", "sold"),
        ("japan", 15, 15, "notice", "sold"),
        ("japan", 16, 16, "warning", "sold"),
        ("china", 12, 12, "warning", "sold"),
    )
    assert events_of(found).tolist() == [1, 1, 1, 2, 3, 0]
    assert events_by_year(found) == {"warning": {2022: 1, 2023: 2}, "critical": {2023: 1}}


def test_a_month_is_judged_without_those_after_it(declarations):
    sold = [*CALM * 8, -60_000.0, -30_000.0]
    months = holder_months("japan", sold)
    holders = pd.DataFrame({"holder_id": ["japan"], "custodial_centre": [False]})
    official = holder_months("foreign_official", [0.0] * 18)
    whole = as_they_stood(months, official, holders, declarations.rules, [month(16), month(17)])
    cut = as_they_stood(months.head(17), official, holders, declarations.rules, [month(16)])
    first = whole[whole["end_month"] == month(16)]
    assert first.to_numpy().tolist() == cut.to_numpy().tolist()
    assert ((first["start_month"] == month(16)) & (first["verdict"] == "sold")).any()
    assert (whole["end_month"] == month(17)).any()


def test_findings_on_first_prints_are_laid_beside_todays_of_the_same_last_month():
    then = spans(("japan", 3, 3, "warning", "unexplained"), ("japan", 2, 3, "warning", "sold"))
    now = spans(
        ("japan", 3, 3, "warning", "repriced"), ("japan", 1, 3, "critical", "sold"), ("china", 3, 3, "notice", "sold")
    )
    found = compared(then, now)
    assert found[["holder_id", "kind", "severity_then", "severity_now", "verdict_then", "verdict_now"]].fillna(
        ""
    ).to_numpy().tolist() == [
        ["china", "month", "", "notice", "", "sold"],
        ["japan", "month", "warning", "warning", "unexplained", "repriced"],
        ["japan", "run", "warning", "critical", "sold", "sold"],
    ]
