"""The real command with Prefect underneath: killed, and with a server that cannot start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.faults.processes import Warm, environment
from tests.faults.small_installation import MANIFEST, check_whole, rows
from tests.prefect_database import prepare
from treasury_watch.flows.prefect_support import server_start


class Command:
    """`run --sample` of one file, in sessions of their own that are ended with the test."""

    def __init__(self, folder: Path):
        self.home, self.errors, self.groups = folder / "home", folder / "errors", list[int]()
        shutil.copytree(PROJECT / "config", folder / "config")
        (folder / "config" / "sample" / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
        self.values = environment(self.home, CONFIG=folder / "config", ALERTS_MINIMUM_SEVERITY="critical")

    def start(self, **settings: str) -> subprocess.Popen[str]:
        """Start it. Standard error is a file: a server that is left behind would keep a pipe open."""
        process = subprocess.Popen(
            [sys.executable, "-m", "treasury_watch.flows.commands.main", "run", "--sample"],
            cwd=PROJECT, env={**self.values, **settings}, stdout=subprocess.DEVNULL,
            stderr=self.errors.open("w"), text=True, start_new_session=True,
        )  # fmt: skip
        self.groups.append(process.pid)
        return process

    def end_all(self) -> None:
        for group in self.groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    made = Command(tmp_path)
    yield made
    made.end_all()


@pytest.mark.long  # an attack with the real command; that the server ends with its starter is told in test_bound_process
def test_killed_amid_a_run_with_its_server_left_behind_the_next_run_succeeds(
    command: Command, warm: Warm, prefect_database: Path
):
    prepare(command.home, prefect_database)
    killed = command.start()
    while not list((command.home / "raw").glob("*/*.json")) and killed.poll() is None:
        time.sleep(0.02)
    killed.kill()
    assert killed.wait(timeout=10) == -signal.SIGKILL
    warm.run(
        ["ingest", "--into-this-home", PROJECT / "config" / "sample" / "tic" / "slt_table5.txt"], command.values
    ).well()
    assert rows(command.home, "SELECT outcome FROM runs ORDER BY started") == [("failed",), ("published",)]
    assert check_whole(command.home) == 1


@pytest.mark.slow
def test_a_server_that_cannot_start_ends_the_run_in_one_line_with_the_way_out(command: Command):
    records = command.home / "prefect" / "prefect.db"
    records.parent.mkdir(parents=True)
    records.write_bytes(b"rot" * 10_000)
    process = command.start(TREASURY_WATCH_PREFECT_STARTUP_TIMEOUT_SECONDS="0.2")
    assert process.wait(timeout=100) == 1
    err = command.errors.read_text(encoding="utf-8")
    ours = [line for line in err.splitlines() if line.startswith("treasury-watch: ")]
    assert len(ours) == 1, err
    assert f"{records.parent}: Prefect's temporary server did not start within 0.2 s" in ours[0]


@pytest.mark.slow
def test_a_server_that_ends_before_anybody_waits_for_it_ends_the_run_in_one_line_too(command: Command):
    records = command.home / "prefect" / "prefect.db"
    records.parent.mkdir(parents=True)
    records.write_bytes(b"rot" * 10_000)
    process = command.start()
    assert process.wait(timeout=100) == 1
    [ours] = [
        line for line in command.errors.read_text(encoding="utf-8").splitlines() if line.startswith("treasury-watch: ")
    ]
    assert f"{records.parent}: Prefect's temporary server could not start" in ours
    assert "temporary-server.log says why" in ours


@pytest.mark.slow
def test_a_flow_at_work_is_not_ended_by_the_limit_on_the_start():
    with server_start.starting_within(0.1):
        server_start.STARTED.set()
        time.sleep(0.2)
    with (
        pytest.raises(server_start.ServerSilent, match=r"did not start within 0\.1 s"),
        server_start.starting_within(0.1),
    ):
        time.sleep(5)
    with server_start.starting_within(0.1):
        pass
    time.sleep(0.2)
