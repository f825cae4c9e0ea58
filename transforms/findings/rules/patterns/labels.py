"""The label beside a verdict: net sales of a season, bought back, or of a swing that recurs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, part_of, rounded
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.findings.rules.patterns.seasons import Season, season
from treasury_watch.transforms.findings.rules.reversals import (
    NONE,
    TREASURIES,
    Past,
    bought_back,
    largest_sale,
    left_out_of_swing,
    pasts_of,
    recurring,
)
from treasury_watch.transforms.months import number_of, numbers_of, shifted
from treasury_watch.transforms.wording import joined, month_name

SEASONAL, BOUGHT_BACK, RECURRING = "seasonal", "bought back", "recurring swing"
COLUMNS = ["pattern", "pattern_times", "pattern_of", "pattern_p_value", "pattern_measure"]
MORE, MUCH_MORE = 1.05, 1.5  # of net sales that were bought back
PLACES = {1: "the first month of", 2: "the second month of", 0: "the last month of"}  # by month modulo 3


def with_patterns(rows: pd.DataFrame, months: pd.DataFrame, rules: dict[str, Any], *, hindsight: bool) -> pd.DataFrame:
    """The flagged months or episodes with COLUMNS; the severity of those with a pattern is at most that of [severity_caps].

    `months` are the holders' months. With `hindsight` also the month after a finding is looked at: whether its net sales
    were bought back. Without, only what was known when the finding was the newest.
    """
    cap, rising = rules["severity_caps"]["pattern"], rising_rules(rules)
    pasts, bases = pasts_of(months, rows["holder_id"]), _by_basis(months, rows["holder_id"])
    table = []
    for found in rows.to_dict("records"):
        row: dict[Any, Any] = found
        past = pasts.get(row["holder_id"], NONE)
        row |= dict.fromkeys(COLUMNS)
        if row["rule"] not in rising:
            row |= _pattern(row, past, bases.get(row["holder_id"], {}), rules, hindsight=hindsight)
        if row["pattern"]:
            row["severity"] = min(row["severity"], cap, key=SEVERITIES.index)
        table.append(row)
    return pd.DataFrame(table, columns=[*rows.columns, *COLUMNS], index=rows.index)


def _by_basis(months: pd.DataFrame, holder_ids: pd.Series) -> dict[str, dict[Any, dict[int, float]]]:
    """Each holder's known net purchases by basis and `number_of` the month."""
    own = months[months["holder_id"].isin(holder_ids.unique()) & months["net_purchases_usd_mn"].notna()]
    columns = own["holder_id"], own["basis"], numbers_of(own["month"]).tolist(), own["net_purchases_usd_mn"].tolist()
    found: dict[str, dict[Any, dict[int, float]]] = {}
    for holder, basis, number, net in zip(*columns, strict=True):
        found.setdefault(holder, {}).setdefault(basis, {})[number] = net
    return found


def _pattern(
    row: Mapping[Any, Any], past: Past, bases: Mapping[Any, dict[int, float]], rules: dict[str, Any], *, hindsight: bool
) -> dict[str, Any]:
    month = largest_sale(row, past)
    if month is None:
        return {}
    number, limits = number_of(month), rules["reversals"]
    after = bought_back(month, past, limits) if hindsight else None
    one_basis: dict[int, float] = next((nets for nets in bases.values() if number in nets), {})
    found = season(number, one_basis, rules["seasons"])
    again = recurring(month, past, limits)
    text = _season_text(month, found) if found else None
    measures = (
        {"pattern_times": found.sales, "pattern_of": found.last, "pattern_p_value": found.p_value} if found else {}
    )
    if after is not None:
        of_what, of_these = (
            ("", "the net sales of") if after.what == TREASURIES else (f" of {after.what}", "those sold in")
        )
        back = (
            f"Net purchases{of_what} of {billions(after.amount, signed=False)} in {month_name(shifted(month, 1))} bought back "
            f"{part_of(after.amount / after.sold, f'{of_these} {month_name(month)}')}"
            f"{_and_more(after.amount / after.sold)}."
        )
        return measures | {"pattern": BOUGHT_BACK, "pattern_measure": f"{back} {text}" if text else back}
    if found:
        return measures | {"pattern": SEASONAL, "pattern_measure": text}
    if again:
        named = joined(month_name(before) for before in again[::-1])
        others = left_out_of_swing(month, past, limits)
        not_so = f", not those in {joined(month_name(other) for other in others[::-1])}" if others else ""
        return {
            "pattern": RECURRING,
            "pattern_times": len(again),
            "pattern_measure": f"Net sales of half to twice this size in {named} were bought back the month after{not_so}.",
        }
    return {}


def _and_more(times: float) -> str:
    """What is said beside "all of it": nothing where it was that, or less."""
    if times < MORE:
        return ""
    return f" and came to {rounded(times, 1)} times as much" if times >= MUCH_MORE else " and more"


def _season_text(month: pd.Timestamp, found: Season) -> str:
    """`Net sales of at least half this size came in the first month of 5 of the last 6 quarters: a recurring pattern.`"""
    often = f"{found.sales} of the last {found.last}"
    when = f"{often} {month:%B}s" if found.period_months == 12 else f"{PLACES[month.month % 3]} {often} quarters"
    return f"Net sales of at least half this size came in {when}: a recurring pattern."
