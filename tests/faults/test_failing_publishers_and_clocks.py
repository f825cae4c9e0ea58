"""The world outside: publishers that are down, hostile or broken, and a clock that jumps, each through a whole run."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import SAMPLE
from tests.faults.processes import Ended, Warm, environment
from tests.faults.small_installation import (
    APRIL_2026,
    MAY_2026,
    check_whole,
    copied,
    publication,
    release,
    rows,
)
from tests.flows.loopback import Loopback, Reply, self_signed
from treasury_watch.warehouse.home.state import State

NOWHERE = "http://127.0.0.1:9/"
YEN = (SAMPLE / "fred" / "DEXJPUS.csv").read_bytes() + b"2026-06-12,160.1\n"
YEN_PATH, TABLE5_PATH = "/fred/fredgraph.csv?id=DEXJPUS", "/tic/slt_table5.txt"
JUNE, JULY = datetime(2026, 6, 20, 12, tzinfo=UTC), datetime(2026, 7, 20, 12, tzinfo=UTC)
YEAR_BACK, YEAR_AHEAD = datetime(2025, 6, 20, 12, tzinfo=UTC), datetime(2027, 6, 20, 12, tzinfo=UTC)
NEWEST = "SELECT max(month)::TEXT FROM positions WHERE source = 'slt_table5'"
LAST_YEN = "SELECT max(date)::TEXT FROM fx_daily WHERE currency = 'JPY'"

HOSTILE = {
    "slt_table3": ("/tic/slt_table3.txt", Reply(body=b"x" * 60, piece=1, pause=1.0), "3 s"),
    "mfhhis01": ("/tic/mfhhis01.txt", Reply(302, {"Location": "/tic/mfhhis01.txt"}), "redirect"),
    "slt3d_globl": (
        "/tic/slt3d_globl.csv",
        Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(30_000_000))),
        "at most 400000 bytes, found more",
    ),
    "s1_globl": ("/tic/s1_globl.txt", Reply(body=b"x" * 500_000, length=False), "at most 400000 bytes, found more"),
    "cslt": ("/tic/cslt.zip", Reply(body=b"x", length=2_000_000_000), "2000000000 announced"),
    "ecb": ("/ecb/eurofxref-hist.zip", Reply(hang_up=True), "ecb"),
}


@dataclass
class Story:
    """What commands did to one home, by the name of the step, and its publication after each."""

    home: Path
    ended: dict[str, Ended] = field(default_factory=dict)
    published: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: dict[str, list[tuple]] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=dict)

    def health(self) -> list[str]:
        """The keys of what was queued for the operator."""
        found = State(self.home / "state.sqlite").rows("SELECT finding FROM alerts WHERE finding LIKE 'health:%'")
        return [row["finding"] for row in found]


@pytest.fixture(scope="module")
def hostile(warm: Warm, small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, float]:
    """One run against publishers of which one is sound; and how many seconds it took."""
    folder = tmp_path_factory.mktemp("hostile")
    story = Story(copied(small_home, folder / "home"))
    with Loopback() as server, Loopback(self_signed(folder)) as unknown:
        server.serve(TABLE5_PATH, release(2))
        for path, reply, _ in HOSTILE.values():
            server.script(path, reply)
        limits = {
            "HTTP_RETRIES": 0, "HTTP_TOTAL_TIMEOUT_SECONDS": 3, "HTTP_MAX_BYTES": 400_000,
            "BASE_FRED": unknown.url("/"), "ALERTS_MINIMUM_SEVERITY": "critical",
        }  # fmt: skip
        began = time.monotonic()
        story.ended["run"] = warm.run(["plain-run"], environment(story.home, server, **limits))
        return story, time.monotonic() - began


@pytest.mark.slow
class TestHostilePublishers:
    @pytest.mark.parametrize("source", [*HOSTILE, "fred:DGS10"])
    def test_each_is_named_with_its_reason(self, source, hostile):
        words = HOSTILE[source][2] if source in HOSTILE else "certificate"
        lines = [line for line in hostile[0].ended["run"].well().splitlines() if line.startswith("not reached: ")]
        [line] = [line for line in lines if line.startswith(f"not reached: {source},")]
        assert words in line

    def test_the_sound_one_is_published_and_nothing_of_the_others_is_kept(self, hostile):
        story, _ = hostile
        assert rows(story.home, NEWEST) == [("2023-08-01",)]
        assert [path.name for path in (story.home / "raw").iterdir()] == ["slt_table5"]
        check_whole(story.home)

    def test_the_run_does_not_wait_for_them(self, hostile):
        assert hostile[1] < 60  # the drip alone would take a minute


@pytest.fixture(scope="module")
def story(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A home through a year: a good run, the clock a year back, then a year ahead without the TIC server, then right."""
    story = Story(tmp_path_factory.mktemp("story") / "home")
    with Loopback() as server:
        values = environment(story.home, server, HTTP_RETRIES=0, ALERTS_RECENT_MONTHS=1)
        down = {**values, "TREASURY_WATCH_BASE_TIC": NOWHERE}

        def step(name: str, order: list[str], day: datetime, use: dict[str, str] = values) -> None:
            story.ended[name] = warm.run(order, use, day=day)
            story.published[name] = publication(story.home)
            story.page[name] = (story.home / "reports" / "treasury-watch.html").read_text(encoding="utf-8")
            story.seen[name] = rows(story.home, NEWEST) + rows(story.home, LAST_YEN)

        server.serve(TABLE5_PATH, release(APRIL_2026), etag='"4"')
        server.serve(YEN_PATH, YEN, etag='"1"')
        step("first", ["plain-run"], JUNE)
        step("back, nothing new", ["plain-run"], YEAR_BACK)
        server.serve(TABLE5_PATH, release(MAY_2026), etag='"5"')
        step("back, new release", ["plain-run"], YEAR_BACK)
        step("back, status", ["status"], YEAR_BACK)
        server.serve(YEN_PATH, YEN + b"2026-06-22,150.0\n", etag='"2"')
        step("ahead", ["plain-run"], YEAR_AHEAD, down)
        step("ahead again", ["plain-run"], YEAR_AHEAD, down)
        step("ahead, status", ["status"], YEAR_AHEAD, down)
        server.serve(YEN_PATH, YEN + b"2026-06-22,150.0\n2026-07-15,151.0\n", etag='"3"')
        step("right", ["plain-run"], JULY)
        step("right, status", ["status"], JULY)
    return story


@pytest.mark.slow
class TestAClockAYearBack:
    def test_with_nothing_new_nothing_changes(self, story):
        assert "nothing new" in story.ended["back, nothing new"].well()
        assert story.seen["back, nothing new"] == story.seen["first"] == [("2026-04-01",), ("2026-06-12",)]

    def test_a_release_of_the_future_is_refused_with_both_days_and_the_publication_stays(self, story):
        line = story.ended["back, new release"].failed_in_one_line()
        assert "2026-07-14" in line
        assert "2025-06-20" in line
        before, after = story.published["back, nothing new"], story.published["back, new release"]
        assert after["treasury.duckdb"] == before["treasury.duckdb"]

    def test_status_answers(self, story):
        assert "slt_table5     ok     last 2026-04" in story.ended["back, status"].well()


@pytest.mark.slow
class TestAClockAYearAheadAndNoTicServer:
    def test_the_sources_that_answer_are_loaded_and_published(self, story):
        text = story.ended["ahead"].well()
        assert "1 new vintage with 1 new or changed figure" in text
        assert "not reached: 127.0.0.1:9: not asked for slt_table1, slt_table5" in text
        assert story.seen["ahead"] == [("2026-04-01",), ("2026-06-22",)]

    def test_status_names_what_is_stale(self, story):
        text = story.ended["ahead, status"].well()
        assert "slt_table5     STALE  last 2026-04" in text
        assert "fred:DEXJPUS   STALE  last 2026-06-22" in text

    def test_the_page_says_that_it_is_stale(self, story):
        assert "should be out, and" in story.page["ahead"]
        assert '<li data-source="slt_table5">' in story.page["ahead"]

    def test_the_operator_is_told_once_of_each(self, story):
        assert story.ended["ahead again"].well()
        frozen = [key for key in story.health() if key.startswith("health:frozen:")]
        assert sorted(frozen) == ["health:frozen:fred:DEXJPUS:2026-06-22", "health:frozen:slt_table5:2026-04-01"]
        letters = list((story.home / "outbox").glob("*.eml"))
        about = [
            path for path in letters if b"not reached, and not updated" in path.read_bytes().replace(b"=\r\n", b"")
        ]
        assert len(about) == 1


@pytest.mark.slow
class TestTheClockRightAgain:
    def test_what_was_refused_is_loaded_and_nothing_was_lost(self, story):
        story.ended["right"].well()
        assert story.seen["right"] == [("2026-05-01",), ("2026-07-15",)]
        assert check_whole(story.home) == 5
        releases = "SELECT released::TEXT FROM releases WHERE source = 'slt_table5' ORDER BY 1"
        assert rows(story.home, releases) == [("2026-06-18",), ("2026-07-14",)]

    def test_status_says_that_all_is_fresh_where_it_is(self, story):
        assert "slt_table5     ok     last 2026-05" in story.ended["right, status"].well()
        assert "should be out, and" not in story.page["right"]
