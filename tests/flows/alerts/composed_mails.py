"""Mails on findings, composed from the small published database and read back as a mail program would."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from tests.flows.findings_data import published
from treasury_watch.flows.alerts.mails.finding_mail import compose
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.findings.finding import Finding

DESK = "desk@example.org"
SECRET = "hunter2-is-not-printed"
PICTURE = b"\x89PNG\r\n\x1a\n not a real picture"


def settings(**changes: Any) -> MailSettings:
    """Settings as in the repository, except for what a test changes."""
    return MailSettings(**{"timeout_seconds": 5, **changes})


def made(finding: Finding, chart: bytes | None = None, first: str | None = None, **changes: Any) -> EmailMessage:
    """The message on a finding, read back from its bytes as a mail program would."""
    connection = published(**changes)
    history = connection.execute("FROM holder_months").df()
    releases = connection.execute("FROM releases").df()
    message = compose(finding, history, releases, settings(), DESK, chart, first=first)
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return body.get_content()


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return body.get_content()


def flat(text: str) -> str:
    return " ".join(text.split())
