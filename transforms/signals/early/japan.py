"""The messages on Japan before the release: its interventions, and the securities in its reserves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from treasury_watch.transforms.amounts import billions, rounded
from treasury_watch.transforms.signals.early.officials import (
    brief_interval,
    due_in_brief,
    due_in_words,
    when_known,
    why,
)
from treasury_watch.transforms.signals.early.signal import JAPAN, EarlySignal, day_of, early_signal, spoken_day
from treasury_watch.transforms.signals.nowcast.japan_timeline import JPY_BN_PER_TRILLION, InterventionTotal
from treasury_watch.transforms.signals.nowcast.words import about, estimate_in_words, interval_in_words, is_figure
from treasury_watch.transforms.wording import month_name, sentence

RESERVES, INTERVENTIONS = "japan_reserves", "japan_interventions"
NOT_OF_RESERVES = (
    "Whether they were Treasuries: the securities in the reserves are of all currencies and issuers.",
    "What private holders in Japan did: the statistics count them too, the reserves do not.",
)
NOT_OF_INTERVENTIONS = (
    "Which currencies were bought or sold, on which days, and whether dollars were sold: the total names none of it.",
    "Whether securities were sold for it: deposits in the reserves pay as well.",
)
RAW = (
    "The record is of estimates that knew what prices did; this one does not, and its interval comes from such raw changes "
    "of earlier months."
)
BEYOND = (
    "No earlier month loaded had so large a fall in these securities: the estimate reaches beyond what it learned from."
)
NO_ESTIMATE = "There is no estimate of Japan's Treasuries from it yet: too little of its history is loaded."


class Reserves(NamedTuple):
    """Securities in Japan's reserves over a month, USD millions: their change, the part of it that prices made (None where
    that is not available), and the day on which they were public.
    """

    month: date
    change_usd_mn: float
    revaluation_usd_mn: float | None
    public: date

    @property
    def flow_usd_mn(self) -> float:
        """The change without prices; the raw change where what they did is not available."""
        return self.change_usd_mn - (self.revaluation_usd_mn or 0.0)


def beyond(change_usd_mn: float, earlier_usd_mn: Iterable[float]) -> str | None:
    """That a change is below all `earlier_usd_mn` of these securities, so that nothing like it was learned from; else None."""
    return BEYOND if change_usd_mn < min(earlier_usd_mn, default=-math.inf) else None


def bearing_on(month: date, totals: Iterable[InterventionTotal]) -> list[InterventionTotal]:
    """The totals that bear on the month: those that end in it, of something."""
    return [t for t in totals if (t.end.year, t.end.month) == (month.year, month.month) and t.jpy_bn > 0]


def interventions_signal(
    total: InterventionTotal, rule: Mapping[str, Any], due: date, day: date | None = None
) -> EarlySignal | None:
    """The message on a period's total of interventions, for the month in which it ends; None below the rule's minimum.

    `day` is the day on which it is told, the day of its publication where none is given.
    """
    if total.jpy_bn * 1000 < rule["minimum_jpy_mn"]:
        return None
    month, told_on = total.end.replace(day=1), day or total.published
    span = f"{total.start.day} {total.start:%b} to {total.end.day} {total.end:%b} {total.end.year}"
    title = f"No estimate yet: Japan intervened with {_yen(total)}, {span}; Treasuries {due_in_brief(due, told_on)}"
    lead = (
        f"Japan intervened in the currency market for {_yen(total)} from {spoken_day(total.start, total.end)} to "
        f"{spoken_day(total.end)}, published on {spoken_day(total.published)}. What that means for its Treasuries is not "
        f"known: {due_in_words(due, told_on)}."
    )
    sections = (
        ("What it rests on", (f"The Ministry of Finance's total for the period, published on {spoken_day(total.published)}: "
                              "an official figure, no estimate.",)),
        ("What it does not know", NOT_OF_INTERVENTIONS),
        ("When it will be known", (
            "Securities in Japan's reserves are out in the first days of the month after; they say more.",
            when_known(month, due, told_on))),
        ("Why you get this", (why(rule),)),
    )  # fmt: skip
    told = {"of": "change_usd_mn", "made": total.published.isoformat(), "words": f"interventions of {_yen(total)}"}
    return early_signal(INTERVENTIONS, JAPAN, month, rule["severity"], title, lead, sections, told)


def reserves_signal(
    reserves: Reserves,
    rule: Mapping[str, Any],
    due: date,
    *,
    estimate: Mapping[str, Any] | None = None,
    claims_from_usd_mn: float = 0.0,
    totals: Iterable[InterventionTotal] = (),
    record: Iterable[str] = (),
    earlier_usd_mn: Iterable[float] = (),
    day: date | None = None,
) -> EarlySignal | None:
    """The message on a month's change of the securities in Japan's reserves, None where their fall, without prices where
    these are known, is below the rule's minimum.

    `estimate` is the month's row of `nowcasts`, None without one. Below `claims_from_usd_mn` it claims no sign.
    `earlier_usd_mn` are the changes of these securities in the months before, as far as they are known. `day` is the day on
    which it is told, the day on which the reserves were public where none is given.
    """
    if reserves.flow_usd_mn > -rule["minimum_usd_mn"]:
        return None
    month, told_on = reserves.month, day or reserves.public
    claimed = estimate if estimate is not None and abs(estimate["estimate_usd_mn"]) >= claims_from_usd_mn else None
    fell = f"Securities in Japan's reserves fell {billions(abs(reserves.change_usd_mn), signed=False)} in {month_name(month)}"
    made = reserves.public if claimed is None else day_of(claimed["made"])
    prices = (
        "not available" if reserves.revaluation_usd_mn is None else f"about {billions(reserves.revaluation_usd_mn)}"
    )
    if claimed is not None:
        amount = claimed["estimate_usd_mn"]
        title = f"Estimate: Japan's Treasuries {about(amount)} in {month_name(month)} ({brief_interval(claimed)}); "
        lead = f"{sentence(estimate_in_words(claimed))} in {month_name(month)}: an estimate of {spoken_day(made)}; "
        lead = lead.replace("holdings probably", "holdings of Treasuries probably")
    else:
        title = f"No estimate yet: securities in Japan's reserves {billions(reserves.change_usd_mn)} in {month_name(month)}; "
        if estimate is not None:
            title = title.replace("No estimate yet", "Too small to estimate Japan's Treasuries")
        lead = f"{fell}, of which prices: {prices}. What Japan's Treasuries did is not known; "
    title += f"{'' if claimed is not None else 'Treasuries '}{due_in_brief(due, told_on)}"
    lead += f"{due_in_words(due, told_on)}."
    if claimed is not None and reserves.revaluation_usd_mn is None:
        lead += " What prices did is not available: it is estimated from the raw change."
    rests = [f"{fell}, public on {spoken_day(reserves.public)} (Ministry of Finance); of this prices: {prices}."]
    rests += [f"Japan intervened for {_yen(total)} {_from_to(total)}." for total in bearing_on(month, totals)]
    if estimate is not None:
        rests.append(
            f"Model: {estimate['model']}; learned from the months to {month_name(day_of(estimate['learned_until']))}."
        )
    if claimed is not None and reserves.revaluation_usd_mn is None:
        record = (RAW, *record)
    reaches = beyond(reserves.change_usd_mn, earlier_usd_mn) if claimed is not None else None
    not_known = (*((NO_ESTIMATE,) if estimate is None else ()), *((reaches,) if reaches else ()), *NOT_OF_RESERVES)
    sections = (
        ("What it rests on", tuple(rests)),
        ("What it does not know", not_known),
        ("How such signals did so far", tuple(record)),
        ("When it will be known", (when_known(month, due, told_on),)),
        ("Why you get this", (why(rule),)),
    )
    told: dict[str, Any] = {"of": "change_usd_mn", "made": made.isoformat()}
    told["words"] = f"a fall of {billions(abs(reserves.change_usd_mn), signed=False)} in the securities in its reserves"
    if claimed is not None:
        told["words"] = (
            f"the change in holdings estimated at {about(claimed['estimate_usd_mn'])} ({interval_in_words(claimed)})"
        )
        names = ("estimate_usd_mn", "low_usd_mn", "high_usd_mn")
        told |= {name: claimed[name] if is_figure(claimed[name]) else None for name in names}
    return early_signal(RESERVES, JAPAN, month, rule["severity"], title, lead, sections, told)


def _from_to(total: InterventionTotal) -> str:
    span = f"from {spoken_day(total.start, total.end)} to {spoken_day(total.end)}"
    return f"{span}, public on {spoken_day(total.published)}"


def _yen(total: InterventionTotal) -> str:
    return f"¥{rounded(total.jpy_bn / JPY_BN_PER_TRILLION, 2)} trillion"
