"""`serve` for a while with a run every few seconds: memory, processes and databases sampled, then its server is killed.

    python -m tests.faults.endurance MINUTES FIGURES.csv

The source is a sample of one file, replaced by a new release every five minutes. After the last sample the Prefect server is killed
where it stands, three times; it must come back by itself, and every release that was put up must be loaded in the end.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from tests.conftest import PROJECT
from tests.faults.processes import environment
from tests.faults.small_installation import MANIFEST, release
from tests.flows.smtp_loopback import free_port
from treasury_watch.warehouse.home.state import State

INTERVAL_SECONDS = 10
SAMPLE_SECONDS = 10
RELEASE_SECONDS = 300
KEEP_MINUTES = 6
KILLS = 3
COLUMNS = (
    "seconds", "processes", "server_mb", "scheduler_mb", "serve_mb", "all_mb", "prefect_db_kb", "prefect_free_kb", "state_kb",
    "home_mb", "runs_kept", "runs_begun", "releases",
)  # fmt: skip


def parents() -> dict[int, tuple[int, str, int]]:
    """Of every process: its parent, its command, and the memory that it alone holds, in kB."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            lines = folder.joinpath("smaps_rollup").read_text().splitlines()
            found[int(folder.name)] = parent, command, sum(int(x.split()[1]) for x in lines if x.startswith("Pss:"))
    return found


def below(root: int, known: dict[int, tuple[int, str, int]]) -> dict[int, tuple[int, str, int]]:
    """The process `root` and all that descend from it."""
    chosen = {root}
    while more := {number for number, (parent, _, _) in known.items() if parent in chosen} - chosen:
        chosen |= more
    return {number: known[number] for number in chosen if number in known}


def size_kb(path: Path) -> int:
    """The size of a database with its log."""
    return sum(p.stat().st_size for p in (path, path.with_name(path.name + "-wal")) if p.exists()) // 1024


def free_kb(path: Path) -> int:
    """What of a SQLite file is free to be used again."""
    import sqlite3

    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as connection:
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
    return pages * size // 1024


class Serving:
    """`serve --sample` at work in a home, with a sample of its own that is replaced."""

    def __init__(self, folder: Path):
        self.home, self.out = folder / "home", folder / "out"
        self.port, self.releases = free_port(), 0
        shutil.copytree(PROJECT / "config", folder / "config")
        self.sample_folder = folder / "config" / "sample"
        (self.sample_folder / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
        kept = KEEP_MINUTES / 1440
        self.values = environment(
            self.home, CONFIG=folder / "config", RETENTION_PREFECT_DAYS=kept, RETENTION_RUNS_DAYS=kept,
            RETENTION_MESSAGES_DAYS=kept,
        )  # fmt: skip
        self.values["PYTHONPATH"] = f"{PROJECT / 'src'}{os.pathsep}{PROJECT}"
        self.put_up()
        self.start()

    def start(self) -> None:
        """Start it, for the first time or again."""
        command = [sys.executable, "-m", "treasury_watch.flows.commands.main", "serve", "--sample"]
        command += ["--interval", str(INTERVAL_SECONDS), "--port", str(self.port)]
        with self.out.open("a") as out:
            self.process = subprocess.Popen(command, cwd=PROJECT, env=self.values, stdout=out, stderr=out)

    def put_up(self) -> None:
        """A release that was not there before."""
        target = self.sample_folder / "tic" / "slt_table5.txt"
        staged = target.with_suffix(".next")
        staged.write_bytes(release(self.releases))
        staged.replace(target)
        self.releases += 1

    def servers(self) -> list[int]:
        """The Prefect server's own processes, without what watches over them."""
        mine = below(self.process.pid, parents())
        return [n for n, (_, command, _) in mine.items() if self.is_server(command)]

    def is_server(self, command: str) -> bool:
        return ("uvicorn" in command or "prefect server start" in command) and "bound_process" not in command

    def begun(self) -> int:
        """Runs that were begun, of those not forgotten."""
        if not (self.home / "state.sqlite").exists():
            return 0
        return State(self.home / "state.sqlite").rows("SELECT count(*) AS n FROM runs")[0]["n"]

    def starts(self) -> list[datetime]:
        """When the runs that are not forgotten began."""
        rows = State(self.home / "state.sqlite").rows("SELECT started FROM runs ORDER BY started")
        return [datetime.fromisoformat(row["started"]) for row in rows]

    def loaded(self) -> int:
        """Releases in the archive."""
        return len(list((self.home / "raw" / "slt_table5").glob("*.txt")))

    def published(self) -> int:
        """Releases in the publication."""
        with suppress(duckdb.Error), duckdb.connect(str(self.home / "treasury.duckdb"), read_only=True) as connection:
            rows = connection.execute(
                "SELECT count(DISTINCT sha256) FROM releases WHERE source = 'slt_table5'"
            ).fetchall()
            return int(rows[0][0])
        return 0

    def sample(self, seconds: float, begun: int) -> dict[str, float]:
        """What it takes now."""
        mine = below(self.process.pid, parents())

        def mb(chosen) -> float:
            return round(sum(kb for _, command, kb in mine.values() if chosen(command)) / 1024, 1)

        prefect = self.home / "prefect" / "prefect.db"
        whole = sum(p.stat().st_size for p in self.home.rglob("*") if p.is_file())
        return dict(
            zip(
                COLUMNS,
                (
                    round(seconds), len(mine), mb(self.is_server), mb(lambda c: "serve.server" in c and "bound_process" not in c),
                    mb(lambda c: "commands.main serve" in c), mb(lambda _: True), size_kb(prefect), free_kb(prefect),
                    size_kb(self.home / "state.sqlite"), round(whole / 2**20, 1), self.begun(), begun, self.loaded(),
                ),
                strict=True,
            )
        )  # fmt: skip


def watch(serving: Serving, minutes: float, figures: Path) -> list[dict[str, float]]:
    """Sample for so many minutes; every sample is a line of the file as soon as it is known."""
    samples, begun = [], set()
    began = time.monotonic()
    next_release = RELEASE_SECONDS
    with figures.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        while (passed := time.monotonic() - began) < minutes * 60:
            if passed > next_release:
                serving.put_up()
                next_release += RELEASE_SECONDS
            with suppress(OSError):  # a file that went away while it was looked at
                if (serving.home / "state.sqlite").exists():
                    begun |= set(serving.starts())
                samples.append(serving.sample(passed, len(begun)))
                writer.writerow(samples[-1])
                file.flush()
            time.sleep(SAMPLE_SECONDS)
            assert serving.process.poll() is None, serving.out.read_text()
    return samples


def kill_the_server(serving: Serving) -> float:
    """Kill it, put up a release at once, and wait until that is loaded; the seconds that it took."""
    known = serving.loaded()
    for number in serving.servers():
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    serving.put_up()
    began = time.monotonic()
    while serving.loaded() == known:
        assert time.monotonic() - began < 600, "the release was never loaded\n" + serving.out.read_text()
        time.sleep(0.5)
    return time.monotonic() - began


def main(minutes: float, figures: Path) -> None:
    """Run it and print what was seen."""
    folder = Path(tempfile.mkdtemp(prefix="endurance"))
    serving = Serving(folder)
    try:
        watch(serving, minutes, figures)
        before = serving.releases
        for _ in range(KILLS):
            print(f"server killed: the next release was loaded after {kill_the_server(serving):.0f} s", flush=True)
            time.sleep(30)
        print(f"releases put up {serving.releases} ({before} before the kills), loaded {serving.loaded()}", flush=True)
        serving.process.terminate()
        print(f"ended by SIGTERM: exit {serving.process.wait(60)}", flush=True)
        time.sleep(2)
        left = [c for _, c, _ in parents().values() if f"--port {serving.port}" in c or str(serving.home) in c]
        print(f"processes left behind: {left}", flush=True)
        print(serving.out.read_text())
    finally:
        serving.process.kill()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
