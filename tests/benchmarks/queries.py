"""Queries on the published database against raw DuckDB on the published Parquet tables.

    python -m tests.benchmarks.queries HOME [ROUNDS]

Both in one process, in turn, whole answers read; medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import duckdb

QUERIES = {
    "one holder's months": "FROM {holder_months} WHERE holder_id = 'japan' ORDER BY month",
    "the largest holders of a month": "SELECT holder, position_usd_mn FROM {holder_months} "
    "WHERE month = DATE '2026-04-01' ORDER BY 2 DESC LIMIT 20",
    "net purchases by holder and year": "SELECT holder_id, year(month), sum(net_purchases_usd_mn) FROM {holder_months} "
    "GROUP BY ALL ORDER BY ALL",
    "every figure counted by source": "SELECT source, measure, count(*), max(released) FROM {observations} "
    "GROUP BY ALL ORDER BY ALL",
    "findings with their months": "SELECT s.holder, s.month, verdict, m.position_usd_mn FROM {sell_offs} s "
    "JOIN {holder_months} m USING (holder_id, month) ORDER BY ALL",
}


def compare(home: Path, rounds: int) -> str:
    """The table of medians, as Markdown."""
    tables = ("holder_months", "observations", "sell_offs")
    raw = {name: f"'{home / 'parquet' / name}.parquet'" for name in tables}
    if not (home / "parquet" / "observations.parquet").exists():
        raw = {name: _parquet(home, name) for name in tables}
    lines = ["| query | published, ms | raw Parquet, ms | ratio |", "|---|--:|--:|--:|"]
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as published, duckdb.connect() as plain:
        for title, query in QUERIES.items():
            taken: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds + 1):
                for place, (connection, names) in enumerate(((published, {t: t for t in tables}), (plain, raw))):
                    began = time.perf_counter()
                    connection.execute(query.format(**names)).fetchall()
                    if number:  # the first round warms both
                        taken[place].append(1000 * (time.perf_counter() - began))
            one, two = (statistics.median(times) for times in taken)
            lines.append(f"| {title} | {one:.1f} | {two:.1f} | {one / two:.2f} |")
    return "\n".join(lines)


def _parquet(home: Path, name: str) -> str:
    found = home / "parquet" / name
    return f"'{found}/**/*.parquet'" if found.is_dir() else f"'{found}.parquet'"


if __name__ == "__main__":
    sys.stdout.write(compare(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 15) + "\n")
