"""Findings that a release turned around: what is one, and what is only news."""

from __future__ import annotations

import pandas as pd
import pytest

from treasury_watch.transforms.findings.revision import revised_findings
from treasury_watch.warehouse.declarations import Declarations

RULES = Declarations().rules
MARCH = pd.Timestamp("2026-03-01")
NOTHING = (pd.DataFrame(columns=["month", "of"]), pd.DataFrame())


def first(month: str) -> pd.Timestamp:
    return pd.Timestamp(f"{month}-01")


def month(
    when: str = "2026-03", change: float = -20_000.0, verdict: str = "sold", rule: str = "fall",
    severity: str = "warning", why: str | None = None,
) -> dict:  # fmt: skip
    return {
        "holder_id": "japan", "holder": "Japan", "month": first(when), "rule": rule, "rules": [rule],
        "of": RULES["rules"][rule]["of"], "verdict": verdict, "severity": severity, "pattern_measure": why, "doubt": None,
        "suspicion": None,
        "change_usd_mn": change, "net_purchases_usd_mn": change / 2, "net_long_term_usd_mn": change / 4,
    }  # fmt: skip


def run(start: str, end: str, change: float = -50_000.0, verdict: str = "sold") -> dict:
    return {
        "holder_id": "japan", "holder": "Japan", "rule": "fall", "of": "change_usd_mn", "start_month": first(start),
        "end_month": first(end), "verdict": verdict, "severity": "warning", "pattern_measure": None, "doubt": None,
        "suspicion": None, "change_usd_mn": change, "net_purchases_usd_mn": change / 2,
    }  # fmt: skip


def known(*months: dict, runs: tuple[dict, ...] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.DataFrame(list(months), columns=list(month())), pd.DataFrame(
        list(runs), columns=list(run("2026-01", "2026-02"))
    )


def told(before, after, newest=MARCH) -> list[tuple]:
    found = revised_findings(before, after, newest, RULES)
    return list(found[["rule", "what", "old_usd_mn", "new_usd_mn"]].itertuples(index=False, name=None))


def test_a_month_that_only_the_revised_figures_flag_is_newly_flagged():
    ((rule, what, old, new),) = told(known(), known(month()))
    assert (rule, what, new) == ("fall", "newly flagged", -20_000)
    assert pd.isna(old)


def test_a_month_that_the_revised_figures_no_longer_flag_is_said():
    found = revised_findings(known(month()), known(), MARCH, RULES)
    (row,) = found.to_dict("records")
    assert (row["what"], row["old_usd_mn"], row["old_verdict"], row["new_verdict"]) == (
        "no longer flagged", -20_000, "sold", None,
    )  # fmt: skip
    assert row["explanation"] == "Japan, March 2026: the fall is not flagged by the revised figures."


def test_a_verdict_that_changed_is_said_with_both():
    found = revised_findings(known(month()), known(month(verdict="repriced")), MARCH, RULES)
    (row,) = found.to_dict("records")
    assert (row["what"], row["old_verdict"], row["new_verdict"]) == ("verdict changed", "sold", "repriced")
    assert (
        row["explanation"]
        == "Japan, March 2026: the fall was mostly price by the revised figures, mostly sales before."
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [(-25_000.0, []), (-15_000.0, []), (-25_001.0, ["size changed"]), (-14_999.0, ["size changed"])],
)
def test_a_size_is_said_from_more_than_a_quarter_on(change, expected):
    assert [row[1] for row in told(known(month()), known(month(change=change)))] == expected


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("net_sale", -10_000, -20_000),
        ("bond_sale", -5_000, -10_000),
        ("official_fall", -20_000, -40_000),
        ("official_sale", -10_000, -20_000),
        ("exit", -20_000, -40_000),
    ],
)
def test_a_finding_is_measured_by_the_amount_that_its_rule_looks_at(rule, old, new):
    before, after = known(month(rule=rule)), known(month(change=-40_000.0, rule=rule))
    assert told(before, after) == [(rule, "size changed", old, new)]


def test_a_month_that_another_rule_flags_now_is_still_the_same_finding():
    before = known(month(rule="bond_sale", change=-40_000.0))
    assert told(before, known(month(change=-41_000.0))) == []
    # measured by what the rule looked at before, bonds and notes
    assert told(before, known(month(change=-80_000.0))) == [("fall", "size changed", -10_000, -20_000)]


def test_a_month_that_the_release_publishes_for_the_first_time_is_no_revision():
    assert told(known(), known(month("2026-04"))) == []


@pytest.mark.parametrize("end", ["2026-04", "2026-02"])
def test_an_episode_that_is_lengthened_or_cut_is_no_revision(end):
    before = known(runs=(run("2026-01", "2026-03"),))
    assert told(before, known(runs=(run("2026-01", end, change=-90_000.0, verdict="mixed"),))) == []


def test_an_episode_is_a_finding_of_its_own_beside_its_months():
    before = known(month("2026-02"), runs=(run("2026-02", "2026-03"),))
    after = known(month("2026-02"), runs=(run("2026-02", "2026-03", change=-80_000.0),))
    found = revised_findings(before, after, MARCH, RULES)
    (row,) = found.to_dict("records")
    assert row["explanation"] == (
        "Japan, February 2026 to March 2026: the fall is -$80.0bn by the revised figures, -$50.0bn before."
    )


def test_unchanged_findings_say_nothing():
    assert (
        told(known(month(), runs=(run("2026-01", "2026-03"),)), known(month(), runs=(run("2026-01", "2026-03"),))) == []
    )
    assert told(known(), known()) == []


BOUGHT_BACK = "Net purchases of $21.0bn in April 2026 bought back 105% of the net sales of March 2026."


def test_an_alarm_that_the_next_month_undoes_is_corrected_once_with_the_reason():
    alarm, corrected = known(month()), known(month(severity="notice", why=BOUGHT_BACK))
    (row,) = revised_findings(alarm, corrected, MARCH, RULES).to_dict("records")
    assert row["what"] == "corrected to notice"
    assert row["explanation"] == f"Japan, March 2026: the fall is corrected from warning to notice. {BOUGHT_BACK}"
    assert revised_findings(corrected, corrected, MARCH, RULES).empty


def test_a_notice_that_gets_a_pattern_was_no_alarm_and_is_not_corrected():
    quiet, labelled = known(month(severity="notice")), known(month(severity="notice", why=BOUGHT_BACK))
    assert revised_findings(quiet, labelled, MARCH, RULES).empty


def test_gains_of_a_custodian_are_no_revision():
    gained = run("2026-01", "2026-03") | {"rule": "inflow"}
    assert revised_findings(known(), known(runs=(gained,)), MARCH, RULES).empty
