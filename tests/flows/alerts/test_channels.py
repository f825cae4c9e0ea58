"""Messages to channels, handed to a real HTTP server on the loopback by Apprise."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.flows.alerts.test_outbox import DESK, composer, keep, settings, state, states
from tests.flows.findings_data import month_and_episode, published
from tests.flows.smtp_loopback import free_port
from treasury_watch.flows.alerts.mails.finding_mail import compose
from treasury_watch.flows.alerts.outbox import SendResult, listing, send
from treasury_watch.flows.alerts.transport.sending import MailError, Transport

CHANNEL = "channel:TEST_CHANNEL"
OWN = {"internal_channel_hosts": ("127.0.0.1",)}  # the test server is inside, and named


class Webhook:
    """A web server that keeps what is posted to it, inside a `with`."""

    def __init__(self, status: int = 200):
        self.posted: list[dict] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_port}/secret-token"

    def __enter__(self) -> Webhook:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def message():
    connection = published()
    history, releases = connection.execute("FROM holder_months").df(), connection.execute("FROM releases").df()
    return compose(month_and_episode()[0], history, releases, settings(), CHANNEL)


def test_a_finding_arrives_with_its_subject_and_text_and_without_the_footer(tmp_path: Path, monkeypatch) -> None:
    with Webhook() as hook:
        monkeypatch.setenv("TEST_CHANNEL", hook.url)
        assert Transport(settings(**OWN), tmp_path).deliver(message(), CHANNEL) == "sent"
    [posted] = hook.posted
    assert posted["title"] == "Japan: Treasuries -$40.9bn in April 2024; mostly price, net sales $11.8bn"
    assert "Net purchases" in posted["message"]
    assert "Sent by Treasury" not in posted["message"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "environment variable TEST_CHANNEL is not set"),
        ("nonsense-secret-token", "no address that Apprise knows"),
    ],
)
def test_a_channel_without_a_usable_address_is_named_and_its_address_is_not(
    tmp_path: Path, monkeypatch, capfd, caplog, value: str | None, words: str
) -> None:
    monkeypatch.delenv("TEST_CHANNEL", raising=False)
    if value:
        monkeypatch.setenv("TEST_CHANNEL", value)
    with pytest.raises(MailError, match=words) as caught:
        Transport(settings(**OWN), tmp_path).deliver(message(), CHANNEL)
    assert "secret-token" not in f"{caught.value}{capfd.readouterr()}{caplog.text}"


def test_a_channel_that_answers_with_an_error_says_which_and_not_where(tmp_path: Path, monkeypatch) -> None:
    with Webhook(503) as hook:
        monkeypatch.setenv("TEST_CHANNEL", hook.url)
        with pytest.raises(MailError, match=r"not taken \(answer 503\)") as caught:
            Transport(settings(**OWN), tmp_path).deliver(message(), CHANNEL)
    assert "secret-token" not in str(caught.value)


def test_a_channel_that_is_down_does_not_hold_up_the_mails_and_is_caught_up_with(
    state,
    composer,
    tmp_path: Path,
    monkeypatch,
) -> None:
    keep(state, list(month_and_episode()), CHANNEL, DESK)
    monkeypatch.setenv("TEST_CHANNEL", f"json://127.0.0.1:{free_port()}/secret-token")
    result = send(state, Transport(settings(**OWN), tmp_path / "outbox"), composer)
    assert (result.written, result.failed, result.waiting) == (2, 1, 1)
    assert "secret-token" not in "\n".join(listing(state))
    with Webhook() as hook:
        monkeypatch.setenv("TEST_CHANNEL", hook.url)
        assert send(state, Transport(settings(**OWN), tmp_path / "outbox"), composer) == SendResult(sent=2)
    assert len(hook.posted) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433"])
def test_a_channel_at_an_address_inside_is_not_connected_to(tmp_path: Path, monkeypatch, host: str) -> None:
    with Webhook() as hook:
        monkeypatch.setenv("TEST_CHANNEL", hook.url.replace("127.0.0.1", host))
        with pytest.raises(MailError) as caught:
            Transport(settings(internal_channel_hosts=("hooks.desk.internal", "10.0.0.0/8")), tmp_path).deliver(
                message(), CHANNEL
            )
    assert hook.posted == []
    assert str(caught.value) == (
        "channel TEST_CHANNEL: its host is at a loopback address, and none is connected to; if the service is your own, name "
        "its host or network in internal_channel_hosts in [mail] of settings.toml"
    )


@pytest.mark.parametrize(
    ("host", "named"), [("localhost", "LOCALHOST."), ("localhost", "127.0.0.0/8"), ("127.0.0.1", "127.0.0.1")]
)
def test_a_channel_inside_whose_host_the_settings_name_gets_its_messages(
    tmp_path: Path, monkeypatch, host: str, named: str
) -> None:
    with Webhook() as hook:
        monkeypatch.setenv("TEST_CHANNEL", hook.url.replace("127.0.0.1", host))
        Transport(settings(internal_channel_hosts=(named,)), tmp_path).deliver(message(), CHANNEL)
    assert len(hook.posted) == 1


REBOUND = """
import socket, sys
from treasury_watch.flows.alerts.transport.internal_addresses import OnlyPublic, RefusedConnection
answers = ["93.184.215.14", "127.0.0.1"]  # public when it is looked at, inside when it is connected to
socket.getaddrinfo = lambda host, port, *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]
reached = OnlyPublic([])
socket.getaddrinfo("hooks.example.org", 1)
for connect in (
    lambda: socket.create_connection(("hooks.example.org", int(sys.argv[1]))),
    lambda: socket.socket().connect(("127.0.0.1", int(sys.argv[1]))),
    lambda: socket.socket().connect_ex(("localhost", int(sys.argv[1]))),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(sys.argv[1]))),
):
    try:
        connect()
    except RefusedConnection:
        pass
print(reached.refused)
"""


def test_the_address_that_is_connected_to_counts_not_what_the_name_was_resolved_to_before() -> None:
    with Webhook() as hook:
        port = hook.url.split(":")[-1].split("/")[0]
        asked = [sys.executable, "-c", REBOUND, port]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['loopback', 'loopback', 'named', 'loopback']"


def test_a_proxy_that_the_environment_names_is_connected_to_wherever_it_is(tmp_path: Path, monkeypatch) -> None:
    with Webhook(502) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("json://", "http://"))
        monkeypatch.setenv("TEST_CHANNEL", "json://hooks.example.org/secret-token")
        with pytest.raises(MailError, match=r"not taken \(answer 502\)"):
            Transport(settings(), tmp_path).deliver(message(), CHANNEL)
    assert len(proxy.posted) == 1
