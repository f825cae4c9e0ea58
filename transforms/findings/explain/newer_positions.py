"""Positions that are newer than the release of net purchases and valuation: what they make of a finding's other changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.months import number_of, numbers_of

Newer = Mapping[tuple[str, int], float]


def newer_positions(months: pd.DataFrame) -> Newer:
    """USD millions by holder_id and `number_of` a month; months in which they make nothing are left out.

    `months` have the columns of holder_months; of months without `newer_positions_usd_mn` nothing is known.
    """
    if "newer_positions_usd_mn" not in months:
        return {}
    known = months[months["newer_positions_usd_mn"].fillna(0) != 0]
    keys = zip(known["holder_id"], numbers_of(known["month"]), strict=True)
    return dict(zip(keys, known["newer_positions_usd_mn"], strict=True))


def of_finding(row: Mapping[Any, Any], newer: Newer, limits: Mapping[str, float]) -> float:
    """The sum over the months of a flagged month or an episode, in USD millions; 0 where it is smaller than `minimum_usd_mn`
    of [newer_positions] in config/alert_rules.toml: sentence and caveat then tell other changes as the tables have them.
    """
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    span = range(number_of(first), number_of(last) + 1)
    whole = sum(newer.get((row["holder_id"], number), 0.0) for number in span)
    return whole if abs(whole) >= limits["minimum_usd_mn"] else 0.0
