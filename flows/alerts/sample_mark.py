"""Messages on the embedded sample say so: in the subject, and before anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from markupsafe import escape

SUBJECT = "[sample] "
WORDS = "This is about the embedded sample of Treasury Watch, not about current figures."
# As wide as a message, in its lettering.
SHOWN = (
    '<p class="ink" style="color:#1f2328;max-width:600px;margin:12px auto;padding:0 16px;'
    'font:bold 14px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;">{}</p>'
)
BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)

Compose = Callable[[str, str], EmailMessage | None]


def marked(compose: Compose) -> Compose:
    """What composes messages, with each of them marked."""

    def composed(key: str, recipient: str) -> EmailMessage | None:
        message = compose(key, recipient)
        return message and mark(message)

    return composed


def mark(message: EmailMessage) -> EmailMessage:
    """The message with the mark in its subject and at the head of its text and HTML parts."""
    subject = str(message["Subject"])
    message.replace_header("Subject", SUBJECT + subject)
    text: Any = message.get_body(("plain",))
    if text is not None:
        text.set_content(f"{WORDS}\n\n{text.get_content()}", cte="quoted-printable")
    page: Any = message.get_body(("html",))
    if page is not None:
        shown = BODY.sub(lambda tag: f"{tag[0]}\n{SHOWN.format(escape(WORDS))}", page.get_content(), count=1)
        page.set_content(shown, subtype="html", cte="quoted-printable")
    return message
