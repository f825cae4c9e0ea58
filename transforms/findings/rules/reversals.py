"""Net sales that are bought back: a swing of one month that is no withdrawal, and one that recurs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from treasury_watch.transforms.months import month_of, number_of, numbers_of

Months = dict[int, float]
TREASURIES, BONDS_AND_NOTES, BILLS_ALONE = "Treasuries", "bonds and notes", "bills"
MOSTLY = 0.75  # of net sales in one instrument: it is this one that has to be bought back (`instrument` of [verdict])


@dataclass(frozen=True)
class Past:
    """One holder's net purchases, of all Treasuries and of each instrument, and positions, in USD millions, where they are known,
    by `number_of` a month.
    """

    net: Months = field(default_factory=dict)
    position: Months = field(default_factory=dict)
    bonds: Months = field(default_factory=dict)  # of net, where known: net purchases of bonds and notes,
    bills: Months = field(default_factory=dict)  # and of bills


NONE = Past()


def pasts_of(months: pd.DataFrame, holder_ids: pd.Series) -> dict[str, Past]:
    """The past of each of these holders."""
    found: dict[str, Past] = {str(holder): Past() for holder in holder_ids.unique()}
    own = months[months["holder_id"].isin(found)]
    columns = ["net_purchases_usd_mn", "position_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn"]
    numbers = numbers_of(own["month"]).tolist()
    amounts = (own[column].tolist() for column in columns)
    for holder, number, *figures in zip(own["holder_id"], numbers, *amounts, strict=True):
        past = found[holder]
        for months_of_one, figure in zip((past.net, past.position, past.bonds, past.bills), figures, strict=True):
            if figure == figure:
                months_of_one[number] = figure
    return found


@dataclass(frozen=True)
class Bought:
    """Net purchases next to net sales: amounts in USD millions (`sold` positive) of what was mostly sold, `what`: bonds and notes,
    bills, or Treasuries of both kinds.
    """

    amount: float
    sold: float
    what: str


def mostly_sold(number: int, past: Past) -> tuple[str, Months]:
    """What a month's net sales are mostly of, and the net purchases of it by month: of all Treasuries where both were sold.

    Bills that came for bonds are no bonds bought back, and the other way round.
    """
    bonds, bills = past.bonds.get(number, math.nan), past.bills.get(number, math.nan)
    down = max(-bonds, 0.0), max(-bills, 0.0)  # NaN where not known: then neither is mostly sold
    for what, amount, months in ((BONDS_AND_NOTES, down[0], past.bonds), (BILLS_ALONE, down[1], past.bills)):
        if amount >= MOSTLY * sum(down) > 0:
            return what, months
    return TREASURIES, past.net


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


def left_out_of_swing(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> list[pd.Timestamp]:
    """The earlier months, newest first, whose net sales were of half this month's size or more and were not bought back: what
    speaks against a swing that recurs.
    """
    number = number_of(month)
    least = min(past.net.get(number, math.nan) / 2, -limits["minimum_usd_mn"])
    return [
        _month(before)
        for before in range(number - 1, number - limits["months"] - 1, -1)
        if past.net.get(before, math.nan) <= least and _undone(before, past, limits) is None
    ]


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


def bought_back(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> Bought | None:
    """Net purchases of the month after, where they undid the month's net sales, and those of what was mostly sold; else None.

    Net sales below `minimum_usd_mn` are not looked at.
    """
    return _undone(number_of(month), past, limits)


def _undone(number: int, past: Past, limits: Mapping[str, Any]) -> Bought | None:
    if not past.net.get(number, math.nan) <= -limits["minimum_usd_mn"]:
        return None
    what, months = mostly_sold(number, past)
    for of in (past.net, months):
        if not of.get(number + 1, math.nan) >= limits["bought_back"] * -of[number]:
            return None
    return Bought(months[number + 1], -months[number], what)


def bought_before(month: pd.Timestamp, past: Past, limits: Mapping[str, Any]) -> Bought | None:
    """Net purchases of the month before, where they are of the size of the month's net sales, of all Treasuries and of what was
    mostly sold; else None.
    """
    number = number_of(month)
    if not past.net.get(number, math.nan) <= -limits["minimum_usd_mn"]:
        return None
    what, months = mostly_sold(number, past)
    for of in (past.net, months):
        if not limits["bought_back"] <= of.get(number - 1, math.nan) / -of[number] <= 1 / limits["bought_back"]:
            return None
    return Bought(months[number - 1], -months[number], what)


def swings(rows: pd.DataFrame, months: pd.DataFrame, limits: Mapping[str, Any]) -> list[bool]:
    """Of each finding whether the month that makes up its net sales is a swing that recurs."""
    pasts = pasts_of(months, rows["holder_id"])
    found = []
    for row in rows.to_dict("records"):
        past = pasts.get(row["holder_id"], NONE)
        month = largest_sale(row, past)
        found.append(month is not None and bool(recurring(month, past, limits)))
    return found
