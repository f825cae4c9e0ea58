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


def ended(*command: str) -> subprocess.CompletedProcess:
    """What a process says in which these lines are the command that was asked for."""
    lines = [
        "import sys, treasury_watch.flows.commands.main as commands",
        "def main():",
        *(f"    {line}" for line in command),
    ]
    lines += ["commands.main = main", "from treasury_watch.flows.commands.start import start", "start()"]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=False
    )


def test_what_registered_something_for_the_end_is_called_and_threads_are_waited_for(sample: Warehouse) -> None:
    process = ended(
        "import atexit, threading, time; from pathlib import Path",
        "from treasury_watch.warehouse.archive.readers_view import view_of",
        "from treasury_watch.warehouse.home.folders import Home",
        f"view = view_of(Home(Path({str(sample.home.root)!r}))); print(view.folder.name)",
        "main.kept = view",
        "atexit.register(print, 'called')",
        "threading.Thread(target=lambda: (time.sleep(0.5), print('waited for'))).start()",
        "sys.exit(3)",
    )
    folder, *last = process.stdout.splitlines()
    assert last == ["waited for", "called"]
    assert not Path(folder).exists()
    assert (process.returncode, process.stderr) == (3, "")


def test_what_nobody_foresaw_is_not_passed_over_at_the_end() -> None:
    process = ended("1 / 0")
    assert process.returncode == 1
    assert "ZeroDivisionError" in process.stderr


def test_ctrl_c_before_and_after_the_command_is_no_traceback() -> None:
    early = subprocess.run(
        [sys.executable, "-c", (
            "import sys; sys.modules['treasury_watch.flows.commands.main'] = None\n"
            "import builtins; plain = builtins.__import__\n"
            "def broken(name, *rest, **named):\n"
            "    if name == 'treasury_watch.flows.commands.main': raise KeyboardInterrupt\n"
            "    return plain(name, *rest, **named)\n"
            "from treasury_watch.flows.commands.start import start\n"
            "builtins.__import__ = broken; start()"
        )],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (early.returncode, early.stderr) == (1, "Aborted!\n")
    late = ended(
        "import atexit, os, signal",
        "signal.signal(signal.SIGINT, signal.default_int_handler)",
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)",
        "sys.exit(1)",
    )
    assert (late.returncode, late.stderr) == (-2, "")
