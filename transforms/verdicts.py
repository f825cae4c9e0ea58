"""Sold, repriced or moved: what the decomposition says of a fall."""

from __future__ import annotations

import math

VERDICTS = ("sold", "repriced", "moved", "mixed", "unexplained")


def shares(net: float, valuation: float, other: float) -> dict[str, float]:
    """Each cause's share of everything that pulled the position down, between 0 and 1; causes that raised it are 0.

    Shares of the gross fall, not of the net change: a sale of bonds in a month of rising prices is a sale although the
    position hardly moves.
    """
    falls = {
        "sold": max(-net, 0.0) if not math.isnan(net) else 0.0,
        "repriced": max(-valuation, 0.0) if not math.isnan(valuation) else 0.0,
        "moved": max(-other, 0.0) if not math.isnan(other) else 0.0,
    }
    total = sum(falls.values())
    return {cause: fall / total if total else 0.0 for cause, fall in falls.items()}


def verdict(net: float, valuation: float, other: float, *, dominant: float, moved: float) -> str:
    """One of VERDICTS. `dominant` is the share that names net sales or valuation, `moved` the one for other changes.

    `unexplained` where the decomposition is not complete: net purchases or valuation unknown.
    """
    if math.isnan(net) or math.isnan(valuation) or math.isnan(other):
        return "unexplained"
    part = shares(net, valuation, other)
    if part["moved"] >= moved:
        return "moved"
    for cause in ("sold", "repriced"):
        if part[cause] >= dominant:
            return cause
    return "mixed"
