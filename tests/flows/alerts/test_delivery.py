"""Deliveries that go wrong in ways only a real server and a real process show."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.flows.alerts.test_outbox import CHIEF, DESK, by_smtp, composer, keep, settings, state, states
from tests.flows.findings_data import ending, month_and_episode
from tests.flows.smtp_loopback import BrokenServer, MailServer, free_port
from treasury_watch.flows.alerts import outbox
from treasury_watch.flows.alerts.mails.envelope import envelope
from treasury_watch.flows.alerts.mails.operator_mail import Notice
from treasury_watch.flows.alerts.outbox import Patience, SendResult, add, first_message, listing, pending, send
from treasury_watch.flows.alerts.transport.sending import Transport
from treasury_watch.flows.settings.sections import AlertSettings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.finding import Kind

WAITING = Patience(retry_after_minutes=15, retry_limit_minutes=60)


def simple(key: str, recipient: str) -> EmailMessage:
    message = envelope(key, f"About {key}", settings(), recipient)
    message.set_content("figures")
    return message


def many(count: int) -> list:
    month = month_and_episode()[0]
    return [replace(month, key=f"month:holder{n}:2024-04", holder_id=f"holder{n}") for n in range(count)]


class Counting(MailServer):
    """Counts the connections that are opened; takes so many messages on each."""

    def __init__(self, *arguments, most: int = 10_000, **options):
        super().__init__(*arguments, **options)
        self.connections, self.most = 0, most

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name, session.taken = hostname, 0
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if session.taken >= self.most:
            return "421 too many messages on this connection"
        session.taken += 1
        envelope.mail_from = address
        return "250 OK"


def test_two_hundred_findings_leave_by_one_connection(state, tmp_path: Path) -> None:
    keep(state, many(200))
    with Counting() as server:
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult(sent=200)
    assert server.connections == 1
    assert len({message["Message-ID"] for _, message in server.taken}) == 200


def test_a_server_that_limits_messages_a_connection_gets_another_connection(state, tmp_path: Path) -> None:
    keep(state, many(7))
    with Counting(most=3) as server:
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult(sent=7)
    assert server.connections == 3
    assert len(server.taken) == 7


def test_a_refused_recipient_costs_no_new_connection(state, tmp_path: Path) -> None:
    keep(state, many(4), DESK, CHIEF)
    with Counting(refused={CHIEF: "550 no such user"}) as server:
        result = send(state, by_smtp(server.port, tmp_path), simple)
    assert (result.sent, result.failed, server.connections) == (4, 4, 1)


def hangs_up_after_each(connection: socket.socket, stopping: threading.Event) -> None:
    """Takes one message properly, then closes without a word."""
    connection.sendall(b"220 ready\r\n")
    answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
    while (command := connection.recv(1000)[:4].upper()) in answers:
        connection.sendall(answers[command])
        if command == b"DATA":
            body = b""
            while not body.endswith(b"\r\n.\r\n"):
                body += connection.recv(65536)
            connection.sendall(b"250 taken\r\n")
            return


def test_a_server_that_closes_after_each_message_gets_them_all_the_same(state, tmp_path: Path) -> None:
    keep(state, many(3))
    with BrokenServer(hangs_up_after_each) as server:
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult(sent=3)


def test_a_server_down_for_two_runs_gets_each_message_once_in_the_third(state, composer, tmp_path: Path) -> None:
    keep(state, list(month_and_episode()))
    port = free_port()
    for _ in range(2):
        assert send(state, by_smtp(port, tmp_path), composer).sent == 0
    with MailServer(port) as server:
        assert send(state, by_smtp(port, tmp_path), composer) == SendResult(sent=2)
        assert send(state, by_smtp(port, tmp_path), composer) == SendResult()
    assert len(server.taken) == 2


def test_a_slow_server_is_given_up_after_the_time_limit_and_the_message_is_kept(state, tmp_path: Path) -> None:
    keep(state, many(1))

    class Slow(MailServer):
        async def handle_DATA(self, server, session, envelope):
            import asyncio

            await asyncio.sleep(1.5)
            return "250 taken"

    with Slow() as server:
        transport = Transport(settings(host="127.0.0.1", port=server.port, timeout_seconds=0.5), tmp_path)
        begun = time.monotonic()
        result = send(state, transport, simple)
        assert time.monotonic() - begun < 1.4
    assert "no answer within 0.5 s in the middle of the message" in result.problems[0]
    assert [row["state"] for row in pending(state)] == ["failed"]


def test_a_slow_server_within_the_time_limit_is_waited_for(state, tmp_path: Path) -> None:
    keep(state, many(1))

    class Slow(MailServer):
        async def handle_RCPT(self, server, session, envelope, address, options):
            import asyncio

            await asyncio.sleep(0.3)
            return await super().handle_RCPT(server, session, envelope, address, options)

    with Slow() as server:
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult(sent=1)


KILLED = """
import os, signal, sys
from pathlib import Path
from treasury_watch.flows.alerts import outbox
from tests.flows.alerts.test_delivery import by_smtp, simple
from treasury_watch.flows.settings.sections import AlertSettings
from treasury_watch.warehouse.home.state import State

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

outbox._record_handed_over = die
outbox.send(State(Path(sys.argv[1])), by_smtp(int(sys.argv[2]), Path(sys.argv[3])), simple)
"""


def killed_between_sending_and_recording(state, port: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(state.path), str(port), str(tmp_path)],
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL


def test_a_process_killed_between_sending_and_recording_sends_again_with_the_same_id(state, tmp_path: Path) -> None:
    keep(state, many(1))
    with MailServer() as server:
        killed_between_sending_and_recording(state, server.port, tmp_path)
        assert [(row["state"], row["attempts"]) for row in pending(state)] == [("queued", 1)]
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult(sent=1)
        assert send(state, by_smtp(server.port, tmp_path), simple) == SendResult()
    first, second = (message["Message-ID"] for _, message in server.taken)
    assert first == second


def test_without_second_copies_it_is_left_as_uncertain_and_shown(state, tmp_path: Path) -> None:
    keep(state, many(1))
    once = Patience(second_copy=False)
    with MailServer() as server:
        killed_between_sending_and_recording(state, server.port, tmp_path)
        assert send(state, by_smtp(server.port, tmp_path), simple, patience=once) == SendResult(uncertain=1)
        assert send(state, by_smtp(server.port, tmp_path), simple, patience=once) == SendResult()
    assert len(server.taken) == 1
    assert "perhaps sent" in "\n".join(listing(state, ["uncertain"]))


@pytest.mark.parametrize(("second_copy", "expected"), [(True, "failed"), (False, "uncertain")])
def test_no_answer_after_the_whole_message_may_mean_taken(state, tmp_path: Path, second_copy, expected) -> None:
    keep(state, many(1))

    def swallows(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(b"220 ready\r\n")
        answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
        while (command := connection.recv(1000)[:4].upper()) in answers:
            connection.sendall(answers[command])
            if command == b"DATA":
                while not connection.recv(65536).endswith(b"\r\n.\r\n"):
                    pass
                return

    with BrokenServer(swallows) as server:
        send(state, by_smtp(server.port, tmp_path), simple, patience=Patience(second_copy=second_copy))
    assert list(states(state).values()) == [expected]


# waiting


def test_a_failed_message_waits_twice_as_long_at_each_attempt_up_to_the_limit() -> None:
    assert [WAITING.wait(n) for n in (1, 2, 3, 4, 500)] == [timedelta(minutes=n) for n in (15, 30, 60, 60, 60)]


def test_a_failed_message_is_not_tried_before_its_wait_is_over(state, tmp_path: Path, monkeypatch) -> None:
    keep(state, many(1))
    assert send(state, by_smtp(free_port(), tmp_path), simple, patience=WAITING).failed == 1
    assert "; next try after " in listing(state)[1]
    with MailServer() as server:
        assert send(state, by_smtp(server.port, tmp_path), simple, patience=WAITING) == SendResult(waiting=1)
        later = outbox.now() + timedelta(minutes=16)
        monkeypatch.setattr(outbox, "now", lambda: later)
        assert send(state, by_smtp(server.port, tmp_path), simple, patience=WAITING) == SendResult(sent=1)
    assert state.rows("SELECT next_attempt FROM alerts") == [{"next_attempt": None}]


def test_asked_for_at_once_a_failed_message_does_not_wait(state, tmp_path: Path) -> None:
    keep(state, many(1))
    send(state, by_smtp(free_port(), tmp_path), simple, patience=WAITING)
    at_once = Patience.of(AlertSettings(retry_after_minutes=15), at_once=True)
    with MailServer() as server:
        assert send(state, by_smtp(server.port, tmp_path), simple, patience=at_once) == SendResult(sent=1)


# threads


def test_later_messages_on_an_event_refer_to_the_first_that_the_recipient_got(state, tmp_path: Path) -> None:
    month, episode = month_and_episode()
    shorter = ending(episode, month.month.replace(month=5))
    keep(state, [shorter], CHIEF)
    keep(state, [month, shorter])
    send(state, Transport(settings(), tmp_path), simple)
    first = simple(month.key, DESK)["Message-ID"]
    assert first_message(state, [month, episode], DESK, by_post=False) == first
    assert first_message(state, [episode], DESK, by_post=False) == simple(shorter.key, DESK)["Message-ID"]
    assert first_message(state, [replace(month, key="month:canada:2024-04")], DESK, by_post=False) is None
    assert first_message(state, [month], CHIEF, by_post=False) is None


def test_a_message_that_is_sent_refers_to_none_that_was_only_written(state, tmp_path: Path) -> None:
    month, episode = month_and_episode()
    keep(state, [month])
    send(state, Transport(settings(), tmp_path), simple)
    assert first_message(state, [month, episode], DESK, by_post=True) is None
    state.change("UPDATE alerts SET state = 'sent'")
    assert first_message(state, [month, episode], DESK, by_post=True) == simple(month.key, DESK)["Message-ID"]


# listing and what is no finding


def test_the_listing_can_be_limited_to_states(state, tmp_path: Path) -> None:
    keep(state, many(2))
    state.change("UPDATE alerts SET state = 'sent' WHERE finding LIKE '%holder0%'")
    assert len(listing(state)) == 2
    assert [line[:6] for line in listing(state, ["sent"])] == ["sent  "]
    assert listing(state, ["failed"]) == ["no alert is in that state"]


def notice(key: str, what: str) -> Notice:
    month = date(2024, 4, 1)
    return Notice(
        key=f"health:{key}", rule="health", month=month, end_month=month, severity="warning", title="late", what=(what,),
        meaning="", cure=(),
    )  # fmt: skip


def test_what_is_no_finding_is_queued_once_with_its_content_and_withdrawn_when_over(state) -> None:
    late = notice("late:slt_table3:2026-09", "x")
    assert add(state, late, [DESK, CHIEF], late.content()) == 2
    again = notice("late:slt_table3:2026-09", "y")
    assert add(state, again, [DESK, CHIEF], again.content()) == 0
    assert outbox.content(state, late.key) == {
        "title": "late", "severity": "warning", "what": ["x"], "meaning": "", "cure": [], "places": [],
    }  # fmt: skip
    assert outbox.drop(state, "health:late:", [late.key], "over") == 0
    assert outbox.drop(state, "health:late:", [], "over") == 2
    assert set(states(state).values()) == {"superseded"}


def test_only_the_asked_kind_is_sent(state, tmp_path: Path) -> None:
    keep(state, many(1))
    add(state, notice("failed:x:y", "x"), [DESK])
    assert send(state, Transport(settings(), tmp_path), simple, only=Kind.NOTICE) == SendResult(written=1)
    assert states(state)["health:failed:x:y"] == "written"
    assert states(state)["month:holder0:2024-04"] == "queued"
