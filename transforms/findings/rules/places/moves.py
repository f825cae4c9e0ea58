"""What left or came to a place, prices left out, as one table of months by holders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.rules.flagged_months import valuation_pct
from treasury_watch.transforms.findings.rules.verdicts import credible
from treasury_watch.transforms.months import number_of, numbers_of

PUBLISHED = ("slt", "cslt")
INFLOW = "inflow_usd_mn"  # what came to a place, prices left out: the amount of rules on rises


def without_price(months: pd.DataFrame, rules: dict[str, Any]) -> pd.Series:
    """Every row's change in holdings less the part that is price, in USD millions; NaN where no valuation is known.

    `months` is sorted by holder and month. A valuation that cannot be believed is taken for no price at all, as in
    verdicts. Where the basis is `estimated`, so is the price.
    """
    limit = rules["verdict"]["credible_valuation_pct"]
    believed = np.array([credible(share, limit) for share in valuation_pct(months, rules)], dtype=bool)
    price = months["valuation_usd_mn"].where(believed | months["valuation_usd_mn"].isna(), 0.0)
    return months["change_usd_mn"] - price


@dataclass(frozen=True)
class Moves:
    """Tables of months (rows, every month from `first` on) by holders (columns), in USD millions; NaN where unknown."""

    first: int
    holders: dict[str, int]
    names: dict[str, str]
    moved: np.ndarray
    change: np.ndarray
    other: np.ndarray
    published: np.ndarray  # whether a source states the month's valuation
    _windows: dict[tuple[tuple[str, ...], int], np.ndarray] = field(default_factory=dict, compare=False)

    def span(self, first: Any, last: Any) -> slice:
        """The rows of the months from the first to the last."""
        return slice(number_of(first) - self.first, number_of(last) - self.first + 1)

    def columns(self, holders: tuple[str, ...]) -> list[int]:
        """The columns of these holders; those that no month names are left out."""
        return [self.holders[holder] for holder in holders if holder in self.holders]

    def over(self, holders: tuple[str, ...], length: int) -> np.ndarray:
        """For every month the holders' moves added up over the `length` months that end there; NaN where one is unknown."""
        key = (holders, length)
        if key not in self._windows:
            whole = self.moved[:, self.columns(holders)].sum(axis=1)
            sums = np.full(len(whole), np.nan)
            if len(whole) >= length:
                sums[length - 1 :] = np.lib.stride_tricks.sliding_window_view(whole, length).sum(axis=1)
            self._windows[key] = sums
        return self._windows[key]


def moves_of(months: pd.DataFrame, rules: dict[str, Any]) -> Moves:
    """The moves of every holder of holder_months."""
    months = months.sort_values(["holder_id", "month"])
    numbers = numbers_of(months["month"]) if len(months) else np.array([0])
    first, count = int(numbers.min()), int(numbers.max() - numbers.min()) + 1
    codes, holders = pd.factorize(months["holder_id"])
    rows = numbers - first if len(months) else np.array([], dtype="int64")
    stated = months["basis"].isin(PUBLISHED).to_numpy()
    tables = []
    for values in (
        without_price(months, rules), months["change_usd_mn"], months["other_usd_mn"],
    ):  # fmt: skip
        table = np.full((count, len(holders)), np.nan)
        table[rows, codes] = values.to_numpy(dtype="float64")
        tables.append(table)
    published = np.zeros((count, len(holders)), dtype=bool)
    published[rows, codes] = stated
    unique = months.drop_duplicates("holder_id")
    named = {str(holder): str(name) for holder, name in zip(unique["holder_id"], unique["holder"], strict=True)}
    moved, change, other = tables
    return Moves(first, {str(h): i for i, h in enumerate(holders)}, named, moved, change, other, published)
