"""Findings that a revision changed: newly flagged, no longer flagged, another verdict, another size."""

from __future__ import annotations

from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.findings.rules.declared import Rule, episode_rule, month_rule, rising_rules
from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS, SEVERITIES
from treasury_watch.transforms.wording import CAUSES_IN_WORDS, month_name, stated

CORRECTED = "corrected to notice"
WHY = ["pattern_measure", "doubt", "suspicion"]  # what can lower a finding, in a sentence
KEPT = [
    "kind", "run", "holder_id", "holder", "rule", "rules", "of", "start_month", "end_month", "verdict", "severity", *WHY,
]  # fmt: skip
COLUMNS = [
    "holder_id", "holder", "finding_kind", "rule", "rules", "start_month", "end_month", "what", "old_usd_mn",
    "new_usd_mn", "old_verdict", "new_verdict", "explanation",
]  # fmt: skip


def revised_findings(
    before: tuple[pd.DataFrame, pd.DataFrame],
    after: tuple[pd.DataFrame, pd.DataFrame],
    known: pd.Timestamp,
    rules: dict[str, Any],
    size_factor: float = 0.25,
) -> pd.DataFrame:
    """What a release did to findings about months that were known before it.

    `before` and `after` are (sell_offs, episodes) as known before and after the release, `known` is the newest month known
    before. `what` is `newly flagged`, `no longer flagged`, `corrected to notice` (an alarm that is none after all:
    what was sold was bought back, or taken up elsewhere), `verdict changed` or `size changed` (the amount that the
    finding's rule looks at, by more than `size_factor` of the old one). A month is one finding, whatever rules flag it: it
    is measured by the amount of the rule that was the weightiest before. Months that the release published for the first
    time are news, not revisions; an episode that such a month lengthens or ends is compared on its start.
    """
    rising = rising_rules(rules)
    old, new = (_listed(months, runs[~runs["rule"].isin(rising)]) for months, runs in (before, after))
    if old.empty and new.empty:
        return pd.DataFrame(columns=COLUMNS)
    joined = old.merge(new, on=["kind", "holder_id", "run", "start_month"], how="outer", suffixes=("_old", "_new"))
    rows = []
    for row in joined.to_dict("records"):
        _measure(row)
        what = _what(row, known, size_factor)
        if what:
            rows.append(_row(row, what, rules))
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(
        ["holder_id", "start_month", "finding_kind", "rule"], ignore_index=True
    )


def _listed(months: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """Months and episodes in one table; `run` is the rule of an episode, by which it is known again, a month has none."""
    flagged = months.assign(kind="month", run="", start_month=months["month"], end_month=months["month"])
    runs = episodes.assign(kind="episode")
    if len(runs):
        runs = runs.assign(
            run=runs["rule"], rules=pd.Series([[rule] for rule in runs["rule"]], index=runs.index, dtype=object)
        )
    filled = [table[[*KEPT, *table.columns.intersection(AMOUNTS)]] for table in (flagged, runs) if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=[*KEPT, *AMOUNTS])


def _measure(row: dict) -> None:
    """Both amounts of a joined row, by the column that the rule looked at before, or looks at where there was none."""
    of = row["of_new"] if pd.isna(row["verdict_old"]) else row["of_old"]
    row["amount_old"], row["amount_new"] = row[f"{of}_old"], row[f"{of}_new"]


def _what(row: dict, known: pd.Timestamp, size_factor: float) -> str | None:
    if pd.isna(row["verdict_new"]):
        return "no longer flagged"
    if pd.isna(row["verdict_old"]):
        # Only what could have been flagged before: the release's own new month is news.
        return "newly flagged" if row["end_month_new"] <= known else None
    if row["end_month_old"] != row["end_month_new"]:
        return None  # a run that went on, or was cut: its months are compared one by one
    if row["severity_old"] != SEVERITIES[0] and row["severity_new"] == SEVERITIES[0]:
        return CORRECTED
    if row["verdict_old"] != row["verdict_new"]:
        return "verdict changed"
    if abs(row["amount_new"] - row["amount_old"]) > size_factor * abs(row["amount_old"]):
        return "size changed"
    return None


def _why(row: dict) -> str:
    """Why a finding alarms less, where it is known in a sentence."""
    texts = [stated(row[f"{name}_new"]) for name in WHY]
    return "".join(f" {text}" for text in texts if text)


def _row(row: dict, what: str, rules: dict[str, Any]) -> dict:
    side = "_old" if pd.isna(row["verdict_new"]) else "_new"
    rule: Rule = (episode_rule if row["kind"] == "episode" else month_rule)(rules, row[f"rule{side}"])
    period = month_name(row["start_month"])
    if row[f"end_month{side}"] != row["start_month"]:
        period += f" to {month_name(row[f'end_month{side}'])}"
    old, new = (billions(row[f"amount{age}"], signed=False) for age in ("_old", "_new"))
    change = {
        "no longer flagged": "is not flagged by the revised figures",
        "newly flagged": "is flagged by the revised figures only",
        CORRECTED: f"is corrected from {row['severity_old']} to {row['severity_new']}",
        "verdict changed": "was {} by the revised figures, {} before".format(
            *(CAUSES_IN_WORDS.get(row[f"verdict_{age}"]) for age in ("new", "old"))
        ),
        "size changed": f"is {new} by the revised figures, {old} before",
    }[what]
    return {
        "holder_id": row["holder_id"],
        "holder": row[f"holder{side}"],
        "finding_kind": row["kind"],
        "rule": rule.id,
        "rules": row[f"rules{side}"],
        "start_month": row["start_month"],
        "end_month": row[f"end_month{side}"],
        "what": what,
        "old_usd_mn": row["amount_old"],
        "new_usd_mn": row["amount_new"],
        "old_verdict": None if pd.isna(row["verdict_old"]) else row["verdict_old"],
        "new_verdict": None if pd.isna(row["verdict_new"]) else row["verdict_new"],
        "explanation": f"{row[f'holder{side}']}, {period}: the {rule.name} {change}.{_why(row) if what == CORRECTED else ''}",
    }
