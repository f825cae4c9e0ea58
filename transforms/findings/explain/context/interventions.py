"""What is said of official interventions beside a finding: in which months they were paid for, and what was sold then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, rounded
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.wording import joined, month_name, months_named

NOT_READ = "No intervention statistics for the {} are read here."
NOT_READ_OF = "No intervention statistics for the {} of {} are read here."


def words(
    row: Mapping[Any, Any],
    operations: pd.DataFrame | None,
    net_of: Mapping[pd.Timestamp, float],
    weakening_pct: Mapping[pd.Timestamp, float],
    limits: Mapping[str, Any],
    *,
    totals: bool = False,
) -> list[str]:
    """The sentences on a flagged month or an episode; `totals` where totals of the country's interventions are known for it.

    `operations` are the country's, as from `interventions_in_usd`, None where its interventions are not read; `net_of`
    are the holder's net purchases by month, `weakening_pct` by how much its currency fell over the three months to each.
    Currency defence is only said of a month in which dollars that were sold had to be paid, and only where
    `may_be_defence` holds for it.
    """
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    if operations is None:
        return (
            [NOT_READ.format(row["currency_name"])]
            if isinstance(row["currency"], str) and row["currency"] != "USD"
            else []
        )
    if operations.empty and not totals:  # they are read, but not of these months: no silence that reads as none
        return [
            NOT_READ_OF.format(row["currency_name"], month_name(first) if first == last else months_named(first, last))
        ]
    paid = operations[operations["settled_month"].between(first, last)]
    lines = _listed(paid, "settled_month", "Official interventions", ", by the day of payment")
    outside = operations[operations["month"].between(first, last) & (operations["settled_month"] > last)]
    lines += [_settles_later(outside, last)] if len(outside) else []
    coming = operations[(operations["month"] == shifted(last, 1)) & (operations["month"] > last)]
    lines += _listed(coming, "month", "After that, official interventions", "")
    backed = []
    for month in map(pd.Timestamp, sorted(paid["settled_month"].unique())):
        sold = -paid.loc[paid["settled_month"] == month, "interventions_usd_mn"].clip(upper=0).sum()
        net = net_of.get(month, math.nan)
        if may_be_defence(row, sold, net, weakening_pct.get(month, math.nan), limits):
            backed.append((month, sold, net))
    lines += [_defence(row, backed)] if backed else []
    return lines


def may_be_defence(
    row: Mapping[Any, Any], sold_usd_mn: float, net_usd_mn: float, weakening_pct: float, limits: Mapping[str, Any]
) -> bool:
    """Whether net sales of a month are consistent with paying for an intervention, as [currency] of
    config/alert_rules.toml declares it: dollars sold that were due in that month, net sales in it, a currency that had
    weakened over three months, and a fall that is neither mostly price nor a move from place to place.
    """
    return (
        row["verdict"] not in ("moved", "repriced")
        and sold_usd_mn >= limits["defence_minimum_usd_mn"]
        and net_usd_mn < 0
        and weakening_pct >= limits["defence_minimum_weakening_pct"]
    )


def _listed(done: pd.DataFrame, column: str, begin: str, end: str) -> list[str]:
    """A sentence on the dollars sold and one on those bought, by the months of `column`."""
    lines = []
    for verb, sign in (("sold", -1), ("bought", 1)):
        rows = done[done["interventions_usd_mn"] * sign > 0]
        if len(rows):
            sums = (rows.groupby(column)["interventions_usd_mn"].sum() * sign).reset_index()
            told = zip(sums[column], sums["interventions_usd_mn"], strict=True)
            amounts = joined(f"{billions(usd, signed=False)} in {month_name(month)}" for month, usd in told)
            yen = f"{rounded(rows['interventions_jpy_mn'].abs().sum() / 1e6, 2):,} trillion yen"
            lines.append(f"{begin} {verb} {amounts}{end} ({yen}).")
    return lines


def _settles_later(outside: pd.DataFrame, last: pd.Timestamp) -> str:
    days = [f"{day.day} {day:%B}" for day in outside["date"]]
    due = sorted(set(outside["settled"]))
    which = f"intervention{'s' if len(days) > 1 else ''} of {joined(days)} {last.year}"
    when = joined([f"{day.day} {day:%B}" for day in due])
    return (
        f"The {which} {'were' if len(days) > 1 else 'was'} due for payment on {when}: "
        f"{'they bear' if len(days) > 1 else 'it bears'} on {month_name(due[0])}, not on {month_name(last)}."
    )


def _defence(row: Mapping[Any, Any], backed: list[tuple[pd.Timestamp, float, float]]) -> str:
    """`backed` are the months, the dollars that were due in them and the holder's net purchases."""
    if "month" in row:
        return "The net sales are consistent with currency defence; the figures do not show the motive."
    months = joined(
        f"{month_name(month)} ({billions(sold, signed=False)} due, net sales {billions(-net, signed=False)})"
        for month, sold, net in backed
    )
    return (
        f"In {months} the net sales are consistent with currency defence, in no other month of these; "
        "the figures do not show the motive."
    )
