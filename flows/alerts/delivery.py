"""Messages on their way out: what is new is queued, what waits is composed and sent; the operator hears of a failed run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.alerts.composing import Composer, NoticeComposer
from treasury_watch.flows.alerts.early import queue_early_signals
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.alerts.queueing import queue_findings
from treasury_watch.flows.alerts.sample_mark import marked
from treasury_watch.flows.alerts.transport.sending import Transport
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.findings.finding import Announcement, Kind
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.published_findings import announcements

NEVER = date.max  # as `since` of `alert`


def alert(
    warehouse: Warehouse,
    settings: Settings,
    since: date | None = None,
    *,
    today: date | None = None,
    wait_seconds: float = 60,
) -> outbox.SendResult:
    """Queue the published findings that are new, by their routes, and send what waits.

    How recent a finding is counts from `today`, by default the day by this machine's clock; `since` takes the place of
    alerts.recent_months, and nothing is told of months that are not out. With NEVER all of them are recorded as history, and
    nothing is sent. Where another process is still sending after `wait_seconds`, it is left to that one or to the next run.
    """
    with open_published(warehouse.home.database) as connection:
        found = announcements(connection, settings.declarations.rules)
        queued = queue_findings(
            found, connection, warehouse.state, settings, since, today=today or datetime.now(UTC).date()
        )
        if since == NEVER:
            return outbox.SendResult(queued=queued)
        if since is None:  # the sample's demonstration is of the past, where nothing is early
            queued += queue_early_signals(
                connection, warehouse.state, settings, today=today or datetime.now(UTC).date()
            )
        try:
            sent = deliver(warehouse, settings, connection, found, wait_seconds=wait_seconds)
            return replace(sent, queued=queued)
        except (
            outbox.OutboxBusy
        ) as busy:  # whoever sends just now, or the next run, sends these too: no fault of this run
            logging.getLogger(__name__).warning("%s; what was queued is left to it or to the next run", busy)
            return outbox.SendResult(queued=queued)


def send(warehouse: Warehouse, settings: Settings) -> outbox.SendResult:
    """Send what waits in the outbox, at once also what failed and is to wait. Without a publication, only what needs
    none: the messages to the operator; so also with a damaged one, and then it raises StorageFailed.
    """
    if not warehouse.home.database.exists() or warehouse.damaged():
        result = deliver(warehouse, settings, at_once=True)
        warehouse.refuse_damage()
        return result
    with open_published(warehouse.home.database) as connection:
        return deliver(
            warehouse, settings, connection, announcements(connection, settings.declarations.rules), at_once=True
        )


def deliver(
    warehouse: Warehouse,
    settings: Settings,
    connection: duckdb.DuckDBPyConnection | None = None,
    found: Sequence[Announcement] = (),
    *,
    at_once: bool = False,
    wait_seconds: float = 60,
) -> outbox.SendResult:
    """Send what waits, or, without published tables, the messages to the operator; the result counts messages by what
    became of them. `found` is what is published to be told of. From a home of the sample they are only written, and marked.
    """
    patience = outbox.Patience.of(settings.alerts, at_once=at_once)
    composer = (
        Composer(connection, found, settings, warehouse.state)
        if connection
        else NoticeComposer(settings.mail, warehouse.state)
    )
    only = None if connection else Kind.NOTICE
    sample = warehouse.is_sample
    transport = Transport(settings.mail, warehouse.home.outbox, only_write=sample)
    compose = marked(composer) if sample else composer
    return outbox.send(warehouse.state, transport, compose, wait_seconds=wait_seconds, patience=patience, only=only)


def nobody_told(_problem: Exception) -> None:
    """In the place of `tell_failure` where the embedded sample is run: nobody is told of it."""


def tell_failure(warehouse: Warehouse, settings: Settings, problem: Exception) -> None:
    """Tell the operator what ended the run. Whatever goes wrong here is a note to `problem` and never takes its place."""
    try:
        item = operator_mail.run_notice(warehouse.state, problem, datetime.now(UTC).date())
        outbox.add(warehouse.state, item, routing.read(settings).operator, item.content())
        result = deliver(warehouse, settings)
        problem.add_note(f"operator: {counted(result.sent + result.written, 'message')} sent, {result.failed} failed")
    except Exception as other:
        problem.add_note(f"the operator could not be told: {other}")
        logging.getLogger(__name__).warning("the operator could not be told of the failed run: %s", other)
