"""Flagged months: size, share of the position and robust score agree on one amount of the month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from transforms.scores import robust_score
from transforms.verdicts import verdict

SEVERITIES = ("notice", "warning", "critical")
AMOUNTS = [
    "change_usd_mn",
    "net_purchases_usd_mn",
    "net_long_term_usd_mn",
    "net_short_term_usd_mn",
    "valuation_usd_mn",
    "other_usd_mn",
]


def severity_of(amount: float, share_pct: float, levels: dict[str, dict[str, float]]) -> str:
    """The highest level whose two thresholds the fall reaches; `amount` (USD millions) and `share_pct` are positive."""
    reached = [
        name
        for name in SEVERITIES
        if amount >= levels[name]["minimum_usd_mn"] and share_pct >= levels[name]["minimum_share_pct"]
    ]
    return reached[-1] if reached else SEVERITIES[0]


def position_before(months: pd.DataFrame) -> pd.Series:
    """Every row's position a month before, in USD millions; NaN where the holder has no row for that month.

    `months` is sorted by holder and month. Across a series break it is not the position less the change: those two are
    on different survey bases.
    """
    number = months["month"].dt.year * 12 + months["month"].dt.month
    holders = months["holder_id"]
    consecutive = number.groupby(holders).diff() == 1
    return months["position_usd_mn"].groupby(holders).shift(1).where(consecutive)


def sell_offs(months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """The months that a rule of config/alert_rules.toml flags, one row per holder, month and rule.

    `months` has the columns of holder_months. A month that starts a new survey basis is never flagged: its change,
    where known at all, is on the old one. A month without the rule's amount is never flagged, nor does it count as
    history.
    """
    months = months.sort_values(["holder_id", "month"])
    found = [_flagged(months, name, rule, rules) for name, rule in rules["rules"].items()]
    flagged = pd.concat(found, ignore_index=True) if found else months.head(0)
    return flagged.sort_values(["month", "holder_id", "rule"], ignore_index=True)


def _flagged(months: pd.DataFrame, name: str, rule: dict[str, Any], rules: dict[str, Any]) -> pd.DataFrame:
    amount = months[rule["of"]]
    scoring = rules["score"]
    score = amount.groupby(months["holder_id"]).transform(
        robust_score,
        window=scoring["window_months"],
        minimum=scoring["minimum_months"],
        floor=scoring["scale_floor_usd_mn"],
    )
    before = position_before(months)
    share = (-100 * amount / before).where(before > 0)
    hit = (
        (amount <= -rule["minimum_usd_mn"])
        & (share >= rule["minimum_share_pct"])
        & (score.isna() | (score <= rule["maximum_score"]))
        & ~months["series_break"].astype(bool)
    )
    flagged = months[hit].copy()
    flagged["rule"] = name
    flagged["score"] = score[hit]
    flagged["share_pct"] = share[hit]
    flagged["severity"] = [
        severity_of(-a, s, rules["severity"]) for a, s in zip(flagged[rule["of"]], flagged["share_pct"], strict=True)
    ]
    flagged["verdict"] = verdicts(flagged, rules)
    return flagged


def verdicts(rows: pd.DataFrame, rules: dict[str, Any]) -> np.ndarray:
    """The verdict of every row, from its net purchases, valuation and other changes."""
    limits = rules["verdict"]
    causes = zip(rows["net_purchases_usd_mn"], rows["valuation_usd_mn"], rows["other_usd_mn"], strict=True)
    return np.array(
        [
            verdict(net, valuation, other, dominant=limits["dominant"], moved=limits["moved"])
            for net, valuation, other in causes
        ],
        dtype=object,
    )
