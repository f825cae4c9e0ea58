"""What bounds a request: size, time, redirects, certificates."""

import socket
import threading
import time
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.fetch.test_http import ONCE, PATIENT, TABLE, get, refusal, source_at
from tests.flows.loopback import Loopback, Reply, self_signed
from treasury_watch.flows.fetch.http import fetch, make_session

pytestmark = pytest.mark.usefixtures("plain_environment")

# limits


def test_a_body_announced_as_2_gb_is_refused_before_it_is_read(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, length=2_000_000_000, piece=1, pause=0.5))
    begin = time.monotonic()
    message = refusal(server.url("/t.txt"), PATIENT)
    assert "expected at most 1000000 bytes, found 2000000000 announced by the server" in message
    assert time.monotonic() - begin < 0.4
    assert len(server.seen()) == 1


def test_a_body_over_the_limit_without_a_length_is_refused_and_one_at_the_limit_taken(server: Loopback) -> None:
    policy = ONCE.model_copy(update={"max_bytes": 1000})
    server.script("/t.txt", Reply(body=b"x" * 1000, chunked=True), Reply(body=b"x" * 1001, chunked=True))
    assert len(get(server.url("/t.txt"), policy).body) == 1000
    assert "expected at most 1000 bytes, found more" in refusal(server.url("/t.txt"), policy)


def test_a_gzip_bomb_is_refused_at_the_limit_in_bounded_memory(server: Loopback) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(200)] + [packer.flush()])
    assert len(bomb) < PATIENT.max_bytes  # so it is not the announced length that is refused
    server.script("/t.txt", Reply(headers={"Content-Encoding": "gzip"}, body=bomb))
    tracemalloc.start()
    try:
        message = refusal(server.url("/t.txt"), PATIENT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "expected at most 1000000 bytes, found more" in message
    assert peak < 4_000_000


@pytest.mark.parametrize("chunked", [False, True])
def test_a_slow_drip_is_refused_by_the_total_time_out(server: Loopback, chunked: bool) -> None:
    server.script("/t.txt", Reply(body=TABLE * 10, piece=1, pause=0.02, chunked=chunked))
    begin = time.monotonic()
    message = refusal(server.url("/t.txt"), PATIENT.model_copy(update={"total_timeout_seconds": 0.2}))
    assert "expected the whole answer within 0.2 s, found " in message
    assert 0.2 <= time.monotonic() - begin < 0.6
    assert len(server.seen()) == 1


def test_a_body_that_stops_arriving_is_refused_by_the_read_time_out(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, piece=10, pause=2))
    assert "found silence for 0.1 s after 10 bytes" in refusal(
        server.url("/t.txt"), ONCE.model_copy(update={"read_timeout_seconds": 0.1})
    )


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
DRIPS = {
    "a status line a byte at a time": (b"", b"H"),
    "headers a byte at a time": (HEAD + b"X-Long: ", b"x"),
    "endless headers": (HEAD, b"X-One: 1\r\n"),
    "endless 100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body without a length": (HEAD + b"\r\n", b"x"),
    "a chunk's size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "endless trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-Trailer: 1\r\n"),
}


@pytest.mark.parametrize("policy", [ONCE, PATIENT], ids=["asked once", "asked again"])
@pytest.mark.parametrize("drip", DRIPS)
def test_whatever_drips_the_whole_answer_has_one_limit_of_time(drip: str, policy) -> None:
    begun, more = DRIPS[drip]
    stopped = threading.Event()

    def answer(listening: socket.socket) -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(begun)
                    while not stopped.wait(0.03):
                        connection.sendall(more)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        begin = time.monotonic()
        try:
            message = refusal(
                f"http://127.0.0.1:{listening.getsockname()[1]}/t.txt",
                policy.model_copy(update={"total_timeout_seconds": 0.4, "read_timeout_seconds": 2}),
            )
        finally:
            lasted = time.monotonic() - begin
            stopped.set()
            thread.join()
    assert "expected the whole answer within 0.4 s, found " in message or "endless headers" in drip
    assert lasted < 2


# redirects


def test_a_redirect_to_a_host_that_no_source_declares_is_refused_unasked(server: Loopback) -> None:
    with Loopback() as internal:
        internal.serve("/secrets", TABLE)
        server.redirect("/t.txt", internal.url("/secrets"))
        server.redirect("/u.txt", "http://169.254.169.254/latest/meta-data/")
        assert "expected a redirect to a host that is declared, found one to " in refusal(server.url("/t.txt"))
        assert "found one to http://169.254.169.254/latest/meta-data/" in refusal(server.url("/u.txt"))
        assert internal.seen() == []


def test_a_redirect_to_the_host_of_another_declared_base_is_followed(server: Loopback) -> None:
    with Loopback() as other:
        other.serve("/t.txt", TABLE)
        server.redirect("/t.txt", other.url("/t.txt"))
        with make_session(ONCE, ["", "http://[::1", other.url("/files/")]) as session:
            assert fetch(session, source_at(server.url("/t.txt")), ONCE).body == TABLE


def test_a_redirect_is_followed_with_the_validators_and_the_declared_address_is_kept(server: Loopback) -> None:
    server.redirect("/old.txt", "/moved here.txt?v=2", status=301)
    server.serve("/moved%20here.txt", TABLE, etag='"v2"')
    fetched = get(server.url("/old.txt"), etag='"v1"')
    assert (fetched.body, fetched.url) == (TABLE, server.url("/old.txt"))
    assert server.seen("/moved%20here.txt?v=2")[0].headers["if-none-match"] == '"v1"'


def test_a_redirect_loop_is_refused_after_the_allowed_number(server: Loopback) -> None:
    server.redirect("/a", "/b")
    server.redirect("/b", "/a")
    assert "expected at most 3 redirects, found one more" in refusal(server.url("/a"))
    assert len(server.seen()) == 4


def test_as_many_redirects_as_allowed_are_followed(server: Loopback) -> None:
    for number in range(3):
        server.redirect(f"/{number}", f"/{number + 1}")
    server.serve("/3", TABLE)
    assert get(server.url("/0")).body == TABLE


def test_the_body_of_a_redirect_is_not_read(server: Loopback) -> None:
    endless = Reply(302, {"Location": "/t.txt"}, body=TABLE, piece=1, pause=0.5)
    server.script("/old.txt", endless)
    server.serve("/t.txt", TABLE)
    begin = time.monotonic()
    assert get(server.url("/old.txt")).body == TABLE
    assert time.monotonic() - begin < 0.4


@pytest.mark.parametrize("target", ["file:///etc/hostname", "http://[::1"])
def test_a_redirect_to_what_is_no_web_address_is_refused(server: Loopback, target: str) -> None:
    server.redirect("/t.txt", target)
    refusal(server.url("/t.txt"))


def test_a_redirect_from_https_to_http_is_refused(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serve("/t.txt", TABLE)
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(certificate) as secure:
        secure.redirect("/t.txt", server.url("/t.txt"))
        assert "expected a redirect that stays on https" in refusal(secure.url("/t.txt"))
    assert server.seen() == []


# TLS


def test_a_certificate_nobody_vouches_for_is_refused_at_once(tmp_path: Path) -> None:
    with Loopback(self_signed(tmp_path)) as secure:
        secure.serve("/t.txt", TABLE)
        message = refusal(secure.url("/t.txt"), PATIENT)
        assert f"expected a valid TLS certificate for 127.0.0.1:{secure.port}, found self-signed certificate" in message
        assert secure.connections == 1
        assert secure.seen() == []


def test_the_same_certificate_is_accepted_once_it_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(certificate) as secure:
        secure.serve("/t.txt", TABLE)
        assert get(secure.url("/t.txt")).body == TABLE


def test_a_trusted_certificate_for_another_host_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path, host="example.org")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(certificate) as secure:
        secure.serve("/t.txt", TABLE)
        assert "expected a valid TLS certificate" in refusal(secure.url("/t.txt"))


def test_a_server_without_tls_at_an_https_address_is_reported(server: Loopback) -> None:
    address = server.url("/t.txt").replace("http:", "https:")
    assert f"expected a TLS connection with 127.0.0.1:{server.port}, found a failed handshake" in refusal(address)
