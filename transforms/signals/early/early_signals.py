"""Which early signals there are on a day, from what was public by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.declared import EARLY
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.signals.early.japan import (
    INTERVENTIONS,
    RESERVES,
    Reserves,
    interventions_signal,
    reserves_signal,
)
from treasury_watch.transforms.signals.early.officials import HOLDINGS, PURCHASES, Read, official_signal
from treasury_watch.transforms.signals.early.record import record_of_estimates, record_of_reserves
from treasury_watch.transforms.signals.early.signal import JAPAN, OFFICIALS, EarlySignal, day_of
from treasury_watch.transforms.signals.nowcast.japan_timeline import InterventionTotal
from treasury_watch.transforms.signals.nowcast.scores import FIRST, NOWCAST
from treasury_watch.transforms.signals.nowcast.words import is_figure

JAPAN_ESTIMATE = "japan_holdings"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the tables state. `estimates` are rows of `nowcasts` of months that are not out, `scores` and `made_then` (how
    many of a target's estimates were made before their release) its record; `reserves` by month;
    `totals` interventions; `japan` the published changes of Japan's Treasuries by month, USD millions; `newest` by holder
    the newest month that is out; `due` a month's release; `reads` how far the inputs of a target's month were read.
    """

    due: Callable[[date], date]
    newest: Mapping[str, date | None]
    estimates: Sequence[Mapping[str, Any]] = ()
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    made_then: Mapping[str, int] = field(default_factory=dict)
    reserves: Sequence[Reserves] = ()
    totals: Sequence[InterventionTotal] = ()
    japan: Mapping[date, float] = field(default_factory=dict)
    reads: Mapping[tuple[str, date], Mapping[str, Read]] = field(default_factory=dict)
    claims_from_usd_mn: Mapping[str, float] = field(default_factory=dict)

    def is_open(self, holder_id: str, month: date) -> bool:
        """Whether the holder's month is not out, and an earlier one is: without any, nothing is known of the holder."""
        newest = self.newest.get(holder_id)
        return newest is not None and month > newest


def early_signals(stated: Stated, rules: Mapping[str, Any], day: date) -> list[EarlySignal]:
    """The early signals of months that are not out, by the rules [early_signals] and from what was public on `day`, oldest
    month first.
    """
    declared = rules.get(EARLY, {})
    by_target = {
        (row["target"], day_of(row["month"])): row for row in stated.estimates if day_of(row["made"]) <= day
    }  # the newest of each stands last
    found: list[EarlySignal | None] = []
    for (target, month), row in by_target.items():
        if target in declared and stated.is_open(OFFICIALS, month):
            other = by_target.get((PURCHASES if target == HOLDINGS else HOLDINGS, month))
            record, reads = _record(stated, row, declared[target]), stated.reads.get((target, month))
            found.append(official_signal(row, declared[target], reads=reads, record=record, beside=other, day=day))
    if INTERVENTIONS in declared:
        for total in stated.totals:
            month = total.end.replace(day=1)
            if total.published <= day and stated.is_open(JAPAN, month):
                found.append(interventions_signal(total, declared[INTERVENTIONS], stated.due(month), day))
    if RESERVES in declared:
        public = [entry for entry in stated.reserves if entry.public <= day]
        pairs = [(entry.change_usd_mn, stated.japan[entry.month]) for entry in public if entry.month in stated.japan]
        for entry in public:
            if stated.is_open(JAPAN, entry.month):
                found.append(
                    _japan(stated, entry, by_target.get((JAPAN_ESTIMATE, entry.month)), declared[RESERVES], pairs, day)
                )
    return sorted((item for item in found if item is not None), key=lambda item: (item.month, item.key))


def _record(stated: Stated, row: Mapping[str, Any], rule: Mapping[str, Any]) -> list[str]:
    """The record of estimates made as early as this one."""
    target = row["target"]
    if stated.scores.empty:
        return ["No such estimate has been held against a print yet."]
    own = stated.scores[stated.scores["target"] == target]
    month_before_known = shifted(day_of(row["month"]), -1) <= day_of(row["learned_until"])
    method = NOWCAST if month_before_known else FIRST
    return record_of_estimates(own, method, rule["minimum_usd_mn"], stated.made_then.get(target, 0))


def _japan(
    stated: Stated, raw: Reserves, estimate: Mapping[str, Any] | None, rule: Mapping[str, Any],
    pairs: list[tuple[float, float]], day: date,
) -> EarlySignal | None:  # fmt: skip
    revalued = None if estimate is None else estimate["revaluation_usd_mn"]
    entry = raw._replace(revaluation_usd_mn=revalued) if is_figure(revalued) else raw
    record = record_of_reserves(pairs, rule["minimum_usd_mn"])
    if estimate is not None and not stated.scores.empty:
        record = [*_record(stated, estimate, rule), *record]
    claims = stated.claims_from_usd_mn.get(JAPAN_ESTIMATE, 0.0)
    return reserves_signal(
        entry, rule, stated.due(raw.month), estimate=estimate, claims_from_usd_mn=claims, totals=stated.totals,
        record=record, day=day,
        earlier_usd_mn=[own.change_usd_mn for own in stated.reserves if own.month < raw.month],
    )  # fmt: skip
