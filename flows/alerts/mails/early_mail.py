"""The mail on an early signal, and on what the release made of it."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.signals.early.signal import RELEASED, parts_of
from treasury_watch.transforms.wording import one_line


def compose_early(
    key: str, content: Mapping[str, Any], settings: MailSettings, recipient: str, *, first: str | None = None
) -> EmailMessage:
    """The message, from `EarlySignal.content()`; `first` is the Message-ID of the first message of its thread that this
    recipient got, None where there was none.
    """
    _, month, name = parts_of(key)
    title = one_line(content["title"])
    values = {
        "title": title,
        "lead": one_line(content["lead"]),
        "is_estimate": name != RELEASED,
        "sections": [(heading, [one_line(line) for line in lines]) for heading, lines in content["sections"] if lines],
        "month": f"{month:%Y-%m}",
        "recipient": one_line(recipient),
        "key": one_line(key),
    }
    message = envelope(key, title, settings, recipient)
    if first and first != message["Message-ID"]:
        message["In-Reply-To"] = message["References"] = first
    message.set_content(TEMPLATES.get_template("early.txt.j2").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("early.html.j2").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message
