"""Findings in sentences, made from the figures. The same text goes to the command line, the mail and the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, in_billions, is_known, percent
from treasury_watch.transforms.findings.rules.custody import ONE_MOVE
from treasury_watch.transforms.findings.rules.flagged_months import BILLS, BONDS, OTHER_INSTRUMENT
from treasury_watch.transforms.findings.rules.places.moves import INFLOW
from treasury_watch.transforms.findings.rules.verdicts import offset
from treasury_watch.transforms.wording import month_name, plain_name, possessive, sentence, spoken, stated

VERDICT_WORDS = {
    "sold": "Mostly sold",
    "repriced": "Mostly repriced",
    "moved": "Mostly moved or reclassified",
    "mixed": "Mixed",
    "unexplained": "Not explained",
}
CAUSES = {
    "sold_share_pct": "net sales",
    "repriced_share_pct": "valuation",
    "moved_share_pct": "other changes",
}
# Bills bought for at least these parts of the bonds sold: the holder moved within Treasuries, in part or mostly.
SHIFT, MOSTLY_SHIFT = 0.5, 0.75
TRADED = {BONDS: "bonds and notes", BILLS: "bills"}
NOT_SOLD_PCT = 10.0  # "not sold" is said of net sales below this share only


def identity(row: Mapping[Any, Any]) -> str:
    """The decomposition written out: change = net purchases + valuation + other.

    Says `rounded` where the rounded parts do not add up to the rounded change.
    """
    names = ("net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn")
    whole = all(is_known(row[name]) for name in ("change_usd_mn", *names))
    rounded = whole and sum(in_billions(row[name]) for name in names) != in_billions(row["change_usd_mn"])
    return (
        f"change {billions(row['change_usd_mn'])} = net purchases {billions(row['net_purchases_usd_mn'])} "
        f"+ valuation {billions(row['valuation_usd_mn'])} + other {billions(row['other_usd_mn'])}"
        f"{' (rounded)' if rounded else ''}"
    )


def explained(row: Mapping[Any, Any], period: str) -> str:
    """Two or three sentences on a flagged month or an episode. `period` is `in April 2024` or `from ... to ...`."""
    change, net = row["change_usd_mn"], row["net_purchases_usd_mn"]
    if row["of"] == INFLOW:
        return f"{row['suspicion']} In all: {identity(row)}."
    if math.isnan(change):
        lead = f"{plain_name(row['holder'])}: the change in holdings {period} is not known on one survey basis."
    else:
        amount = billions(abs(change), signed=False)
        moved = f"{'fell' if change < 0 else 'rose'} by {amount}" if amount != "$0.0bn" else "hardly changed"
        lead = f"{possessive(row['holder'])} holdings {moved} {period}{_peak(row)}."
        if change > 0 > net and amount != "$0.0bn":
            sold = billions(-net, signed=False)
            lead = f"{possessive(row['holder'])} holdings {moved} {period} although its net sales were {sold}."
    if row["of"] in OTHER_INSTRUMENT and bought_share(row, row["of"]) >= SHIFT:
        return " ".join([_shift(row, row["of"], period), sentence(lead), f"In all: {identity(row)}."])
    return " ".join(filter(None, [sentence(lead), _verdict(row), causes(row), instruments(row)]))


def bought_share(row: Mapping[Any, Any], of: str) -> float:
    """Net purchases of the other instrument as a share of net sales of `of`; 0 where there are none of one of them."""
    sold, bought = row[of], row[OTHER_INSTRUMENT[of]]
    return bought / -sold if sold < 0 < bought else 0.0


def _shift(row: Mapping[Any, Any], of: str, period: str) -> str:
    """What a flagged sale of one instrument was, where the other was bought for a good part of it."""
    sold, bought = (
        f"{billions(abs(row[name]), signed=False)} of {TRADED[name]}" for name in (of, OTHER_INSTRUMENT[of])
    )
    deal = f"{spoken(row['holder'])} sold {sold} {period}, net, and bought {bought}"
    return sentence(
        f"{deal}: {'mostly' if bought_share(row, of) >= MOSTLY_SHIFT else 'in part'} a shift within Treasuries."
    )


def _peak(row: Mapping[Any, Any]) -> str:
    """Of an exit: how much is left of the largest position of the years before."""
    peak = row.get("peak_usd_mn")
    if peak is None or math.isnan(peak):
        return ""
    left, largest = (billions(amount, signed=False) for amount in (row["position_usd_mn"], peak))
    return f", to {left}, {percent(100 * row['position_usd_mn'] / peak, 0)} of the peak of the three years before ({largest})"


def _verdict(row: Mapping[Any, Any]) -> str:
    known = not any(math.isnan(row[name]) for name in ("net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"))
    words = VERDICT_WORDS[row["verdict"]]
    mirrored = row["verdict"] == "moved" and ONE_MOVE in stated(row["suspicion"])
    if mirrored:
        words = "Mostly moved"
    if mirrored or (row["verdict"] in ("repriced", "moved") and row["sold_share_pct"] < NOT_SOLD_PCT):
        words += ", not sold"
    if row["verdict"] == "unexplained":
        net = row["net_purchases_usd_mn"]
        if stated(row.get("doubt")):
            return f"{words}: {row['doubt']}"
        if known:
            return f"{words}: the stated valuation is more than prices can have moved; {identity(row)}."
        bought = "" if math.isnan(net) else f"; net purchases were {billions(net)}"
        return f"{words}: no complete decomposition is published for this period{bought}."
    if not known:
        amount, what = row["net_purchases_usd_mn"], "net purchases"
        if math.isnan(amount):
            amount, what = row["net_long_term_usd_mn"], "net purchases of bonds and notes"
        return f"{words}: {what} of {billions(amount)} against a change of {billions(row['change_usd_mn'])}."
    return f"{words}: {identity(row)}."


def causes(row: Mapping[Any, Any]) -> str:
    """The shares behind the verdict, largest first; empty where they are not known or there is one cause only."""
    if row["verdict"] == "moved" and stated(row["suspicion"]):
        return stated(row["suspicion"])
    undone = offset(row["net_purchases_usd_mn"], row["other_usd_mn"], row["net_long_term_usd_mn"])
    if row["verdict"] == "moved" and undone:
        whole = undone >= -row["net_purchases_usd_mn"]
        part = "all" if whole else billions(undone, signed=False)
        return f"Other changes of {billions(row['other_usd_mn'])} offset {part} of the net sales."
    names = CAUSES | ({"moved_share_pct": "net sales undone by other changes"} if undone else {})
    parts = [(row[column], name) for column, name in names.items() if row[column] >= 0.5]
    if row["verdict"] == "unexplained" or any(math.isnan(row[column]) for column in CAUSES) or len(parts) < 2:
        return ""
    listed = [f"{name} {percent(share, 0)}" for share, name in sorted(parts, reverse=True)]
    return f"Of what pulled it down: {', '.join(listed)}."


def instruments(row: Mapping[Any, Any]) -> str:
    """What was bought and sold: bonds and notes, and bills, with the one that was sold named."""
    bonds, bills = row["net_long_term_usd_mn"], row["net_short_term_usd_mn"]
    if math.isnan(bonds) or math.isnan(bills):
        return ""
    words = {
        "bonds": f"Bonds and notes were sold ({billions(bonds)}); bills {billions(bills)}",
        "bills": f"Bills were sold ({billions(bills)}); bonds and notes {billions(bonds)}",
        "both": f"Both were sold: bonds and notes {billions(bonds)}, bills {billions(bills)}",
    }
    traded = "sales" if row["net_purchases_usd_mn"] < 0 else "purchases"
    other = f"Of the net {traded}, bonds and notes {billions(bonds)}, bills {billions(bills)}"
    share = bought_share(row, BONDS) if stated(row["instrument"]) == "bonds" else 0.0
    shift = f": {'mostly' if share >= MOSTLY_SHIFT else 'in part'} a shift within Treasuries" if share >= SHIFT else ""
    return f"{words.get(stated(row['instrument']), other)}{shift}."


def explain_months(flagged: pd.DataFrame) -> list[str]:
    """The explanation of every flagged month; all rules that flag one say the same, of an exit too."""
    peaks = (
        flagged.groupby(["holder_id", "month"])["peak_usd_mn"].transform("max") if "peak_usd_mn" in flagged else None
    )
    flagged = flagged if peaks is None else flagged.assign(peak_usd_mn=peaks)
    return [explained(row, f"in {month_name(row['month'])}") for row in flagged.to_dict("records")]


def explain_episodes(runs: pd.DataFrame) -> list[str]:
    """The explanation of every episode."""
    return [
        explained(row, f"from {month_name(row['start_month'])} to {month_name(row['end_month'])}")
        for row in runs.to_dict("records")
    ]
