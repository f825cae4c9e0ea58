"""Two other ways to do a rebuild's loading, as they are usually written, and DuckDB's plain reading of the same bytes.

    python -m tests.benchmarks.baselines WAY FOLDER

FOLDER holds the official files, archives unpacked, as UTF-8. Each way counts what it loaded. Both baselines do less than
a rebuild does: no checks, no holders' identities, no vintages, no findings.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MEASURES = ("total", "total_net", "long", "long_net", "long_valuation", "short", "short_net")


def with_duckdb(folder: Path) -> int:
    """Every file into a table in memory, figures as text, the JSON with its observations unnested."""
    import duckdb

    connection = duckdb.connect()
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(64))
    count = 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            query = (
                "SELECT s.source_id, unnest(s.observations) FROM (SELECT unnest(series) AS s FROM read_json("
                f"'{path}', maximum_object_size = 1000000000, columns = {{'series': 'STRUCT(source_id VARCHAR, "
                "metadata STRUCT(title VARCHAR, units VARCHAR), observations VARCHAR[][])[]'}))"
            )
        else:
            delimiter = "," if path.suffix == ".csv" else "\\t"
            query = (
                f"FROM read_csv('{path}', all_varchar = true, header = false, auto_detect = false, delim = '{delimiter}', "
                "quote = '\"', null_padding = true, strict_mode = false, ignore_errors = true, parallel = false, "
                f"columns = {{{columns}}})"
            )
        name = f"t{path.stem.replace('-', '_')}"
        connection.execute(f'CREATE TABLE "{name}" AS {query}')
        count += connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]
    return count


def number(text: Any) -> float | None:
    """A figure as most scripts read it."""
    try:
        return float(str(text).replace(",", ""))
    except ValueError:
        return None


def rows_of(path: Path) -> Iterator[list[str]]:
    """A delimited file's rows."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.reader(lines, delimiter="," if path.suffix == ".csv" else "\t")


def is_month(text: str) -> bool:
    """`2024-05`."""
    return len(text) == 7 and text[4] == "-" and text[:4].isdigit()


def table3(path: Path) -> Iterator[dict[str, Any]]:
    """One dictionary per holder and month."""
    for cells in rows_of(path):
        if len(cells) >= 10 and is_month(cells[2].strip()):
            yield {
                "holder": cells[0].strip(),
                "month": cells[2].strip(),
                **dict(zip(MEASURES, map(number, cells[3:10]), strict=True)),
            }


def plain(path: Path) -> Iterator[dict[str, Any]]:
    """One dictionary per row of a delimited file whose layout is regular enough: the first cells and the figures."""
    for cells in rows_of(path):
        figures = [number(cell) for cell in cells]
        if any(figure is not None for figure in figures):
            yield {"key": "|".join(cells[:2]), **{f"v{i}": figure for i, figure in enumerate(figures[1:])}}


def series(path: Path) -> Iterator[dict[str, Any]]:
    """One dictionary per series of the Continuous SLT, its observations below it."""
    for entry in json.loads(path.read_bytes())["series"]:
        yield {
            "source_id": entry["source_id"],
            "title": entry["metadata"]["title"],
            "observations": [{"month": month, "value": number(value)} for month, value, *_ in entry["observations"]],
        }


def with_dlt(folder: Path) -> int:
    """A dlt pipeline into DuckDB, a resource per file, series normalised to a child table by dlt."""
    import dlt

    def resource(path: Path) -> Any:
        read = series if path.suffix == ".json" else table3 if path.stem == "slt_table3" else plain
        return dlt.resource(read(path), name=path.stem.replace("-", "_"), write_disposition="replace")

    with tempfile.TemporaryDirectory() as work:
        pipeline = dlt.pipeline(
            "treasuries",
            pipelines_dir=work,
            destination=dlt.destinations.duckdb(str(Path(work) / "dlt.duckdb")),
            dataset_name="tic",
        )
        pipeline.run([resource(path) for path in sorted(folder.iterdir())])
        counts = pipeline.last_trace.last_normalize_info.row_counts
        return sum(counts.values())


def with_pandas(folder: Path) -> int:
    """The usual script: read each file, walk its rows, collect dictionaries, derive changes in a loop, write Parquet."""
    import pandas as pd

    collected = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            for entry in json.loads(path.read_bytes())["series"]:
                for _, row in pd.DataFrame(entry["observations"]).iterrows():
                    collected.append({"series": entry["source_id"], "month": row.iloc[0], "value": number(row.iloc[1])})
            continue
        frame = pd.DataFrame(table3(path) if path.stem == "slt_table3" else plain(path))
        for _, row in frame.iterrows():
            key, month = row.iloc[0], row.get("month", "")
            for name, value in row.items():
                if name not in ("holder", "month", "key") and value == value:
                    collected.append({"series": f"{path.stem}:{key}:{name}", "month": month, "value": value})
    result = pd.DataFrame(collected)
    with tempfile.TemporaryDirectory() as work:
        result.astype({"month": str}).to_parquet(Path(work) / "observations.parquet")
    return len(result)


WAYS = {"duckdb": with_duckdb, "dlt": with_dlt, "pandas": with_pandas}

if __name__ == "__main__":
    sys.stdout.write(f"{WAYS[sys.argv[1]](Path(sys.argv[2]))}\n")
