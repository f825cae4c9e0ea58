"""Thirty kills at random moments of a run: what was published stays readable, and nothing is lost or told twice."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from tests.faults.processes import Warm, environment
from tests.faults.small_installation import check_whole, copied, figures, files, rows
from tests.flows.loopback import Loopback
from tests.flows.smtp_loopback import MailServer
from treasury_watch.warehouse.home.state import State

SEED = int(os.environ.get("FAULT_SEED", "20260618"))
KILLS_PER_LANE = int(os.environ.get("FAULT_KILLS", "15"))
LAST = 2 + KILLS_PER_LANE  # releases 0 and 1 are in the small home, 2 is loaded to see how long that takes
RECIPIENTS = ("desk@localhost", "risk@localhost")
SUMS = "SELECT count(*), sum(total_usd_mn) FROM "


@dataclass
class Lane:
    """A home, its mail server's letters, and what was done to it."""

    home: Path
    letters: list[tuple[str, str]] = field(repr=False)
    killed: int = 0
    moments: list[float] = field(default_factory=list, repr=False)

    def alerts(self, state: str) -> list[dict]:
        return State(self.home / "state.sqlite").rows("SELECT * FROM alerts WHERE state = ?", (state,))

    def copies(self) -> Counter:
        """How often each letter arrived, by recipient and Message-ID."""
        return Counter(self.letters)


def readable(home: Path) -> None:
    """The publication can be opened, and its tables are of one publication."""
    with duckdb.connect(str(home / "treasury.duckdb"), read_only=True) as connection:
        direct = connection.execute(SUMS + "positions").fetchall()
        assert direct == connection.execute(SUMS + "positions_as_of(DATE '9999-12-31')").fetchall()
        assert direct[0][0] > 0


def run_lane(warm: Warm, base: Path, folder: Path, seed: int, *, fetched: bool, second_copy: bool) -> Lane:
    """Kill runs at random moments of the time that one takes; every few kills one run is left to end.

    Each run has a release of its own to load; with `fetched` every second one gets it from the publisher's server.
    """
    chance = random.Random(seed)
    lane = Lane(copied(base, folder / "home"), [])
    paths = files(folder, range(2, LAST + 1))
    with Loopback() as server, MailServer() as mail:
        options = {
            "MAIL_HOST": "127.0.0.1", "MAIL_PORT": mail.port, "MAIL_SECURITY": "none",
            "MAIL_RECIPIENTS": ",".join(RECIPIENTS), "ALERTS_SECOND_COPY": str(second_copy).lower(),
        }  # fmt: skip
        values = environment(lane.home, server, **options)
        began = time.monotonic()
        warm.run(["ingest", paths[0]], values).well()
        longest = time.monotonic() - began
        for number, path in enumerate(paths[1:], start=1):
            server.serve("/tic/slt_table5.txt", path)
            lane.moments.append(round(chance.uniform(0, longest), 3))
            began = time.monotonic()
            child = warm.start(["plain-run"] if fetched and number % 2 else ["ingest", path], values)
            ended = child.wait(lane.moments[-1])
            if ended.code == 0:
                longest = min(longest, time.monotonic() - began)
            lane.killed += ended.code == -9
            assert ended.code in (-9, 0), ended.err
            readable(lane.home)
            if number in (KILLS_PER_LANE // 2, KILLS_PER_LANE):
                warm.run(["ingest", *paths[: number + 1]], values).well()
                check_whole(lane.home)
        lane.letters = [(to, message["Message-ID"]) for to, message in mail.taken]
    return lane


LANES = {
    "ingest, at most once": {"fetched": False, "second_copy": False},
    "run and ingest, at least once": {"fetched": True, "second_copy": True},
}


@pytest.fixture(scope="module")
def lanes(warm: Warm, small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lane]:
    """Both lanes, side by side on two cores."""
    with ThreadPoolExecutor(len(LANES)) as pool:
        running = {
            name: pool.submit(run_lane, warm, small_home, tmp_path_factory.mktemp("lane"), SEED + number, **options)
            for number, (name, options) in enumerate(LANES.items())
        }
        return {name: lane.result() for name, lane in running.items()}


@pytest.fixture(scope="module")
def undisturbed(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the same releases that no run of which was ever killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    paths = files(folder, range(LAST + 1))
    warm.run(["ingest", *paths], environment(folder / "home", ALERTS_MINIMUM_SEVERITY="critical")).well()
    return folder / "home"


def said(lane: Lane) -> str:
    return f"FAULT_SEED={SEED}: {lane.killed} killed, at {lane.moments} s"


@pytest.mark.long
@pytest.mark.parametrize("name", list(LANES))
class TestAfterFifteenKills:
    def test_the_kills_came_amid_the_work(self, name, lanes):
        assert lanes[name].killed >= KILLS_PER_LANE // 2, said(lanes[name])

    def test_nothing_is_lost_and_the_figures_are_those_of_a_home_that_was_never_disturbed(
        self, name, lanes, undisturbed
    ):
        lane = lanes[name]
        assert check_whole(lane.home) == LAST + 1, said(lane)
        expected, found = figures(undisturbed), figures(lane.home)
        for table in expected:
            assert found[table] == expected[table], f"{table}; {said(lane)}"

    def test_no_message_waits_and_each_that_counts_as_sent_has_arrived(self, name, lanes):
        lane, copies = lanes[name], lanes[name].copies()
        assert lane.alerts("queued") + lane.alerts("failed") == [], said(lane)
        sent = {(row["recipient"], row["message_id"]) for row in lane.alerts("sent")}
        assert len(sent) >= 2 * len(RECIPIENTS), said(lane)
        assert sent <= set(copies), said(lane)
        told = {row[0] for row in rows(lane.home, "SELECT DISTINCT month FROM sell_offs")}
        assert told, said(lane)


@pytest.mark.long
def test_at_most_once_no_recipient_got_a_message_twice_and_what_may_have_arrived_is_listed(lanes):
    lane = lanes["ingest, at most once"]
    assert [letter for letter, times in lane.copies().items() if times > 1] == [], said(lane)
    assert len(lane.alerts("uncertain")) <= lane.killed, said(lane)


@pytest.mark.long
def test_at_least_once_every_finding_arrived_and_a_second_copy_has_the_same_id(lanes):
    lane = lanes["run and ingest, at least once"]
    assert lane.alerts("uncertain") == [], said(lane)
    second = sum(times - 1 for times in lane.copies().values())
    assert second <= lane.killed, said(lane)
    assert {row["message_id"] for row in lane.alerts("sent")} == {message for _, message in lane.letters}, said(lane)
