"""How long the commands take to start, and a whole run on the sample against what its libraries alone cost.

    python -m tests.benchmarks.start [ROUNDS]

An empty Prefect flow as Prefect's manual has it, with Prefect's own temporary server, is what a user compares with; with the import
of Great Expectations it is what a run cannot do without. With the server that the project starts sooner it is less than both.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.side_by_side import Command, in_turn, median_seconds, ratio, run, treasury_watch

PLAIN = """
import os, tempfile
os.environ["PREFECT_HOME"] = tempfile.mkdtemp()
from prefect import flow

@flow
def empty():
    pass

empty()
"""

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
            "plain": Command([sys.executable, "-c", PLAIN]),
            "bare": Command([sys.executable, "-c", BARE]),
            "sample": treasury_watch("run", "--sample", fresh=Path(folder)),
        }
        found = in_turn(commands, rounds)
    rows = [
        ("Python alone", "python", ""),
        ("`treasury-watch --help`", "help", "0.5 s"),
        ("`treasury-watch query`", "query", "0.5 s"),
        ("an empty Prefect flow in a new home, as Prefect starts it", "plain", ""),
        ("the same, told not to ask outside hosts, and the import of Great Expectations", "bare", ""),
        ("an empty Prefect flow in a new home, with the server that the project starts", "empty", ""),
        ("`treasury-watch run --sample`, in a new home", "sample", "1.3 times an empty flow"),
    ]
    lines = ["| what | seconds (median) | goal |", "|---|--:|--:|"]
    lines += [f"| {what} | {median_seconds(found[name]):.2f} | {goal} |" for what, name, goal in rows]
    lines += [
        "",
        f"A run on the sample takes {ratio(found, 'sample', 'plain'):.2f} times as long as an empty flow, "
        f"{ratio(found, 'sample', 'bare'):.2f} times as long as one and the import of Great Expectations, and "
        f"{ratio(found, 'sample', 'empty'):.2f} times as long as one with the project's own server.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(compare(int(sys.argv[1]) if sys.argv[1:] else 5) + "\n")
