"""How good the estimates were: against what was printed, and against rivals that know no signal."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.signals.nowcast.nowcasting import FIRST_DAY, USD_MN, learned_until
from treasury_watch.transforms.signals.nowcast.targets import Target

NOWCAST, FIRST, ZERO, LAST_MONTH, MEAN = "nowcast", "nowcast_first_day", "zero", "last_month", "mean"
METHODS = [NOWCAST, FIRST, ZERO, LAST_MONTH, MEAN]
COLUMNS = [
    "target",
    "month",
    "method",
    "made",
    "estimate_usd_mn",
    "print_usd_mn",
    "print_basis",
    "error_usd_mn",
    "inside",
]


def scored(target: Target, made: pd.DataFrame, prints: pd.DataFrame) -> pd.DataFrame:
    """Each month's estimates against its print, with the rivals' on the same day: COLUMNS.

    `made` has the target's rows of `nowcasts`: of a month the last one made before its release counts, and beside it that of
    the first day. `prints` has value_usd_bn, known_from and basis by month. Rivals: zero, the last month printed by the day,
    the mean of the months printed by the day from the target's first month on. `inside`: whether the print is in the
    interval; None where there is none. error = print less estimate.
    """
    values, public, bases = (prints[name].to_dict() for name in ("value_usd_bn", "known_from", "basis"))
    by_month: dict[pd.Timestamp, list[dict[str, Any]]] = {}
    for row in made.to_dict("records"):
        by_month.setdefault(row["month"], []).append({str(name): value for name, value in row.items()})
    rows = []
    for month, entries in by_month.items():
        at = pd.Period(month, "M")
        value = values.get(at, np.nan)
        before = sorted((row for row in entries if row["made"] < public.get(at, pd.NaT)), key=itemgetter("made"))
        if pd.isna(value) or not before:
            continue
        told = [(NOWCAST, before[-1]), *[(FIRST, row) for row in before if row["made_on"] == FIRST_DAY][:1]]
        stated = [(method, row["made"], row["estimate_usd_mn"], _inside(row, value)) for method, row in told]
        day = before[-1]["made"]
        stated += [(method, day, estimate, None) for method, estimate in _rivals(target, at, day, prints).items()]
        rows += [
            (target.id, month, method, made_on, estimate, USD_MN * value, bases[at], USD_MN * value - estimate, inside)
            for method, made_on, estimate, inside in stated
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rivals(target: Target, month: pd.Period, day: pd.Timestamp, prints: pd.DataFrame) -> dict[str, float]:
    until = learned_until(prints["known_from"], month, day)
    rivals = {ZERO: 0.0}
    if until is None:
        return rivals
    first = prints.index[0].ordinal
    known = prints["value_usd_bn"].to_numpy()[max(target.first.ordinal - first, 0) : until.ordinal - first + 1]
    known = known[~np.isnan(known)]
    if len(known):
        rivals |= {LAST_MONTH: USD_MN * known[-1], MEAN: USD_MN * known.mean()}
    return rivals


def _inside(row: Mapping[str, Any], value_usd_bn: float) -> bool | None:
    if pd.isna(row["low_usd_mn"]):
        return None
    return bool(row["low_usd_mn"] <= USD_MN * value_usd_bn <= row["high_usd_mn"])


def summary(scores: pd.DataFrame, claims_from_usd_mn: float = 0.0) -> pd.DataFrame:
    """The record by method (index): months, r_squared, right_sign_pct, mean_error_usd_mn (absolute), coverage_pct, and of
    the months whose estimate is at least `claims_from_usd_mn` claimed and claimed_right_pct.

    r_squared = 1 - sum of squared errors / sum of squared differences of the prints from their own mean: the mean of the
    months themselves, which nobody knew before, has 0.
    """
    rows = {}
    for method in [method for method in METHODS if method in set(scores["method"])]:
        own = scores[scores["method"] == method]
        printed, error = own["print_usd_mn"], own["error_usd_mn"]
        around = ((printed - printed.mean()) ** 2).sum()
        right = np.sign(own["estimate_usd_mn"]) == np.sign(printed)
        claimed = own["estimate_usd_mn"].abs() >= claims_from_usd_mn
        inside = own["inside"].dropna()
        rows[method] = {
            "months": len(own),
            "r_squared": 1 - (error**2).sum() / around if around else np.nan,
            "right_sign_pct": 100 * right.mean(),
            "mean_error_usd_mn": error.abs().mean(),
            "coverage_pct": 100 * inside.astype(float).mean() if len(inside) else np.nan,
            "claimed": int(claimed.sum()),
            "claimed_right_pct": 100 * right[claimed].mean() if claimed.any() else np.nan,
        }
    return pd.DataFrame(rows).T
