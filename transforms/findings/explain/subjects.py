"""A finding in one line: the subject of a message on it, and its headline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.findings.rules.declared import Rule
from treasury_watch.transforms.findings.rules.verdicts import shares
from treasury_watch.transforms.wording import month_name, one_line

SUBJECT_LENGTH = 110
# A leg smaller than this part of the net sale is not named.
NAMED_PART = 0.2
SHORT_VERDICTS = {
    "sold": "mostly sold",
    "repriced": "mostly price",
    "moved": "mostly custody or reporting",
    "mixed": "sales and prices",
    "unexplained": "sales not known",
}


@dataclass(frozen=True)
class Told:
    """What is put into words: the row of a flagged month or an episode, the rule that flagged it, and its months, which
    are one and the same of a flagged month. `newest` is what the newest published month says of an episode that still
    goes on, a row of holder_months.
    """

    row: Mapping[str, Any]
    rule: Rule
    first: date
    last: date
    episode: bool = False
    newest: Mapping[str, Any] | None = None

    def words(self) -> dict[str, Any]:
        """Title, headline and period, as every message, feed and page names the finding."""
        period = span(self) if self.episode else month_name(self.first)
        return {"title": subject(self), "headline": headline(self, one_line(self.row["holder"])), "period": period}


def subject(told: Told) -> str:
    """The whole finding in one line of at most 110 characters. Figures are never cut; a name that is too long is."""
    holder, long, brief = one_line(told.row["holder"]), reading(told), reading(told, brief=True)
    if told.newest and told.newest["change_usd_mn"] is not None:
        for text in _of_newest_month(told, holder, told.newest):
            if len(text) <= SUBJECT_LENGTH:
                return text
    texts = [
        f"{headline(told, holder)}; {long}",
        f"{headline(told, holder, short=True)}; {long}",
        f"{headline(told, holder, short=True)}; {brief}",
    ]
    for text in texts:
        if len(text) <= SUBJECT_LENGTH:
            return text
    # without the name, the shortest form always fits
    kept = len(holder) - (len(texts[-1]) - SUBJECT_LENGTH)
    return f"{headline(told, shorten(holder, kept), short=True)}; {brief}"


def headline(told: Told, holder: str, short: bool = False) -> str:
    """Who, how much and when: `Japan: Treasuries -$40.9bn in April 2024`. The rule's amount has the words."""
    what = told.rule.amount.headline.format(**_amount(told))
    if not told.episode:
        return f"{holder}: {what} in {_month(told.first, short)}"
    falling = " falling" if told.rule.amount.is_change and not short else ""
    return f"{holder}: {what}, {span(told, short)} ({told.row['months']} months{falling})"


def _amount(told: Told) -> dict[str, str]:
    """The amount as the words under [amounts] want it."""
    usd_mn = told.row[told.rule.amount.column]
    size = None if usd_mn is None else abs(usd_mn)
    return {"signed": billions(usd_mn), "size": billions(size, signed=False)}


def reading(told: Told, brief: bool = False) -> str:
    """How to read the headline: `mostly repriced, net purchases -$11.8bn`."""
    row = told.row
    if not told.rule.amount.is_change:
        holdings = f"holdings {billions(row['change_usd_mn'])}"
        return holdings if brief else f"{holdings}, valuation {billions(row['valuation_usd_mn'])}"
    words = SHORT_VERDICTS[row["verdict"]]
    if row["net_purchases_usd_mn"] is None:
        return words if brief else "what was sold and what was price is not published"
    words = words.removesuffix(" or reporting") if brief else words
    if row["verdict"] == "sold" and not told.episode and row["net_purchases_usd_mn"] < 0:
        return sold(row, brief)
    return f"{words}, {_net(row['net_purchases_usd_mn'])}"


def _net(usd_mn: float) -> str:
    """`net sales $11.8bn`, `net purchases $2.0bn`."""
    return f"net {'sales' if usd_mn < 0 else 'purchases'} {billions(abs(usd_mn), signed=False)}"


def _month(month: date, short: bool) -> str:
    return f"{month:%b %Y}" if short else month_name(month)


def span(told: Told, short: bool = False) -> str:
    """`April to June 2024`, `Nov 2025 to Jan 2026`."""
    start, end = _month(told.first, short), _month(told.last, short)
    same_year = told.first.year == told.last.year
    return f"{start.split()[0] if same_year else start} to {end}"


def _of_newest_month(told: Told, holder: str, newest: Mapping[str, Any]) -> Iterator[str]:
    """The subject of what still goes on, in ever shorter forms: its newest month first, then since when.

    `Japan: Treasuries -$20.1bn in May 2024; sold $24.0bn of bills (falling since April: -$61.1bn)`.
    """
    since, end = told.first, told.last
    change, total = billions(newest["change_usd_mn"]), told.rule.amount.since
    for short, brief in ((False, False), (False, True), (True, True)):
        begun = _month(since, short)
        begun = begun.split()[0] if since.year == end.year else begun
        since_then = total.format(since=begun, **_amount(told))
        yield f"{holder}: Treasuries {change} in {_month(end, short)}; {traded(newest, brief)} ({since_then})"


def traded(month: Mapping[str, Any], brief: bool = False) -> str:
    """What pulled the position down most, if not sales, and what was sold or bought: `sold $24.0bn of bills`.

    `month` is a row of holder_months, in USD millions, None where unknown.
    """
    net, valuation, other = (
        month["net_purchases_usd_mn"], month["valuation_usd_mn"], month["other_usd_mn"],
    )  # fmt: skip
    if net is None:
        return "sales not known"
    deal = sold(month, brief) if net < 0 else _net(net)
    if valuation is None or other is None:
        return deal
    bonds = month["net_long_term_usd_mn"]
    part = shares(net, valuation, other, math.nan if bonds is None else bonds)
    largest = max(part, key=lambda cause: part[cause])
    if brief or not part[largest] or largest == "sold":
        return deal
    return (
        f"valuation {billions(valuation)}, {deal}"
        if largest == "repriced"
        else f"neither trading nor price {billions(other)}, {deal}"
    )


def sold(row: Mapping[str, Any], brief: bool = False) -> str:
    """The net sale by instrument: `sold $36.6bn of bonds, bought $12.0bn of bills`."""
    net, bonds, bills = (
        row["net_purchases_usd_mn"], row["net_long_term_usd_mn"], row["net_short_term_usd_mn"],
    )  # fmt: skip
    if bonds is None or bills is None:
        return f"sold {billions(-net, signed=False)} net"
    (less, name), (more, rest) = sorted([(bonds, "bonds"), (bills, "bills")])
    if more < NAMED_PART * net:
        return f"sold {billions(-net, signed=False)} of bonds and bills"
    verb = "sold or let mature" if name == "bills" else "sold"
    text = f"{verb} {billions(-less, signed=False)} of {name}"
    if more > -NAMED_PART * net and not brief:
        text += f", bought {billions(more, signed=False)} of {rest}"
    return text
