"""The message on an estimate of foreign official institutions, before the release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from treasury_watch.transforms.amounts import billions, rounded
from treasury_watch.transforms.signals.early.signal import OFFICIALS, EarlySignal, day_of, early_signal, spoken_day
from treasury_watch.transforms.signals.nowcast.words import about, estimate_in_words, interval_in_words, is_figure
from treasury_watch.transforms.wording import month_name

HOLDINGS, PURCHASES = "official_holdings", "official_net_purchases"
OF = {HOLDINGS: "change_usd_mn", PURCHASES: "net_purchases_usd_mn"}
SUBJECTS = {
    HOLDINGS: "foreign officials' Treasuries {signed}",
    PURCHASES: "foreign officials' net Treasury sales {size}",
}
ESTIMATED = {HOLDINGS: "the change in holdings", PURCHASES: "net purchases"}
LEADS = {
    HOLDINGS: "Foreign official institutions' holdings of Treasuries probably fell by about {size} in {month} ({interval})",
    PURCHASES: "Foreign official institutions probably sold about {size} of Treasuries, net, in {month} ({interval})",
}
NOT_KNOWN = (
    "Which country, and whether bonds or bills: only the sum of all foreign officials is estimated.",
    "What officials keep with other custodians than the Fed: it is inferred, from how it went with custody in the past.",
    "Why: a fall in custody can be a sale, a bill that matured, or securities moved to another custodian.",
)


class Read(NamedTuple):
    """How far an input was read: the day of its last figure, and the day on which that was public."""

    last: date
    public: date


def official_signal(
    row: Mapping[str, Any],
    rule: Mapping[str, Any],
    *,
    reads: Mapping[str, Read] | None = None,
    record: Iterable[str] = (),
    beside: Mapping[str, Any] | None = None,
    day: date | None = None,
) -> EarlySignal | None:
    """The message on a row of `nowcasts` of an open month, None where its fall or net sale is below the rule's minimum.

    `rule` is the declared [early_signals.<target>]; `reads` how far each input was read, by the
    term; `record` how such estimates did; `beside` is the other target's
    row of the month; `day` is the day on which it is told, that of the estimate where none is given. Amounts in USD
    millions.
    """
    estimate, target, month = row["estimate_usd_mn"], row["target"], day_of(row["month"])
    if estimate > -rule["minimum_usd_mn"]:
        return None
    size, made, due = about(abs(estimate), signed=False), day_of(row["made"]), day_of(row["due"])
    told_on = day or made
    words = {"size": size, "signed": about(estimate), "month": month_name(month), "interval": interval_in_words(row)}
    subject = f"{SUBJECTS[target].format(**words)} in {words['month']} ({brief_interval(row)})"
    title = f"Estimate: {subject}; {due_in_brief(due, told_on)}"
    lead = f"{LEADS[target].format(**words)}: an estimate of {spoken_day(made)}; {due_in_words(due, told_on)}."
    sections = (
        ("Sales or prices", tuple(_parts(row, beside))),
        ("What it rests on", tuple(_rests_on(row, reads or {}))),
        ("What it does not know", NOT_KNOWN),
        ("How such estimates did so far", tuple(record)),
        ("When it will be known", (when_known(month, due, told_on),)),
        ("Why you get this", (why(rule),)),
    )
    told = {
        "of": OF[target],
        "made": made.isoformat(),
        "beside": None if beside is None else beside["target"],
        "words": f"{ESTIMATED[target]} estimated at {about(estimate)} ({interval_in_words(row)})",
        **{
            name: row[name] if is_figure(row[name]) else None
            for name in ("estimate_usd_mn", "low_usd_mn", "high_usd_mn")
        },
    }
    return early_signal(target, OFFICIALS, month, rule["severity"], title, lead, sections, told)


def _parts(row: Mapping[str, Any], beside: Mapping[str, Any] | None) -> list[str]:
    """What of it is trade and what is price, as far as that is estimated."""
    price = row.get("price_term_usd_mn")
    lines = [f"Prices, which holdings include: about {billions(price)} on what they held."] if is_figure(price) else []
    if beside is not None:
        lines.insert(0, f"Estimated apart, on {spoken_day(beside['made'])}: {estimate_in_words(beside)}.")
    return lines


def _rests_on(row: Mapping[str, Any], reads: Mapping[str, Read]) -> list[str]:
    """The inputs, each with the days that it was read to and was public on, and the model."""
    custody = row.get("custody_change_usd_mn")
    inputs = {
        "custody": "Treasuries kept at the Fed for foreign officials"
        + (f": {billions(custody)} over the month, at face value" if is_figure(custody) else ""),
        "price": "Yields of 2 and 10 years, for prices",
        "dollar": "The broad dollar, for what reserves in other currencies and their defence do",
    }
    lines = [
        f"{words} (to {spoken_day(reads[term].last)}, public on {spoken_day(reads[term].public)})."
        for term, words in inputs.items()
        if term in reads
    ]
    learned = month_name(day_of(row["learned_until"]))
    return [*lines, f"A small model, learned from the months to {learned}: {row['model']}."]


def brief_interval(row: Mapping[str, Any]) -> str:
    """`80%: -89 to -40`, for subjects; billions, as the amount before it."""
    low, high = row["low_usd_mn"], row["high_usd_mn"]
    if not is_figure(low):
        return "no interval yet"
    return f"80%: {rounded(low / 1000, 0):+} to {rounded(high / 1000, 0):+}".replace("+0", "0")


def due_in_brief(due: date, day: date) -> str:
    """`due 14 July`, or that it is late."""
    return f"due {spoken_day(due, day)}" if due >= day else f"due {spoken_day(due, day)}, late"


def due_in_words(due: date, day: date) -> str:
    """`the figures are due on 14 July 2026`."""
    if due >= day:
        return f"the figures are due on {spoken_day(due)}"
    return f"the figures were due on {spoken_day(due)} and are not loaded"


def when_known(month: date, due: date, day: date) -> str:
    """When the statistics say it, and what is sent then."""
    days = (due - day).days
    # The message may be sent again, or to others, on a later day.
    distance = f", {days} day{'s' * (days != 1)} after this was first told" if days > 0 else ""
    late = "" if days >= 0 else " They are late, or not loaded here."
    return (
        f"The Treasury's figures on {month_name(month)} {'are' if days >= 0 else 'were'} due on {spoken_day(due)}{distance}.{late} "
        "One message in this thread then says what they made of this."
    )


def why(rule: Mapping[str, Any]) -> str:
    """The rule's sentence with its minimum."""
    if "minimum_jpy_mn" in rule:
        return rule["sentence"].format(minimum=f"¥{rounded(rule['minimum_jpy_mn'] / 1e6, 1):f} trillion")
    return rule["sentence"].format(minimum=about(rule["minimum_usd_mn"], signed=False))
