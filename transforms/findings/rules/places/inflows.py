"""Custodians that gain for months: whose securities came, as far as places read together can tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.amounts import billions, in_billions
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.findings.rules.places.absorption import COLUMNS
from treasury_watch.transforms.findings.rules.places.moves import INFLOW, Moves
from treasury_watch.transforms.wording import months_covered, spoken

BOOKED = 0.25  # of what a likely source lost: from here on its net sales are told


def sources_of(holder_id: str, pairs: Mapping[str, Any]) -> list[str]:
    """The places declared to be read with this one whose securities may be kept there."""
    found: list[str] = []
    for pair in pairs.values():
        owners = pair.get("owners", pair["members"])
        if holder_id in pair["members"]:
            found += [owner for owner in owners if owner != holder_id and owner not in found]
    return found


def with_likely_sources(runs: pd.DataFrame, moves: Moves, rules: dict[str, Any]) -> pd.DataFrame:
    """The runs; those of a rising rule with the declared partners that fell at the same time, as likely, not as known.

    `absorbed_usd_mn` is then what these lost, prices left out, and its share that of the inflow. The verdict is `moved`
    where they lost as much as half of it, else `unexplained`.
    """
    rising = rising_rules(rules)
    table = []
    for found in runs.to_dict("records"):
        row: dict[Any, Any] = found
        if row["rule"] in rising:
            row |= _sources(row, moves, rules)
        table.append(row)
    return pd.DataFrame(table, columns=runs.columns, index=runs.index)


def beside_purchases(bought: float, gained: float) -> str:
    """What of a gain (USD millions) net purchases were; empty where they are not known, or nothing to the last shown digit."""
    if math.isnan(bought) or not in_billions(bought):
        return ""
    amount = billions(abs(bought), signed=False)
    if bought < 0:
        return f"; the statistics book net sales of {amount} in the same months"
    return f"; {amount} of it were net purchases" if bought <= gained else f"; net purchases were more, {amount}"


def _booked(sold: float, lost: float) -> str:
    """That the statistics book what a likely source lost as its sales, at least a part that matters."""
    if math.isnan(sold) or sold < BOOKED * lost:
        return ""
    return f", of which the statistics book {billions(min(sold, lost), signed=False)} as its net sales"


def _sources(row: Mapping[Any, Any], moves: Moves, rules: dict[str, Any]) -> dict[str, Any]:
    span, limits, inflow = moves.span(row["start_month"], row["end_month"]), rules["absorption"], row[INFLOW]
    lost, sold = {}, {}
    for place in sources_of(row["holder_id"], rules["pairs"]):
        column = moves.columns((place,))
        fall = -float(moves.moved[span, column].sum()) if column else np.nan
        if fall >= max(limits["minimum_usd_mn"], limits["source_share"] * inflow):
            lost[place] = fall
            # what moved less other changes is what was bought, net
            sold[place] = -float((moves.moved[span, column] - moves.other[span, column]).sum())
    bought = row["net_purchases_usd_mn"]
    begin = f"Holdings in {spoken(row['holder'])} rose {billions(inflow, signed=False)} "
    begin += f"{months_covered(row['start_month'], row['end_month'])}, price changes left out"
    begin += f"{beside_purchases(bought, inflow)}."
    none = {"verdict": "unexplained", "instrument": None, "counterpart": None, **dict.fromkeys(COLUMNS, float("nan"))}
    if not lost:
        others = sources_of(row["holder_id"], rules["pairs"])
        return none | {
            "suspicion": f"{begin} None of the places read with it lost enough to be its source." if others else begin
        }
    named = sorted(lost, key=lambda place: -lost[place])
    parts = [
        f"{spoken(moves.names[place])} (down {billions(lost[place], signed=False)}, price changes left out"
        f"{_booked(sold[place], lost[place])})"
        for place in named
    ]
    likely = "A likely source, not a known one, is" if len(parts) == 1 else "Likely sources, not known ones, are"
    total, columns = sum(lost.values()), moves.columns((row["holder_id"], *named))
    return none | {
        "verdict": "moved" if total >= limits["share"] * inflow else "unexplained",
        "counterpart": " and ".join(moves.names[place] for place in named),
        "suspicion": f"{begin} {likely} {' and '.join(parts)}.",
        "absorbed_usd_mn": total,
        "absorbed_share_pct": 100 * min(total / inflow, 1.0),
        "together_change_usd_mn": float(moves.change[span, columns].sum()),
    }
