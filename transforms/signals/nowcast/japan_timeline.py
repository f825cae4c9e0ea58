"""What is known of Japan before the statistics are, and from which day on: interventions, reserves, the estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from treasury_watch.transforms.amounts import billions, rounded, went
from treasury_watch.transforms.signals.nowcast.words import estimate_in_words, is_figure
from treasury_watch.transforms.wording import counted, month_name

JPY_BN_PER_TRILLION = 1000


class InterventionTotal(NamedTuple):
    """A monthly total of the Ministry of Finance: first and last day, the day it was published, billions of yen."""

    start: date
    end: date
    published: date
    jpy_bn: float


class Told(NamedTuple):
    """What can be said, and the day from which on it can."""

    day: date
    words: str


def timeline(
    month: date,
    estimate: Mapping[str, Any] | None,
    totals: Iterable[InterventionTotal],
    due: date,
    claims_from_usd_mn: float,
) -> list[Told]:
    """What can be said of Japan in `month` before its figures are due, oldest first, each with how many days before.

    `estimate` is the month's first row of `nowcasts` (target japan_holdings), `totals` those published; one counts where it
    ends in the month. A total names no currency pair and no day; that dollars, or Treasuries, were sold for it is not known.
    """
    told = [
        Told(
            total.published,
            f"Japan intervened in the currency market for {_trillions(total.jpy_bn)} yen from {_day(total.start)} to "
            f"{_day(total.end)}; the statistics on {month_name(month)} are due {_distance(total.published, due)}.",
        )
        for total in totals
        if (total.end.year, total.end.month) == (month.year, month.month) and total.jpy_bn > 0
    ]
    if estimate is not None:
        made = date(estimate["made"].year, estimate["made"].month, estimate["made"].day)
        told.append(Told(made, f"{_reserves(estimate)} {_capital(estimate_in_words(estimate, claims_from_usd_mn))}; "
                               f"the statistics are due {_distance(made, due)}."))  # fmt: skip
    return sorted(told)


def _reserves(row: Mapping[str, Any]) -> str:
    change = row["reserves_change_usd_mn"]
    words = f"Securities in Japan's reserves {went(change)} in {month_name(row['month'])}"
    if not is_figure(row["revaluation_usd_mn"]):
        return f"{words}; what prices did to them is not available."
    return f"{words}, of which prices, as estimated, {billions(row['revaluation_usd_mn'])}."


def _trillions(jpy_bn: float) -> str:
    return f"{rounded(jpy_bn / JPY_BN_PER_TRILLION, 2)} trillion"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _distance(day: date, due: date) -> str:
    return f"{counted((due - day).days, 'day')} later, on {_day(due)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
