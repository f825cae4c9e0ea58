"""What became of the dollars of a net sale of bonds and notes, with the bills sold beside them, as far as holders' other U.S.
securities show.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.amounts import billions, in_billions, percent
from treasury_watch.transforms.findings.rules.flagged_months import BILLS, BONDS
from treasury_watch.transforms.model import OTHER_SECURITIES
from treasury_watch.transforms.months import numbers_of
from treasury_watch.transforms.wording import joined, sentence, spoken, stated

STAYED, PARTLY_STAYED, LEFT, CANNOT_BE_TOLD = "stayed", "partly stayed", "left", "cannot be told"
SOLD_BONDS = ("bonds", "both")  # of `instrument`
NO_SALE = ("moved", "unexplained")  # verdicts
NET_COLUMNS = {security: f"net_{security}_usd_mn" for security in OTHER_SECURITIES}
NAMES = {"agency": "agency bonds", "corporate": "corporate bonds", "equity": "U.S. shares"}


def with_dollars_told(
    rows: pd.DataFrame, securities: pd.DataFrame | None, rules: Mapping[str, Any], centres: Collection[str] = ()
) -> pd.DataFrame:
    """The findings as `with_dollars` has them, with a sentence on the dollars at the end of `explanation`; at the `centres`
    (custodial or fund centres, by holder_id) it is accounts there that bought and sold.
    """
    table = with_dollars(rows, securities, rules)
    told = [
        dollars_sentence(row, rules["dollars"], custodial=row["holder_id"] in centres)
        if stated(row["dollars_went"])
        else ""
        for row in table.to_dict("records")
    ]
    pairs = zip(table["explanation"], told, strict=True)
    return table.assign(
        explanation=pd.Series([" ".join(filter(None, pair)) for pair in pairs], table.index, dtype=object)
    )


def with_dollars(rows: pd.DataFrame, securities: pd.DataFrame | None, rules: Mapping[str, Any]) -> pd.DataFrame:
    """The findings with `dollars_went`, `other_securities_net_usd_mn` and the net purchases of each other security.

    `securities` has holder_id, month, security and net_purchases_usd_mn (USD millions), `rules` is config/alert_rules.toml,
    of which [dollars] is read. The amounts are sums over the months of the finding, NaN where one of them is not known; they
    stand for findings that are a net sale of bonds and notes. `dollars_went` is None for all others, and for all where
    there are no securities.
    """
    none = rows.assign(
        dollars_went=None, other_securities_net_usd_mn=np.nan, **dict.fromkeys(NET_COLUMNS.values(), np.nan)
    )
    if securities is None or securities.empty:
        return none
    limits = rules["dollars"]
    asked = is_bond_sale(rows, limits)
    if not asked.any():
        return none
    sums = _sums(rows[asked], securities).reindex(rows.index)
    table = rows.assign(**{column: sums[security] for security, column in NET_COLUMNS.items()})
    table["other_securities_net_usd_mn"] = sums.sum(axis=1, skipna=False)
    went = [dollars_went(row, limits) for row in table[asked].to_dict("records")]
    table["dollars_went"] = pd.Series(went, index=table.index[asked], dtype=object).reindex(
        table.index, fill_value=None
    )
    return table


def is_bond_sale(rows: pd.DataFrame, limits: Mapping[str, float]) -> pd.Series:
    """Which findings are a net sale of bonds and notes: the instrument that was sold, or what the rule looks at, and large
    enough to ask. Not what was moved, nor what is not explained.
    """
    named = rows["instrument"].isin(SOLD_BONDS) | rows["of"].eq(BONDS)
    return named & ~rows["verdict"].isin(NO_SALE) & (rows[BONDS] <= -limits["minimum_usd_mn"])


def sold_usd_mn(row: Mapping[Any, Any]) -> float:
    """The net sales of Treasuries whose dollars are asked for: of bonds and notes, and of bills where these fell too."""
    bills = row[BILLS]
    return float(-row[BONDS] + (0.0 if math.isnan(bills) else max(-bills, 0.0)))


def taken_up(row: Mapping[Any, Any]) -> float:
    """The part of a net sale of Treasuries that net purchases of other U.S. securities took up; NaN where not known.

    Bills that were bought count: these dollars are in Treasuries still. Bills that were sold or let mature count as sold: their
    dollars may have bought the other securities as well. Negative where other securities were sold too.
    """
    bills = row[BILLS]
    bought = row["other_securities_net_usd_mn"] + (0.0 if math.isnan(bills) else max(bills, 0.0))
    return float(bought / sold_usd_mn(row))


def dollars_went(row: Mapping[Any, Any], limits: Mapping[str, float]) -> str:
    """One of stayed, partly stayed, left and cannot be told, of a finding that is a net sale of bonds and notes."""
    part = taken_up(row)
    if part >= limits["stayed"]:
        return STAYED
    if part >= limits["partly_stayed"]:
        return PARTLY_STAYED
    return LEFT if part < limits["nothing"] else CANNOT_BE_TOLD


def dollars_sentence(row: Mapping[Any, Any], limits: Mapping[str, float], *, custodial: bool = False) -> str:
    """What the holder bought and sold of other U.S. securities in the months of a bond sale; empty where that is not known."""
    if math.isnan(row["other_securities_net_usd_mn"]):
        return ""
    who = "Accounts there" if custodial else sentence(spoken(row["holder"]))
    when = "in the same month" if row.get("months", 1) == 1 else "in the same months"
    sale, net = sold_usd_mn(row), row["other_securities_net_usd_mn"]
    least = max(limits["told"] * sale, limits["told_minimum_usd_mn"])
    amounts = [(row[column], NAMES[security]) for security, column in NET_COLUMNS.items()]
    told = sorted((pair for pair in amounts if abs(pair[0]) >= least), key=lambda pair: -abs(pair[0]))
    bought = [f"{billions(amount, signed=False)} of {name}" for amount, name in told if amount > 0]
    sold = [f"{billions(-amount, signed=False)} of {name}" for amount, name in told if amount < 0]
    if not told and abs(net) < least:
        if not in_billions(net):
            return f"{who} bought and sold hardly any other U.S. securities {when}, net."
        kind = "sales" if net < 0 else "purchases"
        return (
            f"Net {kind} of other U.S. securities {when} were small beside this ({billions(abs(net), signed=False)})."
        )
    if not told:
        done = "bought" if net > 0 else "also sold"
        return f"{who} {done} {billions(abs(net), signed=False)} of other U.S. securities {when}, net."
    if not bought:
        return f"{who} also sold {joined(sold)} {when}, net."
    deal = f"{who} bought {joined(bought)} {when}, net" + (f", and sold {joined(sold)}." if sold else ".")
    if net / sale < limits["partly_stayed"]:
        return deal
    what = "the bonds and notes sold"
    if in_billions(sale + row[BONDS]):
        what = f"the Treasuries sold ({billions(sale, signed=False)})"
    size = "more than" if net > sale else percent(100 * net / sale, 0) + " of"
    return (
        f"{deal} In all, net purchases of other U.S. securities came to {size} {what}; "
        "whether it is the same money cannot be known."
    )


def _sums(rows: pd.DataFrame, securities: pd.DataFrame) -> pd.DataFrame:
    """Net purchases of each other security over the months of each finding; NaN where a month is not known."""
    holders, names = list(rows["holder_id"].unique()), list(OTHER_SECURITIES)
    known = securities[securities["holder_id"].isin(holders) & securities["security"].isin(names)]
    known = known.assign(number=numbers_of(known["month"])).astype({"holder_id": "str", "security": "str"})
    wide = known.set_index(["holder_id", "number", "security"])["net_purchases_usd_mn"].unstack().reindex(columns=names)
    first, last = ("start_month", "end_month") if "start_month" in rows else ("month", "month")
    spans = zip(rows["holder_id"], numbers_of(rows[first]), numbers_of(rows[last]), strict=True)
    by_month, unknown = dict(zip(wide.index, wide.to_numpy(), strict=True)), np.full(len(names), np.nan)
    found = [
        np.sum([by_month.get((holder, number), unknown) for number in range(begin, end + 1)], axis=0)
        for holder, begin, end in spans
    ]
    return pd.DataFrame(found, index=rows.index, columns=names)
