"""A real HTTP server on 127.0.0.1 for tests: files with validators, scripted answers, slow, cut and broken bodies.

with Loopback() as server:
    server.serve("/table.txt", b"...", etag='"1"')
    server.script("/flaky.txt", Reply(503), Reply(body=b"whole"))
    ... server.url("/table.txt") ...
    assert [seen.path for seen in server.seen()] == ["/table.txt"]
"""

import ipaddress
import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Reply:
    """One answer. Without further words: status 200, the body with its length, the connection kept open.

    `length` is the Content-Length to announce: None the true one, False none (the body ends with the connection);
    `chunked` sends each piece as a chunk instead. `piece` and `pause` send the body in pieces of that many bytes with
    so many seconds after each; `delay` waits before the status line. `cut_after` closes the connection after so many
    bytes of the body (`reset`: with a TCP reset); `hang_up` closes it without any answer.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | bool | None = None
    chunked: bool = False
    piece: int | None = None
    pause: float = 0.0
    delay: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    hang_up: bool = False


@dataclass(frozen=True)
class Seen:
    """One request as it arrived: `path` with its query, header names in lower case, `at` in monotonic seconds."""

    method: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass(frozen=True)
class _File:
    body: bytes
    headers: dict[str, str]

    def unchanged(self, asked: Mapping[str, str]) -> bool:
        """Whether the request's validators still hold; If-None-Match goes before If-Modified-Since."""
        if "if-none-match" in asked:
            tags = [tag.strip().removeprefix("W/") for tag in asked["if-none-match"].split(",")]
            return "*" in tags or self.headers.get("ETag", "").removeprefix("W/") in tags
        since, modified = asked.get("if-modified-since"), self.headers.get("Last-Modified")
        return bool(since and modified and parsedate_to_datetime(modified) <= parsedate_to_datetime(since))


class Loopback:
    """The server, running inside a `with`. `certificate` is a PEM file with key and certificate: then it speaks TLS.

    A path may carry a query; a request is matched with its query first and without it next. Any other path is a 404.
    """

    def __init__(self, certificate: Path | None = None):
        self._files: dict[str, _File] = {}
        self._scripts: dict[str, deque[Reply]] = {}
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(self)
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # the handshake belongs to the connection's own thread, not to the accepting one
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()
        if self._server.failures and error is None:
            raise self._server.failures[0]

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def connections(self) -> int:
        """How many connections were opened so far, whether or not a request came over them."""
        return self._server.accepted

    def url(self, path: str = "/") -> str:
        """The address of a path on this server."""
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    def serve(
        self,
        path: str,
        content: bytes | Path,
        *,
        content_type: str = "text/plain",
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answers `path` with a file, or with 304 where the request's validators still hold."""
        sent = {"Content-Type": content_type, "ETag": etag, "Last-Modified": last_modified, **(headers or {})}
        body = content.read_bytes() if isinstance(content, Path) else content
        with self._lock:
            self._files[path] = _File(body, {name: value for name, value in sent.items() if value is not None})

    def script(self, path: str, *replies: Reply) -> None:
        """Answers `path` with these, one per request; then with the file served there, else the last again."""
        with self._lock:
            self._scripts[path] = deque(replies)

    def forget(self) -> None:
        """Forget scripted answers and the requests seen; files are served on."""
        with self._lock:
            self._scripts.clear()
            self._seen.clear()

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        """Answers `path` with a redirect; a `target` without a host stays on this server."""
        self.script(path, Reply(status, {"Location": target}))

    def seen(self, path: str | None = None) -> list[Seen]:
        """The requests so far in order of arrival, or those of one path (with its query)."""
        with self._lock:
            return [seen for seen in self._seen if path is None or seen.path == path]

    def answer(self, seen: Seen) -> Reply:
        """Records a request and chooses its answer."""
        with self._lock:
            self._seen.append(seen)
            for path in (seen.path, seen.path.partition("?")[0]):
                script, file = self._scripts.get(path), self._files.get(path)
                if script:
                    return script.popleft() if len(script) > 1 or file else script[0]
                if file and file.unchanged(seen.headers):
                    return Reply(304, {name: value for name, value in file.headers.items() if name != "Content-Type"})
                if file:
                    return Reply(200, file.headers, file.body)
        return Reply(404, {"Content-Type": "text/plain"}, b"nothing here")

    def pause(self, seconds: float) -> bool:
        """Waits, or returns True at once when the server stops."""
        return self._stopping.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for every handler and leaves no socket behind

    def __init__(self, owner: Loopback):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner
        self.accepted = 0
        self.failures: list[BaseException] = []
        self.resets: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._guard:
            self.accepted += 1
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        if request in self.resets:  # lingering for 0 seconds makes a close without shutdown a TCP reset
            self.resets.discard(request)
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wakes the handlers that wait for a further request on a kept connection."""
        with self._guard:
            for connection in self._open:
                try:
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    continue  # already gone

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        # a client that goes away or refuses the certificate is what many tests are about
        if error is not None and not isinstance(error, OSError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: without it each answer may wait 40 ms
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = owner.answer(Seen(self.command, self.path, headers, time.monotonic()))
        if reply.delay and owner.pause(reply.delay):
            return
        if reply.hang_up:
            self._close(reply.reset)
            return
        self._start(reply)
        if self.command != "HEAD" and reply.status not in (204, 304):
            self._send_body(reply)

    do_HEAD = do_POST = do_PUT = do_GET

    def _start(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.length is False:
            self.send_header("Connection", "close")
        elif reply.status not in (204, 304):
            length = len(reply.body) if reply.length is None else reply.length
            self.send_header("Content-Length", str(length))
            # with any other length the client could not tell where the next answer begins
            self.close_connection = self.close_connection or length != len(reply.body)
        self.end_headers()

    def _send_body(self, reply: Reply) -> None:
        body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
        size = reply.piece or max(len(body), 1)
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked else piece)
            if reply.pause and self.server.owner.pause(reply.pause):
                self.close_connection = True
                return
        if reply.cut_after is not None:
            self._close(reply.reset)
        elif reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _close(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.server.resets.add(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the test's output quiet; `Loopback.seen` has the requests."""


def self_signed(folder: Path, host: str = "127.0.0.1") -> Path:
    """A PEM file with a new key and a certificate for `host` that nobody but its holder has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self_signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return pem
