"""One limit of time on a whole request, from its first byte to the last of the answer, whatever drips.

A socket's own time-out begins anew with every byte: headers that come one at a time, endless `100 Continue` and endless
trailers never reach it. Here a timer closes the connection that is in use.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import Self

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Deadline:
    """A block of so many seconds, after which connections made in it by a `TimedAdapter` are closed.

    `passed` tells a broken connection from one that was closed here.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.passed = False
        self._lock = threading.Lock()
        self._in_use: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._close)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        _current.reset(self._token)
        self._timer.cancel()
        with self._lock:
            self._forget()

    def watch(self, connection: socket.socket) -> None:
        """Close this connection too when the time is up; at once where it is up already."""
        with self._lock:
            # a second handle on the connection: the library may close and replace its own while this one is used
            handle = socket.socket(fileno=socket.dup(connection.fileno()))
            self._in_use.append(handle)
            if self.passed:
                self._shut()

    def _close(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        for handle in self._in_use:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
        self._forget()

    def _forget(self) -> None:
        for handle in self._in_use:
            with suppress(OSError):
                handle.close()
        self._in_use.clear()


def passed() -> bool:
    """Whether the deadline of the block at work has passed."""
    deadline = _current.get()
    return deadline is not None and deadline.passed


def watched(connection: socket.socket) -> socket.socket:
    """The connection, which the deadline at work will close; as it is where there is none."""
    deadline = _current.get()
    if deadline is not None:
        deadline.watch(connection)
    return connection
