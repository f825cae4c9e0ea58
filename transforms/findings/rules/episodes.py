"""Runs of consecutive months of falling holdings, or of net sales, each with its sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.rules.declared import is_rising
from treasury_watch.transforms.findings.rules.evidence import error_usd_mn, long_term_before
from treasury_watch.transforms.findings.rules.flagged_months import (
    AMOUNTS,
    NET,
    SEVERITIES,
    lowered_where_bought_back,
    position_before,
    read,
    severity_of,
    valuation_pct,
)
from treasury_watch.transforms.findings.rules.places.moves import INFLOW, without_price
from treasury_watch.transforms.months import numbers_of

COLUMNS = [
    "holder_id", "holder", "rule", "of", "start_month", "end_month", "months", "share_pct", "severity", "basis",
    "valuation_pct", "error_usd_mn", INFLOW, *AMOUNTS,
]  # fmt: skip


def episodes(months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """The runs that a rule under [episodes] of config/alert_rules.toml keeps, one row each.

    `months` has the columns of holder_months. A run ends at a gap in the months, at a new survey basis, at a month whose amount
    is unknown and at one that is not a fall; up to `tolerated_interruptions` of the last kind inside a run are passed over and
    belong to it. Sums are over all months of the run; a sum is NaN where one of its months is not known.
    """
    found = [row for name, rule in rules["episodes"].items() for row in _runs(months, name, rule, rules)]
    table = pd.DataFrame(found, columns=COLUMNS)
    table = read(table, rules, table[NET])
    table["severity"] = lowered_where_bought_back(table, months, rules)
    return table.sort_values(["start_month", "holder_id", "rule"], ignore_index=True)


def as_they_grew(months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """Every episode as it stood when each of its months was the newest: the columns of `episodes`, one row a month.

    What `episodes` would have given on the months up to `end_month`, for the runs that ended there; rules on rises left out.
    """
    falls = [(name, rule) for name, rule in rules["episodes"].items() if not is_rising(rule)]
    found = [row for name, rule in falls for row in _runs(months, name, rule, rules, grown=True)]
    table = pd.DataFrame(found, columns=COLUMNS)
    table = read(table, rules, table[NET])
    table["severity"] = lowered_where_bought_back(table, months, rules)
    return table


def _runs(
    months: pd.DataFrame, name: str, rule: dict[str, Any], rules: dict[str, Any], grown: bool = False
) -> list[dict[str, Any]]:
    found = []
    months = months.sort_values(["holder_id", "month"])
    months = months.assign(before_usd_mn=position_before(months), valuation_pct=valuation_pct(months, rules))
    if rule["of"] == INFLOW:
        months = months.assign(**{INFLOW: without_price(months, rules)})
    if rule.get("holders") == "custodial":
        months = months[months["custodial_centre"].astype(bool)]
    sign = -1 if is_rising(rule) else 1  # a rise is a fall of the amount turned over
    months = months.assign(amount=sign * months[rule["of"]])
    falls = months["amount"].clip(upper=0).groupby(months["holder_id"]).sum()
    large = falls.index[falls <= -rule["minimum_usd_mn"]]  # no run of the others can be large enough
    known = months[months[rule["of"]].notna() & months["holder_id"].isin(large)]
    for _, group in known.groupby("holder_id", sort=True):
        amount, held_before = group["amount"].to_numpy(), group["before_usd_mn"].to_numpy()
        ends = group["series_break"].astype(bool)
        whole = consecutive(group["month"], group["amount"] < 0, rule["tolerated_interruptions"], ends)
        kept = []
        for run in (part for entire in whole for part in _parts(entire, amount)) if grown else whole:
            if run.stop - run.start < rule["minimum_months"]:
                continue
            fall, held = -amount[run].sum(), held_before[run.start]
            share = 100 * fall / held if held > 0 else float("nan")
            if fall >= rule["minimum_usd_mn"] and share >= rule["minimum_share_pct"]:
                kept.append((run, fall, share))
        if kept:
            found += _summed(group, kept, name, rules)
    return found


def _parts(run: slice, amount: np.ndarray) -> Iterator[slice]:
    """The run as it stood at each of its falling months."""
    for stop in range(run.start + 1, run.stop + 1):
        if amount[stop - 1] < 0:
            yield slice(run.start, stop)


def consecutive(months: pd.Series, falling: pd.Series, tolerated: int, ends: pd.Series | None = None) -> list[slice]:
    """Runs of falling months as slices of positions; each starts and ends with a falling month.

    `ends` are months after which no run goes on: those into which a new survey basis starts, whose change is on the old one.
    """
    number = numbers_of(months).tolist()
    falls, ended = falling.tolist(), [False] * len(falling) if ends is None else ends.tolist()
    runs: list[slice] = []
    start: int | None = None
    last = missed = 0
    for i, falls_now in enumerate(falls):
        if start is not None and (number[i] != number[i - 1] + 1 or ended[i - 1]):
            runs.append(slice(start, last + 1))
            start = None
        if falls_now:
            if start is None:
                start, missed = i, 0
            last = i
        elif start is not None:
            missed += 1
            if missed > tolerated:
                runs.append(slice(start, last + 1))
                start = None
    if start is not None:
        runs.append(slice(start, last + 1))
    return runs


def _summed(
    group: pd.DataFrame, runs: list[tuple[slice, float, float]], name: str, rules: dict[str, Any]
) -> list[dict[str, Any]]:
    """A row for each of a holder's runs: its place among the holder's months, its fall and the share of it."""
    months, bases = group["month"].tolist(), group["basis"].tolist()
    valuations, amounts = group["valuation_pct"].abs().to_numpy(), group[AMOUNTS].to_numpy(dtype="float64")
    held = long_term_before(group).to_numpy(dtype="float64")
    rows = []
    for run, fall, share in runs:
        stated = sorted({basis for basis in bases[run] if isinstance(basis, str)})
        rows.append(
            {
                "holder_id": group["holder_id"].iloc[0],
                "holder": group["holder"].iloc[0],
                "rule": name,
                "of": rules["episodes"][name]["of"],
                "start_month": months[run][0],
                "end_month": months[run][-1],
                "months": run.stop - run.start,
                "share_pct": share,
                "severity": min(
                    severity_of(fall, share, rules["severity"]),
                    rules["episodes"][name].get("maximum_severity", SEVERITIES[-1]),
                    key=SEVERITIES.index,
                ),
                INFLOW: float(group[INFLOW].iloc[run].sum()) if INFLOW in group else np.nan,
                "basis": "+".join(stated) or None,
                "error_usd_mn": error_usd_mn(held[run][0], run.stop - run.start, rules["price_return"]),
                # one month that cannot be believed spoils the sum
                "valuation_pct": np.fmax.reduce(valuations[run], initial=np.nan),
                **dict(zip(AMOUNTS, amounts[run].sum(axis=0).tolist(), strict=True)),
            }
        )
    return rows
