"""One event, one message: findings of one holder that overlap in time are told together, under the weightiest of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from treasury_watch.transforms.findings.finding import Episode, Finding
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.months import months_between


def leading(findings: Iterable[Finding]) -> dict[str, Finding]:
    """For each finding's key the finding it is told under: itself, or the weightiest one of the same event.

    An episode goes before its months, then severity, amount and length decide.
    """
    leaders: dict[str, Finding] = {}
    for event in events(findings):
        lead = max(event, key=_weight)
        leaders |= {found.key: lead for found in event}
    return leaders


def events(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings as events: chains of one holder's findings whose months overlap; what fell and what rose apart."""
    found: list[list[Finding]] = []
    for item in sorted(findings, key=lambda f: (*_subject(f), f.month, f.end_month)):
        event = found[-1] if found else []
        if not event or _subject(item) != _subject(event[0]) or item.month > max(f.end_month for f in event):
            found.append([item])
        else:
            event.append(item)
    return found


def events_in(findings: Iterable[Finding], month: date) -> list[Finding]:
    """The events that reach into `month`, each as its weightiest finding that does: the most severe and largest first.

    What page, digest and a run's summary tell and count. What rose is no sell-off and is not among them.
    """
    within = [found for found in findings if found.month <= month <= found.end_month and not found.declared.rising]
    return _ordered(within)


def events_after(findings: Iterable[Finding], month: date) -> list[Finding]:
    """The events that begin after `month`, each as its weightiest finding, ordered as `events_in` orders them."""
    after = [found for found in findings if found.month > month and not found.declared.rising]
    return _ordered(after)


def _ordered(findings: list[Finding]) -> list[Finding]:
    leaders = {lead.key: lead for lead in leading(findings).values()}.values()
    return sorted(leaders, key=lambda found: (-SEVERITIES.index(found.severity), found.amount_usd_mn or 0.0, found.key))


def _subject(found: Finding) -> tuple[str, bool]:
    return found.holder_id, found.declared.rising


def _weight(found: Finding) -> tuple[bool, int, float, int, str]:
    length = months_between(found.month, found.end_month)
    return (
        isinstance(found, Episode),
        SEVERITIES.index(found.severity),
        -(found.amount_usd_mn or 0.0),
        length,
        found.key,
    )
