"""Net sales that are bought back: a swing of one month that is no withdrawal, and one that recurs."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

MONTH = pd.DateOffset(months=1)
Nets = dict[pd.Timestamp, float]


def nets_of(months: pd.DataFrame, holder_ids: pd.Series) -> dict[str, Nets]:
    """Of each of these holders the net purchases by month, in USD millions; months without a figure are left out."""
    known = months[months["holder_id"].isin(holder_ids.unique()) & months["net_purchases_usd_mn"].notna()]
    return {
        str(holder): dict(zip(own["month"], own["net_purchases_usd_mn"], strict=True))
        for holder, own in known.groupby("holder_id")
    }


def recurring(month: pd.Timestamp, net: Nets, position_usd_mn: float, limits: dict[str, Any]) -> list[pd.Timestamp]:
    """The earlier months whose net sales, of this month's size, were bought back in the month after, newest first.

    Empty where they are fewer than `minimum_times` of [reversals] in config/alert_rules.toml, and where the net sales
    are a small part of the position: there it is noise that comes back. Looks back only.
    """
    sold = net.get(month, math.nan)
    if not sold <= -position_usd_mn * limits["recurring_share_pct"] / 100:
        return []
    back = [month - pd.DateOffset(months=number) for number in range(1, limits["months"] + 1)]
    found = [past for past in back if bought_back(past, net, limits) is not None and 0.5 <= net[past] / sold <= 1 / 0.5]
    return found if len(found) >= limits["minimum_times"] else []


def bought_back(month: pd.Timestamp, net: Nets, limits: dict[str, Any]) -> float | None:
    """Net purchases of the month after, where they undid the month's net sales; else None.

    Net sales below `minimum_usd_mn` are not looked at.
    """
    sold, after = net.get(month, math.nan), net.get(month + MONTH, math.nan)
    return after if sold <= -limits["minimum_usd_mn"] and after >= limits["bought_back"] * -sold else None


def bought_before(month: pd.Timestamp, net: Nets, limits: dict[str, Any]) -> float | None:
    """Net purchases of the month before, where they are of the size of the month's net sales; else None."""
    sold, before = net.get(month, math.nan), net.get(month - MONTH, math.nan)
    if not sold <= -limits["minimum_usd_mn"]:
        return None
    alike = limits["bought_back"] <= before / -sold <= 1 / limits["bought_back"]
    return before if alike else None
