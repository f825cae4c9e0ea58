"""The command line: what it prints, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tests.conftest import PROJECT
from tests.faults.small_installation import APRIL_2026, MANIFEST, release
from tests.flows.smtp_loopback import free_port
from tests.prefect_database import prepare
from treasury_watch.flows.commands.main import main
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.results import Result as CheckResult
from treasury_watch.warehouse.home.state import State

TOP3 = "SELECT holder, position_usd_mn FROM holder_months WHERE month = DATE '2026-04-01' ORDER BY 2 DESC LIMIT 3"


@pytest.fixture
def command(loaded_sample: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command on the loaded sample."""
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(loaded_sample))
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


class TestQuery:
    def test_a_table_shows_whole_figures_without_a_fraction(self, command):
        lines = done(command("query", TOP3)).splitlines()
        assert [line.split("  ")[0] for line in lines[2:5]] == ["Japan", "United Kingdom", "China, Mainland"]
        assert lines[2].endswith(" 1209889")

    def test_csv_can_be_read_back(self, command):
        read = list(csv.reader(io.StringIO(done(command("query", TOP3, "--format", "csv")))))
        assert read[1] == ["Japan", "1209889"]

    def test_json_can_be_read_back(self, command):
        assert json.loads(done(command("query", TOP3, "--format", "json")))[0] == {
            "holder": "Japan",
            "position_usd_mn": 1209889,
        }

    def test_parquet_goes_to_a_file(self, command, tmp_path):
        done(command("query", TOP3, "--format", "parquet", "--out", str(tmp_path / "top.parquet")))
        assert pq.read_table(tmp_path / "top.parquet").column("position_usd_mn")[0].as_py() == 1209889

    def test_parquet_without_a_file_is_wrong_usage(self, command):
        assert command("query", TOP3, "--format", "parquet").exit_code == 2

    @pytest.mark.parametrize(
        "sql",
        [
            "CREATE TABLE mine (a INTEGER)",
            "DROP TABLE holders",
            "UPDATE holders SET holder = 'x'",
            "COPY holders TO 'out.csv'",
            "ATTACH 'other.duckdb'",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM 'https://127.0.0.1/x.parquet'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ],
    )
    def test_it_cannot_write_attach_read_other_files_or_reach_the_network(self, sql, command, loaded_sample):
        before = (loaded_sample / "treasury.duckdb").read_bytes()
        result = command("query", sql)
        assert result.exit_code == 1
        assert len(result.stderr.strip().splitlines()) == 1
        assert (loaded_sample / "treasury.duckdb").read_bytes() == before

    def test_wrong_sql_is_explained_in_one_line(self, command):
        result = command("query", "SELECT nothing FROM nowhere")
        assert result.exit_code == 1
        assert "nowhere" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1

    def test_before_the_first_run_the_next_step_is_named(self, command, monkeypatch, tmp_path):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
        result = command("query", "SELECT 1")
        assert result.exit_code == 1
        assert "treasury-watch run" in result.stderr


class TestSellOffs:
    def test_japan_2024_is_explained_with_its_figures(self, command):
        text = done(command("sell-offs", "--holder", "japan", "--since", "2024-04"))
        assert "change -40,921, net purchases -11,830, valuation -29,824, other +733" in text
        assert "change -75,597, net purchases -60,339, valuation -9,205" in text
        assert "net purchases -94,285" in text
        assert "repriced" in text

    def test_as_of_july_2024_it_was_two_months_by_press_evidence(self, command):
        text = done(command("sell-offs", "--holder", "Japan", "--as-of", "2024-07-18"))
        assert "2024-04 to 2024-05" in text
        assert "change -59,500" in text

    def test_as_of_august_2024_it_was_three_months(self, command):
        assert "change -70,100" in done(command("sell-offs", "--holder", "Japan", "--as-of", "2024-08-15"))

    def test_an_unknown_holder_gets_the_closest_names(self, command):
        result = command("sell-offs", "--holder", "Japn")
        assert result.exit_code == 1
        assert "Japan" in result.stderr

    @pytest.mark.parametrize("arguments", [["--since", "April"], ["--as-of", "2024-13-01"]])
    def test_a_wrong_date_is_wrong_usage(self, arguments, command):
        assert command("sell-offs", *arguments).exit_code == 2


class TestAlerts:
    def test_the_list_can_be_limited_to_states_that_exist(self, command):
        lines = done(command("alerts", "list", "--state", "uncertain")).strip()
        assert lines in ("no alert is in that state", "nothing was queued yet")
        assert command("alerts", "list", "--state", "lost").exit_code == 2

    def test_the_digest_of_the_newest_release_is_shown_without_sending_it(self, command):
        text = done(command("alerts", "preview", "--digest"))
        assert text.startswith("Subject: U.S. Treasuries, April 2026: ")
        assert "digest:slt_table3:2026-06-18" in text

    def test_send_before_the_first_run_has_nothing_to_do(self, command, monkeypatch, tmp_path):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
        assert done(command("alerts", "send")).strip() == "0 sent, 0 written, 0 failed"


class TestStatus:
    def test_it_names_each_source_with_its_newest_month(self, command):
        text = done(command("status"))
        assert "slt_table3" in text
        assert "2026-04" in text
        assert "next release" in text

    def test_as_json_it_can_be_read_back(self, command):
        facts = json.loads(done(command("status", "--json")))
        assert {"sources", "next_release", "last_run", "alerts"} <= set(facts)

    def test_a_check_that_did_not_hold_is_told_with_why_it_is_made(self, command, monkeypatch, tmp_path):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
        late = CheckResult(
            "publish", "freshness", "no source is stale", False, False, "ecb, 12 days late", "It may stop."
        )
        State(tmp_path / "state.sqlite").record_checks("r1", [late])
        assert done(command("status")).splitlines()[-2:] == [
            "  warning: freshness, no source is stale: ecb, 12 days late",
            "    It may stop.",
        ]

    def test_it_says_when_the_tables_are_older_than_what_is_declared_now(self, command, monkeypatch, tmp_path):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
        state, declared = State(tmp_path / "state.sqlite"), Declarations().fingerprint()
        state.remember("published", f"the-ledger {declared}")
        assert "DECLARED OTHERWISE" not in done(command("status"))
        state.remember("published", f"the-ledger {declared[::-1]}")
        assert "DECLARED OTHERWISE: config/, or the program, changed" in done(command("status"))

    def test_a_state_of_a_newer_version_ends_it_in_one_line(self, command, monkeypatch, tmp_path):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
        State(tmp_path / "state.sqlite").change("PRAGMA user_version = 99")
        ended = command("status")
        assert ended.exit_code == 1
        assert re.search(
            r"state\.sqlite: expected schema version \d+ or older, found 99; install the newer", ended.output
        )


def test_ingest_of_something_else_says_what_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    odd = tmp_path / "letter.txt"
    odd.write_text("Dear Sir or Madam")
    result = CliRunner().invoke(main, ["ingest", str(odd)])
    assert result.exit_code == 1
    assert "slt_table3" in result.stderr


@pytest.mark.slow
@pytest.mark.official
def test_the_complete_official_files_load_and_the_stale_table_is_never_the_latest(official_home):
    assert "8 new vintages with 209,295 new or changed figures" in official_home.said
    with duckdb.connect(str(official_home.database), read_only=True) as connection:
        newest = connection.execute(
            "SELECT source, max(released)::TEXT FROM releases WHERE source IN ('mfh', 'slt_table3') GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert newest == [("mfh", "2023-03-15"), ("slt_table3", "2026-06-18")]
        assert connection.execute("SELECT count(*) FROM positions WHERE source = 'mfh'").fetchall() == [(0,)]
        assert connection.execute(TOP3).fetchall()[0] == ("Japan", 1209889)
        second_cells = connection.execute(
            "SELECT count(*) FROM observations o JOIN series_breaks b ON b.month = o.month AND b.old_series = o.series "
            "AND b.both_published WHERE source = 'mfhhis01' AND value_usd_mn IS NOT NULL"
        ).fetchall()
        assert second_cells == [(369,)]
        known = connection.execute(
            "SELECT holder_id, month::TEXT FROM reconciliation WHERE comparison = 'table3_history' ORDER BY 1"
        ).fetchall()
        assert known == [("canada", "2024-12-01"), ("grand_total", "2024-12-01")]


@pytest.mark.slow
def test_serve_runs_on_schedule_with_a_real_server_underneath(tmp_path, prefect_database):
    """Of a sample of one file: what a run leaves of all of it is shown where one is looked at."""
    prepare(tmp_path / "home", prefect_database)
    config = shutil.copytree(PROJECT / "config", tmp_path / "config")
    (config / "sample" / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    (config / "sample" / "tic" / "slt_table5.txt").write_bytes(release(APRIL_2026))
    values = {"HOME": tmp_path / "home", "CONFIG": config, "ALERTS_MINIMUM_SEVERITY": "warning"}
    named = {f"TREASURY_WATCH_{name}": str(value) for name, value in values.items()}
    environment = {**os.environ, "HOME": str(tmp_path), **named}
    arguments = ["serve", "--interval", "10", "--sample", "--port", str(free_port())]
    process = subprocess.Popen(
        [sys.executable, "-m", "treasury_watch.flows.commands.main", *arguments],
        env=environment,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        page = tmp_path / "home" / "reports" / "treasury-watch.html"
        deadline = time.monotonic() + 240
        mails = tmp_path / "home" / "outbox"
        while not list(mails.glob("*japan*.eml")) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        assert page.exists(), "no scheduled run ended well"
        assert "<table" in page.read_text(encoding="utf-8")
        assert (tmp_path / "home" / "treasury.duckdb").exists()
        assert list(mails.glob("*japan*.eml"))
    finally:
        process.terminate()
        process.wait(timeout=60)
