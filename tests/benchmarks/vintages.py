"""How the warehouse bears 180 vintages: stored size, adding one, asking for a day, rebuilding, a run with nothing new.

    make bench                                            all of it, about six minutes; prints the table as Markdown
    python -m tests.benchmarks.vintages --vintages 20     smaller

The files are simulated, in the official layouts, from a fixed seed, and go through the Loader with archive and gates.
Vintage 1 ends with May 2018, each next one a month later. Table 3 states 91 holders and 7 measures over 76 months, as
the file of June 2026 does, so that every vintage costs the same to read, and each holder's figures add up as they do
there; Table 5 and the history state the same positions. Each release revises 5% of Table 3's figures of the 24 months
before its newest, and with them those of the other two. The frozen Table 3D and Form S, the exchange rates and the
interventions are loaded once, before the first vintage. The Continuous SLT is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from importlib.metadata import version
from pathlib import Path

import duckdb
import numpy as np

from tests.benchmarks.side_by_side import Command, run
from tests.transforms import tic
from treasury_watch.transforms import layouts
from treasury_watch.transforms.release_dates.release_calendar import estimated_release
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.publication.publishing import Publisher

SEED = 20260618
SPAN = 76  # months that Table 3 states
COUNTRIES = 76
FROZEN_MONTHS = 133  # of Table 3D, from 2012 on
REVISED_MONTHS, REVISED_SHARE = 24, 0.04  # with the bills' net purchases of the month after, 5% of the figures
TOTAL, TOTAL_NET, LONG, LONG_NET, VALUATION, BILLS, BILLS_NET = range(7)  # the order of tic.TABLE3_MEASURES
BEFORE = 2018 * 12 + 4  # the month of vintage 1, as a number: Table 3 then starts after the last change of survey basis
FIRST_OF_HISTORY = 2000
TABLE5_MONTHS, TABLE5_HOLDERS, HISTORY_HOLDERS = 13, 20, 35
EARLY, WIDTH = 10, 5  # vintages 8 to 12 are compared with the last five


def text_of(number: int) -> str:
    """A month's number (12 * year + month - 1) as text."""
    return f"{number // 12}-{number % 12 + 1:02d}"


def day_of(number: int) -> date:
    """A month's first day."""
    return date(number // 12, number % 12 + 1, 1)


class Simulation:
    """The figures as they stand, and the files that state them."""

    def __init__(self, declarations: Declarations, vintages: int):
        self.random = np.random.default_rng(SEED)
        labels = [row for row in declarations.holder_labels if row["layout"] == "slt_table3" and row["code"]]
        kinds = {row["holder_id"]: row["kind"] for row in declarations.holders}
        last = [row for row in labels if row["label"].startswith("Grand Total")]
        final = [row for row in labels if row["label"] == "Of Which: Foreign Non-Official"]
        rest = [row for row in labels if row not in last + final]
        countries = [row for row in rest if kinds[row["holder_id"]] == "country"][:COUNTRIES]
        others = [row for row in rest if kinds[row["holder_id"]] != "country"]
        self.holders = [*countries, *others, *last, *final]
        self.countries = len(countries)
        self.grand = len(self.holders) - 2
        self.first = BEFORE - SPAN + 1
        months = SPAN - 1 + vintages
        size = 1_000_000 / np.arange(1, len(self.holders) + 1)
        walk = np.exp(np.cumsum(self.random.normal(0, 0.01, (len(self.holders), months)), axis=1))
        # holder, month, measure in the order of tic.TABLE3_MEASURES
        self.figures = np.empty((len(self.holders), months, len(tic.TABLE3_MEASURES)), dtype=np.int64)
        total = size[:, None] * walk
        total[self.grand] = total[: self.countries].sum(axis=0) + 2_000_000
        flows = self.random.normal(0, 0.01, (*total.shape, 4)) * total[..., None]
        bills = total * 0.15
        for measure, values in (
            (LONG, total - bills),
            (LONG_NET, flows[..., 1]),
            (VALUATION, flows[..., 2]),
            (BILLS, bills),
        ):
            self.figures[..., measure] = np.rint(values)
        self.figures[..., BILLS_NET] = np.rint(flows[..., 3])  # stays in the first month only
        self._add_up(0)
        self.at_first = self.figures.copy()
        self.named_in_form_s = sorted(
            {
                r["holder_id"]: (r["label"], r["code"]) for r in declarations.holder_labels if r["layout"] == "s1_globl"
            }.values(),
            key=lambda named: (named[0] == "Grand Total", named[0]),
        )
        self.names3d = self._labels(declarations, "slt3d_globl")
        self.names5 = self._labels(declarations, "slt_table5")
        self.names_history = self._labels(declarations, "mfhhis01")

    def _labels(self, declarations: Declarations, layout: str) -> dict[str, str]:
        rows = [r for r in declarations.holder_labels if r["layout"] == layout and not r["series"] and not r["measure"]]
        return {row["holder_id"]: row["label"] for row in reversed(rows)}

    def _add_up(self, start: int) -> None:
        """From month `start` on, what Table 3 states as sums and differences of the rest."""
        f = self.figures[:, start:]
        f[:, 1:, BILLS_NET] = np.diff(f[..., BILLS], axis=1)
        f[..., TOTAL] = f[..., LONG] + f[..., BILLS]
        f[..., TOTAL_NET] = f[..., LONG_NET] + f[..., BILLS_NET]

    def revise(self, newest: int) -> None:
        """Revise months of holders before `newest`, every measure of them."""
        end = newest - self.first
        window = self.figures[:, end - REVISED_MONTHS : end]
        chosen = self.random.random(window.shape[:2]) < REVISED_SHARE
        for measure in (LONG, LONG_NET, VALUATION, BILLS):
            stated = window[..., measure]
            step = np.maximum(1, np.abs(stated) // 100) * self.random.choice([-1, 1], stated.shape)
            stated += np.where(chosen, step, 0)
        self._add_up(end - REVISED_MONTHS - 1)

    def files(self, newest: int) -> dict[str, bytes]:
        """The three files of the release whose newest month is `newest`."""
        return {"slt_table3": self.table3(newest), "slt_table5": self.table5(newest), "mfhhis01": self.history(newest)}

    def table3(self, newest: int) -> bytes:
        """Table 3: months newest first, holder after holder."""
        stop = newest - self.first + 1
        rows = []
        for holder, row in enumerate(self.holders):
            stated = self.figures[holder, stop - SPAN : stop].tolist()
            code = row["code"] or "0"
            for back, cells in enumerate(reversed(stated)):
                rows.append([row["label"], code, text_of(newest - back), *map(str, cells)])
        return tic.table3(rows)

    def _tenths(self, holder: int, month: int) -> int:
        """A position in tenths of a billion; months before the simulation stand still."""
        return (int(self.figures[holder, max(0, month - self.first), 0]) + 50) // 100

    def table5(self, newest: int) -> bytes:
        """Table 5: the largest by name, All Other and the Grand Total."""
        months = [newest - back for back in range(TABLE5_MONTHS)]
        named = [h for h in range(self.countries) if self.holders[h]["holder_id"] in self.names5][:TABLE5_HOLDERS]
        tenths = {h: [self._tenths(h, month) for month in months] for h in [*named, self.grand]}
        other = [total - sum(tenths[h][i] for h in named) for i, total in enumerate(tenths[self.grand])]
        rows = [(self.names5[self.holders[h]["holder_id"]], tenths[h]) for h in named]
        rows += [("All Other", other), ("Grand Total", tenths[self.grand])]
        return tic.table5([[label, *(f"{v / 10:.1f}" for v in values)] for label, values in rows],
                          months=[text_of(month) for month in months])  # fmt: skip

    def history(self, newest: int) -> bytes:
        """The history: every full year, 2010 and 2011 with the months that stand twice."""
        named = [h for h in range(self.countries) if self.holders[h]["holder_id"] in self.names_history]
        blocks = {}
        for year in range(newest // 12 - (newest % 12 != 11), FIRST_OF_HISTORY - 1, -1):
            months = [year * 12 + back for back in range(11, -1, -1)]
            if str(year) in tic.BREAKS:
                months.insert(6, year * 12 + 5)
            blocks[str(year)] = [
                [label, *(f"{self._tenths(h, month) / 10:.1f}" for month in months)]
                for h, label in [
                    *((h, self.names_history[self.holders[h]["holder_id"]]) for h in named[:HISTORY_HOLDERS]),
                    (self.grand, "Grand Total"),
                ]
            ]
        released = estimated_release(day_of(newest))
        return tic.history(blocks, dated=([f"{released.month}/{released.day}/{released.year}"],))

    def _in_table3d(self, holder: int, month: int) -> list[str]:
        """A month as it was before any revision."""
        place = min(max(0, month - self.first), self.at_first.shape[1] - 1)
        return [f"{self.at_first[holder, place, measure]:,}" for measure in (TOTAL, LONG, BILLS)]

    def frozen(self) -> dict[str, bytes]:
        """Table 3D and Form S, as long as the official files."""
        rows3d, rows_s = [], []
        for holder in range(self.countries):
            if self.holders[holder]["holder_id"] not in self.names3d:
                continue
            row = self.holders[holder]
            rows3d += [
                [self.names3d[row["holder_id"]], row["code"], text_of(month), *self._in_table3d(holder, month)]
                for month in range(2023 * 12, 2023 * 12 - FROZEN_MONTHS, -1)
            ]
        for month in range(2023 * 12, 2023 * 12 - FROZEN_MONTHS, -1):
            rows3d.append(["Grand Total", "99996", text_of(month), *self._in_table3d(self.grand, month)])
        for label, code in self.named_in_form_s:
            quoted = f'"{label}"' if "," in label else label
            for back in range(541):
                values = (f"{1000 + back % 977}", f"{900 + back % 577}")
                rows_s.append(tic.form_s_row(quoted, code, text_of(2023 * 12 - back), *values))
        return {"slt3d_globl": tic.table3d(rows3d), "s1_globl": tic.form_s(rows_s)}


def retrieved_on(newest: int) -> datetime:
    """The evening of the release."""
    return datetime.combine(estimated_release(day_of(newest)), time_of_day(22), UTC)


def daily_files(declarations: Declarations) -> Iterator[tuple[str, bytes]]:
    """The embedded sample's exchange rates, market series and interventions."""
    sample = declarations.folder / "sample"
    for entry in tomllib.loads((sample / "manifest.toml").read_text(encoding="utf-8"))["files"]:
        if not entry["path"].startswith("tic/"):
            yield entry["source"], (sample / entry["path"]).read_bytes()


def stored(home: Home) -> dict[str, int]:
    """Bytes of the ledger, of Parquet and of the archive."""
    parquet = sum(path.stat().st_size for path in home.parquet.rglob("*.parquet"))
    archive = sum(path.stat().st_size for path in home.raw.rglob("*") if path.is_file())
    return {"ledger": home.ledger.stat().st_size, "parquet": parquet, "archive": archive}


class Bench:
    """The measurements, one after the other."""

    def __init__(self, root: Path, vintages: int):
        self.declarations = Declarations()
        self.warehouse = Warehouse(Home(root), self.declarations)
        self.simulation = Simulation(self.declarations, vintages)
        self.vintages = vintages
        self.found: dict = {"vintages": vintages}
        self.changed = 0

    def load(
        self,
        files: dict[str, bytes],
        when: datetime,
        *,
        publish: bool,
        released: date | None = None,
        into: Warehouse | None = None,
    ) -> float:
        """One run as the command line does it; returns its seconds. Only what goes into the main home is counted."""
        began = time.perf_counter()
        with (into or self.warehouse).session("bench", today=when.date()) as session:
            for source, body in files.items():
                item = session.loader.load(
                    IncomingFile(body, url=f"bench:{source}.txt", retrieved=when, source=source, released=released)
                )
                self.changed += item.changed if into is None else 0
            session.loader.load_press()
            self.into_ledger = time.perf_counter() - began
            if publish:
                session.publish()
        return time.perf_counter() - began

    def add_all(self) -> None:
        """Every vintage. The early and the late ones are added in turn at the end, each to a home as old as they are,
        so that what else the machine does falls on both alike."""
        before = self.simulation.frozen() | dict(daily_files(self.declarations))
        # They state months still to come: the user's word dates them before the first vintage.
        self.load(before, retrieved_on(BEFORE), publish=False, released=date(2018, 1, 1))
        half = WIDTH // 2
        early = range(EARLY - half, EARLY + half + 1)
        late = range(self.vintages - WIDTH + 1, self.vintages + 1)
        kept: dict[int, dict[str, bytes]] = {}
        young = Home(self.warehouse.home.root.with_name(self.warehouse.home.root.name + "-early"))
        changed_early = 0
        for number in range(1, self.vintages + 1):
            newest = BEFORE + number - 1
            if number > 1:
                self.simulation.revise(newest)
            files = self.simulation.files(newest)
            if number in early or number in late:
                kept[number] = files
            if number not in late:
                edge = number in (early[0] - 1, late[0] - 1)
                taken = self.load(files, publish=edge, **self.dates(number))
                progress(f"vintage {number}: {taken:.2f} s")
            if number == early[0] - 1:
                shutil.copytree(self.warehouse.home.root, young.root)
            if number == early[-1]:
                changed_early = self.changed
        self.last = files
        seconds: dict[int, float] = {}
        ledger: dict[int, float] = {}
        for first, then in zip(early, late, strict=True):
            seconds[first] = self.load(
                kept[first], publish=True, into=Warehouse(young, self.declarations), **self.dates(first)
            )
            ledger[first] = self.into_ledger
            seconds[then] = self.load(kept[then], publish=True, **self.dates(then))
            ledger[then] = self.into_ledger
            progress(f"vintages {first} and {then}: {seconds[first]:.2f} and {seconds[then]:.2f} s")
        self.found[f"at {early[-1]}"] = {"changed": changed_early, **stored(young)}
        self.found[f"at {self.vintages}"] = {"changed": self.changed, **stored(self.warehouse.home)}
        self.found["adding early s"] = statistics.median(seconds[n] for n in early)
        self.found["adding late s"] = statistics.median(seconds[n] for n in late)
        first, then = self.found[f"at {early[-1]}"], self.found[f"at {self.vintages}"]
        grown = (then["ledger"] + then["parquet"]) / (first["ledger"] + first["parquet"])
        self.found["size"] = grown / (then["changed"] / first["changed"])
        pairs = list(zip(early, late, strict=True))
        self.found["into_ledger"] = statistics.median(ledger[b] / ledger[a] for a, b in pairs)
        self.found["adding"] = statistics.median(seconds[b] / seconds[a] for a, b in pairs)

    @staticmethod
    def dates(number: int) -> dict:
        """When a vintage is retrieved and released."""
        newest = BEFORE + number - 1
        return {"when": retrieved_on(newest), "released": estimated_release(day_of(newest))}

    def ask(self) -> None:
        """positions_as_of for days across the vintages, the whole answer counted and summed."""
        days = [estimated_release(day_of(BEFORE + n)) for n in range(5, self.vintages, max(1, self.vintages // 9))]
        with duckdb.connect(str(self.warehouse.home.database), read_only=True) as connection:
            connection.execute("SET threads = 2")
            times = []
            for day in [days[0], *days]:
                began = time.perf_counter()
                connection.sql("FROM positions_as_of($1)", params=[day]).to_arrow_table()
                times.append(1000 * (time.perf_counter() - began))
        self.found["as_of_ms"] = statistics.median(times[1:])
        self.found["as_of_worst_ms"] = max(times[1:])

    def rebuild(self) -> None:
        """A rebuild in a process of its own; its memory is that of all processes it starts together."""
        command = [sys.executable, "-m", "tests.benchmarks.vintages", "--rebuild", str(self.warehouse.home.root)]
        taken = run(Command(command))
        self.found |= json.loads(taken.printed.splitlines()[-1]) | {"rebuild_gb": taken.peak_mb / 1000}

    def nothing_new(self) -> None:
        """The last release once more: what is parsed and published."""
        parses, publications = [], []
        parse, publish = layouts.parse, Publisher.publish

        def counted_parse(*arguments):
            parses.append(arguments)
            return parse(*arguments)

        def counted_publish(*arguments):
            publications.append(arguments)
            return publish(*arguments)

        layouts.parse, Publisher.publish = counted_parse, counted_publish
        try:
            began = time.perf_counter()
            when = retrieved_on(BEFORE + self.vintages - 1)
            with self.warehouse.session("bench", today=when.date()) as session:
                for source, body in self.last.items():
                    session.loader.load(IncomingFile(body, url=f"bench:{source}.txt", retrieved=when, source=source))
                session.loader.load_press()
                if not session.is_published():
                    session.publish()
            self.found["nothing_new_s"] = time.perf_counter() - began
        finally:
            layouts.parse, Publisher.publish = parse, publish
        self.found["nothing_new_parsed"] = len(parses)
        self.found["nothing_new_published"] = len(publications)


def rebuilt(root: Path) -> dict[str, float]:
    """Rebuild a home; its seconds."""
    began = time.perf_counter()
    Warehouse(Home(root)).rebuild(today=date(2034, 1, 1))
    return {"rebuild_s": time.perf_counter() - began}


def table(found: dict) -> str:
    """The figures beside their goals, as Markdown."""
    vintages = found["vintages"]
    rows = [
        ("growth of ledger and Parquet / growth of the number of changed figures", "size", "{:.2f}", "1.3"),
        (f"seconds to add vintage {vintages} / vintage {EARLY} to the ledger", "into_ledger", "{:.2f}", "1.3"),
        (
            f"the same with every table published anew (medians of {WIDTH} pairs)",
            "adding",
            "{:.2f}",
            "1.3",
        ),
        ("`positions_as_of`, whole answer, median over days (ms)", "as_of_ms", "{:.0f}", "50"),
        (f"`rebuild` of all {vintages} vintages (s)", "rebuild_s", "{:.0f}", "60"),
        ("its peak memory (GB)", "rebuild_gb", "{:.2f}", "1.5"),
        ("files parsed in a run with nothing new", "nothing_new_parsed", "{}", "0"),
        ("publications in a run with nothing new", "nothing_new_published", "{}", "0"),
    ]
    lines = ["| what | measured | at most |", "|---|--:|--:|"]
    lines += [f"| {what} | {form.format(found[name])} | {goal} |" for what, name, form, goal in rows]
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "pandas", "great-expectations"))
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    return "\n".join([*lines, "", f"Python {platform.python_version()}, {versions}; {machine}.", ""])


def progress(line: str) -> None:
    """A line on the terminal."""
    sys.stderr.write(line + "\n")


def main() -> None:
    """Run the benchmark, or the part of it that needs a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vintages", type=int, default=180)
    parser.add_argument("--home", type=Path, help="keep the data there")
    parser.add_argument("--rebuild", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rebuild:
        sys.stdout.write(json.dumps(rebuilt(options.rebuild)) + "\n")
        return
    root = options.home or Path(tempfile.mkdtemp(prefix="treasury-watch-bench-"))
    try:
        bench = Bench(root, options.vintages)
        for step in (bench.add_all, bench.ask, bench.nothing_new, bench.rebuild):
            step()
            progress(json.dumps(bench.found, indent=1))
        sys.stdout.write(table(bench.found))
    finally:
        if not options.home:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
