"""The figures that decide what a fall was, of any holder and run of months: they see the months after it as well.

Nothing here comes from the rules under test: no verdict, no severity, no limit of config/alert_rules.toml.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.rules.scores import robust_score
from treasury_watch.transforms.months import numbers_of

SEASONS = {3: "quarter", 12: "year"}  # months between two occasions, and what recurs
OCCASIONS = 6


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the statistics say of one holder and run of months. Amounts are USD millions, NaN where not known.

    `valuation_usd_mn` is published, or `estimated` from yields; an estimate may be off by `tolerance_usd_mn`.
    `other_usd_mn` is what is left of the change. `bought_back` is the share of the net sales that was bought in the month
    after. Of the six nearest occasions, a quarter or a year apart (`season`), `recurred` had net sales of the same size;
    `pattern_share` is the part of a run's net sales in months that recur or were bought back. `partner` rose by the part
    `absorbed` of the fall, prices left out.
    """

    change_usd_mn: float
    net_usd_mn: float
    valuation_usd_mn: float
    other_usd_mn: float
    custodial_centre: bool = False
    estimated: bool = False
    tolerance_usd_mn: float = 0.0
    bought_back: float = float("nan")
    recurred: int = 0
    season: str = ""
    pattern_share: float = 0.0
    partner: str = ""
    absorbed: float = 0.0

    @property
    def gross_fall_usd_mn(self) -> float:
        """Everything that pulled the holdings down, as a positive amount."""
        parts = (self.net_usd_mn, self.valuation_usd_mn, self.other_usd_mn)
        return -sum(min(part, 0.0) for part in parts)


class History:
    """Every holder's months as arrays, a row per holder and a column per month, from which evidence is read.

    `months` are holder_months, to which aggregate months may be added; `yields` the columns date, series_id and value of
    market_series; `limits` the section [labels] of config/backtest.toml.
    """

    def __init__(
        self, months: pd.DataFrame, yields: pd.DataFrame, centres: Collection[str], limits: Mapping[str, Any]
    ) -> None:
        self.limits = limits
        numbers = numbers_of(months["month"])
        self.first = int(numbers.min())
        self.width = int(numbers.max()) - self.first + 1
        ids, self.holders = pd.factorize(months["holder_id"], sort=True)
        self.row = {holder: place for place, holder in enumerate(self.holders)}
        names = months.drop_duplicates("holder_id").set_index("holder_id")["holder"]
        self.names = [str(names[holder]) for holder in self.holders]
        self.centre = np.array([holder in centres for holder in self.holders], dtype=bool)

        def grid(column: str) -> np.ndarray:
            cells = np.full((len(self.holders), self.width), np.nan)
            cells[ids, numbers - self.first] = months[column].to_numpy(dtype="float64")
            return cells

        self.change, self.net, published = (
            grid(name) for name in ("change_usd_mn", "net_purchases_usd_mn", "valuation_usd_mn")
        )
        self.bonds_before = _a_month_before(grid("long_term_usd_mn"))
        self.estimated = np.isnan(published)
        self.return_pct = price_return_pct(published, self.bonds_before, self._yields(yields))
        estimate = self.return_pct / 100 * self.bonds_before
        self.price = np.where(self.estimated, estimate, published)
        self.without_price = self.change - self.price
        self.before = _a_month_before(grid("position_usd_mn"))
        self.mirror = self._mirrors()

    def _yields(self, yields: pd.DataFrame) -> np.ndarray:
        """Month-end two- and ten-year yields in percent, a row each; NaN where unknown."""
        ends = np.full((2, self.width), np.nan)
        for place, series in enumerate(("DGS2", "DGS10")):
            known = yields[(yields["series_id"] == series) & yields["value"].notna()].sort_values("date")
            columns = numbers_of(known["date"]) - self.first
            inside = (columns >= 0) & (columns < self.width)
            # Of several days of a month the last one stays.
            ends[place, columns[inside]] = known["value"].to_numpy(dtype="float64")[inside]
        return ends

    def _mirrors(self) -> np.ndarray:
        """For every holder's month the place that rose by as much as it fell, both unusual and one a centre; -1 if none."""
        limits = self.limits
        known = np.where(np.isnan(self.without_price), self.change, self.without_price)
        groups = np.repeat(np.arange(len(known)), self.width)
        scores = robust_score(pd.Series(known.ravel()), pd.Series(groups), window=36, minimum=12, floor=500)
        unusual, moved = scores.to_numpy().reshape(known.shape), np.nan_to_num(known)
        # A place without a past to be measured against is out of it when it more than doubles.
        unusual = np.where(np.isnan(unusual) & (moved > self.before), np.inf, unusual)
        found = np.full(moved.shape, -1)
        falls = (moved <= -limits["mirror_minimum_usd_mn"]) & (unusual <= -limits["mirror_score"])
        rises = (moved > 0) & (unusual >= limits["mirror_score"])
        for column in np.flatnonzero(falls.any(axis=0) & rises.any(axis=0)):
            risen = np.flatnonzero(rises[:, column])
            for fallen in np.flatnonzero(falls[:, column]):
                apart = np.abs(moved[risen, column] / -moved[fallen, column] - 1)
                fits = (apart <= limits["mirror_tolerance"]) & (self.centre[fallen] | self.centre[risen])
                if fits.any():
                    found[fallen, column] = risen[np.where(fits, apart, np.inf).argmin()]
        return found

    def of(self, holder_id: str, start: pd.Timestamp, end: pd.Timestamp) -> Evidence:
        """The evidence on a holder's months from `start` to `end`. Sums with an unknown month are NaN."""
        row = self.row.get(holder_id)
        first, last = (month.year * 12 + month.month - 1 - self.first for month in (start, end))
        if row is None or first < 0 or last >= self.width:
            unknown = float("nan")
            return Evidence(change_usd_mn=unknown, net_usd_mn=unknown, valuation_usd_mn=unknown, other_usd_mn=unknown)
        span = slice(first, last + 1)
        change, net, price = (float(cells[row, span].sum()) for cells in (self.change, self.net, self.price))
        guessed = self.estimated[row, span]
        share = self.limits["price_tolerance_pct"] / 100 * self.bonds_before[row, first]
        tolerance = np.sqrt(guessed.sum()) * np.fmax(share, self.limits["price_tolerance_usd_mn"])
        recurred, season = self._season(row, first) if first == last else (0, "")
        partner, absorbed = self._partner(row, span)
        return Evidence(
            change_usd_mn=change,
            net_usd_mn=net,
            valuation_usd_mn=price,
            other_usd_mn=change - net - price,
            custodial_centre=bool(self.centre[row]),
            estimated=bool(guessed.any()),
            tolerance_usd_mn=float(tolerance),
            bought_back=self._bought_back(row, last, net),
            recurred=recurred,
            season=season,
            pattern_share=self._pattern_share(row, span, net) if last > first else 0.0,
            partner=partner,
            absorbed=absorbed,
        )

    def _bought_back(self, row: int, last: int, net: float) -> float:
        if not net < 0 or last + 1 >= self.width:
            return float("nan")
        return float(self.net[row, last + 1] / -net)

    def _season(self, row: int, column: int) -> tuple[int, str]:
        """How many of the six nearest occasions, a quarter or a year apart, had net sales of half to double the size.

        Nearest before or after, the earlier one first. None where the months between have such sales as often as one in
        three: that is steady selling, not a season.
        """
        sold = -self.net[row, column]
        if not sold > 0:
            return 0, ""
        best = (0, "")
        alike = (-self.net[row] >= sold / 2) & (-self.net[row] <= sold * 2)
        for step, name in SEASONS.items():
            steps = [step * sign * times for times in range(1, OCCASIONS + 1) for sign in (-1, 1)]
            near = [
                column + by
                for by in steps
                if 0 <= column + by < self.width and not np.isnan(self.net[row, column + by])
            ]
            near = near[:OCCASIONS]
            if len(near) < OCCASIONS:
                continue
            between = np.arange(min(near), max(near) + 1)
            between = between[(between - column) % step != 0]
            if alike[between].mean() <= 1 / 3:
                best = max(best, (int(alike[near].sum()), name))
        return best

    def _pattern_share(self, row: int, span: slice, net: float) -> float:
        if not net < 0:
            return 0.0
        known = 0.0
        for column in range(span.start, span.stop):
            own = float(self.net[row, column])
            recurs = self._season(row, column)[0] >= self.limits["recurred"]
            if own < 0 and (recurs or self._bought_back(row, column, own) >= self.limits["bought_back"]):
                known -= own
        return known / -net

    def _partner(self, row: int, span: slice) -> tuple[str, float]:
        """The place, or places, that took in what the holder lost, and which part of it, prices left out."""
        fall = -float(self.without_price[row, span].sum())
        if not fall > 0:
            return "", 0.0
        mirrored = [column for column in range(span.start, span.stop) if self.mirror[row, column] >= 0]
        taken = -float(self.without_price[row, mirrored].sum()) / fall
        names = " and ".join(dict.fromkeys(self.names[self.mirror[row, column]] for column in mirrored))
        for group in self.limits["partners"].get(self.holders[row], ()):
            declared = [self.row[holder] for holder in group if holder in self.row]
            risen = float(np.nan_to_num(self.without_price[declared, span].sum()))
            # A place that gained far more than the holder lost gained it elsewhere.
            if taken < risen / fall <= self.limits["absorbed_at_most"]:
                taken, names = risen / fall, " and ".join(self.names[place] for place in declared)
        return names, taken


def _a_month_before(cells: np.ndarray) -> np.ndarray:
    return np.concatenate([np.full((len(cells), 1), np.nan), cells[:, :-1]], axis=1)


def price_return_pct(valuation_usd_mn: np.ndarray, bonds_before_usd_mn: np.ndarray, yields: np.ndarray) -> np.ndarray:
    """By month the price return of all foreigners' bonds and notes, in percent; NaN where neither way leads to it.

    Published: the sum of the valuation changes over that of the positions a month before. Else estimated from the changes of
    the month-end yields in `yields` (two and ten years, percent, a row each), with the durations that fit the published
    months best (least squares with a constant; at least 24 months, else nothing is estimated).
    """
    known = ~np.isnan(valuation_usd_mn) & (bonds_before_usd_mn > 0)
    sums = [np.where(known, cells, 0.0).sum(axis=0) for cells in (valuation_usd_mn, bonds_before_usd_mn)]
    with np.errstate(invalid="ignore", divide="ignore"):
        published: np.ndarray = np.where(sums[1] > 0, 100 * sums[0] / sums[1], np.nan)
    moves = np.concatenate([np.full((2, 1), np.nan), np.diff(yields, axis=1)], axis=1)
    factors = np.column_stack([np.ones(len(published)), *moves])
    both = ~np.isnan(published) & ~np.isnan(factors).any(axis=1)
    if both.sum() < 24:
        return published
    durations = np.linalg.lstsq(factors[both], published[both], rcond=None)[0]
    return np.where(np.isnan(published), factors @ durations, published)
