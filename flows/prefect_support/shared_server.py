"""Prefect's temporary server under its address, for a command and the processes that it starts.

Measured: a worker process that is not told the address starts a server of its own, with 200 MB and 10 s of processor time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

from treasury_watch.flows.prefect_support import early_server, local_server, pruning
from treasury_watch.flows.prefect_support.server_start import check_folder, records_folder, silent

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


def _temporary(folder: Path, keep_days: float | None = None) -> local_server.LocalServer:
    known = _running.get(folder)
    if known is not None and known.process.ended() is None:
        return known
    begun = early_server.begun(folder)
    if begun is None:
        check_folder(folder)
    try:
        if begun is None:
            of_this_process = get_current_settings().to_environment_variables(exclude_unset=True)
            server = early_server.start(folder, keep_days, of_this_process)
        else:
            server = begun.result()
    except (local_server.ServerEnded, OSError) as problem:
        raise silent(f"could not start ({problem})") from problem
    _running[folder] = server
    return server
