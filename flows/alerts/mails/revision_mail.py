"""One message per release that changed published findings by revising the past."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.alerts.transport import MailSettings
from treasury_watch.transforms.findings.finding import RevisedFindings


def compose_revision(finding: RevisedFindings, settings: MailSettings, recipient: str) -> EmailMessage:
    """The message: what reads differently, how it read before, and how to see both."""
    released = finding.released
    values = {
        "title": finding.title,
        "rows": finding.rows,
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
