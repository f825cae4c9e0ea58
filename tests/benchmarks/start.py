"""How long the commands take to start, and a whole run on the sample against what its libraries alone cost.

    python -m tests.benchmarks.start [ROUNDS]

An empty Prefect flow, with the server that the project starts, is what no run can do without; with Prefect's own temporary server
and the import of Great Expectations it is what a run on fetched files cannot.
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

EMPTY = """
import tempfile
from pathlib import Path
from treasury_watch.flows.prefect_support import environment as prefect_environment
prefect_environment.apply(Path(tempfile.mkdtemp()))
from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from treasury_watch.flows.prefect_support.shared_server import shared_server

@flow
def empty():
    pass

with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), shared_server():
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
            "empty": Command([sys.executable, "-c", EMPTY]),
            "bare": Command([sys.executable, "-c", BARE]),
            "sample": treasury_watch("run", "--sample", fresh=Path(folder)),
        }
        found = in_turn(commands, rounds)
    rows = [
        ("Python alone", "python", ""),
        ("`treasury-watch --help`", "help", "0.5 s"),
        ("`treasury-watch query`", "query", "0.5 s"),
        ("an empty Prefect flow in a new home", "empty", ""),
        ("an empty Prefect flow and the import of Great Expectations", "bare", ""),
        ("`treasury-watch run --sample`, in a new home", "sample", "1.3 times an empty flow"),
    ]
    lines = ["| what | seconds (median) | goal |", "|---|--:|--:|"]
    lines += [f"| {what} | {median_seconds(found[name]):.2f} | {goal} |" for what, name, goal in rows]
    lines += [
        "",
        f"A run on the sample takes {ratio(found, 'sample', 'empty'):.2f} times as long as an empty flow, and "
        f"{ratio(found, 'sample', 'bare'):.2f} times as long as one and the import of Great Expectations.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(compare(int(sys.argv[1]) if sys.argv[1:] else 5) + "\n")
