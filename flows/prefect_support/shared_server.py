"""Prefect's temporary server under its address, for a command and the processes that it starts.

Measured: a worker process that is not told the address starts a server of its own, with 200 MB and 10 s of processor time.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

from treasury_watch.flows.prefect_support import local_server, pruning
from treasury_watch.flows.prefect_support.server_start import ServerSilent, check_folder, records_folder, silent

_begun: dict[Path, Future[local_server.LocalServer]] = {}  # that nobody has waited for yet
_running: dict[Path, local_server.LocalServer] = {}  # by the folder of Prefect's records


@contextmanager
def shared_server(keep_days: float | None = None) -> Iterator[None]:
    """For the block, one temporary server for this process and its workers. Nothing where a server is named already.

    With `keep_days` its records of runs that ended longer ago are removed after the block.

    Raises ServerSilent where it cannot start. The server stays until the process ends: Prefect sends its last log lines
    after the flow.
    """
    if PREFECT_API_URL.value():
        yield
        return
    server = _temporary(records_folder(), keep_days)
    with temporary_settings({PREFECT_API_URL: server.url, PREFECT_API_AUTH_STRING: server.login}):
        yield
    if keep_days is not None:
        pruning.prune(server, keep_days)


def begin(keep_days: float | None = None) -> None:
    """Start the temporary server that `shared_server` will wait for: what a run imports meanwhile costs no time then.

    Nothing where a server is named, or there is a fault: `shared_server` meets it again, and raises it.
    """
    folder = records_folder()
    if PREFECT_API_URL.value() or folder in _running or folder in _begun:
        return
    try:
        check_folder(folder)
    except ServerSilent:
        return
    begun = _begun[folder] = Future()

    def start() -> None:
        try:
            begun.set_result(_start(folder, keep_days))
        except BaseException as problem:  # raised where it is waited for
            begun.set_exception(problem)

    Thread(target=start, name="server", daemon=True).start()  # a command that ends before waits for no server


def _temporary(folder: Path, keep_days: float | None = None) -> local_server.LocalServer:
    known = _running.get(folder)
    if known is not None and known.process.ended() is None:
        return known
    begun = _begun.pop(folder, None)
    if begun is None:
        check_folder(folder)
    try:
        server = _start(folder, keep_days) if begun is None else begun.result()
    except (local_server.ServerEnded, OSError) as problem:
        raise silent(f"could not start ({problem})") from problem
    _running[folder] = server
    return server


def _start(folder: Path, keep_days: float | None) -> local_server.LocalServer:
    port = local_server.free_port()
    command, log = local_server.temporary_command(port), folder / "temporary-server.log"
    settings = {**get_current_settings().to_environment_variables(exclude_unset=True), **local_server.TEMPORARY}
    settings |= pruning.event_settings(keep_days) if keep_days is not None else {}
    log.unlink(missing_ok=True)
    server = local_server.start(command, port, settings=settings, log=log)
    atexit.register(server.process.stop)
    return server
