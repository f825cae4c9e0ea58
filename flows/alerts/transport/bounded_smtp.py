"""Connections to a mail server that end: whatever it says, drips or holds back, the deadline at work closes them, and no
answer is kept in memory beyond what an answer may be. smtplib has a time-out for each read alone, and none on an answer's size.
"""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from treasury_watch.flows.fetch.deadline import watched

LONGEST_ANSWER_BYTES = 64 * 1024  # an answer of EHLO has some twenty lines of at most 512


class _Answers:
    """What the server says, of which one answer may be so long and no longer."""

    def __init__(self, file: Any):
        self._file, self.left = file, LONGEST_ANSWER_BYTES

    def readline(self, size: int) -> bytes:
        """The next line, empty at the end; a line that the end cut short is none, for smtplib would take its beginning for
        an answer. Raises OSError where the answer is too long.
        """
        line: bytes = self._file.readline(min(size, self.left + 1))
        self.left -= len(line)
        if self.left < 0:
            raise OSError(f"an answer of more than {LONGEST_ANSWER_BYTES:,} bytes")
        return line if line.endswith(b"\n") or len(line) == size else b""

    def close(self) -> None:
        """Closes the connection's reading side."""
        self._file.close()


class BoundedSMTP(smtplib.SMTP):
    """smtplib's connection, with a bound on each answer, closed when the deadline passes."""

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's; raises SMTPServerDisconnected where the answer has no end."""
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))  # type: ignore[assignment]
        if isinstance(self.file, _Answers):
            self.file.left = LONGEST_ANSWER_BYTES
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        return watched(socket.create_connection((host, port), timeout, self.source_address))


class BoundedSMTPS(BoundedSMTP, smtplib.SMTP_SSL):
    """The same with TLS from the first byte; the handshake is under the deadline, too."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        plain = super()._get_socket(host, port, timeout)
        return self.context.wrap_socket(plain, server_hostname=self._host)  # type: ignore[attr-defined]
