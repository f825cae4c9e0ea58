"""What a reader of one finding has to know: only the caveats that apply to it, never a list that goes with all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from transforms.explanations import billions, month_name, spoken, stated
from transforms.verdicts import credible

BASIS = {
    "cslt": "Net purchases and valuation are the Continuous SLT's estimates, not the figures of Table 3.",
    "form_s": "Net purchases come from Form S: bonds and notes by place of the counterparty, without valuation.",
}
BREAK_NEARBY_MONTHS = 1


@dataclass(frozen=True)
class _Months:
    """One holder's months: what a caveat asks of them."""

    custodial: bool
    press: list[pd.Timestamp]
    breaks: list[pd.Timestamp]


def with_caveats(rows: pd.DataFrame, months: pd.DataFrame, rules: dict[str, Any]) -> list[str | None]:
    """For each finding its caveats, one a line; None where there are none.

    `rows` are flagged months or episodes with `suspicion`, `months` the holder months they were found in.
    """
    newest = months["month"].max()
    press = months[months["evidence"] == "press"].groupby("holder_id")["month"].agg(list)
    breaks = months[months["series_break"].astype(bool)].groupby("holder_id")["month"].agg(list)
    custodial = set(months.loc[months["custodial_centre"].astype(bool), "holder_id"].unique())
    found = []
    for row in rows.to_dict("records"):
        holder = row["holder_id"]
        own = _Months(holder in custodial, press.get(holder, []), breaks.get(holder, []))
        found.append(_caveats(row, own, newest, rules))
    return ["\n".join(lines) if lines else None for lines in found]


def _caveats(row: dict[Any, Any], own: _Months, newest: pd.Timestamp, rules: dict[str, Any]) -> list[str]:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    reach = pd.DateOffset(months=BREAK_NEARBY_MONTHS)
    lines = []
    if own.custodial:
        lines.append(f"{spoken(row['holder'])}: custodial or fund centre; a fall need not be a sale by its residents.")
    if stated(row["suspicion"]) and row["verdict"] != "moved":  # else the explanation says so itself
        lines.append(f"Possible counterpart: {row['suspicion']}")
    lines += [text for basis, text in BASIS.items() if basis in stated(row["basis"])]
    if row["valuation_usd_mn"] == row["valuation_usd_mn"] and not credible(
        row["valuation_usd_mn"], row["before_usd_mn"], rules["verdict"]["credible_valuation_pct"], row["months"]
    ):
        share = 100 * abs(row["valuation_usd_mn"]) / row["before_usd_mn"]
        lines.append(f"The stated valuation is {share:.0f}% of the position before: too much for prices, so not used.")
    if row["instrument"] in ("bills", "both"):
        lines.append("Net sales of bills are an estimate: the change in the bills held.")
    net, other = row["net_purchases_usd_mn"], row["other_usd_mn"]
    if not math.isnan(other) and net < 0 and other >= rules["verdict"]["offset"] * -net:
        lines.append(f"Other changes of {billions(other)} offset the net sales: in part reporting or custody, perhaps.")
    if any(first - pd.DateOffset(months=1) <= month <= last for month in own.press):
        lines.append("A position here was reported by the press; it was not read from a release file.")
    near = [month for month in own.breaks if first - reach <= month <= last + reach]
    lines += [f"A new survey basis starts in {month_name(month)}; no change is taken across it." for month in near]
    if last == newest:
        lines.append(f"{month_name(last)} is the newest month: preliminary, and revised by later releases.")
    return lines
