"""Prefect's temporary server under its address, for the processes that a run starts.

Measured: a worker process that is not told the address starts a server of its own, with 200 MB and 10 s of processor time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import PREFECT_API_URL, temporary_settings


@contextmanager
def shared_server() -> Iterator[None]:
    """For the block, one temporary server for this process and its workers. Nothing where a server is named already."""
    if PREFECT_API_URL.value():
        yield
        return
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield
