"""Flagged months: size, share of the position and robust score agree on one amount of the month."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.rules.evidence import error_usd_mn, long_term_before
from treasury_watch.transforms.findings.rules.reversals import swings
from treasury_watch.transforms.findings.rules.scores import before, robust_score
from treasury_watch.transforms.findings.rules.verdicts import SHARE_COLUMNS, reading
from treasury_watch.transforms.months import numbers_of

SEVERITIES = ("notice", "warning", "critical")
AMOUNTS = [
    "change_usd_mn",
    "net_purchases_usd_mn",
    "net_long_term_usd_mn",
    "net_short_term_usd_mn",
    "valuation_usd_mn",
    "other_usd_mn",
]
BONDS = "net_long_term_usd_mn"
BILLS = "net_short_term_usd_mn"
NET = "net_purchases_usd_mn"
CONTRADICTED = "contradicted"  # of [severity_caps]
PRESS_RELEASE = "press_release"  # the basis of official net purchases before other sources state them
# Net purchases of one instrument, and of the other one.
OTHER_INSTRUMENT = {BONDS: BILLS, BILLS: BONDS}
READ = ["verdict", *SHARE_COLUMNS.values(), "instrument", "contradicted"]


def severity_of(amount: float, share_pct: float, levels: dict[str, dict[str, float]]) -> str:
    """The highest level whose two thresholds the fall reaches; `amount` (USD millions) and `share_pct` are positive."""
    reached = [
        name
        for name in SEVERITIES
        if amount >= levels[name]["minimum_usd_mn"] and share_pct >= levels[name]["minimum_share_pct"]
    ]
    return reached[-1] if reached else SEVERITIES[0]


def capped(severity: str, verdict: str, caps: dict[str, str]) -> str:
    """The severity, lowered to what config allows for the verdict, or another reason: what was not sold alarms less."""
    return min(severity, caps.get(verdict, SEVERITIES[-1]), key=SEVERITIES.index)


def position_before(months: pd.DataFrame, column: str = "position_usd_mn") -> pd.Series:
    """Every row's position a month before, in USD millions; NaN where the holder has no row for that month.

    `months` is sorted by holder and month. Across a series break it is not the position less the change: those two are
    on different survey bases.
    """
    held, number = months[column].to_numpy(dtype="float64"), numbers_of(months["month"])
    holders = pd.factorize(months["holder_id"])[0]
    consecutive = (holders[1:] == holders[:-1]) & (np.diff(number) == 1)
    before = np.full(len(months), np.nan)
    before[1:][consecutive] = held[:-1][consecutive]
    return pd.Series(before, index=months.index, name=column)


def valuation_pct(months: pd.DataFrame, rules: dict[str, Any]) -> pd.Series:
    """Every row's valuation change in percent of the position a month before; NaN where one of them is not known.

    NaN too for amounts so small that they decide nothing (credible_from_usd_mn under [verdict]).
    """
    held, valuation = position_before(months), months["valuation_usd_mn"]
    asked = (held > 0) & (valuation.abs() >= rules["verdict"]["credible_from_usd_mn"])
    return (100 * valuation / held).where(asked)


def compared_with(months: pd.DataFrame, of: str) -> pd.Series:
    """The months that each row's amount is compared with: its holder's; of net purchases on one side of a known bias.

    What press releases printed of the official sector is biased against it: those months are compared with each other only.
    """
    printed = (months["basis"] == PRESS_RELEASE) & (of != "change_usd_mn")
    return months["holder_id"].where(~printed, months["holder_id"] + ":" + PRESS_RELEASE)


def scores(months: pd.DataFrame, of: str, rules: dict[str, Any]) -> pd.Series:
    """Every month's robust score of the amount `of` in its holder's own past. `months` is sorted by holder and month."""
    scoring = rules["score"]
    return robust_score(
        months[of],
        compared_with(months, of),
        window=scoring["window_months"],
        minimum=scoring["minimum_months"],
        floor=scoring["scale_floor_usd_mn"],
    )


def sell_offs(months: pd.DataFrame, rules: dict[str, Any], scope: str = "countries") -> pd.DataFrame:
    """The months that the rules of config/alert_rules.toml for `scope` flag, one row per holder, month and rule.

    `months` has the columns of holder_months. Beside the published columns a row has `of`, the column its rule looked at.
    A month that starts a new survey basis is never flagged: its change, where known at all, is on the old one. A month
    without the rule's amount is never flagged, nor does it count as history.
    """
    months = months.sort_values(["holder_id", "month"])
    declared = [(name, rule) for name, rule in rules["rules"].items() if rule["scope"] == scope]
    reached = [(name, rule) for name, rule in declared if (months[rule["of"]] <= -rule["minimum_usd_mn"]).any()]
    if not reached:
        unmeasured = dict.fromkeys(["score", "share_pct", "peak_usd_mn", "valuation_pct", "error_usd_mn"], float("nan"))
        none = months.head(0).assign(rule="", of="", severity="", months=1, **unmeasured)
        return read(none, rules, none[NET])
    flagged = pd.concat([_flagged(months, name, rule, rules) for name, rule in reached], ignore_index=True)
    return flagged.sort_values(["month", "holder_id", "rule"], ignore_index=True)


def _flagged(months: pd.DataFrame, name: str, rule: dict[str, Any], rules: dict[str, Any]) -> pd.DataFrame:
    reaching = months.loc[months[rule["of"]] <= -rule["minimum_usd_mn"], "holder_id"].unique()
    months = months[months["holder_id"].isin(reaching)]
    amount = months[rule["of"]]
    score = scores(months, rule["of"], rules)
    held_before = position_before(months, rule["share_of"])
    share = (-100 * amount / held_before).where(held_before > 0)
    hit = (
        (amount <= -rule["minimum_usd_mn"])
        & (share >= rule["minimum_share_pct"])
        & (score.isna() | (score <= rule["maximum_score"]))
        & ~months["series_break"].astype(bool)
    )
    peak = trailing_peak(months, rules["score"]["window_months"]) if "below_peak" in rule else None
    if peak is not None:
        held, line = position_before(months), rule["below_peak"] * peak
        hit &= (peak >= rule["minimum_peak_usd_mn"]) & (months["position_usd_mn"] <= line) & (held > line)
    flagged = months[hit].copy()
    flagged["rule"], flagged["of"] = name, rule["of"]
    flagged["score"] = score[hit]
    flagged["share_pct"] = share[hit]
    flagged["peak_usd_mn"] = float("nan") if peak is None else peak[hit]
    flagged["valuation_pct"] = valuation_pct(months, rules)[hit]
    flagged["error_usd_mn"] = [error_usd_mn(held, 1, rules["price_return"]) for held in long_term_before(flagged)]
    flagged["months"] = 1
    least = rule.get("least_severity", SEVERITIES[0])
    flagged["severity"] = [
        max(severity_of(-a, s, rule.get("severity", rules["severity"])), least, key=SEVERITIES.index)
        for a, s in zip(flagged[rule["of"]], flagged["share_pct"], strict=True)
    ]
    net = flagged[NET]
    if rule["of"] in OTHER_INSTRUMENT:
        # What went into bills does not take a sale of bonds back, or the other way; else a month has one verdict under
        # every rule.
        sold, bought = flagged[rule["of"]], flagged[OTHER_INSTRUMENT[rule["of"]]]
        net = net.where(bought < rules["verdict"]["shift"] * -sold, sold)
    found = read(flagged, rules, net)
    found["severity"] = lowered_where_bought_back(found, months, rules)
    return found


def lowered_where_bought_back(found: pd.DataFrame, months: pd.DataFrame, rules: dict[str, Any]) -> list[str]:
    """Severities of months or episodes, lowered where net sales of this size have been bought back again and again."""
    limits = rules["reversals"]
    pairs = zip(found["severity"], swings(found, months, limits), strict=True)
    return [
        min(severity, limits["severity_cap"], key=SEVERITIES.index) if swing else severity for severity, swing in pairs
    ]


def trailing_peak(months: pd.DataFrame, window: int) -> pd.Series:
    """The largest position of the `window` rows before each month, on the same survey basis, in USD millions.

    `months` is sorted by holder and month. A position that is not published is not zero: it neither is a peak nor falls
    below one.
    """
    holders, breaks = pd.factorize(months["holder_id"])[0], months["series_break"].to_numpy(dtype=bool)
    bases = np.cumsum(breaks | (np.diff(holders, prepend=-1) != 0))
    held = before(months["position_usd_mn"].to_numpy(dtype="float64"), bases, window)
    return pd.Series(np.fmax.reduce(held, axis=1, initial=np.nan), index=months.index)


def read(rows: pd.DataFrame, rules: dict[str, Any], net: pd.Series) -> pd.DataFrame:
    """The rows with verdict, shares and instrument, and severities lowered where the verdict asks for it.

    `rows` have the amounts and valuation_pct; `net` stands for their net purchases.
    """
    readings = [
        reading(row, amount, rules["verdict"]) for row, amount in zip(rows.to_dict("records"), net, strict=True)
    ]
    told = pd.DataFrame([asdict(found) for found in readings], columns=READ, index=rows.index)
    read_rows = pd.concat([rows, told], axis=1)
    reasons = zip(read_rows["severity"], read_rows["verdict"], read_rows["contradicted"], strict=True)
    read_rows["severity"] = [
        capped(
            capped(severity, verdict, rules["severity_caps"]), CONTRADICTED if against else "", rules["severity_caps"]
        )
        for severity, verdict, against in reasons
    ]
    return read_rows
