"""Mail servers and webhooks that have no end: each message has one limit of time, so has a run, and memory stays small."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.alerts.composed_mails import DESK, made, settings
from tests.flows.alerts.test_channels import CHANNEL, OWN, Webhook, message, no_proxy  # noqa: F401
from tests.flows.alerts.test_transport import refusal
from tests.flows.findings_data import month_and_episode
from tests.flows.loopback import Loopback, Reply
from tests.flows.smtp_loopback import BrokenServer
from treasury_watch.flows.alerts.transport.sending import MailError, Transport

SECONDS = 1.0
Script = Callable[[socket.socket, threading.Event], None]


def endless(say: bytes, pause: float, first: bytes = b"") -> Script:
    """Says the same again and again, as long as anybody listens."""

    def script(connection: socket.socket, stopping: threading.Event) -> None:
        with suppress(OSError):
            connection.sendall(first)
            while not stopping.wait(pause) if pause else not stopping.is_set():
                connection.sendall(say)

    return script


def tarpit(connection: socket.socket, stopping: threading.Event) -> None:
    """Takes every command, and answers a byte at a time."""
    with suppress(OSError):
        connection.sendall(b"220 ready\r\n")
        while connection.recv(4096):
            for byte in b"250 " + b"welcome " * 200 + b"\r\n":
                if stopping.wait(0.1):
                    return
                connection.sendall(bytes([byte]))


def tarpit_after_the_message(connection: socket.socket, stopping: threading.Event) -> None:
    """Takes all of a message, and then drips its answer."""
    with suppress(OSError):
        connection.sendall(b"220 ready\r\n")
        answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
        while (command := connection.recv(4096)[:4].upper()) in answers:
            connection.sendall(answers[command])
        endless(b"2", 0.1)(connection, stopping)


@pytest.mark.parametrize(
    ("script", "security"),
    [
        pytest.param(endless(b"2", 0.1), "none", id="drips"),
        pytest.param(endless(b"220-more to come\r\n", 0.1), "starttls", id="never ends its greeting"),
        pytest.param(tarpit, "none", id="tarpit"),
        pytest.param(endless(b"\0", 0.1, b"\x16\x03\x03\x40\x00"), "tls", id="drips its handshake"),
    ],
)
def test_a_mail_server_without_an_end_is_left_when_the_message_has_had_its_time(script, security, tmp_path: Path):
    began = time.monotonic()
    with BrokenServer(script) as server:
        read = settings(host="127.0.0.1", port=server.port, security=security, message_seconds=SECONDS)
        error = refusal(read, tmp_path)
        assert time.monotonic() - began < SECONDS + 15  # this machine may be busy
    assert error.server_wide
    assert "no end within 1 s, while connecting" in str(error)


def test_one_that_drips_after_the_message_may_have_taken_it(tmp_path: Path):
    with BrokenServer(tarpit_after_the_message) as server:
        read = settings(host="127.0.0.1", port=server.port, security="none", message_seconds=SECONDS)
        error = refusal(read, tmp_path)
    assert error.unsure
    assert "no end within 1 s, in the middle of the message" in str(error)


def test_a_greeting_of_gigabytes_is_not_kept_in_memory(tmp_path: Path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with BrokenServer(endless(b"220-" + b"x" * 4000 + b"\r\n", 0)) as server:
        read = settings(host="127.0.0.1", port=server.port, security="none", message_seconds=20)
        began = time.monotonic()
        assert "connection dropped while connecting" in str(refusal(read, tmp_path))
        assert time.monotonic() - began < 15
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_a_run_has_one_limit_for_all_its_messages(tmp_path: Path):
    with BrokenServer(tarpit) as server:
        read = settings(
            host="127.0.0.1", port=server.port, security="none", message_seconds=60, sending_seconds=SECONDS
        )
        began = time.monotonic()
        said = []
        with Transport(read, tmp_path) as transport:
            for _ in range(3):
                with pytest.raises(MailError) as caught:
                    transport.deliver(made(month_and_episode()[0]), DESK)
                said.append(str(caught.value))
        assert time.monotonic() - began < SECONDS + 15  # this machine may be busy
    assert "no end within" in said[0]
    assert all("not tried: this run has sent for 1 s" in words for words in said[1:])


def told(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float = 20) -> MailError:
    monkeypatch.setenv("TEST_CHANNEL", url)
    with pytest.raises(MailError) as caught:
        Transport(settings(message_seconds=seconds, **OWN), tmp_path).deliver(message(), CHANNEL)
    assert "secret-token" not in str(caught.value)
    return caught.value


def test_a_webhook_that_drips_is_left_when_the_message_has_had_its_time(tmp_path: Path, monkeypatch):
    began = time.monotonic()
    with BrokenServer(endless(b"a", 0.1, b"HTTP/1.1 200 OK\r\nX-Endless: ")) as server:
        error = told(f"json://127.0.0.1:{server.port}/secret-token", monkeypatch, tmp_path, 4)
    assert time.monotonic() - began < 20
    assert error.unsure
    assert "no end within 4 s" in str(error)


def test_a_webhooks_redirect_is_not_followed_whatever_its_address_says(tmp_path: Path, monkeypatch):
    with Webhook() as inside, Loopback() as server:
        target = inside.url.replace("json://", "http://")
        moved = Reply(307, {"Location": target})
        server.script("/secret-token", moved)
        url = server.url("/secret-token?redirect=yes").replace("http://", "json://")
        error = told(url, monkeypatch, tmp_path)
    assert "answer 307: a redirect, and none is followed" in str(error)
    assert inside.posted == []


@pytest.mark.long
def test_an_answer_of_gigabytes_does_not_fill_this_machines_memory(tmp_path: Path, monkeypatch):
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    with BrokenServer(endless(b"x" * 1_000_000, 0, first)) as server:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        error = told(f"json://127.0.0.1:{server.port}/secret-token", monkeypatch, tmp_path, 60)
        grown = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert "not taken" in str(error)
    assert max(before, grown) < 1_100_000  # kB: the limit of the process that hands over
