"""Estimates of months before their release: every one that could have been made, each from what was public on its day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from treasury_watch.transforms.signals.nowcast.intervals import half_width
from treasury_watch.transforms.signals.nowcast.local_level import states
from treasury_watch.transforms.signals.nowcast.targets import (
    Target,
    held_before,
    inputs_known,
    terms_of,
    unexplained_before,
)

FIRST_DAY, LAST_THURSDAY, TODAY = "first_day", "last_thursday", "today"
LEAST_MONTHS = 12  # of which a model learns before it says anything
THURSDAY = 3
USD_MN = 1000.0  # a billion in millions
# The columns of `nowcasts` that state an input, by the term.
INPUT_COLUMNS = {
    "custody": "custody_change_usd_mn",
    "custody_before": "custody_change_before_usd_mn",
    "price": "price_term_usd_mn",
    "dollar": "dollar_term_usd_mn",
    "unexplained_before": "unexplained_before_usd_mn",
    "reserves_flow": "reserves_flow_usd_mn",
    "reserves_change": "reserves_change_usd_mn",
}
COLUMNS = ["target", "month", "made", "made_on", "due", "estimate_usd_mn", "low_usd_mn", "high_usd_mn", "learned_until",
           *INPUT_COLUMNS.values(), "revaluation_usd_mn", "model"]  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What a target is estimated from. All frames are indexed by month; days are Timestamps.

    inputs: of `monthly_inputs`. prints: value_usd_bn, known_from, of the figure that is estimated, as first printed where
    that is held. holdings: position, long_term and change in USD billions, of the holder. due: the release day by month.
    newest: the newest month whose holdings are out; later ones are open.
    """

    inputs: pd.DataFrame
    prints: pd.DataFrame
    holdings: pd.DataFrame
    due: Mapping[pd.Period, date]
    newest: pd.Period | None


class Estimate(NamedTuple):
    """An estimate in USD billions, its terms, the level and coefficients, and the last month whose figure it knew."""

    usd_bn: float
    terms: dict[str, float]
    state: np.ndarray
    until: pd.Period


@dataclass
class _Model:
    """A target's model with one set of terms: its states, and the errors it has made so far by kind of day."""

    target: Target
    known: Known
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        inputs, target = self.known.inputs, self.target
        self.by_months_behind: dict[int, np.ndarray] = {}
        learned = self.terms(1)[inputs.index >= target.first]
        months = inputs.index[inputs.index >= target.first]
        values = self.known.prints["value_usd_bn"].reindex(months)
        frame = pd.DataFrame(learned, index=months, columns=list(self.names))
        self.states = states(values, frame, target.level_variance)
        self.taught = (values.notna() & frame.notna().all(axis=1)).cumsum().to_numpy()
        self.public = inputs_known(self.names, inputs)
        self.errors: dict[str, list[tuple[pd.Timestamp, float]]] = defaultdict(list)

    def terms(self, months_behind: int) -> np.ndarray:
        """The terms of every month, where what was held so many months before is the newest that is known."""
        found = self.by_months_behind.get(months_behind)
        if found is None:
            inputs, holdings = self.known.inputs, self.known.holdings
            held = held_before(holdings, inputs.index, months_behind)
            # What the month before rose by is known only where its figures were released.
            rest = (
                unexplained_before(inputs, held, holdings["change"])
                if months_behind == 1
                else held["change_before"] * 0.0
            )
            found = terms_of(self.names, inputs, held, rest.fillna(0.0)).to_numpy()
            self.by_months_behind[months_behind] = found
        return found

    def estimate(self, month: pd.Period, until: pd.Period, day: pd.Timestamp) -> Estimate | None:
        """The estimate on a day on which figures up to `until` are known; None where too little was."""
        place = self.known.inputs.index[0].ordinal
        first = self.target.first.ordinal
        if not 0 <= until.ordinal - first < len(self.taught) or self.taught[until.ordinal - first] < LEAST_MONTHS:
            return None
        if not self.public.iloc[month.ordinal - place] <= day:
            return None
        terms = self.terms(month.ordinal - until.ordinal)[month.ordinal - place]
        if np.isnan(terms).any():
            return None
        state = self.states.iloc[until.ordinal + 1 - first].to_numpy()
        return Estimate(float(state[0] + terms @ state[1:]), dict(zip(self.names, terms, strict=True)), state, until)


def learned_until(known_from: pd.Series, month: pd.Period, day: pd.Timestamp) -> pd.Period | None:
    """The last month before `month` up to which every figure that is held was public on `day`; None where there is none.

    `known_from` by month, in order and without gaps in its index, NaT where no figure is held.
    """
    before = known_from.to_numpy()[: max(month.ordinal - known_from.index[0].ordinal, 0)]
    public, unknown = before <= day.to_datetime64(), before > day.to_datetime64()
    if not public.any():
        return None
    end = int(np.flatnonzero(unknown)[0]) if unknown.any() else len(before)
    held = np.flatnonzero(public[:end])
    return known_from.index[0] + int(held[-1]) if len(held) else None


def nowcasts(
    target: Target, known: Known, interval: Mapping[str, Any], since: pd.Period, today: date | None = None
) -> pd.DataFrame:
    """The replay of a target, and with `today` what is estimated on that day of months whose figures are not out.

    Each month has an estimate of the first day on which its inputs were public (first_day) and one of the last Thursday
    before its release (last_thursday); an open month one of `today`. Low and high hold `share_pct` percent of the errors of
    earlier estimates of the same kind that were known on the day; NaN while there are too few. Columns: COLUMNS.
    """
    if known.prints.empty or known.inputs.index[known.inputs.index >= target.first].empty:
        return pd.DataFrame(columns=COLUMNS)
    models = [_Model(target, known, names) for names in (target.terms, target.without_price) if names]
    rows = []
    values, public = known.prints["value_usd_bn"].to_dict(), known.prints["known_from"]
    for month in known.inputs.index[known.inputs.index >= target.first]:
        for kind, day in _days(models, known, month, today):
            made, until = None, learned_until(public, month, day)
            for model in models:  # all of them, so that each has its errors; the first that can is taken
                found = None if until is None else model.estimate(month, until, day)
                if found is None:
                    continue
                if made is None:
                    spread = _spread(model, kind, month, until, day, interval)
                    made = _row(target, model, month, kind, day, found, spread)
                if kind != TODAY and pd.notna(value := values.get(month)):
                    model.errors[kind].append((public[month], value - found.usd_bn))
            if made is not None and month >= since:
                rows.append(made | {"due": known.due.get(month)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _days(
    models: Iterable[_Model], known: Known, month: pd.Period, today: date | None
) -> list[tuple[str, pd.Timestamp]]:
    """The days on which the month is estimated, by kind, oldest first."""
    stated = [day for model in models if pd.notna(day := model.public.get(month))]
    if not stated:
        return []
    first = stated[0]  # of the terms that are preferred
    printed = known.prints["known_from"].get(month, pd.NaT)
    due = known.due.get(month)
    is_open = pd.isna(printed) and (known.newest is None or month > known.newest)
    if is_open and today is not None and first <= pd.Timestamp(today):
        return [(TODAY, pd.Timestamp(today))]
    if due is None or pd.isna(printed):
        return []
    released = min(pd.Timestamp(due), printed)
    last = last_thursday_before(released)
    return [(kind, day) for kind, day in ((FIRST_DAY, first), (LAST_THURSDAY, last)) if first <= day < released]


def last_thursday_before(day: date | pd.Timestamp) -> pd.Timestamp:
    """The Thursday, on which custody is published, that is the last one before `day`."""
    stamp = pd.Timestamp(day)
    return stamp - timedelta(days=(stamp.weekday() - THURSDAY - 1) % 7 + 1)


def _spread(
    model: _Model, kind: str, month: pd.Period, until: pd.Period | None, day: pd.Timestamp, interval: Mapping[str, Any]
) -> float | None:
    """Half the width of the interval, from the errors of the kind that were known on the day."""
    alike = kind if kind != TODAY else LAST_THURSDAY if until == month - 1 else FIRST_DAY
    past = [error for known_from, error in model.errors[alike] if known_from <= day]
    return half_width(past, interval["share_pct"], interval["minimum_errors"])


def _row(
    target: Target, model: _Model, month: pd.Period, kind: str, day: pd.Timestamp, found: Estimate, spread: float | None
) -> dict[str, Any]:
    estimate, terms = found.usd_bn, found.terms
    stated = {INPUT_COLUMNS[name]: USD_MN * value for name, value in terms.items() if name in INPUT_COLUMNS}
    if "reserves_flow" in terms:
        change = model.known.inputs["reserves_usd_bn"].diff().get(month, np.nan)
        stated["reserves_change_usd_mn"] = USD_MN * change
        stated["revaluation_usd_mn"] = USD_MN * (change - terms["reserves_flow"])
    return {
        **{"target": target.id, "month": month.to_timestamp(), "made": day, "made_on": kind},
        "estimate_usd_mn": USD_MN * estimate,
        "low_usd_mn": None if spread is None else USD_MN * (estimate - spread),
        "high_usd_mn": None if spread is None else USD_MN * (estimate + spread),
        "learned_until": found.until.to_timestamp(),
        **stated,
        "model": _words(model.names, found.state),
    }


def _words(names: Iterable[str], state: np.ndarray) -> str:
    """The model as it stood: `level 12.5, 0.56 custody, ...`; the level and turn_of_year in USD billions."""
    return ", ".join(
        [f"level {state[0]:.1f}", *(f"{value:.2f} {name}" for name, value in zip(names, state[1:], strict=True))]
    )
