"""A store that is silent, or drips its answer, is left after the time that one request may take."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.flows.smtp_loopback import BrokenServer, silent
from treasury_watch.warehouse.store.objects import Objects, StoreError


def drips(connection: socket.socket, stopping: threading.Event) -> None:
    """An answer of which a byte comes every tenth of a second."""
    with suppress(OSError):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stopping.wait(0.1):
            connection.sendall(b"a")


@pytest.mark.parametrize("script", [silent, drips], ids=["silent", "drips"])
def test_it_costs_no_more_than_its_time_and_is_named(script, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    began = time.monotonic()
    with BrokenServer(script) as server:
        url = f"s3://bucket/x?endpoint_override=127.0.0.1:{server.port}&scheme=http&region=us-east-1"
        with pytest.raises(
            StoreError, match=r"store s3://bucket/x, current.json: no end within 1 s; check the network"
        ):
            Objects(url, answer_seconds=1).find("current.json")
        assert time.monotonic() - began < 15
