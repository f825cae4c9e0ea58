"""A hundred kills over every command that writes: nothing lost, torn, doubled or hung; and a program that does is noticed."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.attack import Score, lane, table
from tests.faults.processes import Warm

SEED = int(os.environ.get("FAULT_SEED", "20260618"))
KILLS = {"run": 28, "ingest": 28, "rebuild": 24, "alerts send": 16, "backfill": 5, "serve": 3}
SHARE = float(os.environ.get("FAULT_SHARE", "1"))  # of these kills


@pytest.fixture(scope="module")
def scores(warm: Warm, small_home: Path, prefect_database: Path, tmp_path_factory) -> dict[str, Score]:
    """Every lane, two at a time. FAULT_FIGURES names a file for the table of docs/operations.md."""
    out = os.environ.get("FAULT_FIGURES")

    def attacked(name: str, number: int) -> Score:
        kills = max(2, round(KILLS[name] * SHARE))
        folder = tmp_path_factory.mktemp("lane")
        score = lane(name, warm, small_home, folder, kills, SEED + number, prefect_database=prefect_database)
        if out:
            with Path(f"{out}.lanes").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(score)) + "\n")
        return score

    with ThreadPoolExecutor(2) as pool:
        running = {name: pool.submit(attacked, name, number) for number, name in enumerate(KILLS)}
        found = {name: future.result() for name, future in running.items()}
    if out:
        Path(out).write_text("\n".join(table(list(found.values()))) + "\n", encoding="utf-8")
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", list(KILLS))
def test_killed_over_and_over_a_command_loses_nothing(name, scores):
    score = scores[name]
    assert score.good(), score
    assert score.faults >= max(2, round(KILLS[name] * SHARE)), score


@pytest.mark.long
def test_a_hundred_kills_were_survived_while_the_publication_was_read(scores):
    assert sum(score.survived for score in scores.values()) >= 100 * SHARE
    assert all(score.reads > 0 for name, score in scores.items() if name != "serve")


@pytest.mark.long
@pytest.mark.parametrize(
    ("breakage", "name", "noticed"),
    [
        ("torn", "ingest", "torn_reads"),
        ("doubled", "alerts send", "mails_doubled"),
        ("lost", "ingest", "figures_lost"),
        ("hanging", "ingest", "hangs"),
        ("archive_spoiled", "ingest", "archive_lost"),
    ],
)
def test_a_program_that_is_broken_on_purpose_gets_a_bad_score(
    breakage, name, noticed, warm: Warm, small_home: Path, tmp_path
):
    limit = 10 if breakage == "hanging" else 120
    score = lane(name, warm, small_home, tmp_path, 3, SEED, breakage=breakage, longest=limit)
    assert getattr(score, noticed) > 0, score
    assert not score.good()
