"""The Continuous SLT archive of full size: how fast it is read and in how much memory, against plain ways to read it.

Run from the project's root: python -m tests.benchmarks.cslt [ROUNDS]

The archive of about 120 MB is made by shared/tools/make_cslt.py beside the project, from the official files there. Every
measurement runs in a fresh process; rounds alternate between the ways, so that a busy moment falls on all of them. The
seconds do not include starting Python and importing; the peak memory of the process includes everything.
"""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MAKER = PROJECT.parent / "shared" / "tools" / "make_cslt.py"
OFFICIAL = PROJECT.parent / "shared" / "official" / "tic"
GOAL_MB = 400
# linux counts in KiB, macOS in bytes
MAXRSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


def with_orjson(folder: Path) -> Callable[[], int]:
    """The whole member inflated and loaded: every series."""
    import orjson

    body = (folder / "cslt.zip").read_bytes()
    return lambda: len(orjson.loads(zipfile.ZipFile(io.BytesIO(body)).read("cslt.json"))["series"])


def with_parser(folder: Path) -> Callable[[], int]:
    """This project's reader: the Treasury series as a table, checked."""
    from treasury_watch.transforms.layouts.tic import cslt
    from treasury_watch.warehouse.declarations import Declarations

    source = Declarations(PROJECT / "config").source("cslt")
    body = (folder / "cslt.zip").read_bytes()
    return lambda: len(cslt.parse(body, source).table)


def with_duckdb(folder: Path) -> Callable[[], int]:
    """DuckDB's read_json of the unzipped member with declared columns: the Treasury series' observations."""
    import duckdb

    query = """
        SELECT count(*) FROM (
            SELECT s.source_id, unnest(s.observations) AS observation
            FROM (
                SELECT unnest(series) AS s FROM read_json(?, maximum_object_size = 1000000000, columns = {
                    'series': 'STRUCT(source_id VARCHAR, metadata STRUCT(title VARCHAR, units VARCHAR),
                                      observations VARCHAR[][])[]'})
            )
            WHERE regexp_full_match(s.source_id, 'for_(lt|st)_treas_(pos|net|valchg)_[0-9]+')
        )"""
    connection = duckdb.connect()

    def read() -> int:
        found = connection.execute(query, [str(folder / "cslt.json")]).fetchall()
        return int(found[0][0])

    return read


def with_ingest(folder: Path) -> Callable[[], int]:
    """The whole ingest into a fresh home: archive, parse, name the holders, first gate, ledger."""
    from treasury_watch.warehouse.archive.archived_files import Archive
    from treasury_watch.warehouse.declarations import Declarations
    from treasury_watch.warehouse.gates.expectations import Gates
    from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
    from treasury_watch.warehouse.ledger.loading import Loader
    from treasury_watch.warehouse.ledger.vintages import Ledger

    home = Path(tempfile.mkdtemp(dir=folder))
    declarations = Declarations(PROJECT / "config")
    retrieved = datetime(2026, 7, 1, 12, tzinfo=UTC)

    def load() -> int:
        with Ledger(home / "ledger.duckdb") as ledger:
            loader = Loader(declarations, Archive(home / "raw"), ledger, Gates(declarations), lambda results: None)
            return loader.load(
                IncomingFile((folder / "cslt.zip").read_bytes(), url="file:cslt.zip", retrieved=retrieved)
            ).changed

    return load


WAYS = {"orjson": with_orjson, "parse": with_parser, "duckdb": with_duckdb, "ingest": with_ingest}
TITLES = {
    "orjson": "orjson: load everything",
    "parse": "treasury_watch.transforms.layouts.tic.cslt.parse",
    "duckdb": "DuckDB read_json (unzipped file)",
    "ingest": "whole ingest: archive, parse, gate, ledger",
}


def measured(way: str, folder: Path) -> None:
    """Run one way in this process and write the measurement as one line of JSON."""
    logging.disable(logging.WARNING)
    run = WAYS[way](folder)
    begin = time.perf_counter()
    count = run()
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MAXRSS_PER_MB
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "count": count}) + "\n")


def compare(rounds: int, folder: Path) -> str:
    """The table of medians, as Markdown."""
    subprocess.run(
        [sys.executable, str(MAKER), str(OFFICIAL), str(folder / "cslt.zip")], check=True, capture_output=True
    )
    with zipfile.ZipFile(folder / "cslt.zip") as archive:
        archive.extract("cslt.json", folder)
        size = archive.getinfo("cslt.json").file_size
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, found in runs.items():
            command = [sys.executable, "-m", "tests.benchmarks.cslt", "--measure", way, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    plain = statistics.median(run["seconds"] for run in runs["orjson"])
    lines = [
        f"{size / 1e6:.0f} MB of JSON, {(folder / 'cslt.zip').stat().st_size / 1e6:.1f} MB zipped; medians of {rounds} rounds, "
        f"{os.cpu_count()} cores",
        "",
        "| way | seconds | slowest | against orjson | peak memory, MB | counted |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way, found in runs.items():
        seconds = statistics.median(run["seconds"] for run in found)
        peak = max(run["peak_mb"] for run in found)
        slowest = max(run["seconds"] for run in found)
        row = (TITLES[way], f"{seconds:.2f}", f"{slowest:.2f}", f"{seconds / plain:.2f}", f"{peak:,.0f}")
        lines.append(f"| {' | '.join(row)} | {found[0]['count']:,} |")
    peak = max(run["peak_mb"] for run in runs["ingest"])
    quick = statistics.median(run["seconds"] for run in runs["parse"]) <= plain
    lines += [
        "",
        f"Goals: the reader no slower than orjson's plain load: {'met' if quick else 'MISSED'}; "
        f"the whole ingest within {GOAL_MB} MB: {'met' if peak <= GOAL_MB else 'MISSED'}.",
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command: compares, or with --measure WAY FOLDER measures one way."""
    if arguments[:1] == ["--measure"]:
        measured(arguments[1], Path(arguments[2]))
        return 0
    if not MAKER.is_file() or not OFFICIAL.is_dir():
        sys.stdout.write(f"skipped: {MAKER.name} and the official files are not beside the project\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(compare(int(arguments[0]) if arguments else 5, Path(folder)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
