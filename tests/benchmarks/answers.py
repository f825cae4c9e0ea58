"""How long a user waits for an answer, of this checkout and of another one in turn.

    python -m tests.benchmarks.answers [ROUNDS] [CHECKOUT]

The home has all official files that lie beside the project, else the embedded sample. CHECKOUT is the folder of a commit to
compare with (`git worktree add CHECKOUT COMMIT`); its commands run with the same libraries. Processor time is that of a
command and all that it waited for: on a machine that does other work, read this and the ratios.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from tests.benchmarks.side_by_side import PROJECT, Command, Taken, in_turn, run, treasury_watch

OFFICIAL = PROJECT / ".." / "shared" / "official"
SAMPLE = PROJECT / "config" / "sample"
SERIES = "DEXJPUS"
GOALS = {"status": "0.4 s", "sell-offs": "0.5 s", "ingest": "4 s", "run": "15 s"}


def prepared(folder: Path) -> tuple[Path, Path]:
    """A home to copy, and a small file that is new to it: its exchange rates with one day more."""
    home = folder / "home"
    files = [path for path in OFFICIAL.glob("[tfem]*/*.*") if path.suffix in (".txt", ".csv")]
    if not files:
        files = [path for path in SAMPLE.rglob("*.*") if path.suffix in (".txt", ".csv")]
    command = treasury_watch("ingest", *map(str, files), home=home)
    try:
        run(command)
    except RuntimeError:  # a file that is refused ends it with 1, and the others are published
        if not (home / "treasury.duckdb").exists():
            raise
    text = next(path for path in files if path.stem == SERIES).read_text(encoding="utf-8").rstrip("\n")
    day, rate = text.splitlines()[-1].split(",")
    newer = folder / f"{SERIES}.csv"
    newer.write_text(f"{text}\n{date.fromisoformat(day) + timedelta(days=3)},{rate or 150}\n", encoding="utf-8")
    return home, newer


def commands(checkout: Path, folder: Path, home: Path, newer: Path, sample: Path) -> dict[str, Command]:
    """What is asked, by name, of the program in this checkout."""

    def of(*arguments: str, home: Path) -> Command:
        return treasury_watch(*arguments, home=home, checkout=checkout)

    own = folder / f"copy of {checkout.name}"
    return {
        "status": of("status", home=home),
        "sell-offs": of("sell-offs", home=home),
        "ingest": Command(of("ingest", str(newer), home=own).arguments, own, checkout=checkout, copied=home),
        "run": of("run", "--sample", home=sample),
    }


def compare(rounds: int, other: Path | None) -> str:
    """The table of medians, as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, newer = prepared(folder)
        checkouts = [PROJECT, *([other] if other else [])]
        asked = {}
        for checkout in checkouts:
            sample = folder / f"sample of {checkout.name}"
            run(treasury_watch("run", "--sample", home=sample, checkout=checkout))
            for what, command in commands(checkout, folder, home, newer, sample).items():
                asked[what, checkout] = command
        found = in_turn(asked, rounds)
        shutil.rmtree(home)
    lines = ["| what | seconds | of processor time | before | of processor time | goal |", "|---|--:|--:|--:|--:|--:|"]
    for what, goal in GOALS.items():
        cells = [cell for checkout in checkouts for cell in _medians(found[what, checkout])]
        cells += [""] * (4 - len(cells))
        lines.append(f"| `treasury-watch {what}` | {' | '.join(cells)} | {goal} |")
    return "\n".join(lines)


def _medians(taken: list[Taken]) -> list[str]:
    return [
        f"{statistics.median(getattr(one, name) for one in taken):.2f}" for name in ("seconds", "processor_seconds")
    ]


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    sys.stdout.write(compare(rounds, Path(sys.argv[2]).resolve() if sys.argv[2:] else None) + "\n")
