"""What was sold and bought, by instrument, as a clause of a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treasury_watch.transforms.amounts import billions, in_billions, is_known
from treasury_watch.transforms.findings.rules.flagged_months import BILLS, BONDS, OTHER_INSTRUMENT
from treasury_watch.transforms.wording import joined

# Bills bought for at least these parts of the bonds sold: the holder moved within Treasuries, in part or mostly.
SHIFT, MOSTLY_SHIFT = 0.5, 0.75
SOLD_BILLS = "sold or let mature"
NEARLY_ALL = 0.9  # of net sales in one instrument: the other one is not named


def trades(row: Mapping[Any, Any], period: str = "", price: str = "") -> str:
    """What was sold and bought: `sold $36.6bn of Treasury bonds and notes in June 2024 and bought $12.0bn of bills`.

    `price`, what prices did, is told after it. Empty where it is not known, or nothing was. Bills that fall may have been
    sold or have come due.
    """
    bonds, bills, net = row[BONDS], row[BILLS], row["net_purchases_usd_mn"]
    when = f" {period}" if period else ""
    if not (is_known(bonds) and is_known(bills)):
        if not is_known(net) or not in_billions(net):
            return ""
        whole = f"{'sold' if net < 0 else 'bought'} {billions(abs(net), signed=False)} of Treasuries{when}, net"
        return f"{whole}, and {price}" if price else whole
    if bonds < 0 and bills < 0 and bonds <= NEARLY_ALL * (bonds + bills):
        whole = f"sold {billions(-bonds - bills, signed=False)} of Treasuries{when}, nearly all bonds and notes"
        return f"{whole}, and {price}" if price else whole
    legs = [(amount, name) for amount, name in ((bonds, "bonds and notes"), (bills, "bills")) if in_billions(amount)]
    legs.sort(key=lambda leg: leg[0] if net < 0 else -leg[0])  # what went the way of the whole goes first
    words = [
        f"{_verb(amount, name)} {billions(abs(amount), signed=False)} of {'' if place or not period else 'Treasury '}{name}"
        for place, (amount, name) in enumerate(legs)
    ]
    if not words:
        return ""
    shift = ""
    if shifted_within(row):
        mostly = bought_share(row, BONDS if bonds < 0 else BILLS) >= MOSTLY_SHIFT
        shift = f": {'mostly' if mostly else 'in part'} a shift within Treasuries"
    if len(words) > 1 and words[1].partition(" $")[0] == words[0].partition(" $")[0] == "bought":
        words[1] = words[1].removeprefix("bought ")
    return joined([f"{words[0]}{when}", *words[1:], *([price] if price else [])]) + shift


def names_bills_sold(row: Mapping[Any, Any]) -> bool:
    """Whether `trades` tells of bills that were sold or let mature."""
    return f"{SOLD_BILLS} " in trades(row)


def _verb(amount: float, name: str) -> str:
    if amount > 0:
        return "bought"
    return SOLD_BILLS if name == "bills" else "sold"


def shifted_within(row: Mapping[Any, Any]) -> bool:
    """Whether bonds and notes were sold and bills bought for a good part of them."""
    return bought_share(row, BONDS) >= SHIFT or (row["of"] == BILLS and bought_share(row, BILLS) >= SHIFT)


def bought_share(row: Mapping[Any, Any], of: str) -> float:
    """Net purchases of the other instrument as a share of net sales of `of`; 0 where there are none of one of them."""
    sold, bought = row[of], row[OTHER_INSTRUMENT[of]]
    return bought / -sold if sold < 0 < bought else 0.0
