"""Measure commands against one another: rounds in turn, each in a fresh process, wall time and peak memory of all of it.

Memory is sampled over all processes of a command together, pages they share counted in part; where /proc does not tell,
it is that of the largest process.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
try:
    from treasury_watch.flows.commands.start import start
except ImportError:  # a checkout of before
    from treasury_watch.flows.commands.main import main as start
sys.argv[0] = "treasury-watch"
start()
"""


@dataclass(frozen=True)
class Taken:
    """One run of a command: seconds of wall time, peak memory in MB, what it printed, seconds of processor time."""

    seconds: float
    peak_mb: float
    printed: str
    processor_seconds: float = 0.0


@dataclass(frozen=True)
class Command:
    """What is run: its arguments, and the data folder it gets; a new one every time where `fresh` names where, a copy of
    `copied` where that is given. `checkout` is the folder whose program it is.
    """

    arguments: Sequence[str]
    home: Path | None = None
    fresh: Path | None = None
    checkout: Path = PROJECT
    copied: Path | None = None

    def prepare(self) -> None:
        """Make the data folder as it is to be found."""
        if self.home and self.copied:
            shutil.rmtree(self.home, ignore_errors=True)
            shutil.copytree(self.copied, self.home)

    def environment(self) -> dict[str, str]:
        """The environment it runs in."""
        home = tempfile.mkdtemp(dir=self.fresh) if self.fresh else self.home
        own = {**os.environ, "PYTHONPATH": str(self.checkout / "src")}
        return {**own, "TREASURY_WATCH_HOME": str(home)} if home else own


def treasury_watch(
    *arguments: str, home: Path | None = None, fresh: Path | None = None, checkout: Path = PROJECT
) -> Command:
    """A command of the project's own, or of another checkout, as its program starts it."""
    return Command([sys.executable, "-c", PROGRAM, *arguments], home, fresh, checkout)


def run(command: Command) -> Taken:
    """Run a command in the project's folder. Raises RuntimeError with its last words where it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command.prepare()
        began = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, cwd=command.checkout, stdout=out, stderr=err, env=command.environment()
        )
        sampler = Sampler(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        sampled = sampler.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command.arguments)}: exit status {process.returncode}: {err.read()[-600:]}")
        return Taken(seconds, sampled or peak_mb(usage), out.read(), usage.ru_utime + usage.ru_stime)


class Sampler(threading.Thread):
    """Looks at the memory of a process and all below it until it is told to stop. Each look takes some of their time."""

    def __init__(self, pid: int, every_seconds: float = 0.1):
        super().__init__(daemon=True)
        self.pid, self.every_seconds, self.peak_kb, self.over = pid, every_seconds, 0, threading.Event()
        self.start()

    def run(self) -> None:
        """Keep the largest sum seen."""
        while not self.over.wait(self.every_seconds):
            self.peak_kb = max(self.peak_kb, sum(proportional_kb(pid) for pid in family(self.pid)))

    def stop(self) -> float:
        """The peak in MB; 0 where nothing could be read."""
        self.over.set()
        self.join()
        return self.peak_kb * 1024 / 1e6


def family(pid: int) -> set[int]:
    """A process and all below it, as /proc tells; the process alone elsewhere."""
    found = {pid}
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in path.read_text().split():
                found |= family(int(child))
    return found


def proportional_kb(pid: int) -> int:
    """A process's memory with shared pages counted in part; 0 where /proc does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def peak_mb(usage: resource.struct_rusage) -> float:
    """A process's peak memory; Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def in_turn(commands: Mapping[str, Command], rounds: int) -> dict[str, list[Taken]]:
    """Every command once a round, so that what else the machine does falls on all of them."""
    found: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(run(command))
    return found


def ratio(found: Mapping[str, list[Taken]], one: str, other: str) -> float:
    """The median over the rounds of one command's seconds over the other's."""
    pairs = zip(found[one], found[other], strict=True)
    return statistics.median(a.seconds / b.seconds for a, b in pairs)


def median_seconds(taken: list[Taken]) -> float:
    """The median of the rounds."""
    return statistics.median(run.seconds for run in taken)
