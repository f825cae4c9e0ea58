"""A holder's flagged month is one row, whatever the number of rules that flag it."""

from __future__ import annotations

import pandas as pd

from treasury_watch.transforms.findings.rule_hits import by_month, rule_hits

MONTH = pd.Timestamp("2026-04-01")
AMOUNTS = {"change_usd_mn": -42_525.0, "net_purchases_usd_mn": -43_800.0, "net_long_term_usd_mn": -43_000.0}
OF = {"fall": "change_usd_mn", "net_sale": "net_purchases_usd_mn", "bond_sale": "net_long_term_usd_mn"}


def hit(rule: str, severity: str = "warning", **more: object) -> dict:
    measured = {"verdict": "sold", "score": -3.0, "share_pct": 9.0, "peak_usd_mn": float("nan"), **more}
    return {
        **{
            "holder_id": "canada",
            "holder": "Canada",
            "month": MONTH,
            "rule": rule,
            "of": OF.get(rule, "change_usd_mn"),
        },
        **{"severity": severity, **measured, **AMOUNTS},
    }


def test_a_month_that_three_rules_flag_is_counted_once_with_the_severity_of_the_weightiest():
    found = by_month(pd.DataFrame([hit("bond_sale"), hit("fall", "critical"), hit("net_sale")]))
    assert found["change_usd_mn"].sum() == -42_525
    [row] = found.to_dict("records")
    assert (row["rules"], row["severity"], row["rule"]) == (["fall", "net_sale", "bond_sale"], "critical", "fall")


def test_among_rules_of_one_severity_the_whole_goes_before_an_instrument_and_then_the_larger_amount():
    [row] = by_month(pd.DataFrame([hit("bond_sale"), hit("fall"), hit("net_sale")])).to_dict("records")
    assert row["rules"] == ["net_sale", "fall", "bond_sale"]


def test_the_peak_of_an_exit_is_the_months_whichever_rule_is_the_weightiest():
    hits = [hit("fall", "critical"), hit("exit", peak_usd_mn=300_000.0)]
    [row] = by_month(pd.DataFrame(hits)).to_dict("records")
    assert (row["rules"][0], row["peak_usd_mn"]) == ("fall", 300_000)


def test_each_rule_keeps_a_row_of_its_own_with_what_it_measured():
    found = rule_hits(by_month(pd.DataFrame([hit("bond_sale", "notice", score=-1.6), hit("fall")])))
    kept = found[["month", "place", "rule", "of", "amount_usd_mn", "severity", "score"]]
    assert list(kept.itertuples(index=False, name=None)) == [
        (MONTH, 1, "fall", "change_usd_mn", -42_525, "warning", -3.0),
        (MONTH, 2, "bond_sale", "net_long_term_usd_mn", -43_000, "notice", -1.6),
    ]


def test_without_a_flagged_month_there_are_no_rows_and_all_columns():
    none = by_month(pd.DataFrame([hit("fall")]).head(0))
    assert {"rules", "hits"} <= set(none.columns)
    assert rule_hits(none).empty
