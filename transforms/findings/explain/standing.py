"""How unusual a month's fall or net sale is, said by a month that a reader can look up: the largest since when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.months import months_between
from treasury_watch.transforms.wording import month_name

LEAST_MONTHS = 24  # of history, and since a larger one, before it is worth saying
PLACES = {1: "second-largest", 2: "third-largest"}


@dataclass(frozen=True)
class Past:
    """One holder's months in order, each with the run of months on one survey basis that it belongs to and its amount."""

    months: np.ndarray
    runs: np.ndarray
    amounts: np.ndarray


def pasts_of(months: pd.DataFrame, column: str) -> dict[str, Past]:
    """Of every holder the months with the amount `column`. `months` has the columns of holder_months.

    A run ends where a new survey basis begins and, of amounts that are not the change itself, where these come from
    another source: figures of two bases are not ranked against each other.
    """
    ordered = months.sort_values(["holder_id", "month"])
    breaks = ordered["series_break"].astype(bool)  # such a month's own change, where known, is on the basis that ends
    starts = breaks | (ordered["holder_id"] != ordered["holder_id"].shift())
    if column != "change_usd_mn":
        bases = ordered["basis"].astype(str)
        starts |= bases != bases.shift()
    known = ordered[ordered[column].notna() & ~breaks]
    runs = starts.cumsum()[known.index]
    if known.empty:
        return {}
    holders, starts_of_holders = np.unique(known["holder_id"].to_numpy(dtype=str), return_index=True)
    parts = (
        np.split(values, starts_of_holders[1:])
        for values in (known["month"].to_numpy(), runs.to_numpy(), known[column].to_numpy(dtype="float64"))
    )
    return {str(holder): Past(*own) for holder, *own in zip(holders, *parts, strict=True)}


def rank(row: Mapping[Any, Any], past: Past | None, column: str, what: str) -> str:
    """`the largest monthly fall since October 2022`, `the third-largest net sales since January 2012`; else empty.

    Looks back only, within one run. `what` names the amount.
    """
    if past is None or not row[column] < 0:
        return ""
    place = int(past.months.searchsorted(np.datetime64(row["month"])))
    if place >= len(past.months) or past.months[place] != np.datetime64(row["month"]):
        return ""
    before = past.runs[:place] == past.runs[place]
    months, amounts = past.months[:place][before], past.amounts[:place][before]
    if len(months) < LEAST_MONTHS:
        return ""
    larger = months[amounts <= row[column]]
    # Later months may have outdone it, and holdings are known from before the run, on another survey basis.
    then = f"until then in comparable figures (from {month_name(pd.Timestamp(months[0]))})"
    if not len(larger):
        return f"the largest {what} {then}"
    last = pd.Timestamp(larger[-1])
    if months_between(last, row["month"]) >= LEAST_MONTHS:
        return f"the largest {what} since {month_name(last)}"
    return f"the {PLACES[len(larger)]} {what} {then}" if len(larger) in PLACES else ""


def ranks(rows: pd.DataFrame, months: pd.DataFrame) -> list[tuple[str, str]]:
    """Of each flagged month the rank of its fall in holdings and of its net sales, each empty where it is none."""
    own = months[months["holder_id"].isin(rows["holder_id"])]
    falls, sales = pasts_of(own, "change_usd_mn"), pasts_of(own, "net_purchases_usd_mn")
    return [
        (
            rank(row, falls.get(row["holder_id"]), "change_usd_mn", "monthly fall"),
            "" if math.isnan(row["net_purchases_usd_mn"])
            else rank(row, sales.get(row["holder_id"]), "net_purchases_usd_mn", "monthly net sale"),
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip
