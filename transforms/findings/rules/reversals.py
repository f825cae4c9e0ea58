"""Net sales that are bought back: a swing of one month that is no withdrawal, and one that recurs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from treasury_watch.transforms.months import month_of, number_of, numbers_of

Months = dict[int, float]


@dataclass(frozen=True)
class Past:
    """One holder's net purchases and positions in USD millions, where they are known, by `number_of` a month."""

    net: Months = field(default_factory=dict)
    position: Months = field(default_factory=dict)


NONE = Past()


def pasts_of(months: pd.DataFrame, holder_ids: pd.Series) -> dict[str, Past]:
    """The past of each of these holders."""
    found: dict[str, Past] = {str(holder): Past() for holder in holder_ids.unique()}
    own = months[months["holder_id"].isin(found)]
    amounts = own["net_purchases_usd_mn"].tolist(), own["position_usd_mn"].tolist()
    numbers = numbers_of(own["month"]).tolist()
    for holder, number, net, position in zip(own["holder_id"], numbers, *amounts, strict=True):
        past = found[holder]
        if net == net:
            past.net[number] = net
        if position == position:
            past.position[number] = position
    return found


def recurring(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> list[pd.Timestamp]:
    """The earlier months whose net sales, of this month's size, were bought back in the month after, newest first.

    Empty where they are fewer than `minimum_times` of [reversals] in config/alert_rules.toml, and where the net sales
    are a small part of the position: there it is noise that comes back. Looks back only.
    """
    number = number_of(month)
    sold = past.net.get(number, math.nan)
    if not sold <= -past.position.get(number, math.nan) * limits["recurring_share_pct"] / 100:
        return []
    found = [
        before
        for before in range(number - 1, number - limits["months"] - 1, -1)
        if _undone(before, past, limits) is not None and 0.5 <= past.net[before] / sold <= 1 / 0.5
    ]
    return [_month(before) for before in found] if len(found) >= limits["minimum_times"] else []


def _month(number: int) -> pd.Timestamp:
    return pd.Timestamp(month_of(number))


def largest_sale(row: Mapping[Any, Any], past: Past) -> pd.Timestamp | None:
    """The month that a finding's net sales are mostly made of: its own, or the one with half of an episode's.

    None where no month has half of them. `row` is a flagged month or an episode.
    """
    if "month" in row:
        return pd.Timestamp(row["month"])
    span = range(number_of(row["start_month"]), number_of(row["end_month"]) + 1)
    months = [number for number in span if number in past.net]
    if not months:
        return None
    largest = min(months, key=lambda number: past.net[number])
    total = sum(past.net[number] for number in months)
    return _month(largest) if past.net[largest] < 0 and past.net[largest] <= total / 2 else None


def bought_back(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> float | None:
    """Net purchases of the month after, where they undid the month's net sales; else None.

    Net sales below `minimum_usd_mn` are not looked at.
    """
    return _undone(number_of(month), past, limits)


def _undone(number: int, past: Past, limits: Mapping[str, Any]) -> float | None:
    sold, after = past.net.get(number, math.nan), past.net.get(number + 1, math.nan)
    return after if sold <= -limits["minimum_usd_mn"] and after >= limits["bought_back"] * -sold else None


def bought_before(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> float | None:
    """Net purchases of the month before, where they are of the size of the month's net sales; else None."""
    number = number_of(month)
    sold, before = past.net.get(number, math.nan), past.net.get(number - 1, math.nan)
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
