"""Several processes at one home: readers never notice a publication, and of two runs the second leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.faults.processes import Warm, environment
from tests.faults.small_installation import copied, files, publication, release
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile

READERS = 8
PUBLICATIONS = 5
OLD, NEW = "2023-09-18", "2024-02-15"  # by the calendar, of releases 1 and 6
RETRIEVED = datetime(2026, 7, 1, tzinfo=UTC)


class Reader:
    """A process that reads the home until `looks` is asked for."""

    def __init__(self, home: Path, manner: str, pause: float):
        command = [sys.executable, "-m", "tests.faults.reader", str(home), manner, str(pause)]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.first = self.process.stdout.readline()  # type: ignore[union-attr]

    def looks(self) -> list[dict]:
        """Ends it; everything that it saw."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return [json.loads(line) for line in [self.first, *out.splitlines()]]


@dataclass(frozen=True)
class Reading:
    """What eight readers, one that held the database open all the time, and a new one at the end saw."""

    many: list[list[dict]]
    held: list[dict]
    new: list[dict]


@pytest.fixture(scope="module")
def reading(
    small_home: Path, tmp_path_factory: pytest.TempPathFactory, declarations: Declarations
) -> Iterator[Reading]:
    home = copied(small_home, tmp_path_factory.mktemp("together") / "home")
    readers = [Reader(home, "held", 0.5), *(Reader(home, "again", 6.0) for _ in range(READERS))]
    try:
        warehouse = Warehouse(Home(home), declarations)
        for number in range(2, 2 + PUBLICATIONS):
            with warehouse.session("run") as session:
                session.loader.load(IncomingFile(release(number), url="file:x.txt", retrieved=RETRIEVED))
                session.publish()
        held, *many = (reader.looks() for reader in readers)
        yield Reading(many, held, Reader(home, "again", 0).looks())
    finally:
        for reader in readers:
            reader.process.kill()
            reader.process.communicate()


@pytest.mark.long  # with the other attacks: five publications among nine processes
class TestReaders:
    def test_eight_readers_meet_no_error_and_no_torn_table_while_five_publications_happen(self, reading):
        assert len(reading.many) == READERS
        assert [seen for looks in reading.many for seen in looks if not seen["whole"]] == []

    def test_they_see_one_publication_after_the_other(self, reading):
        days = [[seen["newest"] for seen in looks] for looks in reading.many]
        assert all(seen == sorted(seen) for seen in days)
        assert {(seen[0], seen[-1]) for seen in days} == {(OLD, NEW)}
        assert len({day for seen in days for day in seen}) >= 3  # they did look in between

    def test_one_that_holds_the_database_open_reads_the_old_publication_on(self, reading):
        assert [seen for seen in reading.held if not seen["whole"]] == []
        assert {seen["newest"] for seen in reading.held} == {OLD}
        assert len(reading.held) > PUBLICATIONS

    def test_a_new_reader_sees_the_new_one(self, reading):
        assert {seen["newest"] for seen in reading.new} == {NEW}


@pytest.mark.slow
class TestTwoRunsAtOnce:
    def test_the_second_leaves_with_one_line_and_the_first_ends_well(self, small_home, warm: Warm, tmp_path):
        home = copied(small_home, tmp_path / "home")
        paths = files(tmp_path, range(2, 7))
        before = publication(home)
        first = warm.start(["ingest", *paths], environment(home, ALERTS_MINIMUM_SEVERITY="critical"))
        await_archived(home, 3)
        for order in (["ingest", paths[0]], ["rebuild"], ["plain-run"]):
            line = warm.run(order, environment(home)).failed_in_one_line()
            assert line == (
                f"treasury-watch: another run is writing to {home}; wait for it to end, "
                "or name another home in TREASURY_WATCH_HOME"
            )
        assert publication(home)["treasury.duckdb"] == before["treasury.duckdb"]
        first.wait().well()
        with Warehouse(Home(home)).session("look") as session:
            assert session.is_published()
            assert session.ledger.newest("slt_table5").isoformat() == NEW


def await_archived(home: Path, count: int) -> None:
    """Waits until so many files are in the archive: the run is in its midst."""
    deadline = time.monotonic() + 60
    while len(list((home / "raw" / "slt_table5").glob("*.txt"))) < count:
        assert time.monotonic() < deadline, "the first run did not get to work"
        time.sleep(0.01)
