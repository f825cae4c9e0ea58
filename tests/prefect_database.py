"""An empty database of Prefect's server, made once for all test processes: its migrations take ten seconds of a processor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared_folders import made_once

MAKE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


@pytest.fixture(scope="session")
def prefect_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database's file. Only to be copied."""

    def make(folder: Path) -> None:
        environment = {**os.environ, "PREFECT_HOME": str(folder), "HOME": str(folder)}
        subprocess.run([sys.executable, "-c", MAKE], env=environment, check=True, timeout=300)

    return made_once(tmp_path_factory, "prefect", make) / "prefect.db"


def prepare(home: Path, database: Path) -> None:
    """Put the database where a run in this home looks for it."""
    (home / "prefect").mkdir(parents=True)
    shutil.copy(database, home / "prefect" / "prefect.db")


@contextmanager
def prefect_server(folder: Path, database: Path) -> Iterator[None]:
    """A temporary Prefect server, on a copy of the database in the folder."""
    from prefect.testing.utilities import prefect_test_harness  # seconds, which other tests need not spend

    shutil.copy(database, folder / "prefect-test.db")  # where the harness looks for it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prefect.testing.utilities.mkdtemp", lambda: str(folder))
        with prefect_test_harness(server_startup_timeout=180):
            yield
