"""Net sales that come at the same time of the quarter or the year: measured against the holder's own past, looking back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Season:
    """A season found before a month. `sales` of the `last` months at this time of the period were net sales of at least
    half its size; `p_value` is that of the rank test.
    """

    period_months: int
    p_value: float
    sales: int
    last: int


def season(number: int, net: Mapping[int, float], limits: Mapping[str, Any]) -> Season | None:
    """The season that a month's net sales belong to, by the months before it; None where there is none.

    `net` has net purchases (USD millions, one basis) by `number_of` a month, `limits` is [seasons] of
    config/alert_rules.toml. Asked are a one-sided Mann-Whitney test (Mann and Whitney, Annals of Mathematical Statistics 18,
    1947) of the months at this time of the period against the others, and how many of the last of them were such sales.
    """
    sold = net.get(number, np.nan)
    if not sold <= -limits["minimum_usd_mn"]:
        return None
    for period, window in zip(limits["periods_months"], limits["windows_months"], strict=True):
        past = {n: amount for n, amount in net.items() if number - window <= n < number and amount == amount}
        same = [past[n] for n in sorted(past) if (number - n) % period == 0]
        others = [amount for n, amount in past.items() if (number - n) % period]
        if len(same) < limits["minimum_times"] or len(past) < limits["minimum_months"]:
            continue
        last = same[-limits["last"] :]
        alike = sum(amount <= sold / 2 for amount in last)
        if alike < limits["minimum_part"] * len(last):
            continue
        from scipy.stats import mannwhitneyu  # a second to import: only where there is something to test

        p_value = float(mannwhitneyu(same, others, alternative="less").pvalue)
        if p_value <= limits["maximum_p_value"]:
            return Season(period, p_value, alike, len(last))
    return None
