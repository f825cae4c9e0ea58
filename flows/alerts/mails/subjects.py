"""The subject on an event that is still going on: its newest month first, then what was sold, then since when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.explain.sentences import billions, month_name
from treasury_watch.transforms.findings.rules.verdicts import shares

# A leg smaller than this part of the net sale is not named.
NAMED_PART = 0.2


def lines(holder: str, month: Mapping[str, Any], since: date, total: str) -> Iterator[str]:
    """The subject in ever shorter forms: `Japan: Treasuries -$20.1bn in May 2024; sold $24.0bn of bills (...)`.

    `month` is the newest month's row of holder_months (USD millions, None where unknown); `total` says what the months
    since `since` come to, with `{since}` in it: `falling since {since}: -$61.1bn`.
    """
    end: date = month["month"]
    begun = month_name(pd.Timestamp(since))
    begun = begun.split()[0] if since.year == end.year else begun
    for short, brief in ((False, False), (False, True), (True, True)):
        when = f"{end:%b %Y}" if short else month_name(pd.Timestamp(end))
        start = f"{since:%b}" if short and since.year == end.year else f"{since:%b %Y}" if short else begun
        change = billions(month["change_usd_mn"])
        yield f"{holder}: Treasuries {change} in {when}; {traded(month, brief)} ({total.format(since=start)})"


def traded(month: Mapping[str, Any], brief: bool = False) -> str:
    """What pulled the position down most, if not sales, and what was sold or bought: `sold $24.0bn of bills`."""
    net, valuation, other = (
        month["net_purchases_usd_mn"], month["valuation_usd_mn"], month["other_usd_mn"],
    )  # fmt: skip
    if net is None:
        return "no decomposition published"
    deal = sold(month, brief) if net < 0 else f"net purchases {billions(net)}"
    if valuation is None or other is None:
        return deal
    bonds = month["net_long_term_usd_mn"]
    part = shares(net, valuation, other, math.nan if bonds is None else bonds)
    largest = max(part, key=lambda cause: part[cause])
    if brief or not part[largest] or largest == "sold":
        return deal
    return f"valuation {billions(valuation)}, {deal}" if largest == "repriced" else f"moved {billions(other)}, {deal}"


def sold(row: Mapping[str, Any], brief: bool = False) -> str:
    """The net sale by instrument: `sold $36.6bn of bonds, bought $12.0bn of bills`."""
    net, bonds, bills = (
        row["net_purchases_usd_mn"], row["net_long_term_usd_mn"], row["net_short_term_usd_mn"],
    )  # fmt: skip
    if bonds is None or bills is None:
        return f"sold {billions(-net, signed=False)} net"
    (less, name), (more, rest) = sorted([(bonds, "bonds"), (bills, "bills")])
    if more < NAMED_PART * net:
        return f"sold {billions(-net, signed=False)} of bonds and bills"
    said = f"sold {billions(-less, signed=False)} of {name}"
    if more > -NAMED_PART * net and not brief:
        said += f", bought {billions(more, signed=False)} of {rest}"
    return said
