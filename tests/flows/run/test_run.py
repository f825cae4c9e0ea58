"""A whole run against a real server: what is fetched, what a second run does, and what bad input leaves behind."""

from __future__ import annotations

import re
from dataclasses import replace

import duckdb
import pytest

from tests.conftest import SAMPLE
from tests.faults.small_installation import published_figures
from tests.flows.loopback import Reply
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.steps import PLAIN
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.installation import Warehouse

TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()
TABLE5 = (SAMPLE / "tic" / "slt_table5.txt").read_bytes()


def run(settings: Settings, warehouse: Warehouse) -> Outcome:
    return steps.run(settings, warehouse, PLAIN, sample=False, command="run")


def run_without_page(settings: Settings, warehouse: Warehouse) -> Outcome:
    """Where nothing was published the page says what it said: it is of no interest here."""
    without = replace(PLAIN, write_page=lambda warehouse: warehouse.home.root / "unwritten")
    return steps.run(settings, warehouse, without, sample=False, command="run")


def rows(warehouse: Warehouse, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse.home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.slow
class TestARun:
    def test_the_figures_of_the_server_are_published(self, loaded):
        found = rows(
            loaded,
            "SELECT change_usd_mn, net_purchases_usd_mn, valuation_usd_mn FROM holder_months "
            "WHERE holder = 'Japan' AND month BETWEEN DATE '2024-04-01' AND DATE '2024-05-01' ORDER BY month",
        )
        assert found == [(-40921, -11830, -29824), (-20141, -23870, 7252)]

    def test_japans_moves_are_episodes_with_their_sums(self, loaded):
        found = rows(
            loaded,
            "SELECT rule, start_month::TEXT, end_month::TEXT, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn "
            "FROM episodes WHERE holder = 'Japan' AND start_month = DATE '2024-04-01' ORDER BY rule",
        )
        assert found[0] == ("fall", "2024-04-01", "2024-06-01", -75597, -60339, -9205)
        assert found[1][:3] == ("net_sale", "2024-04-01", "2024-09-01")
        assert found[1][4] == -94285

    def test_a_second_run_asks_conditionally_and_changes_nothing(self, loaded, settings, publishers):
        before = loaded.home.database.read_bytes()
        outcome = run(settings, loaded)
        asked = [seen for seen in publishers.server.seen(publishers.path("slt_table3"))][-1]
        assert "if-none-match" in asked.headers
        assert "slt_table3" in outcome.unchanged
        assert outcome.published is None
        assert loaded.home.database.read_bytes() == before
        assert rows(loaded, "SELECT count(*) FROM alerts WHERE attempts > 1") == [(0,)]

    def test_bytes_that_differ_but_hold_the_same_figures_make_no_vintage(self, loaded, settings, publishers):
        before = rows(loaded, "SELECT count(*) FROM releases WHERE source = 'slt_table5'")
        publishers.serve("slt_table5", TABLE5 + b"\r\nNotes:\r\nA note that was not there.\r\n")
        outcome = run(settings, loaded)
        assert [item.outcome for item in outcome.loaded if item.source == "slt_table5"] == ["same_figures"]
        assert rows(loaded, "SELECT count(*) FROM releases WHERE source = 'slt_table5'") == before

    def test_a_release_that_revises_figures_and_turns_a_finding_around_says_so_in_the_summary(
        self, loaded, settings, publishers
    ):
        stated = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()
        (row,) = re.findall(rb"Japan\t42609\t2024-04\t[^\r\n]*", stated)
        revised = row.replace(b"\t-11830\t", b"\t-31830\t").replace(b"\t246\t", b"\t-19754\t")
        publishers.serve("slt_table3", stated.replace(row, revised.replace(b"\t-29824\t", b"\t-9824\t")))
        summary = run(settings, loaded).summary()
        (turned,) = rows(loaded, "SELECT count(*) FROM revised_findings")
        assert turned[0] > 0
        assert "1 new vintage with 3 new or changed figures; 3 published figures revised; " in summary
        assert f"; {turned[0]} finding" in summary
        told = rows(loaded, "SELECT summary FROM runs WHERE outcome = 'published' ORDER BY started DESC LIMIT 1")
        assert "3 published figures revised" in told[0][0]
        assert "revised" not in run(settings, loaded).summary()

    def test_sources_that_cannot_be_reached_are_named_and_the_others_load(self, loaded, settings, publishers):
        publishers.answer("ecb", *[Reply(500)] * 4)
        publishers.serve("slt_table5", TABLE5 + b"\r\n")
        outcome = run(settings, loaded)
        assert any("ecb" in problem and "500" in problem for problem in outcome.problems)
        assert any(item.source == "slt_table5" for item in outcome.loaded)

    def test_with_no_source_reached_the_run_fails(self, settings, monkeypatch):
        for name in ("TIC", "FRED", "ECB", "MOF", "MOF_FILES", "TIC_SURVEY", "FISCAL_DATA", "TREASURY"):
            monkeypatch.setenv(f"TREASURY_WATCH_BASE_{name}", "http://127.0.0.1:9/")
        with pytest.raises(TreasuryWatchError, match="no source could be reached"):
            run(Settings(), settings.warehouse())


def unit_slip(body: bytes) -> bytes:
    """Table 5 in millions."""
    lines = body.decode().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Country")) + 1
    slipped = [
        "\t".join(
            [cell if not cell or i == 0 else f"{float(cell) * 1000:.1f}" for i, cell in enumerate(line.split("\t"))]
        )
        for line in lines[start:]
    ]
    return "\r\n".join([*lines[:start], *slipped, ""]).encode()


BAD_FILES = {
    "a truncated file": (TABLE3[: len(TABLE3) // 2], "slt_table3"),
    "a renamed column": (TABLE3.replace(b"for_lt_treas_net", b"for_lt_net", 1), "for_lt_treas_net"),
    "a unit line that changed": (
        TABLE3.replace(b"Millions of dollars", b"Billions of dollars", 1),
        "Millions",
    ),
    "an unknown holder": (TABLE3.replace(b"Japan\t42609", b"Nippon\t42699"), "Nippon"),
    "a duplicate month": (
        TABLE3.replace(b"Japan\t42609\t2026-03", b"Japan\t42609\t2026-04", 1),
        "2026-04",
    ),
}


@pytest.mark.slow
class TestBadInput:
    @pytest.mark.parametrize("name", list(BAD_FILES))
    def test_it_is_refused_with_its_reason_and_the_figures_stay(self, name, loaded, settings, publishers):
        body, words = BAD_FILES[name]
        before = published_figures(loaded.home.root)
        publishers.serve("slt_table3", body)
        [refused] = run_without_page(settings, loaded).refused
        assert refused.source == "slt_table3"
        assert words in refused.reason
        assert refused.line.startswith(f"THE MAIN TABLE, {publishers.server.url('/tic/slt_table3.txt')}: ")
        assert published_figures(loaded.home.root) == before

    def test_a_refused_file_holds_back_none_of_the_others_and_the_operator_is_told(self, loaded, settings, publishers):
        publishers.serve("slt_table5", unit_slip(TABLE5))
        publishers.serve("mfhhis01", b"no history")
        publishers.serve("fred:DEXJPUS", (SAMPLE / "fred" / "DEXJPUS.csv").read_bytes() + b"2026-09-01,151.25\n")
        outcome = run(settings, loaded)
        assert sorted(item.source for item in outcome.refused) == ["mfhhis01", "slt_table5"]
        assert "magnitude" in next(item.reason for item in outcome.refused if item.source == "slt_table5")
        assert outcome.summary().startswith("1 new vintage with 1 new or changed figure; 2 files refused")
        assert rows(loaded, "SELECT per_usd FROM fx_daily WHERE currency = 'JPY' AND date = DATE '2026-09-01'") == [
            (151.25,)
        ]
        told = loaded.state.rows("SELECT finding, state FROM alerts WHERE finding LIKE 'health:refused:%' ORDER BY 1")
        assert [(row["finding"].split(":")[2], row["state"]) for row in told] == [
            ("mfhhis01", "written"),
            ("slt_table5", "written"),
        ]
        assert loaded.state.rows("SELECT outcome FROM runs ORDER BY started DESC LIMIT 1") == [{"outcome": "published"}]

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (Reply(body=b"<!DOCTYPE html><title>Moved</title>", headers={"Content-Type": "text/html"}), "Moved"),
            (Reply(body=b""), "empty"),
            (Reply(500), "500"),
            (Reply(delay=2.0, body=b"late"), "silence for 1 s"),
        ],
        ids=["an HTML page with status 200", "an empty body", "a 500", "a timeout"],
    )
    def test_a_bad_answer_is_a_named_problem_and_the_publication_stays(
        self, reply, words, loaded, settings, publishers
    ):
        before = loaded.home.database.read_bytes()
        publishers.answer("slt_table3", *[reply] * 4)
        outcome = run(settings, loaded)
        assert any("slt_table3" in problem and words in problem for problem in outcome.problems), outcome.problems
        assert outcome.published is None
        assert loaded.home.database.read_bytes() == before

    def test_a_good_file_after_a_bad_one_is_loaded(self, loaded, settings, publishers):
        publishers.serve("slt_table3", TABLE3[: len(TABLE3) // 2])
        assert run(settings, loaded).refused
        publishers.serve("slt_table3", TABLE3)
        outcome = run(settings, loaded)
        assert not outcome.refused
