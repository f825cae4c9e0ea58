"""The outbox: every finding once per recipient, kept until it has left.

A row's life: `queued` -> `sent` or `written`; `failed` where the last attempt failed, tried again after a wait;
`superseded` where a longer run of months replaced it, or its finding left the figures, before it was sent, or where
another message tells it; `backfilled` where it was history when first seen; `uncertain` where an attempt may have
arrived and the settings ask not to risk a second copy.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

from filelock import FileLock, Timeout

from treasury_watch.flows.alerts.transport.sending import MailError, Transport, door
from treasury_watch.flows.log import logs, progress
from treasury_watch.flows.settings.sections import AlertSettings
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError, shorten
from treasury_watch.transforms.findings.events import leading
from treasury_watch.transforms.findings.finding import Announcement, Finding, Kind, kind_of, thread_of
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.months import number_of
from treasury_watch.transforms.wording import one_line
from treasury_watch.warehouse.home.state import State, now

UNSENT = "state IN ('queued', 'failed')"
COLUMNS = (
    "alert_id, finding, recipient, holder, month, rule, severity, title, state, attempts, "
    "queued, sent, error, message_id, next_attempt"
)

STATES = ("queued", "failed", "sent", "written", "superseded", "uncertain", "backfilled")
HANDING_OVER = "being handed over"

Compose = Callable[[str, str], EmailMessage | None]


class OutboxBusy(TreasuryWatchError):
    """Another process is sending from this outbox."""


@dataclass(frozen=True)
class Patience:
    """How long a failed message waits before the next attempt (minutes, doubled at each, up to the limit), and whether
    one that may have arrived is sent again.
    """

    retry_after_minutes: float = 0
    retry_limit_minutes: float = 0
    second_copy: bool = True

    @classmethod
    def of(cls, alerts: AlertSettings, *, at_once: bool = False) -> Patience:
        """What section [alerts] says; `at_once`: without any wait."""
        if at_once:
            return cls(second_copy=alerts.second_copy)
        return cls(alerts.retry_after_minutes, alerts.retry_limit_minutes, alerts.second_copy)

    def wait(self, attempts: int) -> timedelta:
        """From a failed attempt, the how many-th it was, to the next."""
        doubled = self.retry_after_minutes * 2 ** min(attempts - 1, 20)
        return timedelta(minutes=min(doubled, self.retry_limit_minutes))


@dataclass(frozen=True)
class SendResult:
    """What one call of `send` did, in messages. `superseded` were no longer findings, `waiting` were not tried.

    `problems` are the failures in words, one for each that failed. `uncertain` may have arrived and are left alone.
    `queued` are those that went into the outbox just before.
    """

    sent: int = 0
    written: int = 0
    failed: int = 0
    superseded: int = 0
    waiting: int = 0
    uncertain: int = 0
    problems: tuple[str, ...] = ()
    queued: int = 0

    @property
    def changed(self) -> bool:
        """Whether any message is in another state than before."""
        return any((self.queued, self.sent, self.written, self.failed, self.superseded, self.uncertain))


def queue(
    state: State,
    findings: Iterable[Announcement],
    recipients: Sequence[str],
    *,
    newest_month: date,
    settings: AlertSettings,
    since: date | None = None,
    told_in: str | None = None,
) -> int:
    """Queue what is new, once for each recipient; returns how many messages that makes.

    `settings` is section [alerts]. A finding quieter than its minimum_severity is left out. One that ended more than
    recent_months before `newest_month` (or before `since`, where that is given) is recorded as history and never sent.
    One that is told under a weightier one of the same event is recorded as superseded; with `told_in` (a digest) every
    one is. A finding that is in the outbox already, in any state, is left as it is.
    """
    loud = _loud(findings, settings)
    leaders = {
        key: lead
        for lead, told in recent_events(loud, newest_month=newest_month, settings=settings, since=since)
        for key in told
    }
    queued = 0
    with state.open() as connection:
        # the lock is taken before the first look: two runs cannot both find a message missing
        connection.execute("BEGIN IMMEDIATE")
        for found in sorted(loud, key=lambda f: (f.end_month, f.key)):
            lead = leaders.get(found.key)
            state_now = "backfilled" if lead is None else "queued" if lead.key == found.key else "superseded"
            told = f"told under: {lead.title}" if lead and lead.key != found.key else None
            if told_in and lead:
                state_now, told = "superseded", f"told in: {told_in}"
            for recipient in recipients:
                new = _insert(connection, found, recipient, state_now, told)
                if new and state_now == "queued":
                    queued += 1
                    if found.kind is Kind.EPISODE:
                        _supersede_shorter(connection, found, recipient)
    return queued


def recent_events(
    findings: Iterable[Announcement], *, newest_month: date, settings: AlertSettings, since: date | None = None
) -> list[tuple[Announcement, list[str]]]:
    """What of the findings is no history, as the messages it makes: each leading one, and the keys of all it tells."""
    first = number_of(since) if since else number_of(newest_month) - settings.recent_months
    near = {found.key: found for found in _loud(findings, settings) if number_of(found.end_month) >= first}
    leaders = {key: found for key, found in near.items() if not isinstance(found, Finding)}
    leaders |= leading(found for found in near.values() if isinstance(found, Finding))
    told: dict[str, list[str]] = {}
    for key, lead in leaders.items():
        told.setdefault(lead.key, []).append(key)
    return [(near[key], keys) for key, keys in told.items()]


def _loud(findings: Iterable[Announcement], settings: AlertSettings) -> list[Announcement]:
    minimum = SEVERITIES.index(settings.minimum_severity)
    return [found for found in findings if _rank(found.severity) >= minimum]


def knows(state: State, recipient: str) -> bool:
    """Whether the recipient was ever told of a finding, or spared one as history."""
    rows = state.rows("SELECT DISTINCT finding FROM alerts WHERE recipient = ?", (recipient,))
    return any(kind_of(row["finding"]) is not Kind.NOTICE for row in rows)


def add(state: State, item: Announcement, recipients: Iterable[str], content: Mapping[str, Any] | None = None) -> int:
    """Queue one message as it is, once for each recipient; returns how many messages that makes.

    For what is no finding in the tables: digests, which are made from the tables when they are sent, and notices, of
    which the outbox keeps the `content`.
    """
    with state.open() as connection:
        connection.execute("BEGIN IMMEDIATE")
        queued = sum(_insert(connection, item, recipient, "queued", None) for recipient in recipients)
        if queued and content is not None:
            kept = json.dumps(content, default=str)
            connection.execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (item.key, kept))
    return queued


def content(state: State, key: str) -> dict[str, Any] | None:
    """What `add` kept under the key; None where nothing was."""
    kept = state.remembered(key)
    return json.loads(kept) if kept else None


def first_message(state: State, event: Iterable[Finding], recipient: str, *, by_post: bool) -> str | None:
    """The Message-ID of the first message that told the recipient of this event, None where there was none.

    An episode's earlier, shorter messages count: an event that grows stays in one thread. `by_post` as below.
    """
    return first_in_threads(state, {found.thread for found in event}, recipient, by_post=by_post)


def first_in_threads(state: State, threads: Collection[str], recipient: str, *, by_post: bool) -> str | None:
    """The Message-ID of the first message of one of these threads that the recipient got, None where there was none.

    `by_post`: the message asked for goes to a mail server, and so follows only what went to one: a file that was written
    before a server was set never reached the recipient. Else it is a file, beside the files before it.
    """
    left = "('sent')" if by_post else "('sent', 'written')"
    rows = state.rows(
        f"SELECT finding, message_id FROM alerts WHERE recipient = ? AND message_id IS NOT NULL AND state IN {left} "
        "ORDER BY sent, month",
        (recipient,),
    )
    for row in rows:
        if thread_of(row["finding"]) in threads:
            return row["message_id"]
    return None


def drop(state: State, kind: str, kept: Iterable[str], why: str) -> int:
    """Supersede what still waits under a key that begins with `kind` and is not in `kept`."""
    staying = list(kept)
    marks = ", ".join("?" for _ in staying)
    return state.change(
        f"UPDATE alerts SET state = 'superseded', error = ?, next_attempt = NULL WHERE {UNSENT} "
        f"AND substr(finding, 1, ?) = ? AND finding NOT IN ({marks})",
        (why, len(kind), kind, *staying),
    )


def _insert(connection: Any, found: Announcement, recipient: str, state_now: str, told: str | None) -> int:
    return connection.execute(
        "INSERT OR IGNORE INTO alerts "
        "(alert_id, finding, recipient, holder, month, rule, severity, title, state, queued, error) "
        "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
        "WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE finding = ? AND recipient = ?)",  # older rows' ids are of older keys
        (
            alert_id(found.key, recipient),
            found.key,
            recipient,
            found.holder,
            found.month.isoformat(),
            found.rule,
            found.severity,
            found.title,
            state_now,
            now().isoformat(),
            told,
            found.key,
            recipient,
        ),
    ).rowcount


def alert_id(key: str, recipient: str) -> str:
    """The stable key of a finding and recipient."""
    return hashlib.sha256(f"{key}\n{recipient}".encode()).hexdigest()[:24]


def _rank(severity: str) -> int:
    if severity not in SEVERITIES:
        raise ConfigurationError(f"alert_rules.toml, [severity]: {severity!r} is not one of {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity)


def _supersede_shorter(connection: Any, found: Announcement, recipient: str) -> None:
    """The same run of months, shorter and not yet sent, would only repeat what this message says."""
    beginning = f"{found.thread}:"
    connection.execute(
        f"UPDATE alerts SET state = 'superseded', next_attempt = NULL WHERE {UNSENT} AND recipient = ? "
        "AND substr(finding, 1, ?) = ? AND finding < ?",
        (recipient, len(beginning), beginning, found.key),
    )


def send(
    state: State,
    transport: Transport,
    compose_for: Compose,
    *,
    wait_seconds: float = 60,
    patience: Patience | None = None,
    only: Kind | None = None,
) -> SendResult:
    """Hand over every message that waits; what fails is recorded, the rest goes on, and a later call tries again.

    `compose_for(finding key, recipient)` makes the message, or gives None where the finding is no longer in the
    figures: the row is then `superseded`. After a failure that every message would meet (no connection, login refused)
    the remaining ones by the same door are left waiting. `patience` says how long a failed one waits; without it, it is
    tried at once. `only` is the one kind of message that is looked at. Raises OutboxBusy where another process is
    still sending after `wait_seconds`.

    A message is sent at least once. One process sends at a time, and each message is recorded as sent in a transaction
    of its own as soon as the server has taken it, so no later call sends it again. A crash or a broken connection
    between the server's taking it and that record leaves it waiting, and it goes out a second time: with the same
    Message-ID, by which mail systems that look for duplicates can drop it. (As a file, it replaces itself.) With
    `patience.second_copy` false it is at most once: such a message is `uncertain` and is not tried again.
    """
    lock = FileLock(state.path.with_name("outbox.lock"))
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as problem:
        raise OutboxBusy(
            f"outbox of {state.path.parent}: another process is sending; wait for it to end and try again"
        ) from problem
    try:
        with transport:
            return _send_all(state, transport, compose_for, patience or Patience(), only)
    finally:
        lock.release()


def _send_all(
    state: State, transport: Transport, compose_for: Compose, patience: Patience, only: Kind | None
) -> SendResult:
    counts = {"sent": 0, "written": 0, "superseded": 0, "waiting": 0, "uncertain": 0}
    problems: list[str] = []
    shut: dict[str, str] = {}
    rows = [row for row in pending(state) if only is None or kind_of(row["finding"]) is only]
    for row in progress.with_bar(rows, "Sending"):
        way = door(row["recipient"])
        if way in shut:
            _record(state, row, row["state"], f"not tried: {shut[way]}", row["next_attempt"])
            counts["waiting"] += 1
            continue
        if row["error"] == HANDING_OVER and not patience.second_copy:
            _record(state, row, "uncertain", "perhaps sent: the process ended while handing it over")
            counts["uncertain"] += 1
            _log(row, "uncertain", "perhaps sent: the process ended while handing it over")
            continue
        if patience.retry_after_minutes and _is_early(row["next_attempt"]):
            counts["waiting"] += 1
            continue
        # the attempt is recorded before it is made, so that one which ends the process is seen
        state.change("UPDATE alerts SET attempts = attempts + 1 WHERE alert_id = ?", (row["alert_id"],))
        try:
            message = compose_for(row["finding"], row["recipient"])
            state.change("UPDATE alerts SET error = ? WHERE alert_id = ?", (HANDING_OVER, row["alert_id"]))
            outcome = transport.deliver(message, row["recipient"]) if message else "superseded"
        except Exception as problem:  # one message that cannot be made or sent must not hold up the others
            words = str(problem) if isinstance(problem, TreasuryWatchError) else _unexpected(problem)
            if isinstance(problem, MailError) and problem.unsure and not patience.second_copy:
                _record(state, row, "uncertain", f"perhaps sent: {words}")
                counts["uncertain"] += 1
                _log(row, "uncertain", f"perhaps sent: {words}")
            else:
                next_attempt = now() + patience.wait(row["attempts"] + 1)
                _record(state, row, "failed", words, next_attempt.isoformat(timespec="seconds"))
                _log(row, "failed", words)
                problems.append(words)
            if isinstance(problem, MailError) and problem.server_wide:
                shut[way] = words
            continue
        if message:
            _record_handed_over(state, row, outcome, message)
            _log(row, outcome)
        else:
            _record(state, row, outcome, "no longer a finding: the figures were revised")
        counts[outcome] += 1
    return SendResult(**counts, failed=len(problems), problems=tuple(problems))


def _log(row: Mapping[str, Any], outcome: str, reason: str = "") -> None:
    """The line of one message: by which door it went, never to whom."""
    words = f"message {outcome}: {one_line(row['title'])}{'; ' * bool(reason)}{reason}"
    level = logging.WARNING if reason else logging.INFO
    fields = {"finding": row["finding"], "door": door(row["recipient"]), "attempts": row["attempts"] + 1}
    logs.say(f"message {outcome}", words, level=level, **fields)


def _is_early(next_attempt: str | None) -> bool:
    return next_attempt is not None and now() < datetime.fromisoformat(next_attempt)


def _record_handed_over(state: State, row: Mapping[str, Any], outcome: str, message: EmailMessage) -> None:
    state.change(
        "UPDATE alerts SET state = ?, sent = ?, error = NULL, next_attempt = NULL, message = ?, message_id = ? "
        "WHERE alert_id = ?",
        (outcome, now().isoformat(), message.as_bytes(policy=policy.SMTP), message["Message-ID"], row["alert_id"]),
    )


def _record(state: State, row: Mapping[str, Any], outcome: str, words: str, next_attempt: str | None = None) -> None:
    """Only a row that still waits: another run may have superseded it since."""
    state.change(
        f"UPDATE alerts SET state = ?, error = ?, next_attempt = ? WHERE alert_id = ? AND {UNSENT}",
        (outcome, words, next_attempt, row["alert_id"]),
    )


def _unexpected(problem: Exception) -> str:
    return (
        f"message not made: {type(problem).__name__}: {shorten(str(problem))}; report this as an error of the program"
    )


def pending(state: State) -> list[dict[str, Any]]:
    """What waits to be sent, in the order of sending."""
    return state.rows(f"SELECT {COLUMNS} FROM alerts WHERE {UNSENT} ORDER BY queued, month, finding, recipient")


def listing(state: State, chosen: Sequence[str] = ()) -> list[str]:
    """The outbox as lines of text, what waits last, only the states `chosen` if any are; history is only counted."""
    rows = state.rows(f"SELECT {COLUMNS} FROM alerts ORDER BY {UNSENT}, queued, month, finding, recipient")
    shown = chosen or [name for name in STATES if name != "backfilled"]
    lines = []
    for row in rows:
        if row["state"] not in shown:
            continue
        when = row["sent"] or row["queued"]
        lines.append(
            f"{row['state']:<10}  {when[:16].replace('T', ' ')}  {row['severity']:<8}  "
            f"{one_line(row['title'])}  -> {one_line(row['recipient'])}"
        )
        if row["error"]:
            early = row["state"] == "failed" and _is_early(row["next_attempt"])
            again = f"; next try after {row['next_attempt'][:16].replace('T', ' ')} UTC" if early else ""
            lines.append(f"{'':<10}  attempts: {row['attempts']}; {one_line(row['error'])}{again}")
    history = sum(row["state"] == "backfilled" for row in rows)
    if history and not chosen:
        lines.append(f"{history} older findings were history when first seen and are never sent")
    return lines or ["nothing was queued yet" if not rows else "no alert is in that state"]
