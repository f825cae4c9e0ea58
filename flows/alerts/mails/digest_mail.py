"""One message per release and recipient: the events of its newest month, with their verdicts and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from typing import Any

import duckdb

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.amounts import billions, billions_cell
from treasury_watch.transforms.findings.events import events_after, events_in, leading
from treasury_watch.transforms.findings.explain.sentences import everyone
from treasury_watch.transforms.findings.explain.subjects import SUBJECT_LENGTH, traded, verdict_told
from treasury_watch.transforms.findings.finding import Announcement, Episode, Finding, Kind, RevisedFindings, key_of
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.wording import month_name, one_line, plain_name
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.home.state import State

NAMED = 3
# Mail clients cut a message off at some 100 KB of HTML: what a digest lists beyond these stays within reach by its command.
IN_FULL, IN_A_LINE = 12, 20


@dataclass(frozen=True, kw_only=True)
class Digest(Announcement):
    """A release's digest: the leading findings of its newest month, those of the months since of which only holdings are
    published, and in sentences what it revised of earlier ones.

    `earlier` are the events of recent months that ended before: only the first message that a recipient gets has any.
    """

    findings: tuple[Finding, ...] = ()
    since: tuple[Finding, ...] = ()
    earlier: tuple[Finding, ...] = ()
    revised: tuple[str, ...] = ()


def release_key(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The key of the newest release's digest, `digest:<source>:<released>`; None where no release is loaded."""
    found = connection.execute(
        "SELECT max(released) FROM releases WHERE source = ? AND last_month IS NOT NULL", [MAIN_SOURCE]
    ).fetchall()
    return key_of(Kind.DIGEST, MAIN_SOURCE, found[0][0].isoformat()) if found and found[0][0] else None


def month_of(connection: duckdb.DuckDBPyConnection, key: str) -> date | None:
    """The newest month of the release that the key names, None where that release is not loaded."""
    _, source, released = key.split(":")
    found = connection.execute(
        "SELECT max(last_month) FROM releases WHERE source = ? AND released = ?", [source, date.fromisoformat(released)]
    ).fetchall()
    return found[0][0] if found else None


def told_from(state: State, key: str, recipient: str) -> date | None:
    """The month from which the recipient's digest tells earlier events, None where it tells none: all but the first."""
    kept = state.remembered(f"digest from:{key}:{recipient}")
    return date.fromisoformat(kept) if kept else None


def remember_told_from(state: State, key: str, recipient: str, month: date) -> None:
    """Keep that the recipient's digest tells events that ended in `month` or later: it stands for a mail on each."""
    state.remember(f"digest from:{key}:{recipient}", month.isoformat())


def digest(
    key: str,
    month: date,
    given: Iterable[Announcement],
    *,
    newest: bool = True,
    earlier_from: date | None = None,
) -> Digest:
    """The digest of the release: of the findings `given` the events that reach into `month`, each under its weightiest
    finding, the most severe and largest first, and what the release revised of earlier ones.

    Of the `newest` release also the events that begin after its month: holdings are published sooner than net purchases.
    With `earlier_from` also those that ended in that month or later and are not among these, what rose included.
    """
    given = list(given)
    revised = [item for item in given if isinstance(item, RevisedFindings)]
    findings = [item for item in given if isinstance(item, Finding)]
    chosen, since = events_in(findings, month), events_after(findings, month) if newest else []
    earlier = _earlier(findings, earlier_from, (*chosen, *since)) if earlier_from else []
    count = len(chosen) or "no"
    names = [one_line(plain_name(found.holder)) for found in chosen]
    who = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    title = f"U.S. Treasuries, {month_name(month)}: {count} finding{'s' if count != 1 else ''}"
    sentences = tuple(row["explanation"] for item in revised for row in item.rows)
    ending = f", {len(sentences)} revised" if sentences else ""
    ending += f", {len(earlier)} more of recent months" if earlier else ""
    title += naming([_amount(found) for found in chosen], SUBJECT_LENGTH - len(title) - len(ending)) + ending
    if since and not chosen:  # the release has none, newer holdings do: the first line says both
        title += f"; {len(since)} since"
        title += naming([_amount(found) for found in since], SUBJECT_LENGTH - len(title))
    severities = [item.severity for item in (*chosen, *since, *earlier, *revised)]
    return Digest(
        key=key,
        rule=Kind.DIGEST,
        month=month,
        end_month=month,
        severity=max(severities, key=SEVERITIES.index, default=SEVERITIES[0]),
        title=one_line(title),
        holder=who,
        findings=tuple(chosen),
        since=tuple(since),
        earlier=tuple(earlier),
        revised=sentences,
    )


def _earlier(findings: list[Finding], first: date, told: Iterable[Finding]) -> list[Finding]:
    """The leading findings that ended in `first` or later, newest first, but for events with one that is told already."""
    near = [found for found in findings if found.end_month >= first]
    leaders, known = leading(near), {found.key for found in told}
    known_leads = {leaders[key].key for key in known if key in leaders}
    chosen = {lead.key: lead for lead in leaders.values() if lead.key not in known_leads}.values()
    return sorted(chosen, key=lambda found: (found.end_month, -(found.amount_usd_mn or 0.0)), reverse=True)


def _amount(found: Finding) -> str:
    """Who and how much: `Japan -$40.9bn`, of a run `Mainland China -$43.3bn since Feb`."""
    name, change = one_line(plain_name(found.holder)), found.row["change_usd_mn"]
    if change is None:
        return name
    since = f" since {found.month:%b}" if isinstance(found, Episode) else ""
    return f"{name} {billions(change)}{since}"


def naming(names: list[str], room: int) -> str:
    """` (Japan -$40.9bn, Canada -$12.0bn and 2 more)`: as many as fit `room` characters and no more than three."""
    for count in range(min(NAMED, len(names)), 0, -1):
        more = f" and {len(names) - count} more" if len(names) > count else ""
        told = f" ({', '.join(names[:count])}{more})"
        if len(told) <= room:
            return told
    return ""


def compose_digest(
    found: Digest,
    connection: duckdb.DuckDBPyConnection,
    settings: MailSettings,
    recipient: str,
    official: str | None = None,
) -> EmailMessage:
    """The message, as text that stands alone and as HTML. `official` says what the release says of the official sector
    against the estimate before it, None where there was none.
    """
    released = date.fromisoformat(found.key.rpartition(":")[2])
    month = month_name(found.month)
    sections = {
        f"Also in {month}": _listed(found.findings[IN_FULL:]),
        f"After {month}: holdings are read here, sales not yet": _cut(
            [_told(item, item.row["explanation"]) for item in found.since]
        ),
        "In the months before: this first message tells them together": _listed(found.earlier),
        "Read differently after revision": _cut([one_line(text) for text in found.revised]),
    }
    values = {
        "title": found.title,
        "heading": found.title.partition(" (")[0],
        "month": month,
        "month_iso": f"{min([found.month, *(item.month for item in found.earlier)]):%Y-%m}",
        "released": f"{released:%-d %B %Y}",
        "released_iso": released.isoformat(),
        "total": _total(connection, found.month),
        "official": one_line(official) if official else None,
        "findings": [_line(item) for item in found.findings[:IN_FULL]],
        "sections": [(heading, lines) for heading, lines in sections.items() if lines],
        "nothing_since": not found.since,
        "recipient": one_line(recipient),
        "key": found.key,
    }
    message = envelope(found.key, found.title, settings, recipient)
    message.set_content(TEMPLATES.get_template("digest.txt.j2").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("digest.html.j2").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _listed(findings: Sequence[Finding]) -> list[str]:
    return _cut([_told(item, item.row.get("headline") or item.headline) for item in findings])


def _told(found: Finding, words: str) -> str:
    return f"{one_line(words)} ({one_line(found.severity)})"


def _cut(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - IN_A_LINE
    return [*lines[:IN_A_LINE], f"And {more} more."] if more > 0 else lines


def _line(found: Finding) -> dict[str, Any]:
    row = found.row
    first, last = f"{found.month:%b %Y}", f"{found.end_month:%b %Y}"
    period = f"{first} to {last}" if isinstance(found, Episode) else first
    names = ["change_usd_mn", "net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]
    newest = found.newest if isinstance(found, Episode) else None
    return {
        "holder": one_line(plain_name(found.holder)),
        "period": period,
        "severity": one_line(found.severity),
        "verdict": row["verdict"],
        "verdict_words": verdict_told(row, found.end_month),
        "cells": [billions_cell(row[name]) for name in names],
        "newest": f"{last}: {billions(newest['change_usd_mn'])}, {traded(newest)}"
        if newest and newest["change_usd_mn"] is not None
        else None,
        "explanation": one_line(row["explanation"]),
        "caveat": one_line((row["caveats"] or "").partition("\n")[0]),
    }


def _total(connection: duckdb.DuckDBPyConnection, month: date) -> str | None:
    """What all foreign holders did in the month, in a sentence; None where it is not published."""
    query = "FROM aggregate_months WHERE holder_id = 'grand_total' AND month = ? AND change_usd_mn IS NOT NULL"
    rows = rows_of(connection, query, month)
    return everyone(rows[0], f"in {month_name(month)}") if rows else None
