"""Findings in sentences, made from the figures. The same text goes to the command line, the mail and the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

VERDICT_WORDS = {
    "sold": "Mostly sold",
    "repriced": "Mostly repriced, not sold",
    "moved": "Mostly moved or reclassified, not sold",
    "mixed": "Mixed",
    "unexplained": "Not explained",
}


def billions(usd_mn: float, *, signed: bool = True) -> str:
    """`-$40.9bn` from -40921. Rounding happens here, at display, and nowhere else."""
    if usd_mn is None or math.isnan(usd_mn):
        return "n.a."
    # In decimal arithmetic: 11,950 / 1000 is a little below 11.95 in binary and would be shown as 11.9.
    tenths = (Decimal(abs(usd_mn)) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)
    amount = f"${tenths:,}bn"
    sign = "-" if usd_mn < 0 else "+" if signed else ""
    return amount if amount == "$0.0bn" else sign + amount


def month_name(month: pd.Timestamp) -> str:
    """`April 2024`."""
    return f"{pd.Timestamp(month):%B %Y}"


def identity(row: Mapping[Any, Any]) -> str:
    """The decomposition written out: change = net purchases + valuation + other."""
    return (
        f"change {billions(row['change_usd_mn'])} = net purchases {billions(row['net_purchases_usd_mn'])} "
        f"+ valuation {billions(row['valuation_usd_mn'])} + other {billions(row['other_usd_mn'])}"
    )


def explained(row: Mapping[Any, Any], period: str) -> str:
    """Two or three sentences on a flagged month or an episode. `period` is `in April 2024` or `from ... to ...`."""
    change = row["change_usd_mn"]
    if math.isnan(change):
        lead = f"{row['holder']}: the change in holdings {period} is not known on one survey basis."
    else:
        amount = billions(abs(change), signed=False)
        moved = f"{'fell' if change < 0 else 'rose'} by {amount}" if amount != "$0.0bn" else "hardly changed"
        lead = f"{row['holder']}'s holdings {moved} {period}."
    if row["verdict"] == "unexplained":
        return f"{lead} {VERDICT_WORDS['unexplained']}: no complete decomposition is published for this period."
    return f"{lead} {VERDICT_WORDS[row['verdict']]}: {identity(row)}. {instruments(row)}".strip()


def instruments(row: Mapping[Any, Any]) -> str:
    """What was bought and sold: bonds and notes, and bills."""
    bonds, bills = row["net_long_term_usd_mn"], row["net_short_term_usd_mn"]
    if math.isnan(bonds) or math.isnan(bills):
        return ""
    return f"Of the net purchases, bonds and notes {billions(bonds)}, bills {billions(bills)}."


def explain_months(flagged: pd.DataFrame) -> list[str]:
    """The explanation of every flagged month."""
    return [explained(row, f"in {month_name(row['month'])}") for row in flagged.to_dict("records")]


def explain_episodes(runs: pd.DataFrame) -> list[str]:
    """The explanation of every episode."""
    return [
        explained(row, f"from {month_name(row['start_month'])} to {month_name(row['end_month'])}")
        for row in runs.to_dict("records")
    ]
