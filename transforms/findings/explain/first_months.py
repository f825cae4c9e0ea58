"""A run of months of which the newest are known by holdings alone: what the first of them say of sales and prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS

NEEDED = ["net_purchases_usd_mn", "valuation_usd_mn"]


def first_months_read(row: Mapping[Any, Any], months: pd.DataFrame) -> Mapping[Any, Any] | None:
    """The sums of a run's first months, as a run of its own, where these are taken apart and the ones after are not.

    None where all are, where the first is not, or where `row` is one month. `months` have the columns of holder_months.
    """
    if "month" in row or pd.notna(row["net_purchases_usd_mn"]):
        return None
    own = months[
        (months["holder_id"] == row["holder_id"]) & months["month"].between(row["start_month"], row["end_month"])
    ]
    own = own.sort_values("month")
    read = own[own[NEEDED].notna().all(axis=1).cummin()]
    if read.empty or own.iloc[len(read) :][NEEDED].notna().any(axis=None):
        return None
    sums = read[AMOUNTS].sum(min_count=len(read)).to_dict()
    return {**row, **sums, "end_month": read["month"].iloc[-1]}
