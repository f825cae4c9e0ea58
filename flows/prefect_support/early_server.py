"""Prefect's temporary server started before Prefect is imported here: importing takes as long as half of its start.

It finds the settings of environment and profile itself, and ends at once where they name a server.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from treasury_watch.flows.prefect_support import local_server, pruning
from treasury_watch.flows.prefect_support.server_start import ServerSilent, check_folder, records_folder

_begun: dict[Path, Future[local_server.LocalServer]] = {}  # that nobody has waited for yet


def begin(keep_days: float | None = None) -> None:
    """Start the temporary server that `shared_server` will wait for.

    Nothing where a server is named, or there is a fault: `shared_server` meets it again, and raises it.
    """
    folder = records_folder()
    if os.environ.get("PREFECT_API_URL") or folder in _begun:
        return
    try:
        check_folder(folder)
    except ServerSilent:
        return
    begun = _begun[folder] = Future()

    def starting() -> None:
        try:
            begun.set_result(start(folder, keep_days))
        except BaseException as problem:  # raised where it is waited for
            begun.set_exception(problem)

    Thread(target=starting, name="server", daemon=True).start()  # a command that ends before waits for no server


def begun(folder: Path) -> Future[local_server.LocalServer] | None:
    """The server that keeps its records there and was begun, for the one who waits for it."""
    return _begun.pop(folder, None)


def start(folder: Path, keep_days: float | None, settings: Mapping[str, str] | None = None) -> local_server.LocalServer:
    """Start a temporary server, told of `settings` that it cannot find itself, and wait for it. It ends with this process.

    Raises ServerEnded, and OSError for its log.
    """
    port = local_server.free_port()
    command, log = local_server.temporary_command(port), folder / "temporary-server.log"
    told = {**(settings or {}), **local_server.TEMPORARY}
    told |= pruning.event_settings(keep_days) if keep_days is not None else {}
    log.unlink(missing_ok=True)
    server = local_server.start(command, port, settings=told, log=log)
    atexit.register(server.process.stop)
    return server
