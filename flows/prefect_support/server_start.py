"""A limit on the start of Prefect's server, what is looked at first, and the record of a run that failed before its flow
began. A module of its own: Prefect pickles what stands beside a flow.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from treasury_watch.flows.prefect_support.named_server import PrefectAway
from treasury_watch.transforms.errors import TreasuryWatchError, shorten
from treasury_watch.warehouse.installation import Warehouse

ROOM_BYTES = 8 << 20  # a new database takes five, and a run less than one
STARTED = threading.Event()  # the flow is at work


class ServerSilent(TreasuryWatchError):
    """Prefect's temporary server did not start."""


def check_folder(folder: Path) -> None:
    """See that Prefect can keep its records there, before its server is waited for. Raises ServerSilent.

    Measured: its server takes half a minute to give up on a folder that is full or cannot be written.
    """
    records = folder / "prefect.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if records.exists() and not os.access(records, os.W_OK):
            raise PermissionError(0, f"{records.name} may not be written")
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(ROOM_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as problem:
        raise silent(f"cannot start: {problem.strerror or problem}") from problem


def check_records() -> None:
    """`check_folder` of where a server of this machine's own will keep them; nothing where another is named."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        check_folder(records_folder())


def records_folder() -> Path:
    """Where Prefect keeps its records on this machine."""
    return Path(os.environ.get("PREFECT_HOME", Path.home() / ".prefect"))


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


@contextmanager
def recorded(warehouse: Warehouse, command: str, tell: Callable[[Exception], None]) -> Iterator[None]:
    """For the block, in which a flow is to begin: what ends it before that is recorded as a failed run, and told.

    What goes wrong with the record is a note to the failure and never takes its place.
    """
    STARTED.clear()
    try:
        yield
    except Exception as problem:
        if not STARTED.is_set():
            try:
                warehouse.state.record_failed_start(uuid.uuid4().hex[:12], command, shorten(str(problem), 300))
            except Exception as other:
                problem.add_note(f"not recorded: {other}")
            if not isinstance(problem, PrefectAway):  # which is told where it is found
                tell(problem)
        raise
