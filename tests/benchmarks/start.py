"""How long the commands take to start, and a whole run on the sample against what its libraries alone cost.

    python -m tests.benchmarks.start [ROUNDS]

An empty Prefect flow and the import of Great Expectations in one process are what no run can do without.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.side_by_side import Command, in_turn, median_seconds, ratio, run, treasury_watch

BARE = """
import tempfile
from pathlib import Path
from treasury_watch.flows.prefect_support import environment as prefect_environment
prefect_environment.apply(Path(tempfile.mkdtemp()))
import great_expectations
from prefect import flow

@flow
def empty():
    pass

empty()
"""


def compare(rounds: int) -> str:
    """The table of medians, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "published"
        run(treasury_watch("run", "--sample", home=published))
        commands = {
            "python": Command([sys.executable, "-c", "pass"]),
            "help": treasury_watch("--help"),
            "query": treasury_watch("query", "SELECT count(*) FROM holder_months", home=published),
            "bare": Command([sys.executable, "-c", BARE]),
            "sample": treasury_watch("run", "--sample", fresh=Path(folder)),
        }
        found = in_turn(commands, rounds)
    rows = [
        ("Python alone", "python", ""),
        ("`treasury-watch --help`", "help", "0.5 s"),
        ("`treasury-watch query`", "query", "0.5 s"),
        ("an empty Prefect flow and the import of Great Expectations", "bare", ""),
        ("`treasury-watch run --sample`, in a new home", "sample", "1.5 times the line above"),
    ]
    lines = ["| what | seconds (median) | goal |", "|---|--:|--:|"]
    lines += [f"| {what} | {median_seconds(found[name]):.2f} | {goal} |" for what, name, goal in rows]
    lines += [
        "",
        f"A run on the sample takes {ratio(found, 'sample', 'bare'):.2f} times as long as its libraries alone.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(compare(int(sys.argv[1]) if sys.argv[1:] else 5) + "\n")
