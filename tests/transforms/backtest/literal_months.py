"""Months of holders as small literal tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

NAN = math.nan
FIRST = "2022-01-01"
NO_YIELDS = pd.DataFrame({"date": pd.to_datetime([]), "series_id": [], "value": []})
LIMITS: dict[str, Any] = {
    "minimum_usd_mn": 5_000,
    "dominant": 0.6,
    "bought_back": 0.7,
    "recurred": 4,
    "absorbed": 0.5,
    "absorbed_at_most": 1.5,
    "undone": 0.5,
    "price_tolerance_pct": 2.0,
    "price_tolerance_usd_mn": 3_000,
    "mirror_minimum_usd_mn": 5_000,
    "mirror_score": 3.0,
    "mirror_tolerance": 0.25,
    "partners": {"china": [["belgium"]]},
}
CALM = [-1_000.0, 1_000.0]


def holder_months(
    holder: str,
    net: list[float],
    valuation: list[float] | float = 0.0,
    other: list[float] | float = 0.0,
    held: float = 500_000,
) -> pd.DataFrame:
    """One holder's months with their decomposition: bonds and notes only, from January 2022 on."""
    table = pd.DataFrame({"net_purchases_usd_mn": net, "valuation_usd_mn": valuation, "other_usd_mn": other})
    change = table.fillna(0.0).sum(axis=1)
    position = held + change.cumsum()
    return table.assign(
        holder_id=holder,
        holder=holder.title(),
        month=pd.date_range(FIRST, periods=len(net), freq="MS"),
        change_usd_mn=change,
        change_long_term_usd_mn=change,
        change_short_term_usd_mn=0.0,
        net_long_term_usd_mn=table["net_purchases_usd_mn"],
        net_short_term_usd_mn=0.0,
        position_usd_mn=position,
        long_term_usd_mn=position,
        short_term_usd_mn=0.0,
        basis="slt",
        evidence="release",
        source="slt_table3",
        series_break=False,
        custodial_centre=False,
    )


def month(number: int) -> pd.Timestamp:
    """The month with this place in the tables, from 0."""
    return pd.Timestamp(FIRST) + pd.DateOffset(months=number)
