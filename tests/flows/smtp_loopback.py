"""Real SMTP servers on 127.0.0.1 for tests: one that takes mail (aiosmtpd), one that misbehaves by script."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer:
    """A mail server inside a `with`.

    `certificate` is a PEM file with key and certificate: then it offers STARTTLS, or speaks TLS at once. `users` are
    names and passwords: then it wants a login. `refused` has recipients with the answer they get.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        certificate: Path | None = None,
        at_once: bool = False,
        users: Mapping[str, str] | None = None,
        refused: Mapping[str, str] | None = None,
        refused_body: str | None = None,
    ):
        self.port = port or free_port()
        self.taken: list[tuple[str, EmailMessage]] = []
        self.encrypted: list[bool] = []
        self._users, self._refused, self._refused_body = users, refused or {}, refused_body
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        options: dict[str, Any] = {"ssl_context": context} if at_once else {"tls_context": context}
        if users:
            options |= {"authenticator": self._check, "auth_required": True, "auth_require_tls": not at_once}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10, **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    def _check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        name, password = data.login.decode(), data.password.decode()
        if (self._users or {}).get(name) == password:
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self._refused:
            return self._refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._refused_body:
            return self._refused_body
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append((envelope.rcpt_tos[0], message))
        self.encrypted.append(session.ssl is not None or bool(self._controller.ssl_context))
        return "250 taken"


class BrokenServer:
    """A server that plays `script` with each connection, inside a `with`; see `drops_mid_message` and `silent`."""

    def __init__(self, script: Callable[[socket.socket, threading.Event], None]):
        self._script, self._stopping = script, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._script(connection, self._stopping)


def drops_mid_message(connection: socket.socket, stopping: threading.Event) -> None:
    """Takes sender and recipient, reads the first bytes of the message, and resets the connection."""
    connection.sendall(b"220 ready\r\n")
    answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
    while command := connection.recv(1000)[:4].upper():
        connection.sendall(answers[command])
        if command == b"DATA":
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return


def silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Accepts and never says a word."""
    stopping.wait(10)


def takes_and_hangs_up(connection: socket.socket, stopping: threading.Event) -> None:
    """Takes the message, and resets the connection instead of answering QUIT."""
    connection.sendall(b"220 ready\r\n")
    answers = {b"EHLO": b"250 hello\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}
    while (command := connection.recv(1000)[:4].upper()) in answers:
        connection.sendall(answers[command])
        if command == b"DATA":
            body = b""
            while not body.endswith(b"\r\n.\r\n"):
                body += connection.recv(65536)
            connection.sendall(b"250 taken\r\n")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
