"""One message per release that turned published findings around by revising the past."""

from __future__ import annotations

from datetime import date, timedelta
from email.message import EmailMessage

import duckdb

from treasury_watch.flows.alerts.mails.finding_mail import TEMPLATES, Finding, envelope
from treasury_watch.flows.alerts.transport import MailSettings, one_line

PREFIX = "revision:"
SEVERITY = "warning"


def revision_finding(connection: duckdb.DuckDBPyConnection, newest_month: date) -> Finding | None:
    """What the newest release turned around, as one finding; None where it turned nothing around."""
    cursor = connection.execute("SELECT * FROM revised_findings ORDER BY holder, start_month, rule")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    if not rows:
        return None
    released: date = rows[0]["released"]
    key = f"{PREFIX}slt_table3:{released.isoformat()}"
    holders = list(dict.fromkeys(row["holder"] for row in rows))
    named = ", ".join(holders[:3]) + (f" and {len(holders) - 3} more" if len(holders) > 3 else "")
    title = f"Revision of {released:%-d %B %Y}: {len(rows)} finding{'s' if len(rows) > 1 else ''} read differently ({named})"
    return Finding(
        key, key, "", named, "revision", newest_month, newest_month, SEVERITY, one_line(title), {"rows": rows}
    )


def compose_revision(finding: Finding, settings: MailSettings, recipient: str) -> EmailMessage:
    """The message: what reads differently, how it read before, and how to see both."""
    rows = finding.row["rows"]
    released: date = rows[0]["released"]
    values = {
        "title": finding.title,
        "rows": rows,
        "released": f"{released:%-d %B %Y}",
        "released_iso": released.isoformat(),
        "day_before": (released - timedelta(days=1)).isoformat(),
        "recipient": recipient,
        "key": finding.key,
    }
    message = envelope(finding.key, finding.title, settings, recipient)
    message.set_content(TEMPLATES.get_template("revision.txt.j2").render(values), cte="quoted-printable")
    message.add_alternative(
        TEMPLATES.get_template("revision.html.j2").render(values), subtype="html", cte="quoted-printable"
    )
    return message
