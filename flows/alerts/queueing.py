"""What goes into the outbox after a run: the findings that are new, the release's digests, sources that are late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.alerts.mails.digest_mail import digest, month_of, release_key, remember_told_from
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.findings.finding import Announcement, Finding
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.months import months_from
from treasury_watch.transforms.release_dates.release_calendar import expected_month
from treasury_watch.warehouse.archive.archived_files import quarantined
from treasury_watch.warehouse.gates.freshness import never_loaded, stale_sources
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.published_findings import newest_month


def queue_findings(
    found: Sequence[Announcement],
    connection: duckdb.DuckDBPyConnection,
    state: State,
    settings: Settings,
    since: date | None = None,
    *,
    today: date,
) -> int:
    """Queue the findings that are new, by their routes, and the release's digests; returns how many messages that makes.

    How recent a finding is counts from the month that should be out `today`, however old the figures here are. `since`
    takes the place of alerts.recent_months. What rests on press figures alone is not queued: it may yet, once a release
    says it. A recipient who was never told of anything gets one digest of all that is recent, unless `since` asks for it.
    """
    newest, routes = newest_month(connection), routing.read(settings)
    if newest is None:
        return 0
    found = without_press_alone(found, connection)
    due = expected_month(today, settings.declarations.calendar)
    # the routes have their own minimum severity
    rules = settings.alerts.model_copy(update={"minimum_severity": SEVERITIES[0]})
    asked: dict[str, Any] = {"newest_month": due, "settings": rules, "since": since}
    queued, key = 0, release_key(connection)
    for recipient in routes.recipients("single", "both"):
        taken = routes.taken(found, recipient, "single", "both")
        near = [lead for lead, _ in outbox.recent_events(taken, **asked)]
        if since is not None or key is None or len(near) < 2 or outbox.knows(state, recipient):
            queued += outbox.queue(state, taken, [recipient], **asked)
            continue
        first = min(lead.end_month for lead in near)
        remember_told_from(state, key, recipient, first)
        letter = digest(key, month_of(connection, key) or newest, taken, earlier_from=first)
        queued += outbox.add(state, letter, [recipient])
        outbox.queue(state, taken, [recipient], **asked, told_in=letter.title)
    if key is None:
        return queued
    for recipient in routes.recipients("digest", "both"):
        taken = routes.taken(found, recipient, "digest", "both")
        letter = digest(key, month_of(connection, key) or newest, taken)  # the month that it is composed for
        if not (letter.findings or letter.since or letter.revised) and not any(
            r.digest_when_empty for r in routes.of(recipient, "digest", "both")
        ):
            continue
        queued += outbox.add(state, letter, [recipient])
        outbox.queue(state, taken, [recipient], **asked, told_in=letter.title)
    return queued


def without_press_alone(found: Sequence[Announcement], connection: duckdb.DuckDBPyConnection) -> list[Announcement]:
    """The findings of which at least the position of one month was stated by a release; all that are no findings."""
    rows = connection.execute("SELECT DISTINCT holder_id, month FROM positions WHERE evidence <> 'press'").fetchall()
    released = set(rows)

    def stated(item: Announcement) -> bool:
        return any((item.holder_id, month) in released for month in months_from(item.month, item.end_month))

    return [item for item in found if not isinstance(item, Finding) or stated(item)]


def queue_source_health(warehouse: Warehouse, settings: Settings, unreached: Iterable[str]) -> int:
    """Queue for the operator, once, what to know of sources that are late or stand still; withdraw what waits and is over.

    `unreached` are the ids of those that could not be fetched. Returns how many messages that makes.
    """
    routes = routing.read(settings)
    today = datetime.now(UTC).date()
    away, month = set(unreached), today.replace(day=1)
    if not warehouse.home.database.exists():
        return 0
    with open_published(warehouse.home.database) as connection:
        stale = stale_sources(connection, settings.declarations, today)
        missing = never_loaded(connection, settings.declarations)
    found = operator_mail.never_loaded_notices(missing, month, unreached=away)
    found += operator_mail.source_notices(stale, month, late_after_days=routes.late_after_days, unreached=away)
    for kind in (operator_mail.NEVER, *operator_mail.SOURCES):
        outbox.drop(warehouse.state, kind, [item.key for item in found], "no longer the case")
    for kind in operator_mail.RUNS:
        outbox.drop(warehouse.state, kind, [], "a later run ended well")
    return sum(outbox.add(warehouse.state, item, routes.operator, item.content()) for item in found)


def queue_never_loaded(warehouse: Warehouse, settings: Settings) -> int:
    """Queue for the operator, once, that the main table was never loaded; returns how many messages that makes.

    For what loads files that a user names: the other sources may be on their way, and are named beside it only.
    """
    if not warehouse.home.database.exists():
        return 0
    with open_published(warehouse.home.database) as connection:
        missing = never_loaded(connection, settings.declarations)
    found = operator_mail.never_loaded_notices(missing, datetime.now(UTC).date().replace(day=1), main_only=True)
    if not found:
        outbox.drop(warehouse.state, f"{operator_mail.NEVER}{MAIN_SOURCE}", [], "it was loaded")
    return _tell_operator(warehouse, settings, found)


def queue_quarantine(warehouse: Warehouse, settings: Settings) -> int:
    """Queue for the operator, once for each file, what lies in quarantine; withdraw what waits and is over.

    Returns how many messages that makes.
    """
    waiting = quarantined(warehouse.archive.entries())
    found = operator_mail.quarantine_notices(waiting, datetime.now(UTC).date().replace(day=1))
    outbox.drop(warehouse.state, operator_mail.REFUSED, [item.key for item in found], "no longer in quarantine")
    return _tell_operator(warehouse, settings, found)


def _tell_operator(warehouse: Warehouse, settings: Settings, found: Iterable[operator_mail.Notice]) -> int:
    operator = routing.read(settings).operator
    return sum(outbox.add(warehouse.state, item, operator, item.content()) for item in found)
