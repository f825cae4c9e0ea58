"""Alarms against labels: every alarm counts, with intervals, beside trackers that know nothing of prices or custodians."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.backtest.alarms import COLUMNS, SPAN, alarming, events_of
from treasury_watch.transforms.backtest.evidence import History
from treasury_watch.transforms.backtest.labels import labelled
from treasury_watch.transforms.months import shifted

MEASURES = ("precision", "critical_precision", "recall", "verdict_accuracy", "sold_accuracy")
SOLD = ("sale", "pattern")  # what recurs or was bought back was sold all the same
VERDICT_OF = {"sale": "sold", "price": "repriced", "move": "moved"}
GRACE_MONTHS = 2
CONFIDENCE = 0.9
RESAMPLES = 2000


@dataclass(frozen=True)
class Share:
    """How many of `count` were right, between 0 and 1, with the bounds of a bootstrap interval; NaN where none is known."""

    value: float
    low: float
    high: float
    count: int


def share(right: pd.Series, events: pd.Series, seed: int = 1) -> Share:
    """The share that is right, with a 90% percentile interval.

    Resampled by event, as the findings of one event are right or wrong together (Efron and Tibshirani, "An Introduction to
    the Bootstrap", 1993; scipy.stats.bootstrap with a fixed seed).
    """
    if not len(right):
        return Share(np.nan, np.nan, np.nan, 0)
    by_event = right.astype(float).groupby(events)
    hits, sizes = by_event.sum().to_numpy(), by_event.size().to_numpy(dtype="float64")
    value = float(hits.sum() / sizes.sum())
    if len(hits) < 2:
        return Share(value, np.nan, np.nan, len(right))
    from scipy import stats  # a second to import

    interval = stats.bootstrap(
        (hits, sizes),
        lambda h, n, axis: h.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=100,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Share(value, float(interval.low), float(interval.high), len(right))


def with_labels(found: pd.DataFrame, stored: pd.DataFrame, history: History) -> pd.DataFrame:
    """Findings with `label`: the stored one of exactly these months, else the one that the rules of labelling give them."""
    known = found.merge(stored[[*SPAN, "label"]], on=SPAN, how="left")
    open_ = known["label"].isna()
    if open_.any():
        known.loc[open_, "label"] = labelled(known.loc[open_, SPAN], history)["label"]
    return known


def scored(found: pd.DataFrame, sales: pd.DataFrame) -> dict[str, Share]:
    """The MEASURES of findings with labels, as from `with_labels`; `sales` are the labelled months that were sales.

    precision: of the alarms, at `warning` or above, how many were sales. critical_precision: the same of `critical` ones.
    recall: of the sales, how many an alarm overlapped, raised at the latest two months after their end. verdict_accuracy:
    of all findings that were sale, price or move, how many have the verdict for it. sold_accuracy: of all findings called
    `sold`, how many were a sale or a pattern of sales.
    """
    alarms = alarming(found)
    right = alarms["label"] == "sale"
    events = events_of(alarms)
    critical = alarms["severity"] == "critical"
    told = found[found["label"].isin(VERDICT_OF)]
    sold = found[found["verdict"] == "sold"]
    return {
        "precision": share(right, events),
        "critical_precision": share(right[critical], events[critical]),
        "recall": share(_found(sales, alarms), events_of(sales)),
        "verdict_accuracy": share(told["label"].map(VERDICT_OF) == told["verdict"], events_of(told)),
        "sold_accuracy": share(sold["label"].isin(SOLD), events_of(sold)),
    }


def _found(sales: pd.DataFrame, alarms: pd.DataFrame) -> pd.Series:
    by_holder = {str(holder): own for holder, own in alarms.groupby("holder_id")}
    found = []
    for sale in sales.to_dict("records"):
        own = by_holder.get(sale["holder_id"], alarms.head(0))
        in_time = (
            (own["start_month"] <= sale["end_month"])
            & (own["end_month"] >= sale["start_month"])
            & (own["end_month"] <= shifted(sale["end_month"], GRACE_MONTHS))
        )
        found.append(bool(in_time.any()))
    return pd.Series(found, index=sales.index, dtype=bool)


def naive_trackers(months: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """What three trackers without decomposition would flag, as findings: each says `sold`, as a warning, of a month.

    Holdings fell by more than $10bn; the change is more than two standard deviations below the mean of the 36 months before
    (12 at least); every month. `months` are the months of countries and of the official total.
    """
    months = months.sort_values(["holder_id", "month"])
    change = months["change_usd_mn"]
    past = change.groupby(months["holder_id"]).rolling(36, min_periods=12, closed="left")
    mean, spread = (
        figures.reset_index(level=0, drop=True).reindex(months.index) for figures in (past.mean(), past.std())
    )
    flagged = {
        "fall over $10bn": change < -10_000,
        "z-score below -2": (change - mean) / spread < -2,
        "every month": change.notna(),
    }
    inside = months["month"].between(first, last)
    return {name: _as_findings(months[hit & inside]) for name, hit in flagged.items()}


def _as_findings(months: pd.DataFrame) -> pd.DataFrame:
    table = months.assign(start_month=months["month"], end_month=months["month"], severity="warning", verdict="sold")
    return table[COLUMNS].reset_index(drop=True)


def below_record(scores: Mapping[str, Mapping[str, Share]], recorded: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The measures of each set that are below the recorded ones, in words; an unknown one is."""
    return [
        f"{name}, {measure.replace('_', ' ')}: {scores[name][measure].value:.3f}, recorded {least:.3f}"
        for name, measures in recorded.items()
        for measure, least in measures.items()
        if not scores[name][measure].value >= least - 0.0005
    ]


def over_limits(
    years: Mapping[str, Mapping[int, int]], critical_precision: Share, limits: Mapping[str, Any]
) -> list[str]:
    """What passes the limits of config/backtest.toml: too many events in a year, too few sales among critical alarms."""
    most = {"warning": limits["events_a_year"], "critical": limits["critical_events_a_year"]}
    told = [
        f"{year}: {count} events at {level}{' or above' if level == 'warning' else ''}, at most {most[level]}"
        for level, counts in years.items()
        for year, count in counts.items()
        if count > most[level]
    ]
    least = limits["critical_sales_pct"] / 100
    if critical_precision.count and critical_precision.value < least:
        told.append(f"critical alarms that were sales: {critical_precision.value:.0%}, at least {least:.0%}")
    return told
