"""Findings as alarms: what of a holder and run of months, how loud, and with which verdict, as it stood at the time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.detection import verdicts_on
from treasury_watch.transforms.findings.rules.flagged_months import OTHER_INSTRUMENT, SEVERITIES
from treasury_watch.transforms.months import months_between, shifted

SPAN = ["holder_id", "start_month", "end_month"]
COLUMNS = [*SPAN, "severity", "verdict"]
ALARMING = SEVERITIES[1:]
INFLOW = "inflow"  # a rule on rises: says nothing of a sale, and is not marked
WINDOW_MONTHS = 84  # what a replayed month knows of the past: more than any rule looks back


def as_spans(flagged: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Flagged months and episodes as one table with COLUMNS, one row per holder and months.

    Where several rules say something of the same months, the severest counts; among equals what is said of the whole goes
    before what is said of one instrument. The one place of the backtest that knows the form of `sell_offs`.
    """
    single = flagged.assign(start_month=flagged["month"], end_month=flagged["month"])
    falling = runs[runs["rule"] != INFLOW] if "rule" in runs else runs
    filled = [table for table in (single, falling) if len(table)]
    if not filled:
        return pd.DataFrame(columns=COLUMNS).astype({"start_month": "datetime64[us]", "end_month": "datetime64[us]"})
    found = pd.concat([table.reindex(columns=[*COLUMNS, "of"]) for table in filled], ignore_index=True)
    found = found.assign(
        level=-found["severity"].map(SEVERITIES.index), part=found["of"].isin(OTHER_INSTRUMENT).astype(int)
    )
    found = found.sort_values([*SPAN, "level", "part"], kind="stable").drop_duplicates(SPAN)
    return found[COLUMNS].reset_index(drop=True)


def alarming(spans: pd.DataFrame) -> pd.DataFrame:
    """Those at `warning` or above."""
    return spans[spans["severity"].isin(ALARMING)].reset_index(drop=True)


def known_at(
    month: pd.Timestamp, months: pd.DataFrame, official: pd.DataFrame, holders: pd.DataFrame, rules: dict[str, Any]
) -> pd.DataFrame:
    """What the rules found of months that end with `month`, while it was the newest: with COLUMNS."""
    first = shifted(month, -WINDOW_MONTHS)
    then, total = (table[table["month"].between(first, month)].reset_index(drop=True) for table in (months, official))
    spans = as_spans(*verdicts_on(then, holders, rules, total))
    return spans[spans["end_month"] == month]


def published_months(months: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> list[pd.Timestamp]:
    """The months from `first` to `last` that `months` has, oldest first."""
    return sorted(pd.Timestamp(month) for month in months["month"].unique() if first <= month <= last)


def as_they_stood(
    months: pd.DataFrame,
    official: pd.DataFrame,
    holders: pd.DataFrame,
    rules: dict[str, Any],
    newest: Iterable[pd.Timestamp],
) -> pd.DataFrame:
    """Every finding whose last month is one of `newest`, as it stood while that was the newest month.

    Later months are kept from the rules, so that nothing is lowered or raised with hindsight. Figures are of the vintage
    that `months` has. A run that goes on stands once for every month in which it did.
    """
    replayed = [known_at(month, months, official, holders, rules) for month in newest]
    filled = [spans for spans in replayed if len(spans)]
    return pd.concat(filled, ignore_index=True) if filled else as_spans(months.head(0), months.head(0))


def events_of(spans: pd.DataFrame) -> pd.Series:
    """For each span the number of its event: chains of one holder's spans whose months overlap."""
    ordered = spans.sort_values(SPAN)
    numbers: list[int] = []
    number, holder, reached = -1, "", None
    for row in ordered.to_dict("records"):
        if reached is None or holder != row["holder_id"] or row["start_month"] > reached:
            number, reached = number + 1, row["end_month"]
        holder, reached = row["holder_id"], max(reached, row["end_month"])
        numbers.append(number)
    return pd.Series(numbers, index=ordered.index, dtype="int64").reindex(spans.index)


def events_by_year(spans: pd.DataFrame) -> dict[str, dict[int, int]]:
    """By year the events at `warning` or above, and those that reach `critical`: in the year in which they first did."""
    loud = alarming(spans)
    loud = loud.assign(event=events_of(loud))
    levels = {"warning": loud, "critical": loud[loud["severity"] == "critical"]}
    first = {name: table.groupby("event")["end_month"].min().dt.year for name, table in levels.items()}
    return {
        name: {int(year): int(n) for year, n in years.value_counts().sort_index().items()}
        for name, years in first.items()
    }


def compared(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Findings on first prints beside those on today's figures of the same months, one row per holder, kind and last month.

    `kind` is `month` or `run`; a run may begin elsewhere after revision. Columns: holder_id, kind, end_month and, each with
    the ending _then and _now, severity and verdict: NaN where nothing was, or is, flagged.
    """
    sides = []
    for spans in (then, now):
        kind = np.where(spans["start_month"] == spans["end_month"], "month", "run")
        length = [months_between(a, b) for a, b in zip(spans["start_month"], spans["end_month"], strict=True)]
        table = spans.assign(kind=kind, length=length, level=spans["severity"].map(SEVERITIES.index))
        table = table.sort_values(["level", "length"]).drop_duplicates(["holder_id", "kind", "end_month"], keep="last")
        sides.append(table[["holder_id", "kind", "end_month", "severity", "verdict"]])
    both = sides[0].merge(sides[1], on=["holder_id", "kind", "end_month"], how="outer", suffixes=("_then", "_now"))
    return both.sort_values(["end_month", "holder_id", "kind"], ignore_index=True)
