"""Net sales that are bought back: a swing of one month that is no withdrawal, and one that recurs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

MONTH = pd.DateOffset(months=1)


@dataclass(frozen=True)
class Past:
    """One holder's net purchases and positions by month, in USD millions, where they are known."""

    net: dict[pd.Timestamp, float] = field(default_factory=dict)
    position: dict[pd.Timestamp, float] = field(default_factory=dict)


NONE = Past()


def pasts_of(months: pd.DataFrame, holder_ids: pd.Series) -> dict[str, Past]:
    """The past of each of these holders."""
    found = {}
    for holder, own in months[months["holder_id"].isin(holder_ids.unique())].groupby("holder_id"):
        known = [
            dict(zip(own.loc[own[name].notna(), "month"], own[name].dropna(), strict=True))
            for name in ("net_purchases_usd_mn", "position_usd_mn")
        ]
        found[str(holder)] = Past(*known)
    return found


def recurring(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> list[pd.Timestamp]:
    """The earlier months whose net sales, of this month's size, were bought back in the month after, newest first.

    Empty where they are fewer than `minimum_times` of [reversals] in config/alert_rules.toml, and where the net sales
    are a small part of the position: there it is noise that comes back. Looks back only.
    """
    sold = past.net.get(month, math.nan)
    if not sold <= -past.position.get(month, math.nan) * limits["recurring_share_pct"] / 100:
        return []
    back = [month - pd.DateOffset(months=number) for number in range(1, limits["months"] + 1)]
    found = [
        before
        for before in back
        if bought_back(before, past, limits) is not None and 0.5 <= past.net[before] / sold <= 1 / 0.5
    ]
    return found if len(found) >= limits["minimum_times"] else []


def largest_sale(row: Mapping[Any, Any], past: Past) -> pd.Timestamp | None:
    """The month that a finding's net sales are mostly made of: its own, or the one with half of an episode's.

    None where no month has half of them. `row` is a flagged month or an episode.
    """
    if "month" in row:
        return pd.Timestamp(row["month"])
    months = [month for month in pd.date_range(row["start_month"], row["end_month"], freq="MS") if month in past.net]
    if not months:
        return None
    largest = min(months, key=lambda month: past.net[month])
    total = sum(past.net[month] for month in months)
    return largest if past.net[largest] < 0 and past.net[largest] <= total / 2 else None


def bought_back(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> float | None:
    """Net purchases of the month after, where they undid the month's net sales; else None.

    Net sales below `minimum_usd_mn` are not looked at.
    """
    sold, after = past.net.get(month, math.nan), past.net.get(month + MONTH, math.nan)
    return after if sold <= -limits["minimum_usd_mn"] and after >= limits["bought_back"] * -sold else None


def bought_before(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> float | None:
    """Net purchases of the month before, where they are of the size of the month's net sales; else None."""
    sold, before = past.net.get(month, math.nan), past.net.get(month - MONTH, math.nan)
    if not sold <= -limits["minimum_usd_mn"]:
        return None
    alike = limits["bought_back"] <= before / -sold <= 1 / limits["bought_back"]
    return before if alike else None


def swings(rows: pd.DataFrame, months: pd.DataFrame, limits: Mapping[str, Any]) -> list[bool]:
    """Of each finding whether the month that makes up its net sales is a swing that recurs."""
    pasts = pasts_of(months, rows["holder_id"])
    found = []
    for row in rows.to_dict("records"):
        past = pasts.get(row["holder_id"], NONE)
        month = largest_sale(row, past)
        found.append(month is not None and bool(recurring(month, past, limits)))
    return found
