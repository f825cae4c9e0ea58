"""Progress is for a person at a terminal: nothing in pipes and in CI."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from tests.conftest import PROJECT

COUNT = (
    "import time\nfrom treasury_watch.flows.log import progress\n"
    "print(sum(time.sleep(0.05) or n for n in progress.with_bar(list(range(8)), 'Loading')))"
)


def counted(terminal: bool, **environment: str) -> tuple[str, str]:
    """What a long loop wrote to standard output and to standard error, a pipe or a terminal."""
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    reader, writer = pty.openpty() if terminal else os.pipe()
    ended = subprocess.run(
        [sys.executable, "-c", COUNT], cwd=PROJECT, env={**clean, "TERM": "xterm", **environment},
        stdout=subprocess.PIPE, stderr=writer, timeout=30, check=True,
    )  # fmt: skip
    os.close(writer)
    try:
        shown = os.read(reader, 65536).decode()
    except OSError:  # a terminal whose other end closed
        shown = ""
    finally:
        os.close(reader)
    return ended.stdout.decode().strip(), shown


def test_at_a_terminal_long_work_shows_its_progress_beside_its_output():
    output, shown = counted(terminal=True)
    assert output == "28"
    assert "Loading" in shown


def test_in_a_pipe_there_is_none():
    assert counted(terminal=False) == ("28", "")


def test_in_ci_there_is_none_although_it_looks_like_a_terminal():
    assert counted(terminal=True, CI="true") == ("28", "")
