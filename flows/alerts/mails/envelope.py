"""What every message shares: its headers, and the templates its parts are made from."""

from __future__ import annotations

import hashlib
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import jinja2

from treasury_watch.flows.alerts.transport.sending import CHANNEL, address
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.warehouse.home.state import now

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=lambda name: name is not None and name.endswith(".html.j2"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


LONGEST_LINE = 900  # of 998 that a mail server has to take


class Subject(UniqueUnstructuredHeader, BaseHeader):
    """A subject on the line of its name. Python would put one of 70 letters and more below an empty `Subject:`, which some
    programs show as a message without one.
    """

    max_count: ClassVar[Literal[1]] = 1

    def fold(self, *, policy: Any) -> str:
        """The header as it is sent; letters beyond ASCII are encoded, and folded, as ever."""
        if not self.isascii() or len(self) > LONGEST_LINE:
            return super().fold(policy=policy)
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type("subject", Subject)


def message_id(key: str, recipient: str, sender: str) -> str:
    """The stable Message-ID of a finding (or thread) for a recipient: the same message, whenever it is made again."""
    digest = hashlib.sha256(f"{key}\n{recipient}".encode()).hexdigest()[:32]
    domain = (address(sender) or "treasury-watch@localhost").rpartition("@")[2]
    return f"<{digest}@{domain}>"


def envelope(key: str, title: str, settings: MailSettings, recipient: str) -> EmailMessage:
    """An empty message with its headers; the Message-ID follows from finding and recipient."""
    message = EmailMessage(policy=policy.SMTP.clone(header_factory=HEADERS))
    message["From"] = settings.sender
    if not recipient.startswith(CHANNEL):
        message["To"] = recipient
    message["Subject"] = title
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id(key, recipient, settings.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message
