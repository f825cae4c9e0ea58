"""One event, one message: findings of one holder that overlap in time are told together, under the weightiest of them."""

from __future__ import annotations

from collections.abc import Iterable

from treasury_watch.flows.alerts.mails.finding_mail import Finding
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES

AMOUNTS = {
    "fall": "change_usd_mn",
    "net_sale": "net_purchases_usd_mn",
    "bond_sale": "net_long_term_usd_mn",
    "official_sale": "net_purchases_usd_mn",
}


def leading(findings: Iterable[Finding]) -> dict[str, Finding]:
    """For each finding's key the finding it is told under: itself, or the weightiest one of the same event.

    An episode goes before its months, then severity, amount and length decide.
    """
    leaders: dict[str, Finding] = {}
    for event in events(findings):
        leaders |= _told_under(event)
    return leaders


def events(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings as events: chains of one holder's findings whose months overlap."""
    found: list[list[Finding]] = []
    for item in sorted(findings, key=lambda f: (f.holder_id, f.month, f.end_month)):
        event = found[-1] if found else []
        if not event or item.holder_id != event[0].holder_id or item.month > max(f.end_month for f in event):
            found.append([item])
        else:
            event.append(item)
    return found


def _told_under(event: list[Finding]) -> dict[str, Finding]:
    lead = max(event, key=_weight)
    return {found.key: lead for found in event}


def _weight(found: Finding) -> tuple[bool, int, float, int, str]:
    amount = found.row.get(AMOUNTS.get(found.rule, "change_usd_mn")) or 0.0
    length = (found.end_month.year - found.month.year) * 12 + found.end_month.month - found.month.month
    return found.is_episode, SEVERITIES.index(found.severity), -amount, length, found.key
