"""What the release archive costs, and whether what comes of it is right.

    python -m tests.benchmarks.release_archive.measure ARCHIVE --homes FOLDER [--kills 10]

ARCHIVE is what `python -m tests.benchmarks.release_archive --out` wrote. A run over all of it but the last release is timed,
with the peak memory of all its processes; the last release is added and timed; a second home is filled by runs that are
killed at random moments, and its tables and ledger compared with the first's; what was known on the days of the truth
table is compared with what the files of those days state, cell by cell.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from tests.benchmarks.release_archive.figures import bare
from tests.benchmarks.release_archive.server import ReleaseArchiveServer
from tests.benchmarks.side_by_side import PROJECT, Sampler
from tests.flows.run.test_backfill import differing
from treasury_watch.warehouse.declarations import Declarations

COMMAND = [sys.executable, "-m", "treasury_watch.flows.commands.main", "backfill", "--release-archive"]
GOAL_SECONDS, GOAL_MB, GOAL_ADDED_SECONDS = 300, 1500, 60
OF_THE_LOAD = {"vintages": ["retrieved"]}  # columns of the ledger that two loads cannot share
HISTORIES = {"alerts.parquet", "validation_results.parquet"}  # what each run said: two homes had other runs


@dataclass(frozen=True)
class Run:
    """One run: how long it took, the peak memory of all its processes, how it ended."""

    seconds: float
    peak_mb: float
    status: int
    said: str


def run(home: Path, server: ReleaseArchiveServer, log: Path, kill_after: float | None = None) -> Run:
    """One run of the command as a group of processes, killed after so many seconds."""
    values = {**os.environ, **server.environment(), "TREASURY_WATCH_HOME": str(home)}
    with log.open("w+") as out:
        began = time.perf_counter()
        process = subprocess.Popen(COMMAND, cwd=PROJECT, stdout=out, stderr=out, env=values, start_new_session=True)
        sampler = Sampler(process.pid, every_seconds=1)
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        seconds, peak = time.perf_counter() - began, sampler.stop()
        out.seek(0)
        return Run(seconds, peak, process.returncode, out.read())


def ledger_differs(one: Path, other: Path) -> list[str]:
    """The tables of two ledgers that say different things."""
    with duckdb.connect() as connection:
        for name, home in (("one", one), ("other", other)):
            connection.execute(f"ATTACH '{home / 'ledger.duckdb'}' AS {name} (READ_ONLY)")
        tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'one'").fetchall()
        found = []
        for (table,) in tables:
            left = OF_THE_LOAD.get(table)
            columns = f"* EXCLUDE ({', '.join(left)})" if left else "*"
            sides = [f"SELECT {columns} FROM {a}.{table} EXCEPT ALL SELECT {columns} FROM {b}.{table}"
                     for a, b in (("one", "other"), ("other", "one"))]  # fmt: skip
            if any(connection.execute(f"SELECT count(*) FROM ({side})").fetchall()[0][0] for side in sides):
                found.append(table)
        return found


def holders(declarations: Declarations) -> tuple[dict[str, str], dict[str, str]]:
    """The holder of a code and of a bare label, as declared."""
    by_code, by_label = {}, {}
    for row in declarations.holder_labels:
        if row["measure"]:
            continue
        if row["code"]:
            by_code.setdefault(row["code"], row["holder_id"])
        by_label.setdefault(bare(row["label"]), row["holder_id"])
    return by_code, by_label


def compare(home: Path, truth: pd.DataFrame, declarations: Declarations) -> Counter[str]:
    """What was known on the truth's days against what the files of those days state: cells by what came of them."""
    by_code, by_label = holders(declarations)
    counts: Counter[str] = Counter()
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as connection:
        for day, stated in truth.groupby("released"):
            cells: dict[tuple[str, str, str, str], float] = {}
            for row in stated.itertuples():
                holder = by_code.get(row.code) if row.code else by_label.get(bare(row.label))
                if holder is not None:
                    cells.setdefault((row.table, holder, row.month, row.measure), row.value_usd_mn)
            known = connection.execute(
                "SELECT holder_id, strftime(month, '%Y-%m'), total_usd_mn, source, long_term_usd_mn, long_term_source, "
                "short_term_usd_mn, short_term_source FROM positions_as_of(?)",
                [day],
            ).fetchall()
            answered = set()
            for holder, month, *pairs in known:
                for measure, value, source in zip(
                    ("total", "long_term", "short_term"), pairs[::2], pairs[1::2], strict=True
                ):
                    if value is None:
                        continue
                    answered.add((holder, month, measure))
                    expected = cells.get((source, holder, month, measure))
                    if expected is None:
                        counts["of an earlier release"] += 1
                    elif abs(value - expected) < 0.5:
                        counts["as stated"] += 1
                    else:
                        counts["OTHERWISE"] += 1
                        if counts["OTHERWISE"] <= 5:
                            print(
                                f"  {day} {source} {holder} {month} {measure}: {value:,.0f}, the file: {expected:,.0f}"
                            )
            missing = {(holder, month, measure) for _, holder, month, measure in cells} - answered
            counts["MISSING"] += len(missing)
            for place in sorted(missing)[:3]:
                print(f"  {day} missing {place}")
    return counts


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--homes", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20251118)
    options = parser.parse_args()
    options.homes.mkdir(parents=True, exist_ok=True)
    whole, killed, log = options.homes / "whole", options.homes / "killed", options.homes / "run.log"
    last = sorted(path.name for path in options.archive.glob("ticrel_*.zip"))[-1]
    with ReleaseArchiveServer(options.archive) as server:
        server.behaviour.hidden.add(last)
        first = run(whole, server, log)
        print(
            f"all but {last}: {first.seconds:.0f} s (goal {GOAL_SECONDS}), {first.peak_mb:,.0f} MB (goal {GOAL_MB:,})"
        )
        print(first.said[-3000:] if first.status else first.said)
        server.behaviour.hidden.clear()
        added = run(whole, server, log)
        print(f"{last} added: {added.seconds:.0f} s (goal {GOAL_ADDED_SECONDS}), {added.peak_mb:,.0f} MB")
        chance, moments = random.Random(options.seed), []
        for _ in range(options.kills):
            moments.append(chance.uniform(2, first.seconds / 5))
            run(killed, server, log, moments[-1])
        end = run(killed, server, log)
        print(f"killed after {', '.join(f'{m:.0f}' for m in moments)} s, then {end.seconds:.0f} s, exit {end.status}")
    other = [name for name in differing(whole, killed) if name not in HISTORIES]
    print("tables that differ, but for the histories of the runs:", ", ".join(other) or "none")
    print("of the ledger:", ", ".join(ledger_differs(whole, killed)) or "none")
    truth = pd.read_parquet(options.archive / "truth.parquet")
    print("cells as known on", truth["released"].nunique(), "days:", dict(compare(whole, truth, Declarations())))


if __name__ == "__main__":
    main()
