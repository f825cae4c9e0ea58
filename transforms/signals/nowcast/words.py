"""Nowcasts as they are told: always as estimates, with their interval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from treasury_watch.transforms.amounts import billions, is_known, rounded
from treasury_watch.transforms.wording import month_name

# What an estimate says, positive and negative, and what is not known of the trades behind it.
SAID = {
    "official_holdings": (
        "holdings of foreign official institutions probably rose by about {size}",
        "holdings of foreign official institutions probably fell by about {size}",
    ),
    "official_net_purchases": (
        "foreign official institutions probably bought about {size}, net",
        "foreign official institutions probably sold about {size}, net",
    ),
    "japan_holdings": (
        "Japan's holdings probably rose by about {size}",
        "Japan's holdings probably fell by about {size}",
    ),
}
SMALL = {"japan_holdings": "nothing is said of Japan: its reserves tell large moves only (estimate {signed})"}

METHOD_WORDS = {
    "nowcast": "nowcast, last before the release",
    "nowcast_first_day": "nowcast, first possible day",
    "zero": "rival: zero",
    "last_month": "rival: last month",
    "mean": "rival: mean so far",
}
# What limits the record, wherever it is shown.
RECORD_SCOPE = (
    "R2 is against the mean of the months scored, which nobody knew before. The terms of the models were chosen on these same "
    "months, so the record flatters them."
)


def told(row: Mapping[str, Any], claims_from_usd_mn: float = 0.0) -> str:
    """`July 2026 is not out; foreign official institutions probably sold about $50bn, net (80%: -$80bn to -$20bn).`

    `row` is one of `nowcasts` of an open month. Below `claims_from_usd_mn` no sign is claimed. Where the release was due
    before the day of the estimate, the figures may be out and are not loaded here: it says that instead.
    """
    due, made = (date(day.year, day.month, day.day) for day in (row["due"], row["made"]))
    state = "is not out" if due >= made else f"was due on {due.day} {due:%B %Y} and is not loaded"
    return f"{month_name(row['month'])} {state}; {estimate_in_words(row, claims_from_usd_mn)}."


def estimate_in_words(row: Mapping[str, Any], claims_from_usd_mn: float = 0.0) -> str:
    """`foreign official institutions probably sold about $50bn, net (80%: -$80bn to -$20bn)`."""
    estimate = row["estimate_usd_mn"]
    if abs(estimate) < claims_from_usd_mn and row["target"] in SMALL:
        words = SMALL[row["target"]].format(signed=about(estimate))
    else:
        words = SAID[row["target"]][estimate < 0].format(size=about(abs(estimate), signed=False))
    return f"{words} ({interval_in_words(row)})"


def interval_in_words(row: Mapping[str, Any]) -> str:
    """`80%: -$80bn to -$20bn`, or that there is none yet."""
    low, high = row["low_usd_mn"], row["high_usd_mn"]
    if low is None or not is_known(low):
        return "no interval: too few earlier estimates"
    return f"80%: {about(low)} to {about(high)}"


def about(usd_mn: float, *, signed: bool = True) -> str:
    """An estimate in whole billions: `-$50bn`; it is not known to a tenth of one."""
    whole = billions(float(rounded(usd_mn / 1000, 0)) * 1000, signed=signed)
    return whole.replace(".0bn", "bn")


def inputs_in_words(row: Mapping[str, Any]) -> str:
    """What the estimate was made of, with what is not available."""
    parts = []
    known = {name: row.get(name) for name in row if is_figure(row.get(name))}
    if "custody_change_usd_mn" in known:
        parts.append(f"custody at the Fed {billions(known['custody_change_usd_mn'])}")
    if "price_term_usd_mn" in known:
        parts.append(f"prices {billions(known['price_term_usd_mn'])}")
    if "reserves_change_usd_mn" in known:
        revalued = known.get("revaluation_usd_mn")
        price = "not available" if revalued is None else billions(revalued)
        parts.append(f"securities in Japan's reserves {billions(known['reserves_change_usd_mn'])}, revaluation {price}")
    return "; ".join(parts)


def is_figure(value: Any) -> bool:
    """Whether this is a number that is known."""
    return isinstance(value, float | int) and not isinstance(value, bool) and is_known(value)


def surprise(row: Mapping[str, Any], printed_usd_mn: float) -> str:
    """What a release says of the estimate before it, for the mail of the day:
    `Printed: -$67.8bn; estimated before the release: -$50bn (80%: -$80bn to -$20bn). A surprise of -$17.8bn, within the interval.`
    """
    error = printed_usd_mn - row["estimate_usd_mn"]
    low, high = row["low_usd_mn"], row["high_usd_mn"]
    place = ""
    if low is not None and is_known(low):
        place = ", within the interval" if low <= printed_usd_mn <= high else ", outside the interval"
    return (
        f"Printed: {billions(printed_usd_mn)}; estimated before the release: {about(row['estimate_usd_mn'])} "
        f"({interval_in_words(row)}). A surprise of {billions(error)}{place}."
    )
