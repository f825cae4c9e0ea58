"""A fall that declared partners take up over the same months: securities that may have changed the custodian only.

Chance does much of this: a random place of similar size gains half of what another loses about once in six times
(docs/methodology.md). So only places count that are declared to be read together ([pairs] of config/alert_rules.toml, each
with its reason), their gain must not be price, must be unusual for them, and must for the most part be no purchases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.amounts import went
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.findings.rules.places.moves import PUBLISHED, Moves
from treasury_watch.transforms.findings.rules.scores import MAD_TO_SIGMA
from treasury_watch.transforms.wording import months_covered, possessive, sentence, stated

LONGER_RUN = "Part of a longer run: "
COLUMNS = ["absorbed_usd_mn", "absorbed_share_pct", "together_change_usd_mn"]


@dataclass(frozen=True)
class Absorbed:
    """What partners took up of a fall: amounts in USD millions, prices left out; `share` of the fall, 0 and more.

    `partners_change` and `holder_change` are changes in holdings as published.
    """

    partners: tuple[str, ...]
    usd_mn: float
    share: float
    holder_change: float
    partners_change: float
    kept: str = ""


def partners_of(holder_id: str, pairs: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """For each declared pair in which this holder's falls are looked for elsewhere: the other places, and `kept`."""
    found = []
    for pair in pairs.values():
        if holder_id in pair.get("owners", pair["members"]) and holder_id in pair["members"]:
            found.append((tuple(m for m in pair["members"] if m != holder_id), pair.get("kept", "")))
    return found


def taken_up(
    moves: Moves, holder_id: str, partners: tuple[str, ...], first: Any, last: Any, limits: Mapping[str, Any]
) -> Absorbed | None:
    """What the partners together took up of the holder's fall in these months; None where it is not known or too little.

    `limits` is [absorption] of config/alert_rules.toml.
    """
    own, others = moves.columns((holder_id,)), moves.columns(partners)
    if not own or len(others) < len(partners):
        return None
    span = moves.span(first, last)
    length = span.stop - span.start
    fall = -float(moves.over((holder_id,), length)[span.stop - 1])
    if np.isnan(fall):
        fall = -float(moves.change[span, own].sum())
    if not fall >= limits["share"] * -float(moves.change[span, own].sum()):
        return None  # most of the fall is price: nobody has taken that up
    rise = float(moves.over(partners, length)[span.stop - 1])
    # comparisons with NaN are False
    if not (fall > 0 and rise >= limits["minimum_usd_mn"] and rise >= limits["share"] * fall):
        return None
    published = bool(moves.published[span, others].all())
    least = limits["month_score"] if length == 1 else limits["run_score"]
    if not published:
        least = max(least, limits["run_score_unpublished"])
    if not unusual(moves.over(partners, length), span.stop - 1, length, limits) >= least:
        return None
    # Where net purchases are published: what was bought did not come from another custodian.
    if published and not float(moves.other[span, others].sum()) >= limits["other_share"] * rise:
        return None
    holder_change, partners_change = (float(moves.change[span, columns].sum()) for columns in (own, others))
    return Absorbed(partners, rise, rise / fall, holder_change, partners_change)


def unusual(sums: np.ndarray, at: int, length: int, limits: Mapping[str, Any]) -> float:
    """The robust score of the sum at a month against the sums of as many months that ended before it began."""
    past = sums[max(0, at - length - limits["window_months"] + 1) : at - length + 1]
    past = past[~np.isnan(past)]
    if len(past) < limits["minimum_months"]:
        return float("nan")
    usual = np.median(past)
    spread = MAD_TO_SIGMA * np.median(np.abs(past - usual))
    return float((sums[at] - usual) / max(spread, limits["scale_floor_usd_mn"]))


def absorbed(rows: pd.DataFrame, moves: Moves, rules: dict[str, Any]) -> pd.DataFrame:
    """The findings with COLUMNS and, where declared partners took up half or more of the fall, what follows from it.

    Then `counterpart` and `suspicion` name them, severity is at most [severity_caps] `absorbed`, and the verdict is `moved`
    unless the sale or the fall in value is in published figures: what is inferred does not outrank these.
    """
    limits, cap = rules["absorption"], rules["severity_caps"]["absorbed"]
    table = []
    for row in rows.to_dict("records"):
        found = _best(row, moves, rules["pairs"], limits)
        row |= dict.fromkeys(COLUMNS, float("nan"))
        if found:
            row["counterpart"] = " and ".join(moves.names[partner] for partner in found.partners)
            row["suspicion"] = told(row, found, moves.names)
            row |= dict(zip(COLUMNS, amounts(found), strict=True))
            row["severity"] = min(row["severity"], cap, key=SEVERITIES.index)
            if not set(stated(row["basis"]).split("+")) & set(PUBLISHED):
                row["verdict"] = "moved"
        table.append(row)
    return pd.DataFrame(table, columns=[*rows.columns, *COLUMNS], index=rows.index)


def amounts(found: Absorbed) -> tuple[float, float, float]:
    """The amounts of COLUMNS: USD millions, percent (at most 100), USD millions."""
    return found.usd_mn, 100 * min(found.share, 1.0), found.holder_change + found.partners_change


def _best(row: Mapping[Any, Any], moves: Moves, pairs: Mapping[str, Any], limits: Mapping[str, Any]) -> Absorbed | None:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    found = []
    for partners, kept in partners_of(row["holder_id"], pairs):
        taken = taken_up(moves, row["holder_id"], partners, first, last, limits)
        if taken:
            found.append(Absorbed(**{**vars(taken), "kept": kept}))
    # the fewest places that explain it, then the largest part of it
    return min(found, key=lambda one: (len(one.partners), -one.share)) if found else None


def told(row: Mapping[Any, Any], found: Absorbed, names: Mapping[str, str]) -> str:
    """`China's holdings fell $100.4bn in the 9 months from March to November 2025 while Belgium's, ..., rose $86.3bn. ...`."""
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    period = months_covered(first, last)
    own, others = found.holder_change, found.partners_change
    together = own + others
    places = " and ".join(possessive(names[partner]) for partner in found.partners)
    kept = f", {found.kept}," if found.kept else ""
    moved = f"{went(own)} {period} while {places}{kept} {went(others)}"
    return sentence(f"{possessive(row['holder'])} holdings {moved}. Together they {went(together)}.")


def inherited(rows: pd.DataFrame, runs: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """The findings with the severity of those inside a longer run that was taken up lowered, and the run named.

    `rows` are flagged months or episodes. Known only once the run is: a finding stands by itself while it is the newest.
    """
    cap, taken = rules["severity_caps"]["absorbed"], runs[runs["absorbed_share_pct"].notna()]
    by_holder = {
        holder: group.to_dict("records")
        for holder, group in taken[~taken["rule"].isin(rising_rules(rules))].groupby("holder_id")
    }
    table = rows.to_dict("records")
    for row in table:
        first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
        for run in by_holder.get(row["holder_id"], []):
            inside = run["start_month"] <= first and last <= run["end_month"] and run["months"] > row["months"]
            if inside and not stated(row["suspicion"]):
                row["severity"] = min(row["severity"], cap, key=SEVERITIES.index)
                row["counterpart"], row["suspicion"] = run["counterpart"], f"{LONGER_RUN}{run['suspicion']}"
                if run["verdict"] == "moved":
                    row["verdict"] = "moved"
                break
    return pd.DataFrame(table, columns=rows.columns, index=rows.index)
