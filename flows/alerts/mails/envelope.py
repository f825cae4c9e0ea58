"""What every message shares: its headers, and the templates its parts are made from."""

from __future__ import annotations

import hashlib
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

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


def message_id(key: str, recipient: str, sender: str) -> str:
    """The stable Message-ID of a finding (or thread) for a recipient: the same message, whenever it is made again."""
    digest = hashlib.sha256(f"{key}\n{recipient}".encode()).hexdigest()[:32]
    domain = (address(sender) or "treasury-watch@localhost").rpartition("@")[2]
    return f"<{digest}@{domain}>"


def envelope(key: str, title: str, settings: MailSettings, recipient: str) -> EmailMessage:
    """An empty message with its headers; the Message-ID follows from finding and recipient."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = settings.sender
    if not recipient.startswith(CHANNEL):
        message["To"] = recipient
    message["Subject"] = title
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id(key, recipient, settings.sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message
