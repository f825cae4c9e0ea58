"""Early signals on their way out: queued once a month and signal, and answered once by the release."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import duckdb

from treasury_watch.flows.alerts import outbox, routing
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.findings.finding import Kind, key_of, thread_of
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.release_dates.release_calendar import expected_month, published_release, release_of
from treasury_watch.transforms.signals.early.officials import HOLDINGS, PURCHASES
from treasury_watch.transforms.signals.early.outcome import release_signal
from treasury_watch.transforms.signals.early.signal import RELEASED, EarlySignal, parts_of
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.tables.early.early_signals import has_tables, printed, published_signals

BEGINNING = key_of(Kind.SIGNAL, "")
OVER = "the figures are out, or what they were estimated from has changed"
LAST = "FROM nowcasts WHERE month = ? AND target = ? AND made < ? ORDER BY made DESC LIMIT 1"
TARGETS = {"foreign_official": "official_holdings", "japan": "japan_holdings"}


def queue_early_signals(connection: duckdb.DuckDBPyConnection, state: State, settings: Settings, *, today: date) -> int:
    """Queue the early signals that are new, by their routes, and what a release made of those that were sent; withdraw
    what waits and is over. Returns how many messages that makes.

    Recent is what ended no more than alerts.recent_months before the month that should be out by `today`.
    """
    if not has_tables(connection):
        return 0
    found, routes = published_signals(connection, settings.declarations, today), routing.read(settings)
    rules = settings.alerts.model_copy(update={"minimum_severity": SEVERITIES[0]})  # the routes have their own
    due = expected_month(today, settings.declarations.calendar)
    queued = 0
    for recipient in routes.recipients("single", "both"):
        taken = [item for item in routes.taken(found, recipient, "single", "both") if isinstance(item, EarlySignal)]
        for item in map(partial(_as_told, state), taken):
            told_in = _told_in(state, item, taken)
            queued += outbox.queue(state, [item], [recipient], newest_month=due, settings=rules, told_in=told_in)
            _keep(state, item)
    answers = _answers(connection, state, settings)
    outbox.drop(state, BEGINNING, [*(item.key for item in found), *(_waiting_answers(state))], OVER)
    for item, recipients in answers:
        queued += outbox.add(state, item, recipients, item.content())
    return queued


def _told_in(state: State, item: EarlySignal, taken: list[EarlySignal]) -> str | None:
    """The title of the message that tells this one too, if any: net sales stand in the one on the fall in holdings, where
    they could be estimated when that was written.
    """
    for other in taken:
        if (item.rule, other.rule) == (PURCHASES, HOLDINGS) and other.thread == item.thread:
            kept = outbox.content(state, other.key)
            if kept and kept["told"].get("beside") == item.rule:
                return other.title
    return None


def _as_told(state: State, item: EarlySignal) -> EarlySignal:
    """The signal under the title under which it was told before, if it was."""
    kept = outbox.content(state, item.key)
    return replace(item, title=kept["title"]) if kept else item


def _keep(state: State, item: EarlySignal) -> None:
    """Keep what is told under its key, unless it was told before: whoever gets it gets the same."""
    if outbox.content(state, item.key) is None:
        state.remember(item.key, json.dumps(item.content(), default=str))


def _waiting_answers(state: State) -> list[str]:
    rows = state.rows(
        f"SELECT DISTINCT finding FROM alerts WHERE {outbox.UNSENT} AND substr(finding, 1, ?) = ?",
        (len(BEGINNING), BEGINNING),
    )
    return [row["finding"] for row in rows if parts_of(row["finding"])[2] == RELEASED]


def _answers(
    connection: duckdb.DuckDBPyConnection, state: State, settings: Settings
) -> list[tuple[EarlySignal, list[str]]]:
    """What a release made of the signals that were sent, each with who got one of them; the outbox takes each once."""
    rows = state.rows(
        "SELECT finding, recipient, state FROM alerts WHERE substr(finding, 1, ?) = ? AND (state IN ('sent', 'written') "
        "OR state = 'superseded' AND error LIKE 'told in: %') ORDER BY sent, finding",
        (len(BEGINNING), BEGINNING),
    )
    threads: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        if parts_of(row["finding"])[2] == RELEASED:
            continue
        threads[thread_of(row["finding"])].append(row)
    found = []
    for sent in threads.values():
        item = _answer(connection, state, settings, list(dict.fromkeys(row["finding"] for row in sent)))
        got = [row["recipient"] for row in sent if row["state"] != "superseded"]
        if item is not None and got:
            found.append((item, list(dict.fromkeys(got))))
    return found


def _answer(
    connection: duckdb.DuckDBPyConnection, state: State, settings: Settings, keys: list[str]
) -> EarlySignal | None:
    holder_id, month, _ = parts_of(keys[0])
    kept: list[dict[str, Any]] = [found for key in keys if (found := outbox.content(state, key))]
    told = sorted(
        ({**found["told"], "rule": found["rule"], "severity": found["severity"]} for found in kept),
        key=lambda entry: entry["made"],
    )
    if not told:
        return None
    due = release_of(month, settings.declarations.calendar)
    last = rows_of(connection, LAST, month, TARGETS[holder_id], due)
    estimates = [entry["made"] for entry in told if entry.get("estimate_usd_mn") is not None]
    newer = last[0] if last and estimates and str(last[0]["made"])[:10] > max(estimates) else None
    released = published_release(month, settings.declarations.calendar)
    return release_signal(holder_id, month, told, printed(connection, holder_id, month), released, newer)
