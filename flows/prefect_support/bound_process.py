"""A command that ends with the process that started it, however that one ends: `kill -9` and a closed terminal too.

This file is also the program that stands between the two. It holds one end of a pipe whose other end only the starter has;
the system closes that end with the starter, and the command and all it started are then ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

END_SECONDS = 20  # what is asked to end has so long before it is made to


class BoundProcess:
    """A started command; `stop` ends it and everything it started."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], output: IO[bytes] | int | None = None
    ):
        reading, self._held = os.pipe()
        keeper = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(reading), *command]
        try:
            self.process = subprocess.Popen(
                keeper,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                pass_fds=[reading],
                start_new_session=True,
            )
        except BaseException:
            os.close(self._held)
            raise
        finally:
            os.close(reading)

    def ended(self) -> int | None:
        """The command's exit code, or None while it runs."""
        return self.process.poll()

    def stop(self) -> None:
        """End the command with all it started. Twice does no harm."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        try:
            self.process.wait(timeout=END_SECONDS + 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _keep(pipe: int, command: Sequence[str]) -> int:
    """Run the command until it ends or the pipe is closed; its exit code."""
    child = subprocess.Popen(command, start_new_session=True, close_fds=True)

    def end_with_the_starter() -> None:
        while os.read(pipe, 1):  # nothing is ever written: the read ends when the other end is closed
            pass
        _end_group(child)

    def stopped(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(1)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stopped)
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    try:
        code = child.wait()
    finally:
        _end_group(child)
    return code if code >= 0 else 128 - code


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End the child's process group: first asked, after a while made."""
    for order, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, order)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            child.poll()
            try:
                os.killpg(child.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(_keep(int(sys.argv[1]), sys.argv[2:]))
