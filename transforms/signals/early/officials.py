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
LEADS = {
    HOLDINGS: "Foreign official institutions' holdings of Treasuries probably fell by about {size} in {month} ({interval})",
    PURCHASES: "Foreign official institutions probably sold about {size} of Treasuries, net, in {month} ({interval})",
}
NOT_KNOWN = (
    "Which country, and whether bonds or bills: only the sum of all foreign officials is estimated.",
    "What officials keep with other custodians than the Fed: it is inferred, from how it went with custody in the past.",
    "Why: a fall in custody can be a sale, a bill that matured, or securities moved to another custodian.",
)
PRICES_IN = "Holdings are market values: the estimated fall includes what prices did, about {price}."


class Read(NamedTuple):
    """How far an input was read: what it is, the day of its last figure, and the day on which that was public."""

    what: str
    last: date
    public: date


def official_signal(
    row: Mapping[str, Any],
    rule: Mapping[str, Any],
    *,
    reads: Iterable[Read] = (),
    record: Iterable[str] = (),
    beside: Mapping[str, Any] | None = None,
    day: date | None = None,
) -> EarlySignal | None:
    """The message on a row of `nowcasts` of an open month, None where its fall or net sale is below the rule's minimum.

    `rule` is the declared [early_signals.<target>]; `record` says how such estimates did; `beside` is the other target's
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
    rests = [*_rests_on(row, list(reads))]
    if beside is not None:
        rests.append(f"Beside it, from the same day's figures: {estimate_in_words(beside)}.")
    price = row.get("price_term_usd_mn")
    prices = [PRICES_IN.format(price=billions(price))] if target == HOLDINGS and is_figure(price) else []
    sections = (
        ("What it rests on", tuple(rests)),
        ("What it does not know", (*prices, *NOT_KNOWN)),
        ("How such estimates did so far", tuple(record)),
        ("When it will be known", (when_known(month, due, told_on),)),
        ("Why you get this", (why(rule),)),
    )
    told = {
        "of": OF[target],
        "made": made.isoformat(),
        "words": f"an estimate of {about(estimate)} ({interval_in_words(row)})",
        **{
            name: row[name] if is_figure(row[name]) else None
            for name in ("estimate_usd_mn", "low_usd_mn", "high_usd_mn")
        },
    }
    return early_signal(target, OFFICIALS, month, rule["severity"], title, lead, sections, told)


def _rests_on(row: Mapping[str, Any], reads: list[Read]) -> list[str]:
    lines = []
    custody, dollar = row.get("custody_change_usd_mn"), row.get("dollar_term_usd_mn")
    if is_figure(custody):
        lines.append(
            f"Treasuries kept at the Fed for foreign officials: {billions(custody)} over the month, at face value (H.4.1)."
        )
    if is_figure(row.get("price_term_usd_mn")):
        lines.append(
            f"Prices, from the yields of 2 and 10 years: about {billions(row['price_term_usd_mn'])} on what they held."
        )
    if is_figure(dollar):
        lines.append("The broad dollar: how far reserves had to defend currencies.")
    lines += [f"Read to {spoken_day(r.last)}, public on {spoken_day(r.public)}: {r.what}." for r in reads]
    return [
        *lines,
        f"Learned from the months to {month_name(day_of(row['learned_until']))}. Model: {row['model']}.",
    ]


def brief_interval(row: Mapping[str, Any]) -> str:
    """`80%: -89 to -40`, for subjects; billions, as the amount before it."""
    low, high = row["low_usd_mn"], row["high_usd_mn"]
    if not is_figure(low):
        return "no interval yet"
    return f"80%: {rounded(low / 1000, 0):+} to {rounded(high / 1000, 0):+}".replace("+0", "0")


def due_in_brief(due: date, day: date) -> str:
    """`due 14 July`, or that it is late."""
    return f"due {spoken_day(due, day)}" if due >= day else f"was due {spoken_day(due, day)}"


def due_in_words(due: date, day: date) -> str:
    """`the figures are due on 14 July 2026`."""
    if due >= day:
        return f"the figures are due on {spoken_day(due)}"
    return f"the figures were due on {spoken_day(due)} and are not loaded"


def when_known(month: date, due: date, day: date) -> str:
    """When the statistics say it, and what is sent then."""
    days = (due - day).days
    distance = f", in {days} days" if days > 1 else ", tomorrow" if days == 1 else ""
    late = "" if days >= 0 else " They are late, or not loaded here."
    return (
        f"The Treasury's figures on {month_name(month)} are due on {spoken_day(due)}{distance}.{late} "
        "One message in this thread then says what they made of this."
    )


def why(rule: Mapping[str, Any]) -> str:
    """The rule's sentence with its minimum."""
    if "minimum_jpy_mn" in rule:
        return rule["sentence"].format(minimum=f"¥{rounded(rule['minimum_jpy_mn'] / 1e6, 1):f} trillion")
    return rule["sentence"].format(minimum=about(rule["minimum_usd_mn"], signed=False))
