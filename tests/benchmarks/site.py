"""The page and the site from a loaded warehouse, against DuckDB writing the same tables as CSV and Parquet and nothing else.

    python -m tests.benchmarks.site HOME [ROUNDS]

Each in a process of its own, in turn; medians. Wall time means something on a quiet machine alone: processor time is of all
processes together, of which the site has two that work side by side.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.side_by_side import Command, Taken, run, treasury_watch

PAGE_SECONDS, SITE_SECONDS = 3.0, 20.0
PLAIN = """
import sys
from pathlib import Path
import duckdb
from treasury_watch.flows.site.data.declared import published_data
from treasury_watch.warehouse.declarations import Declarations
with duckdb.connect(str(Path(sys.argv[1]) / "treasury.duckdb"), read_only=True) as connection:
    for name in published_data(Declarations()).tables:
        for kind in ("csv", "parquet"):
            connection.execute(f"COPY {name} TO '{sys.argv[2]}/{name}.{kind}' (FORMAT {kind})")
"""
TITLES = {
    "page": ("`treasury-watch report`", PAGE_SECONDS),
    "first": ("`treasury-watch site`, into an empty folder", SITE_SECONDS),
    "again": ("`treasury-watch site` again, nothing changed", SITE_SECONDS),
    "plain": ("DuckDB: the same tables as CSV and Parquet, nothing else", None),
}


def compare(home: Path, rounds: int) -> str:
    """The table of medians, as Markdown. Raises RuntimeError where a command fails."""
    found: dict[str, list[Taken]] = {name: [] for name in TITLES}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            site = treasury_watch("site", "--out", f"{folder}/site", home=home)
            found["page"].append(run(treasury_watch("report", "--out", f"{folder}/page.html", home=home)))
            found["first"].append(run(site))
            found["again"].append(run(site))
            found["plain"].append(run(Command([sys.executable, "-c", PLAIN, str(home), folder])))

    def median(name: str, of: Callable[[Taken], float]) -> float:
        return statistics.median(of(one) for one in found[name])

    lines = [
        "| what | wall seconds | processor seconds | against DuckDB's | peak memory, MB | goal, wall seconds |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, (title, goal) in TITLES.items():
        wall = median(name, lambda one: one.seconds)
        pairs = zip(found[name], found["plain"], strict=True)
        ratio = statistics.median(one.processor_seconds / plain.processor_seconds for one, plain in pairs)
        met = "" if goal is None else f"{goal:.0f}: {'met' if wall <= goal else 'MISSED'}"
        lines.append(
            f"| {title} | {wall:.1f} | {median(name, lambda one: one.processor_seconds):.1f} | {ratio:.1f} "
            f"| {max(one.peak_mb for one in found[name]):,.0f} | {met} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(compare(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 3) + "\n")
