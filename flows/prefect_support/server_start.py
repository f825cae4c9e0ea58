"""A limit on the start of Prefect's temporary server. A module of its own: Prefect pickles what stands beside a flow."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from treasury_watch.transforms.errors import TreasuryWatchError

STARTED = threading.Event()  # the flow is at work


class ServerSilent(TreasuryWatchError):
    """Prefect's temporary server did not start."""


def silent(what: str) -> ServerSilent:
    """What is raised for a temporary server that `what` is said of."""
    folder = os.environ.get("PREFECT_HOME", "~/.prefect")
    return ServerSilent(
        f"{folder}: Prefect's temporary server {what}; see that the disk has room and the folder can be written, or remove "
        "the folder: it holds nothing but Prefect's own records"
    )


@contextmanager
def starting_within(seconds: float) -> Iterator[None]:
    """Ends a block in which the flow has not STARTED after so many seconds: raises ServerSilent.

    Prefect starts a server that ends with a failure of its database again and again, without an end of its own.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_signal: int, _frame: object) -> None:
        if STARTED.is_set():
            return
        raise silent(f"did not start within {seconds:g} s")

    STARTED.clear()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
