"""What a fall was, by the statistics alone and with the months after it: the answers that the rules are marked against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.backtest.evidence import Evidence, History
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.wording import month_name

LABELS = ("sale", "price", "move", "pattern", "unknown")
SMALL = "small"  # no fall and no net sales worth a label: only of months that a tracker flags which flags everything
SETS = ("calibration", "test")
DECIDED = ("figures", "hand")
AS_IT_STOOD = "as it stood"  # `listed_for` of a run that went on: no sale of its own for recall
FILE = "labelled_months.csv"
COLUMNS = ["holder_id", "start_month", "end_month", "label", "set", "listed_for", "decided_by", "evidence"]


def label(evidence: Evidence, limits: Mapping[str, Any]) -> tuple[str, str]:
    """(label, the reason in words): the first rule that applies, in the order of docs/methodology.md.

    `limits` is the section [labels] of config/backtest.toml.
    """
    change, net, other = evidence.change_usd_mn, evidence.net_usd_mn, evidence.other_usd_mn
    if not max(-change, -net) >= limits["minimum_usd_mn"] and not math.isnan(change + net):
        return SMALL, "neither fall nor net sales of any size"
    if math.isnan(net):
        return "unknown", "no transactions are known"
    if math.isnan(other):
        return "unknown", "no change in prices is known or can be estimated"
    off = abs(other) > evidence.tolerance_usd_mn if evidence.estimated else False
    beyond = f"transactions and holdings differ by {billions(other)}, more than prices explain"
    if off and other > 0:
        return "unknown", beyond
    fall = evidence.gross_fall_usd_mn
    sold, priced = max(-net, 0.0) / fall, max(-evidence.valuation_usd_mn, 0.0) / fall
    if sold >= limits["dominant"]:
        if evidence.bought_back >= limits["bought_back"]:
            return "pattern", f"{evidence.bought_back:.0%} bought back in the month after"
        if evidence.recurred >= limits["recurred"]:
            return "pattern", f"sales of this size on {evidence.recurred} of six occasions a {evidence.season} apart"
        if evidence.pattern_share >= limits["bought_back"]:
            return "pattern", f"{evidence.pattern_share:.0%} of the net sales recur or were bought back a month later"
    if evidence.absorbed >= limits["absorbed"] and priced < limits["dominant"]:
        return "move", f"{evidence.partner} took in {evidence.absorbed:.0%} of it, prices left out"
    if off:
        return "unknown", beyond
    if priced >= limits["dominant"]:
        return "price", f"prices are {priced:.0%} of the gross fall"
    if sold >= limits["dominant"]:
        if other >= limits["undone"] * -net:
            return "unknown", f"other changes give back {other / -net:.0%} of the net sales"
        if evidence.custodial_centre:
            return "unknown", "net sales booked at a custodial centre: whose they are is not known"
        return "sale", f"net sales are {sold:.0%} of the gross fall"
    return "unknown", f"net sales {sold:.0%}, prices {priced:.0%} of the gross fall: neither decides"


def labelled(spans: pd.DataFrame, history: History) -> pd.DataFrame:
    """`spans` (holder_id, start_month, end_month) with `label` and `evidence`, one short sentence with the amounts."""
    rows = [
        history.of(*span) for span in zip(spans["holder_id"], spans["start_month"], spans["end_month"], strict=True)
    ]
    told = [label(row, history.limits) for row in rows]
    sentences = [
        _sentence(row, reason, end) for row, (_, reason), end in zip(rows, told, spans["end_month"], strict=True)
    ]
    return spans.assign(label=[name for name, _ in told], evidence=sentences)


def _sentence(evidence: Evidence, reason: str, end: pd.Timestamp) -> str:
    amounts = [f"net purchases {billions(evidence.net_usd_mn)}"]
    if not math.isnan(evidence.valuation_usd_mn):
        about = "estimated valuation" if evidence.estimated else "valuation"
        amounts += [f"{about} {billions(evidence.valuation_usd_mn)}", f"other {billions(evidence.other_usd_mn)}"]
    if 0 < evidence.bought_back < math.inf and "bought back" not in reason:
        amounts.append(f"{evidence.bought_back:.0%} of the net sales bought in {month_name(shifted(end, 1))}")
    if evidence.partner and evidence.partner not in reason:
        amounts.append(f"{evidence.partner} up by {evidence.absorbed:.0%} of the fall")
    return f"Change {billions(evidence.change_usd_mn)}: {', '.join(amounts)}. {reason[:1].upper()}{reason[1:]}."


def set_of(months: pd.Series, cut: pd.Timestamp) -> pd.Series:
    """`test` from the month `cut` on, `calibration` before: by the last month of each row, never by choice."""
    return (months >= cut).map({True: SETS[1], False: SETS[0]})


def stored_labels(rows: list[dict[str, str]], cut: pd.Timestamp) -> pd.DataFrame:
    """The rows of config/labelled_months.csv with COLUMNS, months as timestamps.

    Raises ConfigurationError for a label, month or set that is not one, and for a row that stands twice.
    """
    table = pd.DataFrame(rows, columns=COLUMNS)
    try:
        table = table.assign(
            **{name: pd.to_datetime(table[name], format="%Y-%m") for name in ("start_month", "end_month")}
        )
    except ValueError as problem:
        raise ConfigurationError(
            f"{FILE}: {problem}; start_month and end_month are months such as 2024-05"
        ) from problem
    for column, known in (("label", LABELS), ("decided_by", DECIDED)):
        wrong = table[~table[column].isin(known)]
        if len(wrong):
            found = wrong.iloc[0]
            raise ConfigurationError(
                f"{FILE}, {found['holder_id']} {found['start_month']:%Y-%m}, {column}: "
                f"expected one of {', '.join(known)}, found {found[column]!r}"
            )
    wrong = table[table["set"] != set_of(table["end_month"], cut)]
    if len(wrong):
        found = wrong.iloc[0]
        raise ConfigurationError(
            f"{FILE}, {found['holder_id']} {found['end_month']:%Y-%m}: the set goes by time; "
            f"{SETS[1]} from {cut:%Y-%m} on, {SETS[0]} before"
        )
    twice = table[table.duplicated(["holder_id", "start_month", "end_month"])]
    if len(twice):
        found = twice.iloc[0]
        raise ConfigurationError(f"{FILE}, {found['holder_id']} {found['start_month']:%Y-%m}: stands twice")
    return table


def largest_unflagged(
    months: pd.DataFrame, alarms: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp, count: int
) -> pd.DataFrame:
    """The `count` largest falls of countries from `first` to `last` that lie in no alarm: holder_id, months, `listed_for`.

    A month's fall is the larger of the fall in holdings and of the net sales; `listed_for` says which.
    """
    inside = months[months["month"].between(first, last)]
    inside = inside.assign(fall=-inside["change_usd_mn"], sold=-inside["net_purchases_usd_mn"])
    inside = inside.assign(size=inside[["fall", "sold"]].max(axis=1)).sort_values(
        "size", ascending=False, kind="stable"
    )
    spans = {
        holder: list(zip(own["start_month"], own["end_month"], strict=True))
        for holder, own in alarms.groupby("holder_id")
    }
    free = [
        not any(start <= month <= end for start, end in spans.get(holder, ()))
        for holder, month in zip(inside["holder_id"], inside["month"], strict=True)
    ]
    largest = inside[free].head(count)
    return pd.DataFrame(
        {
            "holder_id": largest["holder_id"],
            "start_month": largest["month"],
            "end_month": largest["month"],
            "listed_for": (largest["sold"] > largest["fall"].fillna(-math.inf)).map({True: "net sales", False: "fall"}),
        }
    ).reset_index(drop=True)
