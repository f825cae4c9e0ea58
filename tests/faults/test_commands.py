"""How commands end, and what `query` cannot do."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.faults.processes import Warm, environment
from tests.faults.small_installation import copied, files, publication, rows
from tests.flows.loopback import Loopback

CANARY = "the canary sings"
CRITICAL = {"ALERTS_MINIMUM_SEVERITY": "critical"}
FORBIDDEN = [
    "INSERT INTO holders SELECT * FROM holders",
    "DELETE FROM positions",
    "TRUNCATE positions",
    "CREATE VIEW v AS SELECT 1",
    "ALTER TABLE holders RENAME TO h",
    "COMMENT ON TABLE holders IS 'mine'",
    "SELECT 1; DROP TABLE holders",
    "COPY holders FROM '{canary}'",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH '{home}/ledger.duckdb' AS ledger",
    "SELECT * FROM read_text('{canary}')",
    "SELECT * FROM read_blob('{canary}')",
    "SELECT * FROM read_csv('{canary}')",
    "SELECT * FROM read_json('{canary}')",
    "SELECT * FROM '{canary}'",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{canary}')",
    "SELECT * FROM read_parquet('{home}/parquet/positions.parquet')",
    "SELECT * FROM read_csv('{url}')",
    "SELECT * FROM '{url}'",
    "LOAD httpfs",
    "INSTALL httpfs FROM '{url}'",
    "LOAD '{folder}/x.duckdb_extension'",
    "CREATE SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "SET temp_directory = '{folder}'",
    "SET allowed_directories = ['{folder}']",
    "PRAGMA enable_profiling = 'json'",
    "SELECT getenv('SECRET_OF_THE_TEST')",
]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, but for what SQLite writes when it reads."""
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and ".sqlite-" not in p.name}


@pytest.mark.slow
class TestQuery:
    @pytest.mark.parametrize("sql", FORBIDDEN)
    def test_it_ends_with_1_and_one_line_and_nothing_was_written_read_or_asked(
        self, sql, warm: Warm, small_home, tmp_path
    ):
        canary = tmp_path / "canary.csv"
        canary.write_text(f"a\n{CANARY}\n", encoding="utf-8")
        before = contents(small_home) | contents(tmp_path)
        with Loopback() as server:
            server.serve("/canary.csv", canary)
            place = {"folder": tmp_path, "canary": canary, "home": small_home, "url": server.url("/canary.csv")}
            values = {**environment(small_home), "SECRET_OF_THE_TEST": CANARY}
            ended = warm.run(["query", sql.format(**place)], values)
            assert server.connections == 0
        assert CANARY not in ended.out + ended.err
        ended.failed_in_one_line()
        assert contents(small_home) | contents(tmp_path) == before

    def test_a_temporary_table_lives_in_memory_for_one_query(self, warm: Warm, small_home):
        before = contents(small_home)
        sql = "CREATE TEMP TABLE t AS SELECT 41 + 1 AS answer; FROM t"
        assert "42" in warm.run(["query", sql], environment(small_home)).well()
        assert contents(small_home) == before

    def test_a_large_sort_may_use_the_disk_and_leaves_nothing_there(self, warm: Warm, small_home):
        before = contents(small_home)
        sql = "SELECT count(*) FROM (SELECT range AS r FROM range(300000) ORDER BY hash(range))"
        assert "300000" in warm.run(["query", sql], environment(small_home)).well()
        assert contents(small_home) == before


def documented() -> dict[int, str]:
    """The table of exit codes in the operations page."""
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## Exit codes")[2].partition("\n## ")[0]
    return {int(code): words for code, words in re.findall(r"^\| (\d+) \| (.+) \|$", section, re.MULTILINE)}


@pytest.mark.slow
class TestExitCodes:
    def test_the_operations_page_has_those_that_are_tried_here(self):
        assert list(documented()) == [0, 1, 2, 143]

    @pytest.mark.parametrize(
        "order", [["status"], ["alerts", "list"], ["query", "SELECT 1"], ["--help"], ["--version"]]
    )
    def test_0_where_it_was_done(self, order, warm: Warm, small_home):
        warm.run(order, environment(small_home)).well()

    def test_0_where_a_source_is_stale_or_a_run_finds_nothing_new(self, warm: Warm, small_home, tmp_path):
        home = copied(small_home, tmp_path / "home")
        assert "STALE" in warm.run(["status"], environment(home)).well()
        assert "nothing new" in warm.run(["ingest", *files(tmp_path, [1])], environment(home, **CRITICAL)).well()

    def test_1_where_no_source_could_be_reached(self, warm: Warm, tmp_path):
        nowhere = {
            f"BASE_{name}": "http://127.0.0.1:9/"
            for name in ("TIC", "FRED", "ECB", "MOF", "MOF_FILES", "TIC_SURVEY", "FISCAL_DATA", "TREASURY")
        }
        line = warm.run(["plain-run"], environment(tmp_path, HTTP_RETRIES=0, **nowhere)).failed_in_one_line()
        assert "no source could be reached" in line

    @pytest.mark.parametrize(
        "order",
        [
            ["ingest", "no-such-file"],
            ["query", "SELECT"],
            ["sell-offs", "--holder", "Nowhere"],
        ],
    )
    def test_1_where_it_failed_in_one_line(self, order, warm: Warm, small_home):
        warm.run(order, environment(small_home)).failed_in_one_line()

    def test_1_where_a_mail_could_not_be_sent(self, warm: Warm, small_home, tmp_path):
        home = copied(small_home, tmp_path / "home")
        values = environment(home, MAIL_HOST="127.0.0.1", MAIL_PORT=9, MAIL_SECURITY="none")
        warm.run(["ingest", *files(tmp_path, [2])], values).well()  # loaded and published all the same
        line = warm.run(["alerts", "send"], values).failed_in_one_line()
        assert line == "treasury-watch: 1 alerts could not be sent; see `treasury-watch alerts list`"

    @pytest.mark.parametrize(
        "order", [["no-such-command"], ["query"], ["ingest"], ["status", "--no-such-option"], ["serve", "--port", "80"]]
    )
    def test_2_where_it_was_asked_wrongly(self, order, warm: Warm, small_home):
        ended = warm.run(order, environment(small_home))
        assert ended.code == 2, ended.err
        assert ended.err.startswith("Usage: ")

    def test_1_after_ctrl_c_amid_a_query(self, warm: Warm, small_home):
        sql = "SELECT count(*) FROM range(100000000) a, range(100) b WHERE a.range % 7 = b.range % 3"
        child = warm.start(["query", sql], environment(small_home))
        time.sleep(1.5)
        os.kill(child.number, signal.SIGINT)
        ended = child.wait()
        assert (ended.code, ended.err.strip()) == (1, "Aborted!")

    def test_1_after_ctrl_c_and_143_after_sigterm_the_publication_stays_and_the_next_run_goes_on(
        self, warm: Warm, small_home, tmp_path
    ):
        home = copied(small_home, tmp_path / "home")
        paths = files(tmp_path, [2, 3, 4])
        before = publication(home)["treasury.duckdb"]
        for number, (ending, code, words) in enumerate([(signal.SIGINT, 1, "Aborted!"), (signal.SIGTERM, -15, "")]):
            child = warm.start(["ingest", *paths[: number + 2]], environment(home, **CRITICAL))
            while len(list((home / "raw" / "slt_table5").glob("*.txt"))) < number + 3:
                time.sleep(0.01)
            os.kill(child.number, ending)
            ended = child.wait()
            said = [line for line in ended.err.splitlines() if "archived by a run that was interrupted" not in line]
            assert (ended.code, "\n".join(said).strip()) == (code, words)  # a shell gives 128 + 15 for the signal
            assert publication(home)["treasury.duckdb"] == before
        warm.run(["ingest", *paths], environment(home, **CRITICAL)).well()
        assert rows(home, "SELECT count(*) FROM releases WHERE source = 'slt_table5'") == [(5,)]
