"""What goes into the outbox after a run: the findings that are new, the release's digests, sources that are late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.alerts.mails.digest_mail import digest, release_key
from treasury_watch.flows.fetch.late_sources import behind
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.findings.finding import Announcement
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
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
) -> int:
    """Queue the findings that are new, by their routes, and the release's digests; returns how many messages that makes.

    `since` takes the place of alerts.recent_months.
    """
    newest, routes = newest_month(connection), routing.read(settings)
    if newest is None:
        return 0
    # the routes have their own minimum severity
    rules = {**settings.section("alerts"), "minimum_severity": SEVERITIES[0]}
    asked: dict[str, Any] = {"newest_month": newest, "settings": rules, "since": since}
    queued = 0
    for recipient in routes.recipients("single", "both"):
        queued += outbox.queue(state, routes.taken(found, recipient, "single", "both"), [recipient], **asked)
    key = release_key(connection)
    if key is None:
        return queued
    for recipient in routes.recipients("digest", "both"):
        taken = routes.taken(found, recipient, "digest", "both")
        letter = digest(key, newest, taken)
        if not (letter.findings or letter.revised) and not any(
            r.digest_when_empty for r in routes.of(recipient, "digest", "both")
        ):
            continue
        queued += outbox.add(state, letter, [recipient])
        outbox.queue(state, taken, [recipient], **asked, told_in=letter.title)
    return queued


def queue_source_health(warehouse: Warehouse, settings: Settings, unreached: Iterable[str]) -> int:
    """Queue for the operator, once, what to know of sources that are late or stand still; withdraw what waits and is over.

    `unreached` are the ids of those that could not be fetched. Returns how many messages that makes.
    """
    routes = routing.read(settings)
    today = datetime.now(UTC).date()
    with open_published(warehouse.home.database) as connection:
        items = behind(
            connection,
            settings.declarations,
            today,
            late_after_days=routes.late_after_days,
            unreached=unreached,
        )
    found = operator_mail.source_notices(items, today.replace(day=1))
    for kind in operator_mail.SOURCES:
        outbox.drop(warehouse.state, kind, [item.key for item in found], "no longer the case")
    for kind in operator_mail.RUNS:
        outbox.drop(warehouse.state, kind, [], "a later run ended well")
    return sum(outbox.add(warehouse.state, item, routes.operator, item.content()) for item in found)
