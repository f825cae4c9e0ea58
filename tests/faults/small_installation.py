"""Small releases, the homes they make, and what of a home can be compared."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from tests.conftest import majors, table5
from tests.faults.processes import Warm, environment
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.publication.publishing import OPERATIONS

FIRST = 2023 * 12 + 5  # the first release's newest month, counted in months: June 2023
APRIL_2026, MAY_2026 = 34, 35  # the numbers of the releases whose newest months they are
MANIFEST = '[[files]]\nsource = "slt_table5"\npath = "tic/slt_table5.txt"\n'  # of a sample of one file


def release(number: int) -> bytes:
    """Table 5 as of the how many-th release: three months, in every second one Japan sold 90 billion dollars' worth."""
    months = [FIRST + number - back for back in range(3)]
    names = [f"{month // 12}-{month % 12 + 1:02d}" for month in months]
    return table5(names, majors([1200.0 - 90.0 * (month % 2) + month % 7 for month in months]))


def files(folder: Path, numbers: Sequence[int]) -> list[Path]:
    """The releases as files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"release{number:03d}.txt" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_bytes(release(number))
    return paths


def made(warm: Warm, home: Path, paths: Sequence[Path]) -> Path:
    """The home, with the files loaded in one undisturbed run."""
    warm.run(["ingest", *paths], environment(home, ALERTS_MINIMUM_SEVERITY="critical")).well()
    return home


def copied(base: Path, to: Path) -> Path:
    """A copy of a home, to be harmed."""
    shutil.copytree(base, to)
    return to


def rows(home: Path, sql: str) -> list[tuple]:
    """The answer of the published database."""
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def figures(home: Path) -> dict[str, list[tuple]]:
    """What was published of figures and findings, without the times and addresses of this home."""
    kept = {
        "positions": "*",
        "holder_months": "*",
        "episodes": "*",
        "observations": "* EXCLUDE (sha256)",
        "sell_offs": "*",
        "releases": "source, released, sha256, figures, changed_figures",
    }
    return {name: rows(home, f"SELECT {columns} FROM {name} ORDER BY ALL") for name, columns in kept.items()}


def publication(home: Path) -> dict[str, str]:
    """The checksum of every published file."""
    paths = [home / "treasury.duckdb", *(home / "parquet").rglob("*.parquet")]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def published_figures(home: Path) -> dict[str, str]:
    """The checksum of every Parquet file, without the tables on runs, checks and alerts."""
    return {name: seen for name, seen in publication(home).items() if Path(name).stem not in {*OPERATIONS, "treasury"}}


def check_whole(home: Path) -> int:
    """Every archived body has its checksum, Parquet is the database's, the state is sound. Returns the bodies' number."""
    warehouse = Warehouse(Home(home))
    entries = warehouse.archive.entries()
    for entry in entries:
        warehouse.archive.body(entry)
    assert warehouse.state.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert warehouse.state.rows("SELECT * FROM runs WHERE outcome = 'running'") == []
    assert warehouse.damaged() == []
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as connection:
        parquet = f"read_parquet('{home}/parquet/positions.parquet')"
        differing = connection.execute(
            f"(FROM positions EXCEPT FROM {parquet}) UNION (FROM {parquet} EXCEPT FROM positions)"
        )
        assert differing.fetchall() == []
    return len(entries)
