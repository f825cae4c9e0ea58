"""Whether holdings bear out what transactions say: no sale is told that they speak against.

Form S books transactions by the place of the counterparty, holdings are booked by the place of the custodian. Without a
published valuation the two can be compared only within what prices may have done (rates/price_returns.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.amounts import billions, in_billions, went
from treasury_watch.transforms.wording import joined

if TYPE_CHECKING:
    import pandas as pd

NO_SALE = "so no sale is told"


def error_usd_mn(long_term_before_usd_mn: float, months: int, declared: Mapping[str, Any]) -> float:
    """What the estimated valuation of a run of months may be wrong by, in USD millions; NaN where it is not known.

    `declared` is [price_return] of config/alert_rules.toml.
    """
    return long_term_before_usd_mn * declared["error_pct"] / 100 * months ** declared["error_grows"]


def long_term_before(months: pd.DataFrame) -> pd.Series:
    """The bonds and notes held before each month, in USD millions; NaN where they are not known on one survey basis."""
    return months["long_term_usd_mn"] - months["change_long_term_usd_mn"]


def contradicted(net: float, other: float, error: float, limits: Mapping[str, Any]) -> bool:
    """Whether holdings speak against net sales: they fell by so much less than was sold that prices cannot be why.

    `other` is what is left of the change without net purchases and estimated valuation. It speaks against the sale where it
    is more than the estimate may be wrong by and a good part (`offset` of [verdict]) of what was sold.
    """
    return net < 0 and other > error and other >= limits["offset"] * -net


def unaccounted(other: float, error: float, part: float, limits: Mapping[str, Any]) -> bool:
    """Whether most of a fall is neither in the transactions nor in prices, however wrong the estimate of these may be.

    `part` is the part of `other` in what pulled the position down.
    """
    return -other > error and part * (1 + error / other) >= limits["moved"]


def doubts(rows: pd.DataFrame) -> list[str | None]:
    """`doubt` of every finding."""
    return [doubt(row) for row in rows.to_dict("records")]


def doubt(row: Mapping[Any, Any]) -> str | None:
    """Why no sale is told of a finding whose transactions and holdings disagree, in a sentence; None of any other."""
    if not row.get("contradicted"):
        return None
    net, change = row["net_purchases_usd_mn"], row["change_usd_mn"]
    bonds, bills = row["net_long_term_usd_mn"], row["net_short_term_usd_mn"]
    if math.isnan(net):
        net = bonds
    parts = [
        f"Form S counts net {'sales' if bonds < 0 else 'purchases'} of {billions(abs(bonds), signed=False)} of bonds and notes"
    ]
    if not math.isnan(bills) and in_billions(
        bills
    ):  # Form S has none: their net purchases are the change in what is held
        parts.append(f"bills held {went(bills)}")
    valuation = row["valuation_usd_mn"]
    if not math.isnan(valuation):
        size = f"{'took' if valuation < 0 else 'added'} an estimated {billions(abs(valuation), signed=False)}"
        moved_by = size if in_billions(valuation) else "did next to nothing"
        parts.append(f"prices {moved_by} (give or take {billions(row['error_usd_mn'], signed=False)})")
    recorded = joined(parts)
    if change < net + (0.0 if math.isnan(valuation) else valuation):
        return f"{recorded}: most of the fall of {billions(-change, signed=False)} is in none of these, so it is not explained."
    return f"{recorded}; holdings {went(change)}: the two do not agree, {NO_SALE}."
