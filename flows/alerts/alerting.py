"""From findings to messages: what is queued, composed and sent of a run, and what a preview shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.alerts.events import events
from treasury_watch.flows.alerts.mails import finding_mail, operator_mail
from treasury_watch.flows.alerts.mails.digest_mail import PREFIX as DIGEST
from treasury_watch.flows.alerts.mails.digest_mail import compose_digest, digest, month_of, release_key
from treasury_watch.flows.alerts.mails.revision_mail import PREFIX as REVISION
from treasury_watch.flows.alerts.mails.revision_mail import compose_revision, revision_finding
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site import charts
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.installation import Warehouse

if TYPE_CHECKING:
    from treasury_watch.flows.run.steps import Outcome


def alert(warehouse: Warehouse, settings: Settings, outcome: Outcome, since: date | None = None) -> None:
    """Queue the published findings that are new, by their routes, and send what waits.

    `since` takes the place of alerts.recent_months.
    """
    with open_published(warehouse.home.database) as connection:
        newest = connection.execute("SELECT max(month) FROM holder_months").fetchall()[0][0]
        if newest is not None:
            outcome.queued += _queue(warehouse, settings, connection, newest, since)
    send(warehouse, settings, outcome, at_once=False)


def _queue(
    warehouse: Warehouse,
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    newest: date,
    since: date | None,
) -> int:
    routes, found = routing.read(settings), findings_of(connection, newest)
    # the routes have their own minimum severity
    rules = settings.alerts.model_copy(update={"minimum_severity": SEVERITIES[0]})
    asked: dict[str, Any] = {"newest_month": newest, "settings": rules, "since": since}
    state = warehouse.state
    queued = 0
    for recipient in routes.recipients("single", "both"):
        queued += outbox.queue(state, routes.taken(found, recipient, "single", "both"), [recipient], **asked)
    key = release_key(connection)
    if key is None:
        return queued
    for recipient in routes.recipients("digest", "both"):
        taken = routes.taken(found, recipient, "digest", "both")
        letter = digest(key, newest, taken)
        if not any(letter.row.values()) and not any(
            r.digest_when_empty for r in routes.of(recipient, "digest", "both")
        ):
            continue
        queued += outbox.add(state, digest_record(letter), [recipient])
        outbox.queue(state, taken, [recipient], **asked, told_in=letter.title)
    return queued


def digest_record(letter: finding_mail.Finding) -> finding_mail.Finding:
    """The digest as the outbox keeps it; it is made from the tables again when it is sent."""
    return replace(letter, row={})


def send(warehouse: Warehouse, settings: Settings, outcome: Outcome, *, at_once: bool = True) -> None:
    """Send what waits in the outbox; `at_once` also what failed and is to wait. Without a publication, only what needs
    none: the messages to the operator.
    """
    if warehouse.home.database.exists():
        with open_published(warehouse.home.database) as connection:
            result = deliver(warehouse, settings, connection, at_once=at_once)
    else:
        result = deliver(warehouse, settings, None, at_once=at_once, only=operator_mail.PREFIX)
    outcome.sent, outcome.written, outcome.failed = result.sent, result.written, result.failed


def deliver(
    warehouse: Warehouse,
    settings: Settings,
    connection: duckdb.DuckDBPyConnection | None,
    *,
    at_once: bool = False,
    only: str = "",
) -> outbox.SendResult:
    """Send what waits, or of it only what begins with `only`; the result counts messages by what became of them."""
    patience = outbox.Patience.of(settings.alerts, at_once=at_once)
    composer = (
        Composer(connection, findings_of(connection), settings, warehouse.state)
        if connection
        else HealthComposer(settings.mail, warehouse.state)
    )
    transport = finding_mail.Transport(settings.mail, warehouse.home.outbox)
    return outbox.send(warehouse.state, transport, composer, patience=patience, only=only)


def findings_of(connection: duckdb.DuckDBPyConnection, newest: date | None = None) -> list[finding_mail.Finding]:
    """Every published finding, and what the newest release turned around."""
    newest = newest or connection.execute("SELECT max(month) FROM holder_months").fetchall()[0][0]
    revised = revision_finding(connection, newest) if newest else None
    return finding_mail.findings_in(connection) + ([revised] if revised else [])


def preview(
    warehouse: Warehouse,
    settings: Settings,
    holder: str | None,
    since: date | None,
    out: Path | None,
    *,
    digests: bool = False,
) -> Iterator[str]:
    """Compose the messages of published findings without queueing them: as files in `out`, or their text.

    With `digests` the digests of the newest release instead, one for each recipient that gets one, else one with every
    finding that [alerts] would mail.
    """
    recipient = (settings.mail.recipients or (settings.mail.sender,))[0]
    with open_published(warehouse.home.database) as connection:
        found = [
            finding
            for finding in findings_of(connection)
            if (holder is None or finding.holder.lower() == holder.lower())
            and (since is None or finding.end_month >= since)
        ]
        composer = Composer(connection, found, settings, None)
        if digests:
            key, routes = release_key(connection), composer.routes
            recipients = routes.recipients("digest", "both") or routes.recipients("single")[:1]
            wanted = [(key, one) for one in recipients] if key else []
        else:
            wanted = [(finding.key, recipient) for finding in found]
        for key, one in wanted:
            message = composer(key, one)
            if out is None:
                yield f"Subject: {message['Subject']}\n\n{message.get_body(('plain',)).get_content()}"
            else:
                out.mkdir(parents=True, exist_ok=True)
                name = f"{key} {one}" if digests and len(wanted) > 1 else key
                path = out / f"{re.sub(r'[^A-Za-z0-9@.-]+', '_', name)}.eml"
                path.write_bytes(message.as_bytes())
                yield str(path)
    if not wanted:
        yield "no published finding matches"


class HealthComposer:
    """Composes what the operator is told, without any published table."""

    def __init__(self, mail_settings: finding_mail.MailSettings, state: State | None):
        self.mail_settings, self.state = mail_settings, state

    def __call__(self, key: str, recipient: str) -> Any:
        """The message, or None where its content is not kept."""
        kept = outbox.content(self.state, key) if self.state else None
        return operator_mail.compose_health(key, kept, self.mail_settings, recipient) if kept else None


class Composer:
    """Composes the message of a queued alert from the published tables. Without `state`, as if nothing was ever sent."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: list[finding_mail.Finding],
        settings: Settings,
        state: State | None,
    ):
        self.connection, self.mail_settings, self.declarations = connection, settings.mail, settings.declarations
        self.state, self.routes = state, routing.read(settings)
        self.found = {finding.key: finding for finding in found}
        self.releases = connection.execute("SELECT * FROM releases ORDER BY released").df()
        self.events = {
            finding.key: event for event in events(f for f in found if f.rule != routing.REVISION) for finding in event
        }

    def __call__(self, key: str, recipient: str) -> Any:
        """The message, or None where the finding is no longer published."""
        if key.startswith(operator_mail.PREFIX):
            return HealthComposer(self.mail_settings, self.state)(key, recipient)
        if key.startswith(DIGEST):
            return self.digest(key, recipient)
        finding = self.found.get(key)
        if finding is None:
            return None
        if key.startswith(REVISION):
            return compose_revision(finding, self.mail_settings, recipient)
        history = self.history(finding)
        return finding_mail.compose(
            finding,
            history,
            self.releases,
            self.mail_settings,
            recipient,
            charts.png(charts.holder_chart(history, finding.holder)),
            chart_alt=charts.description(history, finding.holder),
            declarations=self.declarations,
            first=outbox.first_message(self.state, self.events[key], recipient) if self.state else None,
        )

    def digest(self, key: str, recipient: str) -> Any:
        """The release's digest for the recipient, None where the release is not loaded."""
        month = month_of(self.connection, key)
        if month is None:
            return None
        newest = key == release_key(self.connection)
        found = [item for item in self.found.values() if newest or item.rule != routing.REVISION]
        deliveries = ("digest", "both") if self.routes.of(recipient, "digest", "both") else ("single",)
        letter = digest(key, month, self.routes.taken(found, recipient, *deliveries))
        return compose_digest(letter, self.connection, self.mail_settings, recipient)

    def history(self, finding: finding_mail.Finding) -> pd.DataFrame:
        """The holder's months up to the finding's last."""
        return self.connection.execute(
            "SELECT * FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months) "
            "WHERE holder_id = ? AND month <= ? ORDER BY month",
            [finding.holder_id, finding.end_month],
        ).df()
