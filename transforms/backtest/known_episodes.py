"""The rules against the public record: which known sales were found, and what was said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.backtest.labels import set_of
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.rules.evidence import error_usd_mn, long_term_before
from treasury_watch.transforms.findings.rules.flagged_months import (
    AMOUNTS,
    NET,
    OTHER_INSTRUMENT,
    SEVERITIES,
    read,
    valuation_pct,
)
from treasury_watch.transforms.months import months_between, shifted

GRACE_MONTHS = 2
COLUMNS = ["name", "holder_id", "start", "end", "expected", "set", "covered", "found", "found_in", "verdict", "right"]


def known_episodes(rows: list[dict[str, str]], test_from: pd.Timestamp) -> pd.DataFrame:
    """The rows of config/known_episodes.csv, `start` and `end` as timestamps, with their `set`, which goes by time.

    Raises ConfigurationError for a row without months.
    """
    table = pd.DataFrame(rows)
    try:
        table = table.assign(**{name: pd.to_datetime(table[name], format="%Y-%m") for name in ("start", "end")})
    except (KeyError, ValueError) as problem:
        raise ConfigurationError(
            f"known_episodes.csv: {problem}; start and end are months such as 2024-05"
        ) from problem
    return table.assign(set=set_of(table["end"], test_from))


def judged(known: pd.DataFrame, found: pd.DataFrame, months: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """Every known episode with what the rules said of it, one row each, with the columns of COLUMNS.

    `known` is as from `known_episodes`; `found` has holder_id, rule, of, start_month, end_month, severity and verdict of
    every finding as it stood when its last month was published; `months` are the months with their decomposition. An
    episode is found by a flagged month of it, or by a run that overlaps it and was complete enough within GRACE_MONTHS of
    its end. The verdict is the one of the finding on exactly these months, else the reading of their sums. `right` is None
    where nothing was expected to be found and nothing was, and where the verdict is `unexplained`.
    """
    rows = []
    before = months.sort_values(["holder_id", "month"])
    before = before.assign(valuation_pct=valuation_pct(before, rules))
    for episode in known.to_dict("records"):
        start, end = episode["start"], episode["end"]
        own = before[(before["holder_id"] == episode["holder_id"]) & before["month"].between(start, end)]
        latest = shifted(end, GRACE_MONTHS)
        near = found[
            (found["holder_id"] == episode["holder_id"])
            & (found["start_month"] <= end)
            & (found["end_month"] >= start)
            & (found["end_month"] <= latest)
        ]
        span = months_between(start, end) + 1
        covered = len(own) == span and bool(own["change_usd_mn"].notna().all())
        exact = near[(near["start_month"] == start) & (near["end_month"] == end)]
        # what is said of the whole goes before what a rule says of one instrument
        exact = exact.sort_values("of", key=lambda columns: columns.isin(OTHER_INSTRUMENT), kind="stable")
        verdict = None
        if len(near):
            verdict = exact["verdict"].iloc[0] if len(exact) else _reading(own, rules)
        rows.append(
            {
                **{name: episode[name] for name in ("name", "holder_id", "start", "end", "expected", "set")},
                "covered": covered,
                "found": bool(len(near)),
                "found_in": near["end_month"].min() if len(near) else pd.NaT,
                "verdict": verdict,
                "right": _right(verdict, episode["expected"].split("|")),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _reading(own: pd.DataFrame, rules: dict[str, Any]) -> str:
    sums: dict[str, Any] = {name: own[name].sum(skipna=False) for name in AMOUNTS}
    error = (
        error_usd_mn(float(long_term_before(own).iloc[0]), len(own), rules["price_return"])
        if len(own)
        else float("nan")
    )
    sums |= {"basis": "+".join(sorted(own["basis"].dropna().unique())), "error_usd_mn": error}
    row = {**sums, "valuation_pct": own["valuation_pct"].abs().max(), "severity": SEVERITIES[0]}
    table = pd.DataFrame([row])
    return str(read(table, rules, table[NET])["verdict"].iloc[0])


def _right(verdict: str | None, expected: list[str]) -> bool | None:
    if verdict is None or verdict == "unexplained":
        return None
    return verdict in expected


def scored(items: pd.DataFrame) -> dict[str, float]:
    """recall and verdict_accuracy of judged episodes, between 0 and 1, with the counts behind them.

    Only episodes that the data cover. Recall: of the sales, how many were found. Verdict accuracy: of all that was found
    with a verdict, how many have the right one; those without (`unexplained`) are counted on their own. How many alarms
    are false a list of well-known episodes cannot tell: transforms.backtest.scores does.
    """
    items = items[items["covered"]]
    sale = items["expected"].str.contains("sold")
    told = items[items["right"].notna()]
    return {
        "episodes": int(sale.sum()),
        "look_alikes": int((~sale).sum()),
        "recall": _share(items.loc[sale, "found"]),
        "verdict_accuracy": _share(told["right"].astype(bool)),
        "verdicts": len(told),
        "unexplained": int((items["verdict"] == "unexplained").sum()),
    }


def _share(held: pd.Series) -> float:
    return float(np.mean(held)) if len(held) else float("nan")
