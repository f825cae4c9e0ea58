"""One temporary Prefect server for all that asks one: starting it takes seven seconds of a processor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prefect_database import prepare
from treasury_watch.flows.prefect_support import local_server
from treasury_watch.flows.prefect_support.local_server import LocalServer, free_port, start


@pytest.fixture(scope="session")
def server_and_database(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Path
) -> Iterator[tuple[LocalServer, Path]]:
    home = tmp_path_factory.mktemp("server")
    prepare(home, prefect_database)
    port = free_port()
    settings = {
        **local_server.TEMPORARY,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    made = start(local_server.temporary_command(port), port, settings=settings, log=home / "log")
    yield made, home / "prefect" / "prefect.db"
    made.process.stop()
