"""The outbox: every finding once per recipient, kept until it has left.

A row's life: `queued` -> `sent` or `written`; `failed` where the last attempt failed, tried again at every call;
`superseded` where a longer run of months replaced it, or its finding left the figures, before it was sent; `backfilled`
where it was history when first seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email import policy
from email.message import EmailMessage
from typing import Any

from filelock import FileLock, Timeout

from flows.events import leading
from flows.mail import Finding
from flows.transport import MailError, Transport, one_line
from transforms.errors import ConfigurationError, TreasuryWatchError, shorten
from transforms.sell_offs import SEVERITIES
from warehouse.state import State, now

UNSENT = "state IN ('queued', 'failed')"
COLUMNS = (
    "alert_id, finding, recipient, holder, month, rule, severity, title, state, attempts, "
    "queued, sent, error, message_id"
)

Compose = Callable[[str, str], EmailMessage | None]


class OutboxBusy(TreasuryWatchError):
    """Another process is sending from this outbox."""


@dataclass(frozen=True)
class SendResult:
    """What one call of `send` did, in messages. `superseded` were no longer findings, `waiting` were not tried.

    `problems` are the failures in words, one for each that failed.
    """

    sent: int = 0
    written: int = 0
    failed: int = 0
    superseded: int = 0
    waiting: int = 0
    problems: tuple[str, ...] = ()


def queue(
    state: State,
    findings: Iterable[Finding],
    recipients: Sequence[str],
    *,
    newest_month: date,
    settings: Mapping[str, Any],
    since: date | None = None,
) -> int:
    """Queue what is new, once for each recipient; returns how many messages that makes.

    `settings` is section [alerts]. A finding quieter than its minimum_severity is left out. One that ended more than
    recent_months before `newest_month` (or before `since`, where that is given) is recorded as history and never sent.
    One that is told under a weightier one of the same event is recorded as superseded. A finding that is in the outbox
    already, in any state, is left as it is. Raises ConfigurationError.
    """
    minimum, recent = _checked(settings)
    loud = [found for found in findings if _rank(found.severity) >= minimum]
    first = _index(since) if since else _index(newest_month) - recent
    leaders = leading(found for found in loud if _index(found.end_month) >= first)
    queued = 0
    with state.open() as connection:
        # the lock is taken before the first look: two runs cannot both find a message missing
        connection.execute("BEGIN IMMEDIATE")
        for found in sorted(loud, key=lambda f: (f.end_month, f.key)):
            lead = leaders.get(found.key)
            state_now = "backfilled" if lead is None else "queued" if lead.key == found.key else "superseded"
            told = f"told under: {lead.title}" if lead and lead.key != found.key else None
            for recipient in recipients:
                row = (
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
                )
                new = connection.execute(
                    "INSERT OR IGNORE INTO alerts "
                    "(alert_id, finding, recipient, holder, month, rule, severity, title, state, queued, error) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                ).rowcount
                if new and state_now == "queued":
                    queued += 1
                    if found.is_episode:
                        _supersede_shorter(connection, found, recipient)
    return queued


def alert_id(key: str, recipient: str) -> str:
    """The stable key of a finding and recipient."""
    return hashlib.sha256(f"{key}\n{recipient}".encode()).hexdigest()[:24]


def _checked(settings: Mapping[str, Any]) -> tuple[int, int]:
    unknown = set(settings) - {"minimum_severity", "recent_months"}
    if unknown:
        raise ConfigurationError(
            f"settings.toml, [alerts]: unknown key {sorted(unknown)[0]!r}; known: minimum_severity, recent_months"
        )
    severity, recent = settings.get("minimum_severity"), settings.get("recent_months")
    if severity not in SEVERITIES:
        raise ConfigurationError(
            f"settings.toml, [alerts] minimum_severity: expected one of {', '.join(SEVERITIES)}, found {severity!r}"
        )
    if not isinstance(recent, int) or isinstance(recent, bool) or recent < 0:
        raise ConfigurationError(
            f"settings.toml, [alerts] recent_months: expected a whole number, 0 or more, found {recent!r}"
        )
    return SEVERITIES.index(severity), recent


def _rank(severity: str) -> int:
    if severity not in SEVERITIES:
        raise ConfigurationError(f"alert_rules.toml, [severity]: {severity!r} is not one of {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity)


def _index(month: date) -> int:
    return month.year * 12 + month.month


def _supersede_shorter(connection: Any, found: Finding, recipient: str) -> None:
    """The same run of months, shorter and not yet sent, would only repeat what this message says."""
    beginning = f"{found.thread}:"
    connection.execute(
        f"UPDATE alerts SET state = 'superseded' WHERE {UNSENT} AND recipient = ? "
        "AND substr(finding, 1, ?) = ? AND finding < ?",
        (recipient, len(beginning), beginning, found.key),
    )


def send(state: State, transport: Transport, compose_for: Compose, *, wait_seconds: float = 60) -> SendResult:
    """Hand over every message that waits; what fails is recorded, the rest goes on, and the next call tries again.

    `compose_for(finding key, recipient)` makes the message, or gives None where the finding is no longer in the
    figures: the row is then `superseded`. After a failure that every message would meet (no connection, login refused)
    the remaining ones are left waiting. Raises OutboxBusy where another process is still sending after `wait_seconds`.

    A message is sent at least once. One process sends at a time, and each message is recorded as sent in a transaction
    of its own as soon as the server has taken it, so no later call sends it again. A crash or a broken connection
    between the server's taking it and that record leaves it waiting, and it goes out a second time: with the same
    Message-ID, by which mail systems that look for duplicates can drop it. (As a file, it replaces itself.) The other
    choice, to record first, would lose an alert at such a moment.
    """
    lock = FileLock(state.path.with_name("outbox.lock"))
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as problem:
        raise OutboxBusy(
            f"outbox of {state.path.parent}: another process is sending; wait for it to end and try again"
        ) from problem
    try:
        return _send_all(state, transport, compose_for)
    finally:
        lock.release()


def _send_all(state: State, transport: Transport, compose_for: Compose) -> SendResult:
    counts = {"sent": 0, "written": 0, "superseded": 0}
    problems: list[str] = []
    rows = pending(state)
    for number, row in enumerate(rows):
        # the attempt is recorded before it is made, so that one which ends the process is seen
        state.change("UPDATE alerts SET attempts = attempts + 1 WHERE alert_id = ?", (row["alert_id"],))
        try:
            message = compose_for(row["finding"], row["recipient"])
            outcome = transport.deliver(message, row["recipient"]) if message else "superseded"
        except Exception as problem:  # one message that cannot be made or sent must not hold up the others
            words = str(problem) if isinstance(problem, TreasuryWatchError) else _unexpected(problem)
            _record(state, row, "failed", words)
            problems.append(words)
            if isinstance(problem, MailError) and problem.server_wide:
                left = rows[number + 1 :]
                for waiting in left:
                    _record(state, waiting, waiting["state"], f"not tried: {words}")
                return SendResult(**counts, failed=len(problems), waiting=len(left), problems=tuple(problems))
            continue
        if message:
            _record_handed_over(state, row, outcome, message)
        else:
            _record(state, row, outcome, "no longer a finding: the figures were revised")
        counts[outcome] += 1
    return SendResult(**counts, failed=len(problems), problems=tuple(problems))


def _record_handed_over(state: State, row: Mapping[str, Any], outcome: str, message: EmailMessage) -> None:
    state.change(
        "UPDATE alerts SET state = ?, sent = ?, error = NULL, message = ?, message_id = ? WHERE alert_id = ?",
        (outcome, now().isoformat(), message.as_bytes(policy=policy.SMTP), message["Message-ID"], row["alert_id"]),
    )


def _record(state: State, row: Mapping[str, Any], outcome: str, words: str) -> None:
    """Only a row that still waits: another run may have superseded it meanwhile."""
    state.change(
        f"UPDATE alerts SET state = ?, error = ? WHERE alert_id = ? AND {UNSENT}", (outcome, words, row["alert_id"])
    )


def _unexpected(problem: Exception) -> str:
    return (
        f"message not made: {type(problem).__name__}: {shorten(str(problem))}; report this as an error of the program"
    )


def pending(state: State) -> list[dict[str, Any]]:
    """What waits to be sent, in the order of sending."""
    return state.rows(f"SELECT {COLUMNS} FROM alerts WHERE {UNSENT} ORDER BY queued, month, finding, recipient")


def listing(state: State) -> list[str]:
    """The outbox as lines of text, what waits last; history is only counted."""
    rows = state.rows(
        f"SELECT {COLUMNS} FROM alerts WHERE state <> 'backfilled' ORDER BY {UNSENT}, queued, month, finding, recipient"
    )
    lines = []
    for row in rows:
        when = row["sent"] or row["queued"]
        lines.append(
            f"{row['state']:<10}  {when[:16].replace('T', ' ')}  {row['severity']:<8}  "
            f"{one_line(row['title'])}  -> {one_line(row['recipient'])}"
        )
        if row["error"]:
            lines.append(f"{'':<10}  attempts: {row['attempts']}; {one_line(row['error'])}")
    history = state.rows("SELECT count(*) AS n FROM alerts WHERE state = 'backfilled'")[0]["n"]
    if history:
        lines.append(f"{history} older findings were history when first seen and are never sent")
    return lines or ["nothing was queued yet"]
