"""Starts the command in processes of its own: from a warm one that has everything imported, or from nothing."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conftest import PROJECT
from tests.flows.loopback import Loopback

BASES = {
    "TIC": "/tic/", "FRED": "/fred/", "ECB": "/ecb/", "MOF": "/mof/", "TIC_SURVEY": "/survey/", "MOF_FILES": "/mof_files/",
    "FISCAL_DATA": "/fiscal_data/", "TREASURY": "/treasury/",
}  # fmt: skip
NOBODY = "http://127.0.0.1:9/"  # where nobody listens
LONGEST = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended; a negative `code` is the signal that ended it."""

    code: int
    out: str
    err: str

    def failed_in_one_line(self) -> str:
        """The line with which it failed, with exit status 1 and nothing else on standard error."""
        lines = self.err.strip().splitlines()
        assert self.code == 1, f"exit {self.code}\n{self.out}\n{self.err}"
        assert len(lines) == 1, self.err
        assert lines[0].startswith("treasury-watch: "), self.err
        return lines[0]

    def well(self) -> str:
        """What it printed, with exit status 0."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self.out


class Child:
    """A command at work."""

    def __init__(self, warm: Warm, number: int, out: Path, err: Path):
        self.number, self._warm, self._out, self._err = number, warm, out, err

    def kill(self) -> None:
        """End it and all it started, as the power would."""
        with suppress(ProcessLookupError):
            os.killpg(self.number, signal.SIGKILL)

    def wait(self, seconds: float = LONGEST) -> Ended:
        """Its end; one that takes longer than so many seconds is killed."""
        deadline = time.monotonic() + seconds
        while (answer := self._warm.ask(wait=self.number)) == "running":
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(0.02)
        code = int(answer)
        return Ended(code, self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8"))


class Warm:
    """The warm process, inside a `with`. `run` waits for the end of a command, `start` does not.

    `environment` is all that the command gets; `user` is a number to run as, `largest_file` a limit in bytes, `day` the
    moment that its clock shows, `breakage` a fault of tests.faults.breakages to put into the program.
    """

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="warm")
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forked_commands"],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._folder.cleanup()

    def _read(self, wanted: str | None = None) -> str:
        line = self._process.stdout.readline().strip()  # type: ignore[union-attr]
        if not line or wanted not in (None, line):
            raise RuntimeError(f"the warm process said {line!r}")
        return line

    def ask(self, **order: Any) -> str:
        """The answer to an order."""
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
            return self._read()

    def start(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        user: int | None = None,
        largest_file: int | None = None,
        day: datetime | None = None,
        breakage: str = "",
    ) -> Child:
        """Start a command, such as ["ingest", path]."""
        order = next(self._numbers)
        out, err = (Path(self._folder.name) / f"{order}.{name}" for name in ("out", "err"))
        number = self.ask(
            arguments=[str(argument) for argument in arguments],
            environment=dict(environment),
            out=str(out),
            err=str(err),
            user=user,
            largest_file=largest_file,
            day=day.isoformat() if day else None,
            breakage=breakage,
        )
        return Child(self, int(number), out, err)

    def run(self, arguments: Sequence[str | Path], environment: Mapping[str, str], **options: Any) -> Ended:
        """Run a command to its end."""
        return self.start(arguments, environment, **options).wait()


def environment(home: Path, server: Loopback | None = None, **settings: object) -> dict[str, str]:
    """The environment of a command: its home, the publishers' server, and settings such as MAIL_PORT."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    bases = {f"BASE_{name}": server.url(path) for name, path in BASES.items()} if server else {"BASE_TREASURY": NOBODY}
    quick = {
        "HTTP_RETRIES": 1, "HTTP_BACKOFF_SECONDS": 0.01, "HTTP_BACKOFF_JITTER_SECONDS": 0.01,
        "HTTP_READ_TIMEOUT_SECONDS": 2,
        "ALERTS_RECENT_MONTHS": 600,  # the small releases are of 2023
    }  # fmt: skip
    values = {"HOME": home, **bases, **quick, **settings}
    named = {f"TREASURY_WATCH_{name}": str(value) for name, value in values.items()}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1", **named}
