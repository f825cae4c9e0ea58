"""The program's own way in and out: what a shell sees of `treasury-watch`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from treasury_watch.flows.commands.main import main
from treasury_watch.flows.commands.start import LASTING
from treasury_watch.warehouse.installation import Warehouse

PROGRAM = Path(sys.executable).with_name("treasury-watch")


@pytest.fixture
def shell(sample: Warehouse, monkeypatch: pytest.MonkeyPatch):
    """A shell's answer to a line in which `treasury-watch` is the program, on a copy of the sample."""
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(sample.home.root))

    def asked(line: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line.replace("treasury-watch", str(PROGRAM))],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return asked


def test_the_command_that_lasts_is_one() -> None:
    assert LASTING in main.commands


def test_what_was_asked_is_answered_whole_with_the_status_of_its_end(shell) -> None:
    query = 'treasury-watch query "SELECT range AS number FROM range(20000)" --format csv'
    answered = shell(f"{query} | tail -1")
    assert (answered.returncode, answered.stdout, answered.stderr) == (0, "19999\n", "")
    refused = shell('treasury-watch query "SELEC 1"')
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("treasury-watch: Parser Error")
    assert shell("treasury-watch query").returncode == 2


def test_a_reader_that_goes_away_and_a_full_disk_are_seen_at_the_end(shell) -> None:
    cut = shell('treasury-watch query "SELECT range FROM range(200000)" --format csv | head -2')
    assert (cut.stdout, cut.stderr) == ("range\n0\n", "")
    full = shell("treasury-watch tables > /dev/full")
    assert full.returncode != 0
    assert "No space left on device" in full.stderr


def test_a_process_whose_view_of_a_home_lies_in_a_folder_of_its_own_does_not_end_at_once(sample: Warehouse) -> None:
    program = (
        "from pathlib import Path; from treasury_watch.flows.commands.start import _at_rest\n"
        "from treasury_watch.warehouse.archive.readers_view import view_of\n"
        "from treasury_watch.warehouse.home.folders import Home\n"
        f"before = _at_rest(); view = view_of(Home(Path({str(sample.home.root)!r}))); print(before, _at_rest())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["True", "False"]
