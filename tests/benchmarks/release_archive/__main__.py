"""Builds the archive: the index page, the zips, and what each tenth release or so states, as Parquet.

    python -m tests.benchmarks.release_archive --out /tmp/archive --official FOLDER [--releases N] [--seed S]

`--official` is a folder of official files (tic/, tables/). `--releases N` takes every 276/N-th release and the last.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd

from tests.benchmarks.release_archive.editions import Edition, Release
from tests.benchmarks.release_archive.figures import month_of, text_of

MIB = 1 << 20
OF_NO_USE = ("npr_history.csv", "tressect.txt", "bltype_history.csv", "shlptab1.csv")
DOCUMENTS = "https://www.treasury.gov/resource-center/data-chart-center/tic/Documents/"
INDEX, TRUTH = "index.html", "truth.parquet"
NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def releases_of(official: Path) -> list[Release]:
    """The 276 releases, oldest first."""
    with (official / "tables" / "tic_release_archive.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Release(month_of(r["covers"]), date.fromisoformat(r["released"]), date.fromisoformat(r["label"]), r["archive"])
        for r in rows
    ]


def index_of(releases: list[Release]) -> str:
    """The page of all archives, newest first, with the oddities of the real one."""
    lines = []
    for number, release in enumerate(reversed(releases)):
        year, month = divmod(release.covers, 12)
        name = "Aug." if (year, month) == (2006, 7) else NAMES[month]
        said = f" (released {release.released:%m-%d-%Y})" if release.released != release.label else ""
        end = ("<br>", ";<br>", "br>", "<br />")[0 if number % 9 else number // 9 % 4]
        link = f'<a href="{DOCUMENTS}{release.archive}">{release.label:%m/%d/%Y}</a>'
        lines.append(f"{link} TIC Data for {name} {year}{said}{end}")
        if (year, month) == (2006, 7):
            lines.append(f'<a href="{DOCUMENTS}ticrel_20061020.zip">10/20/2006</a> TIC Data, extra<br>')
    body = "\n".join(lines)
    return (
        "<!DOCTYPE html>\n<html><head><title>Archives of TIC Monthly Data Releases</title></head><body>\n"
        f'<a href="/">Home</a>\n<h1>Archives of TIC Monthly Data Releases</h1>\n<p>\n{body}\n</p></body></html>\n'
    )


def build(out: Path, official: Path, count: int, seed: int, truth_days: int = 10) -> list[Release]:
    """Write the archive below `out`; the releases that are in it."""
    everything = releases_of(official)
    step = len(everything) / count
    chosen = {round(len(everything) - 1 - n * step) for n in range(count)}
    releases = [release for n, release in enumerate(everything) if n in chosen]
    told = {round(n * (len(releases) - 1) / max(1, truth_days - 1)) for n in range(truth_days)}
    edition, chance = Edition(official, seed), random.Random(seed)
    useless = chance.randbytes(11 * MIB)
    out.mkdir(parents=True, exist_ok=True)
    truth = []
    for number, release in enumerate(releases):
        edition.revise(release, last=number == len(releases) - 1)
        path = out / release.archive
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, body in edition.files(release).items():
                archive.writestr(_entry(name, zipfile.ZIP_DEFLATED), body)
            kept = sum(entry.compress_size for entry in archive.infolist())
            target = chance.choice((2, 2, 3, 3, 4, 5, 6, 8, 10, 11)) * MIB - 4096
            rest = max(4 * 1024, target - kept) // len(OF_NO_USE)
            for name in OF_NO_USE:
                start = chance.randrange(len(useless) - rest)
                archive.writestr(_entry(name, zipfile.ZIP_STORED), useless[start : start + rest])
        if number in told:
            rows = edition.truth(release)
            frame = pd.DataFrame(rows, columns=["table", "label", "code", "month", "measure", "value_usd_mn"])
            truth.append(frame.assign(released=release.released, archive=release.archive))
    pd.concat(truth).to_parquet(out / TRUTH, index=False)
    (out / INDEX).write_text(index_of(releases))
    return releases


def _entry(name: str, how: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    entry.compress_type = how
    return entry


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--releases", type=int, default=276)
    parser.add_argument("--seed", type=int, default=20251118)
    options = parser.parse_args()
    began = time.perf_counter()
    releases = build(options.out, options.official, options.releases, options.seed)
    size = sum(path.stat().st_size for path in options.out.glob("*.zip"))
    first, last = text_of(releases[0].covers), text_of(releases[-1].covers)
    print(f"{len(releases)} releases, {first} to {last}, {size / MIB:,.0f} MiB, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
