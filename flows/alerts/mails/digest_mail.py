"""One message per release and recipient: the events of its newest month, with their verdicts and figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from email.message import EmailMessage
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.alerts.events import leading
from treasury_watch.flows.alerts.mails.finding_mail import TEMPLATES, Finding, envelope, number
from treasury_watch.flows.alerts.mails.subjects import traded
from treasury_watch.flows.alerts.transport import MailSettings, one_line
from treasury_watch.transforms.findings.explain.sentences import (
    VERDICT_WORDS,
    billions,
    identity,
    month_name,
    plain_name,
)
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.model import MAIN_SOURCE

PREFIX = "digest:"
NAMED = 3


def release_key(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The key of the newest release's digest, `digest:<source>:<released>`; None where no release is loaded."""
    found = connection.execute("SELECT max(released) FROM releases WHERE source = ?", [MAIN_SOURCE]).fetchall()
    return f"{PREFIX}{MAIN_SOURCE}:{found[0][0].isoformat()}" if found and found[0][0] else None


def month_of(connection: duckdb.DuckDBPyConnection, key: str) -> date | None:
    """The newest month of the release that the key names, None where that release is not loaded."""
    source, released = key.removeprefix(PREFIX).rsplit(":", 1)
    found = connection.execute(
        "SELECT max(last_month) FROM releases WHERE source = ? AND released = ?", [source, date.fromisoformat(released)]
    ).fetchall()
    return found[0][0] if found else None


def digest(key: str, month: date, findings: Iterable[Finding]) -> Finding:
    """The digest of the release: of `findings` the events that reach into `month`, each under its weightiest finding,
    the most severe and largest first, and what the release turned around."""
    given = list(findings)
    revised = [found for found in given if "rows" in found.row]
    within = [found for found in given if "rows" not in found.row and found.month <= month <= found.end_month]
    leaders = {lead.key: lead for lead in leading(within).values()}.values()
    chosen = sorted(leaders, key=lambda found: (-SEVERITIES.index(found.severity), _size(found), found.key))
    count = len(chosen) or "no"
    names = [one_line(plain_name(found.holder)) for found in chosen]
    who = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    title = f"U.S. Treasuries, {month_name(pd.Timestamp(month))}: {count} finding{'s' if count != 1 else ''}"
    title += f" ({who})" if who else ""
    turned = [row["explanation"] for found in revised for row in found.row["rows"]]
    if turned:
        title += f", {len(turned)} revised"
    worst = max([*chosen, *revised], key=lambda found: SEVERITIES.index(found.severity), default=None)
    return Finding(
        key, key, "", who, "digest", month, month, worst.severity if worst else SEVERITIES[0], one_line(title),
        {"findings": chosen, "revised": turned},
    )  # fmt: skip


def _size(found: Finding) -> float:
    return min(found.row["change_usd_mn"] or 0.0, found.row["net_purchases_usd_mn"] or 0.0)


def compose_digest(
    found: Finding,
    connection: duckdb.DuckDBPyConnection,
    settings: MailSettings,
    recipient: str,
) -> EmailMessage:
    """The message, as text that stands alone and as HTML."""
    released = date.fromisoformat(found.key.rpartition(":")[2])
    values = {
        "title": found.title,
        "month": month_name(pd.Timestamp(found.month)),
        "month_iso": f"{found.month:%Y-%m}",
        "released": f"{released:%-d %B %Y}",
        "released_iso": released.isoformat(),
        "total": _total(connection, found.month),
        "findings": [_line(item) for item in found.row["findings"]],
        "revised": [one_line(text) for text in found.row["revised"]],
        "recipient": one_line(recipient),
        "key": found.key,
    }
    message = envelope(found.key, found.title, settings, recipient)
    message.set_content(TEMPLATES.get_template("digest.txt.j2").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("digest.html.j2").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _line(found: Finding) -> dict[str, Any]:
    row = found.row
    period = f"{found.month:%b %Y}" if not found.is_episode else f"{found.month:%b %Y} to {found.end_month:%b %Y}"
    names = ["change_usd_mn", "net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]
    newest = row.get("newest")
    return {
        "holder": one_line(found.holder),
        "period": period,
        "severity": one_line(found.severity),
        "verdict": row["verdict"],
        "verdict_words": VERDICT_WORDS[row["verdict"]],
        "cells": [number(row[name], 1000, 1) for name in names],
        "newest": f"{found.end_month:%b %Y}: {billions(newest['change_usd_mn'])}, {traded(newest)}"
        if newest and newest["change_usd_mn"] is not None
        else None,
        "explanation": one_line(row["explanation"]),
    }


def _total(connection: duckdb.DuckDBPyConnection, month: date) -> str | None:
    """What all foreign holders did in the month, in a sentence; None where it is not published."""
    cursor = connection.execute(
        "FROM aggregate_months WHERE holder_id = 'grand_total' AND month = ? AND change_usd_mn IS NOT NULL", [month]
    )
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return f"All foreign holders: {identity(rows[0])}." if rows else None
