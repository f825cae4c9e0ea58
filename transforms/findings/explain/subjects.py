"""A finding in one line: the subject of a message on it, and its headline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, is_known, percent
from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.findings.explain.sentences import DECOMPOSED_FROM, VERDICT_WORDS
from treasury_watch.transforms.findings.rules.declared import Rule
from treasury_watch.transforms.findings.rules.verdicts import shares
from treasury_watch.transforms.wording import causes_in_words, month_name, one_line, plain_name, sentence, stated

SUBJECT_LENGTH = 110
SHOWN_LENGTH = 60  # of a subject on a telephone: who, what, how much and when stand within it where the name lets them
# A leg smaller than this part of the net sale is not named.
NAMED_PART = 0.2
# How a label reads that stands beside a verdict and takes the alarm out of it.
PATTERNS = {
    "bought back": "bought back the month after", "seasonal": "a seasonal pattern", "recurring swing": "a recurring swing",
}  # fmt: skip
SUBJECT_NAMES = {"Foreign Official": "Foreign officials"}
LONGEST_COUNTERPART = 30


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
        return {"title": subject(self), "headline": headline(self, _name(self)), "period": period}


def subject(told: Told) -> str:
    """The whole finding in one line of at most 110 characters: who, what, how much and when within the first 60 where the
    name lets them, then how to read it. Figures are never cut; a name that is too long is.
    """
    holder = _name(told)
    ends = _ends(told)
    texts = [(head, end) for head in _heads(told, holder) for end in ends]
    for head, end in texts:
        if len(head) <= SHOWN_LENGTH and len(head) + len(end) + 2 <= SUBJECT_LENGTH:
            return f"{head}; {end}"
    for head, end in sorted(texts, key=lambda text: len(text[0])):
        if len(head) + len(end) + 2 <= SUBJECT_LENGTH:
            return f"{head}; {end}"
    head, end = texts[-1]  # without the name, the shortest form always fits
    kept = len(holder) - (len(f"{head}; {end}") - SUBJECT_LENGTH)
    return f"{_heads(told, shorten(holder, kept))[-1]}; {end}"


def _name(told: Told) -> str:
    holder = one_line(told.row["holder"])
    return SUBJECT_NAMES.get(holder) or plain_name(holder)


def _goes_on(told: Told) -> Mapping[str, Any] | None:
    """What the newest month says of a run that still goes on; None of any other finding."""
    return told.newest if told.newest and told.newest["change_usd_mn"] is not None else None


def _heads(told: Told, holder: str) -> list[str]:
    """Who, what, how much and when, in ever shorter forms."""
    newest = _goes_on(told)
    if newest is not None:
        return [_since(told, holder, newest, short) for short in (False, True)]
    return [headline(told, holder), headline(told, holder, short=True)]


def _ends(told: Told) -> list[str]:
    """How to read it, in ever shorter forms."""
    newest = _goes_on(told)
    if newest is not None:
        return [traded(newest), traded(newest, brief=True)]
    return [reading(told), reading(told, brief=True)]


def headline(told: Told, holder: str, short: bool = False) -> str:
    """Who, how much and when: `Japan: Treasuries -$40.9bn in April 2024`. The rule's amount has the words."""
    what = told.rule.amount.headline.format(**_amount(told))
    if not told.episode:
        return f"{holder}: {what} in {_month(told.first, short)}"
    length = "" if short else f" ({told.row['months']} months)"
    return f"{holder}: {what}, {span(told, short)}{length}"


def _since(told: Told, holder: str, newest: Mapping[str, Any], short: bool) -> str:
    """What still goes on, its whole first: `Japan: Treasuries -$61.1bn since April, -$20.1bn in May 2024`."""
    begun = _month(told.first, short)
    begun = begun.split()[0] if told.first.year == told.last.year else begun
    whole = told.rule.amount.since.format(since=begun, **_amount(told))
    amount = newest.get(told.rule.amount.column)
    if amount is None:
        return f"{holder}: {whole}, to {_month(told.last, short)}"
    step = billions(amount) if told.rule.amount.is_change else billions(abs(amount), signed=False)
    return f"{holder}: {whole}, {step} in {_month(told.last, short)}"


def _amount(told: Told) -> dict[str, str]:
    """The amount as the words under [amounts] want it."""
    usd_mn = told.row[told.rule.amount.column]
    size = None if usd_mn is None else abs(usd_mn)
    return {"signed": billions(usd_mn), "size": billions(size, signed=False)}


def reading(told: Told, brief: bool = False) -> str:
    """How to read the headline: `mostly price, net sales $11.8bn`; `70% taken up in Belgium`."""
    row = told.row
    taken = _taken_up(row)
    if taken:
        return taken
    words, pattern = _reading(told, brief), PATTERNS.get(stated(row.get("pattern")), "")
    if not pattern:
        return words
    return pattern if brief else f"{words}, {pattern}"


def _taken_up(row: Mapping[str, Any]) -> str:
    """That declared partners gained what was lost, or lost what was gained; empty where they did not."""
    share, places = row.get("absorbed_share_pct"), stated(row.get("counterpart"))
    if share is None or not is_known(share):
        return ""
    named = plain_name(places) if len(places) <= LONGEST_COUNTERPART else "other places"
    if row.get("inflow_usd_mn") is not None and is_known(row["inflow_usd_mn"]):
        return f"holdings {billions(row['change_usd_mn'])}, likely source {named}"
    part = percent(share, 0)
    return f"{'all' if part == '100%' else part} taken up in {named}"


def verdict_told(row: Mapping[str, Any], last: date) -> str:
    """The verdict in words, with what takes the alarm out of it: `Mostly sold; 70% taken up in Belgium`. Of months up to
    `last` for which no transactions are published nothing is said to be unexplained.
    """
    words = VERDICT_WORDS[row["verdict"]]
    if row["verdict"] == "unexplained" and row["net_purchases_usd_mn"] is None:
        words = sentence(not_published(last, brief=True))
    beside = _taken_up(row) or PATTERNS.get(stated(row.get("pattern")), "")
    return f"{words}; {beside}" if beside and row.get("inflow_usd_mn") is None else words


def _reading(told: Told, brief: bool) -> str:
    row = told.row
    if not told.rule.amount.is_change:
        holdings, valuation = f"holdings {billions(row['change_usd_mn'])}", row["valuation_usd_mn"]
        if row["verdict"] == "unexplained" and not is_known(row.get("inflow_usd_mn")):
            return f"{holdings}, not explained"
        return holdings if brief or valuation is None else f"{holdings}, valuation {billions(valuation)}"
    if row["net_purchases_usd_mn"] is None:
        bonds = row.get("net_long_term_usd_mn")
        if row["verdict"] == "sold" and bonds is not None and bonds < 0:  # of bills no source says what was sold
            return f"net bond sales {billions(-bonds, signed=False)}"
        return not_published(told.last, brief)
    words = "mostly sold" if row["verdict"] == "sold" else causes_in_words(row)
    words = words.removesuffix(" or reporting") if brief else words
    if row["verdict"] == "sold" and not told.episode and row["net_purchases_usd_mn"] < 0:
        return sold(row, brief)
    return f"{words}, {_net(row['net_purchases_usd_mn'])}"


def not_published(month: date | None, brief: bool = False) -> str:
    """That no source says what was sold and what was price: ever, or, of newer months, yet among those read here."""
    yet = month is not None and pd.Timestamp(month) >= DECOMPOSED_FROM
    return f"{'sales' if brief else 'how much was sold is'} {'not known here yet' if yet else 'not published'}"


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


def traded(month: Mapping[str, Any], brief: bool = False) -> str:
    """What pulled the position down most, if not sales, and what was sold or bought: `sold $24.0bn of bills`.

    `month` is a row of holder_months, in USD millions, None where unknown.
    """
    net, valuation, other = (
        month["net_purchases_usd_mn"], month["valuation_usd_mn"], month["other_usd_mn"],
    )  # fmt: skip
    if net is None:
        return not_published(month.get("month"), brief)
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
