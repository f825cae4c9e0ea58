"""A score that can fail: what it counts, and that it falls when the rules are broken."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.transforms.backtest.literal_months import CALM, LIMITS, NO_YIELDS, holder_months, month
from tests.transforms.backtest.test_alarms import spans
from treasury_watch.transforms.backtest.alarms import as_they_stood, events_by_year
from treasury_watch.transforms.backtest.evidence import History
from treasury_watch.transforms.backtest.labels import COLUMNS, labelled
from treasury_watch.transforms.backtest.score_tables import aligned, markdown, shown, survival
from treasury_watch.transforms.backtest.scores import (
    Share,
    below_record,
    naive_trackers,
    over_limits,
    scored,
    share,
    with_labels,
)

PAST = CALM * 8
LAST = len(PAST) + 1
NO_LABELS = pd.DataFrame(columns=COLUMNS)


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    """Two sales, a fall in prices with a small sale in it, one that other changes make up, and small ones."""
    quiet = [0.0] * len(PAST)
    return pd.concat(
        [
            holder_months("japan", [*PAST, -60_000.0, 1_000.0]),
            holder_months("brazil", [*PAST, 1_000.0, -30_000.0]),
            holder_months("taiwan", [*PAST, -4_500.0, 1_000.0], [*quiet, -36_000.0, 0.0]),
            holder_months("france", [*PAST, 1_000.0, 1_000.0], 0.0, [*quiet, 0.0, -60_000.0]),
            *(
                holder_months(holder, [*PAST, 1_000.0, 1_000.0], 0.0, [*quiet, -4_000.0, -4_000.0])
                for holder in ("norway", "spain", "italy")
            ),
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def history(months: pd.DataFrame) -> History:
    return History(months, NO_YIELDS, (), LIMITS)


@pytest.fixture(scope="module")
def sales(months: pd.DataFrame, history: History) -> pd.DataFrame:
    every = months[months["month"] >= month(len(PAST))]
    found = labelled(every.assign(start_month=every["month"], end_month=every["month"]), history)
    large = found[(found["label"] == "sale") & (found["net_purchases_usd_mn"] <= -10_000)]
    assert large["holder_id"].tolist() == ["japan", "brazil"]
    return large.reset_index(drop=True)


def replay(months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    holders = pd.DataFrame({"holder_id": months["holder_id"].unique(), "custodial_centre": False})
    official = holder_months("foreign_official", [0.0] * (len(PAST) + 2))
    return as_they_stood(months, official, holders, rules, [month(len(PAST)), month(LAST)])


@pytest.fixture(scope="module")
def found(months: pd.DataFrame, declarations) -> pd.DataFrame:
    return replay(months, declarations.rules)


@pytest.fixture(scope="module")
def usual(found: pd.DataFrame, sales: pd.DataFrame, history: History) -> dict[str, Share]:
    return scored(with_labels(found, NO_LABELS, history), sales)


def floor(scores: dict[str, Share]) -> dict[str, dict[str, float]]:
    return {"test": {name: score.value for name, score in scores.items() if score.count}}


def failed(found: pd.DataFrame, sales: pd.DataFrame, history: History, usual: dict[str, Share]) -> list[str]:
    return below_record({"test": scored(with_labels(found, NO_LABELS, history), sales)}, floor(usual))


def test_the_rules_as_declared_hold_what_they_reach(found, sales, history, usual):
    assert usual["recall"].value == 1.0
    assert usual["critical_precision"].count >= 1
    assert failed(found, sales, history, usual) == []


def test_the_check_fails_when_the_rules_flag_everything(months, declarations, sales, history, usual):
    loose = copy.deepcopy(declarations.rules)
    for rule in loose["rules"].values():
        rule |= {"minimum_usd_mn": 500, "minimum_share_pct": 0.0, "maximum_score": 99.0}
    loose["severity"]["warning"] = {"minimum_usd_mn": 0, "minimum_share_pct": 0.0}
    loose["severity_caps"] = dict.fromkeys(loose["severity_caps"], "critical")
    everything = replay(months, loose)
    told = failed(everything, sales, history, usual)
    assert any("test, precision" in line for line in told)


def test_the_check_fails_when_any_part_of_a_fall_names_its_cause(months, declarations, sales, history, usual):
    eager = copy.deepcopy(declarations.rules)
    eager["verdict"]["dominant"] = 0.01
    told = failed(replay(months, eager), sales, history, usual)
    for measure in ("critical precision", "verdict accuracy", "sold accuracy"):
        assert any(measure in line for line in told), measure


def test_the_check_fails_when_severities_are_shuffled(found, sales, history, usual):
    assert found["severity"].nunique() > 1
    shuffled = found.assign(severity=np.roll(found["severity"].to_numpy(), 1))
    told = failed(shuffled, sales, history, usual)
    assert any("critical precision" in line for line in told)


def test_the_check_fails_when_nothing_alarms(found, sales, history, usual):
    told = failed(found.assign(severity="notice"), sales, history, usual)
    assert any("recall: 0.000" in line for line in told)
    assert any("precision: nan" in line for line in told)


def test_every_alarm_counts_also_the_ones_that_no_list_knows(history):
    found = spans(
        ("japan", 16, 16, "warning", "sold"),
        ("norway", 16, 16, "warning", "sold"),
        ("taiwan", 16, 16, "notice", "sold"),
    )
    labels = with_labels(found, NO_LABELS, history)
    assert labels["label"].tolist() == ["sale", "small", "price"]
    scores = scored(labels, labels.head(0))
    assert (scores["precision"].value, scores["precision"].count) == (0.5, 2)
    assert (scores["verdict_accuracy"].value, scores["verdict_accuracy"].count) == (0.5, 2)
    assert (scores["sold_accuracy"].value, scores["sold_accuracy"].count) == (1 / 3, 3)


def test_a_stored_label_goes_before_the_rules_of_labelling(history):
    found = spans(("japan", 16, 16, "warning", "sold"))
    stored = found.assign(label="pattern")
    assert with_labels(found, stored, history)["label"].tolist() == ["pattern"]


def test_a_sale_is_found_by_an_alarm_that_overlaps_it_within_two_months_of_its_end(history):
    sales = spans(("japan", 3, 4, "", ""))
    for start, end, recall in ((4, 6, 1.0), (4, 7, 0.0), (5, 5, 0.0), (2, 3, 1.0)):
        alarms = spans(("japan", start, end, "warning", "sold")).assign(label="sale")
        assert scored(alarms, sales)["recall"].value == recall, (start, end)


def test_the_interval_resamples_events_not_alarms():
    right = pd.Series([True] * 50 + [False] * 50)
    alone = share(right, pd.Series(range(100)))
    together = share(right, pd.Series([number // 25 for number in range(100)]))
    assert alone.value == together.value == 0.5
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert share(right, pd.Series(range(100))) == alone


def test_nothing_to_count_is_no_score_and_falls_below_any_record():
    nothing = share(pd.Series([], dtype=bool), pd.Series([], dtype=int))
    assert nothing.count == 0
    assert below_record({"test": {"precision": nothing}}, {"test": {"precision": 0.1}}) == [
        "test, precision: nan, recorded 0.100"
    ]


def test_the_naive_trackers_say_sold_of_what_they_flag(months):
    found = naive_trackers(months, month(len(PAST)), month(LAST))
    assert found["fall over $10bn"]["holder_id"].tolist() == ["brazil", "france", "japan", "taiwan"]
    assert {"brazil", "france", "japan", "taiwan"} <= set(found["z-score below -2"]["holder_id"])
    assert len(found["every month"]) == 14
    assert {verdict for table in found.values() for verdict in table["verdict"]} == {"sold"}


LIMIT = {"events_a_year": 2, "critical_events_a_year": 1, "critical_sales_pct": 90}


def test_a_year_with_too_many_alarms_and_criticals_that_were_no_sales_pass_the_limits():
    found = spans(*(("japan", 2 * number, 2 * number, "critical", "sold") for number in range(3)))
    assert over_limits(events_by_year(found), Share(0.9, 0.8, 1.0, 10), LIMIT) == [
        "2022: 3 events at warning or above, at most 2",
        "2022: 3 events at critical, at most 1",
    ]
    quiet = events_by_year(found.head(1))
    assert over_limits(quiet, Share(0.89, 0.8, 1.0, 10), LIMIT) == [
        "critical alarms that were sales: 89%, at least 90%"
    ]
    assert over_limits(quiet, Share(0.9, 0.8, 1.0, 10), LIMIT) == []


def test_survival_counts_what_stayed_what_changed_and_what_is_new():
    compared = pd.DataFrame(
        {
            "end_month": month(0),
            "verdict_then": ["sold", "unexplained", "sold", None],
            "verdict_now": ["sold", "repriced", None, "sold"],
            "severity_then": ["warning", "warning", "notice", None],
            "severity_now": ["critical", "warning", None, "notice"],
        }
    )
    assert survival(compared) == (
        "On first prints (2022-01): 3 findings, of which 2 are still flagged on today's figures; of these 1 have the same "
        "verdict and 1 the same severity. 1 more are flagged today, on figures of holders that were known then."
    )
    assert "no release or press report" in survival(compared.head(0))


def test_shares_are_shown_with_interval_and_count_and_tables_as_text_and_markdown():
    assert shown(Share(0.205, 0.15, 0.27, 452)) == "20% (15-27) of 452"
    assert shown(Share(float("nan"), float("nan"), float("nan"), 0)) == "-"
    rows = [["", "n"], ["a", "10"]]
    assert aligned(rows) == ["    n", "a  10"]
    assert markdown(rows) == ["|  | n |", "|---|--:|", "| a | 10 |"]
