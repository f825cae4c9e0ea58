"""The message of a queued alert, made from the published tables when it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.alerts.mails import finding_mail, operator_mail
from treasury_watch.flows.alerts.mails.digest_mail import compose_digest, digest, month_of, release_key, told_from
from treasury_watch.flows.alerts.mails.early_mail import compose_early
from treasury_watch.flows.alerts.mails.revision_mail import compose_revision
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site import charts
from treasury_watch.transforms.findings.events import events
from treasury_watch.transforms.findings.finding import Announcement, Finding, Kind, RevisedFindings, kind_of, thread_of
from treasury_watch.transforms.months import months_from
from treasury_watch.transforms.signals.early.signal import EarlySignal
from treasury_watch.transforms.wording import plain_name
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.tables.early.early_signals import newest_official_month, print_in_words

HISTORY = (
    "SELECT * FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months) "
    "WHERE holder_id = ? AND month <= ? ORDER BY month"
)


class NoticeComposer:
    """Composes what the operator is told, without any published table."""

    def __init__(self, mail_settings: MailSettings, state: State | None):
        self.mail_settings, self.state = mail_settings, state

    def __call__(self, key: str, recipient: str) -> Any:
        """The message, or None where its content is not kept."""
        kept = outbox.content(self.state, key) if self.state else None
        return operator_mail.compose_notice(key, kept, self.mail_settings, recipient) if kept else None


class Composer:
    """Composes the message of a queued alert from the published tables. Without `state`, as if nothing was ever sent."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: Iterable[Announcement],
        settings: Settings,
        state: State | None,
    ):
        self.connection, self.mail_settings, self.declarations = connection, settings.mail, settings.declarations
        self.state, self.routes = state, routing.read(settings)
        self.by_post = bool(settings.mail.host)
        self.found = {finding.key: finding for finding in found}
        self.releases = connection.execute("SELECT * FROM releases ORDER BY released").df()
        chains = events(item for item in self.found.values() if isinstance(item, Finding))
        self.events = {finding.key: event for event in chains for finding in event}
        self.pictures: dict[tuple[str, date, date], bytes] = {}  # drawn once for all findings and recipients

    def __call__(self, key: str, recipient: str) -> Any:
        """The message, or None where the finding is no longer published."""
        if kind_of(key) is Kind.NOTICE:
            return NoticeComposer(self.mail_settings, self.state)(key, recipient)
        if kind_of(key) is Kind.DIGEST:
            return self.digest(key, recipient)
        if kind_of(key) is Kind.SIGNAL:
            return self.early(key, recipient)
        finding = self.found.get(key)
        if isinstance(finding, RevisedFindings):
            return compose_revision(finding, self.mail_settings, recipient)
        if not isinstance(finding, Finding):
            return None
        history = self.history(finding)
        return finding_mail.compose(
            finding,
            history,
            self.releases,
            self.mail_settings,
            recipient,
            self.picture(finding),
            chart_alt=charts.description(history, finding.holder),
            declarations=self.declarations,
            later=self.later(finding),
            first=outbox.first_message(self.state, self.events[key], recipient, by_post=self.by_post)
            if self.state
            else None,
            official=self.print_against_estimate(finding.end_month),
        )

    def early(self, key: str, recipient: str) -> Any:
        """The message on an early signal: as it was kept when it was queued, None where nothing was."""
        found = self.found.get(key)
        kept = found.content() if isinstance(found, EarlySignal) else None
        if self.state:
            kept = outbox.content(self.state, key)
        threads = {thread_of(key)}
        first = outbox.first_in_threads(self.state, threads, recipient, by_post=self.by_post) if self.state else None
        return compose_early(key, kept, self.mail_settings, recipient, first=first) if kept else None

    def print_against_estimate(self, month: date) -> str | None:
        """Of the newest month, what the release says of the official sector against the estimate before it; else None."""
        if month != newest_official_month(self.connection):
            return None
        return print_in_words(self.connection, month)

    def picture(self, finding: Finding) -> bytes:
        """The chart of the holder's months as PNG, those of the finding shaded."""
        drawn = (finding.holder_id, finding.month, finding.end_month)
        if drawn not in self.pictures:
            months = rows_of(self.connection, HISTORY, finding.holder_id, finding.end_month)
            self.pictures[drawn] = charts.holder_picture(
                months, plain_name(finding.holder), marked=months_from(finding.month, finding.end_month)
            )
        return self.pictures[drawn]

    def digest(self, key: str, recipient: str) -> Any:
        """The release's digest for the recipient, None where the release is not loaded."""
        month = month_of(self.connection, key)
        if month is None:
            return None
        newest = key == release_key(self.connection)
        found = [item for item in self.found.values() if newest or not isinstance(item, RevisedFindings)]
        deliveries = ("digest", "both") if self.routes.of(recipient, "digest", "both") else ("single",)
        earlier_from = told_from(self.state, key, recipient) if self.state else None
        taken = self.routes.taken(found, recipient, *deliveries)
        letter = digest(key, month, taken, newest=newest, earlier_from=earlier_from)
        official = print_in_words(self.connection, month)
        return compose_digest(letter, self.connection, self.mail_settings, recipient, official)

    def later(self, finding: Finding) -> dict[str, Any] | None:
        """The holder's newest month, where it comes after the finding's last; else None."""
        rows = rows_of(
            self.connection,
            "FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months) "
            "WHERE holder_id = ? AND month > ? AND position_usd_mn IS NOT NULL ORDER BY month DESC LIMIT 1",
            finding.holder_id,
            finding.end_month,
        )
        return rows[0] if rows else None

    def history(self, finding: Finding) -> pd.DataFrame:
        """The holder's months up to the finding's last."""
        return self.connection.execute(HISTORY, [finding.holder_id, finding.end_month]).df()
