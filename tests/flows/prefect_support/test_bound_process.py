"""A command ends with what started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from treasury_watch.flows.prefect_support import bound_process
from treasury_watch.flows.prefect_support.bound_process import BoundProcess

STARTER = f"""
import os, sys, time
sys.path.insert(0, {str(Path(bound_process.__file__).parent)!r})
from bound_process import BoundProcess
made = BoundProcess([sys.executable, "-c", {{child!r}}], environment=dict(os.environ))
print("started", flush=True)
time.sleep(60)
"""
# Its grandchild is what a server's workers are: it must not be left behind either.
CHILD = (
    "import os, subprocess, sys, time; "
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "open({path!r}, 'w').write(f'{{os.getpid()}} {{p.pid}}'); time.sleep(60)"
)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_however_the_starter_ends_the_command_and_what_it_started_end_too(tmp_path: Path, how: signal.Signals):
    told = tmp_path / "processes"
    source = STARTER.format(child=CHILD.format(path=str(told)))
    with subprocess.Popen([sys.executable, "-c", source]) as starter:
        wait_for(lambda: told.exists() and " " in told.read_text())
        started = [int(word) for word in told.read_text().split()]
        assert all(map(alive, started))
        os.kill(starter.pid, how)
    wait_for(lambda: not any(map(alive, started)))


def test_its_exit_code_is_the_commands():
    made = BoundProcess([sys.executable, "-c", "raise SystemExit(7)"], environment=dict(os.environ))
    wait_for(lambda: made.ended() is not None)
    assert made.ended() == 7
    made.stop()


def test_stopping_it_twice_does_no_harm():
    made = BoundProcess([sys.executable, "-c", "import time; time.sleep(60)"], environment=dict(os.environ))
    made.stop()
    made.stop()
    assert made.ended() is not None
