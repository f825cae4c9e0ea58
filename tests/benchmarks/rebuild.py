"""A rebuild of all official files with the Continuous SLT stand-in, against other ways to load the same bytes.

    python -m tests.benchmarks.rebuild [ROUNDS] [PYTHON]

PYTHON is an interpreter that has dlt (`pip install dlt[duckdb] pandas pyarrow`); without it that baseline is left out.
Each way runs in a process of its own and is timed from its start to its end: DuckDB and the rebuild in turn, ROUNDS times;
the slow ones once, after one more rebuild. The queries of queries.py follow,
on what was rebuilt. The official files and the maker of the stand-in are read from shared/ beside the project.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.benchmarks import queries, site
from tests.benchmarks.cslt import MAKER, OFFICIAL, PROJECT
from tests.benchmarks.side_by_side import Command, in_turn, median_seconds, ratio, run, treasury_watch

QUERY_ROUNDS = 15
SAMPLE_OPERATIONS = PROJECT / "config" / "sample" / "mof" / "foreign_exchange_intervention_operations.csv"
TITLES = {
    "duckdb": "DuckDB: the same bytes into tables in memory, nothing else",
    "rebuild": "`treasury-watch rebuild`",
    "dlt": "a dlt pipeline into DuckDB, loading only",
    "pandas": "a row-by-row pandas script, loading only",
}


def prepared(folder: Path) -> dict[str, Command]:
    """A home with all files archived, the files unpacked for the baselines, and each way's command."""
    subprocess.run(
        [sys.executable, str(MAKER), str(OFFICIAL), str(folder / "cslt.zip")], check=True, capture_output=True
    )
    official = [*OFFICIAL.iterdir(), *(OFFICIAL.parent / "fred").iterdir(), *(OFFICIAL.parent / "ecb").iterdir()]
    files = [str(path) for path in [*official, SAMPLE_OPERATIONS, folder / "cslt.zip"]]
    home = folder / "home"
    run(treasury_watch("ingest", *files, home=home))
    plain = folder / "plain"
    plain.mkdir()
    for name in files:
        path = Path(name)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    (plain / Path(member.filename).name).write_bytes(archive.read(member))
        else:  # DuckDB refuses the official files' bytes outside ASCII as either encoding: the others get them as UTF-8
            (plain / path.name).write_text(path.read_bytes().decode("latin-1"), encoding="utf-8", newline="")
    return {
        "duckdb": baseline(sys.executable, "duckdb", plain),
        "rebuild": treasury_watch("rebuild", home=home),
        "pandas": baseline(sys.executable, "pandas", plain),
    }


def baseline(python: str, way: str, folder: Path) -> Command:
    """One of the other ways, on the unpacked files."""
    return Command([python, "-m", "tests.benchmarks.baselines", way, str(folder)])


def compare(rounds: int, python: str | None) -> str:
    """The table of medians, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        commands = prepared(Path(folder))
        slow = {"pandas": commands.pop("pandas")}
        if python:
            slow["dlt"] = baseline(python, "dlt", Path(folder) / "plain")
        found = in_turn(commands, rounds)
        once = in_turn({"rebuild": commands["rebuild"], **slow}, 1)
        asked = queries.compare(Path(folder) / "home", QUERY_ROUNDS)
        shown = site.compare(Path(folder) / "home", rounds)
    lines = ["| way | seconds (median) | against the rebuild | peak memory, MB | rows |", "|---|--:|--:|--:|--:|"]
    for name, title in TITLES.items():
        run_with = found if name in found else once
        if name in run_with:
            taken = run_with[name]
            rows = taken[0].printed.split()[-1] if name != "rebuild" else taken[0].printed.split("with ")[1].split()[0]
            peak = max(one.peak_mb for one in taken)
            lines.append(
                f"| {title} | {median_seconds(taken):.1f} | {ratio(run_with, name, 'rebuild'):.2f} | {peak:,.0f} | {rows} |"
            )
    return "\n".join([*lines, "", asked, "", shown])


if __name__ == "__main__":
    if not MAKER.is_file() or not OFFICIAL.is_dir():
        sys.exit("the official files and the maker of the stand-in are not beside the project")
    sys.stdout.write(compare(int(sys.argv[1]) if sys.argv[1:] else 3, sys.argv[2] if sys.argv[2:] else None) + "\n")
