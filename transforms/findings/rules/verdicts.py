"""Sold, repriced or moved: what the decomposition says of a fall, with the shares behind it and the instrument sold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treasury_watch.transforms.findings.rules.evidence import contradicted, unaccounted
from treasury_watch.transforms.wording import stated

NAN = math.nan
VERDICTS = ("sold", "repriced", "moved", "mixed", "unexplained")
FORM_S = "form_s"
ESTIMATED = "estimated"  # the basis whose net purchases are from Form S and whose valuation is estimated from yields
INSTRUMENTS = ("bonds", "bills", "both", "none")
SHARE_COLUMNS = {"sold": "sold_share_pct", "repriced": "repriced_share_pct", "moved": "moved_share_pct"}


@dataclass(frozen=True)
class Reading:
    """A verdict with its shares in percent (NaN where unknown) and the instrument sold (None where unknown).

    `contradicted` is True where holdings speak against what the transactions say: no sale can be told, of no instrument.
    """

    verdict: str
    sold_share_pct: float
    repriced_share_pct: float
    moved_share_pct: float
    instrument: str | None
    contradicted: bool = False


def shares(net: float, valuation: float, other: float, bonds: float = NAN) -> dict[str, float]:
    """Each cause's share of everything that pulled the position down, between 0 and 1; causes that raised it are 0.

    Shares of the gross fall, not of the net change: a sale of bonds in a month of rising prices is a sale although the
    position hardly moves. What `offset` finds of the net sales did not leave the holder and counts as moved.
    """
    back = offset(net, other, bonds)
    falls = {
        "sold": max(-net, 0.0) - back if not math.isnan(net) else 0.0,
        "repriced": max(-valuation, 0.0) if not math.isnan(valuation) else 0.0,
        "moved": back + max(-other, 0.0) if not math.isnan(other) else 0.0,
    }
    total = sum(falls.values())
    return {cause: fall / total if total else 0.0 for cause, fall in falls.items()}


def offset(net: float, other: float, bonds: float = NAN) -> float:
    """How much of the net sales positive other changes undid, in the unit of the amounts, 0 or more.

    Other changes are of bonds and notes (net purchases of bills are the change in the bills held), so they undo net
    sales of these, `bonds`, and no sales of bills.
    """
    if math.isnan(net) or math.isnan(other):
        return 0.0
    sold = min(-net, -net if math.isnan(bonds) else -bonds)
    return max(min(sold, other), 0.0)


def verdict(net: float, valuation: float, other: float, bonds: float = NAN, *, dominant: float, moved: float) -> str:
    """One of VERDICTS. `dominant` is the share that names net sales or valuation, `moved` the one for other changes.

    `unexplained` where the decomposition is not complete: net purchases or valuation unknown.
    """
    if math.isnan(net) or math.isnan(valuation) or math.isnan(other):
        return "unexplained"
    part = shares(net, valuation, other, bonds)
    if part["moved"] >= moved:
        return "moved"
    for cause in ("sold", "repriced"):
        if part[cause] >= dominant:
            return cause
    return "mixed"


def credible(valuation_pct: float, limit_pct: float) -> bool:
    """Whether a month's valuation change can be one of prices: at most `limit_pct` percent of the position before.

    True where there is nothing to hold it against.
    """
    return math.isnan(valuation_pct) or abs(valuation_pct) <= limit_pct


def reading(row: Mapping[Any, Any], net: float, limits: Mapping[str, float]) -> Reading:
    """The verdict on a month or an episode, with `net` for its net purchases (of bonds and notes, for a sale of these).

    `row` has the amounts, `basis`, `valuation_pct`, the largest valuation of one of its months in percent of the position
    before, and `error_usd_mn`, what an estimated valuation may be wrong by. Where the valuation is estimated, or there is
    none that can be believed, a sale is told only where the holdings bear it out (rules/evidence.py).
    """
    valuation, other, change = row["valuation_usd_mn"], row["other_usd_mn"], row["change_usd_mn"]
    usable = credible(row["valuation_pct"], limits["credible_valuation_pct"])
    known = not any(math.isnan(amount) for amount in (net, valuation, other))
    instrument = instrument_of(row, net, limits)
    bases = set(stated(row["basis"]).split("+"))
    if known and usable:
        amounts = net, valuation, other, row["net_long_term_usd_mn"]
        part = shares(*amounts)
        percents = 100 * part["sold"], 100 * part["repriced"], 100 * part["moved"]
        named = verdict(*amounts, dominant=limits["dominant"], moved=limits["moved"])
        if ESTIMATED not in bases:
            return Reading(named, *percents, instrument)
        against = contradicted(net, other, row["error_usd_mn"], limits)
        if against or unaccounted(other, row["error_usd_mn"], part["moved"], limits):
            return Reading("unexplained", *percents, None, contradicted=True)
        # what an estimate leaves over names no cause
        return Reading("mixed" if named == "moved" else named, *percents, instrument)
    alone = row["net_long_term_usd_mn"] if math.isnan(net) else net
    sold = -alone / -change if change < 0 and alone < 0 else NAN
    form_s = bool({FORM_S, ESTIMATED} & bases)
    against = form_s and (sold > limits["agreeing"] or alone < 0 <= change)
    named = "sold" if sold >= limits["dominant"] and not against else "unexplained"
    part_sold = 100 * min(sold, 1.0) if sold == sold else NAN
    return Reading(named, part_sold, NAN, NAN, None if against else instrument, contradicted=against)


def instrument_of(row: Mapping[Any, Any], net: float, limits: Mapping[str, float]) -> str | None:
    """Which instrument was sold, net: one of INSTRUMENTS; None where net purchases of bonds and notes are unknown.

    `none` where the holder bought on the whole (`net`), or where net sales are a negligible part of what pulled the
    position down.
    """
    bonds, bills = row["net_long_term_usd_mn"], row["net_short_term_usd_mn"]
    if math.isnan(bonds):
        return None
    sold = {"bonds": max(-bonds, 0.0), "bills": 0.0 if math.isnan(bills) else max(-bills, 0.0)}
    total = sum(sold.values())
    down = [row["valuation_usd_mn"], row["other_usd_mn"]]
    pulled = total + sum(max(-amount, 0.0) for amount in down if not math.isnan(amount))
    if not total or net >= 0 or total < limits["negligible"] * pulled:
        return "none"
    for name, amount in sold.items():
        if amount >= limits["instrument"] * total:
            return name
    return "both"
