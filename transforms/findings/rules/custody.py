"""Moves between custodians: a fall in one place mirrored by a rise in another, and places that are read together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.amounts import billions, went
from treasury_watch.transforms.findings.rules.flagged_months import (
    AMOUNTS,
    capped,
    position_before,
    scores,
    valuation_pct,
)
from treasury_watch.transforms.findings.rules.verdicts import credible
from treasury_watch.transforms.wording import month_name, spoken

MIRROR_COLUMNS = [
    "holder_id", "month", "fall_usd_mn", "counterpart", "rise_usd_mn", "rise_known", "moved",
]  # fmt: skip
PAIR_COLUMNS = [
    "pair", "month", "members", "position_usd_mn", *AMOUNTS, "basis", "series_break",
]  # fmt: skip

ONE_MOVE = "it reads as the same securities booked elsewhere"
OF_BILLS = 0.5  # of what left: from here on it is said that bills also mature
TOGETHER = ["change_usd_mn", "net_purchases_usd_mn", "other_usd_mn"]
BRIDGING = 0.25  # of the net purchases together: other changes of that size are told beside them


def mirrors(months: pd.DataFrame, custodial: Mapping[Any, bool], rules: dict[str, Any]) -> pd.DataFrame:
    """For each fall the rise of similar size in another place in the same month, one row per holder and month.

    Sizes are changes in holdings without the part that is price, where that is known. The rise has to be out of the
    other place's own past, and one of the two has to be a custodial or fund centre (`custodial`, by holder_id).
    `rise_known` is True where the price part of the rise is known and left out. `moved` is True where sizes agree so
    closely, and both are so unusual, that the two are taken for one move; else it is a suspicion.
    """
    limits = rules["mirror"]
    months = months.sort_values(["holder_id", "month"])
    months = months[~months["series_break"].astype(bool)]
    usable = pd.Series(
        [
            value == value and credible(share, rules["verdict"]["credible_valuation_pct"])
            for value, share in zip(months["valuation_usd_mn"], valuation_pct(months, rules), strict=True)
        ],
        index=months.index,
        dtype=bool,
    )
    price = months["valuation_usd_mn"].where(usable, 0.0)
    moves = months[["holder_id", "holder", "month"]].assign(
        amount=months["change_usd_mn"] - price,
        score=scores(months, "change_usd_mn", rules),
        before=position_before(months),
        known=usable,
        centre=months["holder_id"].map(custodial).fillna(False).astype(bool),
    )
    # A place without a past to be scored in is out of it when it more than doubles.
    moves["score"] = moves["score"].where(moves["score"].notna() | (moves["amount"] <= moves["before"]), float("inf"))
    falls = moves[(moves["amount"] <= -limits["minimum_usd_mn"]) & (moves["score"] <= -limits["minimum_score"])]
    rises = moves[(moves["amount"] > 0) & (moves["score"] >= limits["minimum_score"])]
    both = falls.merge(rises, on="month", suffixes=("", "_other"))
    both["apart"] = (both["amount_other"] / -both["amount"] - 1).abs()
    both = both[(both["apart"] <= limits["tolerance"]) & (both["centre"] | both["centre_other"])]
    both = both.sort_values(["holder_id", "month", "apart"]).drop_duplicates(["holder_id", "month"])
    moved = (
        (both["apart"] <= limits["moved_tolerance"])
        & (-both["amount"] >= limits["moved_minimum_usd_mn"])
        & (both["score"] <= -limits["moved_score"])
        & (both["score_other"] >= limits["moved_score"])
    )
    both = both.assign(
        fall_usd_mn=-both["amount"],
        counterpart=both["holder_other"],
        rise_usd_mn=both["amount_other"],
        rise_known=both["known_other"],
        moved=moved,
    )
    return both[MIRROR_COLUMNS].reset_index(drop=True)


def suspected(rows: pd.DataFrame, found: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """The findings with counterpart, suspicion and, where the mirror is close enough, the verdict `moved`.

    `rows` are flagged months or episodes (start_month, end_month), `found` as from `mirrors`. An episode takes the
    mirror of its months with the largest fall; it counts as moved where that makes up half of the episode's fall.
    """
    table = rows.copy()
    by_holder = {str(holder): mirrored for holder, mirrored in found.groupby("holder_id")}
    told = [_suspicion(row, by_holder.get(row["holder_id"]), rules) for row in table.to_dict("records")]
    table["counterpart"] = [counterpart for counterpart, _, _ in told]
    table["suspicion"] = [text for _, text, _ in told]
    table["verdict"] = [verdict for _, _, verdict in told]
    table["severity"] = [
        capped(severity, verdict, rules["severity_caps"])
        for severity, verdict in zip(table["severity"], table["verdict"], strict=True)
    ]
    return table


def _suspicion(
    row: dict[Any, Any], found: pd.DataFrame | None, rules: dict[str, Any]
) -> tuple[str | None, str | None, str]:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    inside = found[found["month"].between(first, last)] if found is not None else None
    if inside is None or inside.empty:
        return None, None, row["verdict"]
    mirror = inside.sort_values("fall_usd_mn").to_dict("records")[-1]
    whole = max(-row["change_usd_mn"], -row["net_purchases_usd_mn"], 0.0)  # a NaN second argument is passed over
    moved = bool(mirror["moved"]) and mirror["fall_usd_mn"] >= rules["mirror"]["moved_share"] * whole
    fall, rise = (billions(mirror[name], signed=False) for name in ("fall_usd_mn", "rise_usd_mn"))
    place, month = spoken(mirror["counterpart"]), month_name(mirror["month"])
    left_out = ", prices left out" if mirror["rise_known"] else ""
    if moved:
        # the fall is told without prices; where that is another figure than the fall in holdings, it is said
        without = ", prices left out," if not left_out and fall != billions(-row["change_usd_mn"], signed=False) else ""
        text = f"The {fall} that left {spoken(row['holder'])} in {month}{without} stands against a rise in {place} "
        text += f"({rise}{left_out}): {ONE_MOVE}"
        booked = row["net_purchases_usd_mn"]
        net_sales = booked <= -rules["mirror"]["minimum_usd_mn"]
        text += f", and the statistics book it as net sales of {billions(-booked, signed=False)}." if net_sales else "."
        bills = -row["net_short_term_usd_mn"]
        if bills >= OF_BILLS * mirror["fall_usd_mn"]:
            text += f" {billions(bills, signed=False)} of it were bills, which may have matured instead."
    else:
        text = f"Holdings in {place} rose {rise} in {month}{left_out}: part of this may be the same securities booked elsewhere."
    return mirror["counterpart"], text, "moved" if moved else row["verdict"]


def paired_months(months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """The places that analysts read together ([pairs] of config/alert_rules.toml), month by month, as sums.

    A sum is NaN where one member's figure is; `basis` joins the members' bases by "+".
    """
    found = []
    for name, pair in rules["pairs"].items():
        members = months[months["holder_id"].isin(pair["members"])]
        if members.empty:
            continue
        by_month = members.groupby("month")
        table = by_month[["position_usd_mn", *AMOUNTS]].sum(min_count=len(pair["members"]))
        table["basis"] = _bases(members)
        table["series_break"] = by_month["series_break"].max().astype(bool)
        table = table[table["position_usd_mn"].notna()].reset_index()
        found.append(table.assign(pair=name, members=pair["name"]))
    filled = [table for table in found if len(table)]
    return pd.concat(filled, ignore_index=True)[PAIR_COLUMNS] if filled else pd.DataFrame(columns=PAIR_COLUMNS)


def _bases(members: pd.DataFrame) -> pd.Series:
    """Of every month the bases of the members' figures, joined by "+"; None where there is none."""
    found: dict[pd.Timestamp, set[str]] = {}
    for month, basis in zip(members["month"], members["basis"], strict=True):
        of_month = found.setdefault(month, set())
        if isinstance(basis, str):
            of_month.add(basis)
    return pd.Series({month: "+".join(sorted(bases)) or None for month, bases in found.items()}, dtype=object)


def read_together(rows: pd.DataFrame, paired: pd.DataFrame, rules: dict[str, Any]) -> list[str | None]:
    """For each finding the sums of its first declared pair over the finding's months, as a sentence; None without one."""
    pair_of: dict[str, str] = {}
    for name, pair in rules["pairs"].items():
        for member in pair["members"]:
            pair_of.setdefault(member, name)
    by_pair = {str(name): sums.sort_values("month") for name, sums in paired.groupby("pair")}
    arrays = {
        name: (sums["members"].iloc[0], sums["month"].to_numpy(), sums[TOGETHER].to_numpy(dtype="float64"))
        for name, sums in by_pair.items()
    }
    return [_together(row, arrays.get(pair_of.get(row["holder_id"], ""))) for row in rows.to_dict("records")]


def _together(row: dict[Any, Any], paired: tuple[str, np.ndarray, np.ndarray] | None) -> str | None:
    """`paired` are the names of the pair's members, its months in order and, beside them, the amounts of TOGETHER."""
    if paired is None:
        return None
    members, months, amounts = paired
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    inside = amounts[months.searchsorted(np.datetime64(first)) : months.searchsorted(np.datetime64(last), "right")]
    sums = inside.sum(axis=0)
    if len(inside) < row["months"] or np.isnan(sums[0]):
        return None
    change, net, other = (float(amount) for amount in sums)
    told = [f"holdings {went(change)}"]
    if not np.isnan(net):
        told.append(f"net {'sales' if net < 0 else 'purchases'} were {billions(abs(net), signed=False)}")
        if abs(other) >= BRIDGING * abs(net):  # else the two would seem to contradict one another
            told.append(f"other changes {billions(other)}")
    return f"{members} together: {', '.join(told)}."
