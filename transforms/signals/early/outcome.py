"""What a release makes of what was told before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from treasury_watch.transforms.amounts import billions, went
from treasury_watch.transforms.signals.early.signal import (
    OFFICIALS,
    RELEASED,
    WHOSE,
    EarlySignal,
    day_of,
    early_signal,
    spoken_day,
)
from treasury_watch.transforms.signals.nowcast.words import about, interval_in_words, is_figure
from treasury_watch.transforms.wording import month_name, sentence

CHANGE, PURCHASES = "change_usd_mn", "net_purchases_usd_mn"
CONFIRMED, IN_DIRECTION, WITHDRAWN = "confirmed", "confirmed in direction only", "withdrawn"
MEANING = {
    CONFIRMED: "The estimate is confirmed",
    IN_DIRECTION: "The estimate is confirmed in direction only",
    WITHDRAWN: "The estimate is withdrawn: no fall was printed, and the earlier message is not to be quoted further",
}
BORNE_OUT = {True: "borne out by a fall", False: "not borne out: there was no fall"}


def verdict(told: Mapping[str, Any], printed_usd_mn: float) -> str:
    """What the print makes of an estimate of a fall or of net sales."""
    if printed_usd_mn >= 0:
        return WITHDRAWN
    low = told.get("low_usd_mn")
    if is_figure(low) and _place(low, told["high_usd_mn"], printed_usd_mn) == "outside":
        return IN_DIRECTION
    return CONFIRMED


def release_signal(
    holder_id: str,
    month: date,
    told: Sequence[Mapping[str, Any]],
    printed: Mapping[str, float | None],
    released: date | None,
    last: Mapping[str, Any] | None = None,
) -> EarlySignal | None:
    """The one message after the release on what was told of a holder's month; None while nothing of it is out.

    `told` are what the messages that were sent told (`EarlySignal.told`, with `rule` and `severity`), oldest first;
    `printed` the figures of the release by column, USD millions; `released` its day, None where it is not known; `last` the
    newest estimate before the release (a row of `nowcasts`), where it is another than the one that was told.
    """
    out = [entry for entry in told if is_figure(printed.get(entry["of"]))]
    if not out:
        return None
    lead_of = next((entry for entry in out if is_figure(entry.get("estimate_usd_mn"))), out[-1])
    value = printed[lead_of["of"]] or 0.0
    if is_figure(lead_of.get("estimate_usd_mn")):
        found, ending = verdict(lead_of, value), f"estimate of {about(lead_of['estimate_usd_mn'])} "
        title = f"Released: {_brief(holder_id, lead_of['of'], value)} in {month_name(month)}; {ending}{found}"
        meaning = f"{MEANING[found]}: {_surprise(lead_of, value)}." if found != WITHDRAWN else f"{MEANING[found]}."
    else:
        title = f"Released: {_brief(holder_id, lead_of['of'], value)} in {month_name(month)}; early signal {BORNE_OUT[value < 0]}"
        meaning = f"What was told before it is {BORNE_OUT[value < 0]}."
    lines = [_against(entry, printed[entry["of"]] or 0.0) for entry in out]
    lines += [
        f"On {spoken_day(date.fromisoformat(e['made']))}: {e['words']}; that figure is not out."
        for e in told
        if e not in out
    ]
    if last is not None and is_figure(printed.get(CHANGE)):
        words = f"{about(last['estimate_usd_mn'])} ({interval_in_words(last)})"
        how = "made" if last["nowcast_basis"] == "made" else "replayed as of"
        lines.append(f"The last estimate before the release, {how} {spoken_day(last['made'])}: {words}.")
    came = f", released on {spoken_day(released)}" if released else ""
    lead = f"{did(holder_id, lead_of['of'], value, month)}{came}. {meaning}"
    every = [f"{did(holder_id, of, v, month)}." for of, v in printed.items() if v is not None and is_figure(v)]
    sections = (
        ("What was told before, and what was printed", tuple(lines)),
        ("The figures", tuple(every) if len(every) > 1 else ()),
    )
    severity = "warning" if any(entry.get("severity") == "warning" for entry in told) else "notice"
    rule = str(lead_of.get("rule", RELEASED))
    return early_signal(
        rule, holder_id, month, severity, title, lead, sections, {"printed": dict(printed)}, name=RELEASED
    )


def _against(entry: Mapping[str, Any], value: float) -> str:
    begun = f"On {spoken_day(date.fromisoformat(entry['made']))}: {entry['words']}. Printed: {billions(value)}"
    if not is_figure(entry.get("estimate_usd_mn")):
        return f"{begun} ({BORNE_OUT[value < 0]})."
    return f"{begun}, {_surprise(entry, value)}."


def _surprise(entry: Mapping[str, Any], value: float) -> str:
    """`a surprise of -$0.1bn, within the interval`; of an estimate, whether told or a row of nowcasts."""
    low = entry["low_usd_mn"]
    where = "" if not is_figure(low) else f", {_place(low, entry['high_usd_mn'], value)} the interval"
    return f"a surprise of {billions(value - entry['estimate_usd_mn'])}{where}"


def _place(low: Any, high: Any, value: float) -> str:
    return "within" if low <= value <= high else "outside"


def _brief(holder_id: str, of: str, value: float) -> str:
    if of == PURCHASES:
        verb = "sales" if value < 0 else "purchases"
        return f"{WHOSE[holder_id]} net Treasury {verb} {billions(abs(value), signed=False)}"
    return f"{WHOSE[holder_id]} Treasuries {billions(value)}"


def did(holder_id: str, of: str, value: float, month: date) -> str:
    """`Foreign officials' holdings of Treasuries fell $58.6bn in May 2026`."""
    size, when = billions(abs(value), signed=False), month_name(month)
    if of == PURCHASES:
        who = "Foreign officials" if holder_id == OFFICIALS else "Japan"
        return f"{who} {'sold' if value < 0 else 'bought'} {size} of Treasuries, net, in {when}"
    return f"{sentence(WHOSE[holder_id])} holdings of Treasuries {went(value)} in {when}"


def print_against_estimate(row: Mapping[str, Any]) -> str:
    """`Foreign officials' holdings of Treasuries fell $58.6bn in May 2026, as published then; the estimate of 9 July was -$58bn
    (80%: -$83bn to -$33bn), a surprise of -$0.4bn, within the interval.`

    `row` joins nowcast_scores and nowcasts: month, print_usd_mn, estimate, low, high, made and nowcast_basis. An estimate
    that was not made before the release is called replayed.
    """
    value, made = row["print_usd_mn"], day_of(row["made"])
    on = spoken_day(made, day_of(row["month"]))
    lead = f"the estimate of {on} was" if row["nowcast_basis"] == "made" else f"an estimate replayed as of {on} is"
    return (
        f"{did(OFFICIALS, CHANGE, value, day_of(row['month']))}, as published then; {lead} {about(row['estimate_usd_mn'])} "
        f"({interval_in_words(row)}), {_surprise(row, value)}."
    )
