"""The log of a run: what it says of its steps, as the command writes it and as a run in a process that has a log does."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import PROJECT, SAMPLE
from tests.flows.conftest import Publishers, environment
from tests.flows.log.log_lines import Lines, events, of, parsed
from tests.flows.loopback import Loopback, Reply
from tests.prefect_database import prepare
from treasury_watch.flows.fetch.sources import sources_to_fetch
from treasury_watch.flows.log import logs
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.installation import Warehouse

TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()


@pytest.fixture(scope="module")
def command_run(
    tmp_path_factory: pytest.TempPathFactory, config_of_the_sample: Path, prefect_database: Path
) -> Iterator[tuple[Publishers, Path, subprocess.CompletedProcess]]:
    """`treasury-watch run` in a process of its own, on an empty home, with its log as JSON on standard error."""
    home = tmp_path_factory.mktemp("first") / "home"
    prepare(home, prefect_database)
    with Loopback() as server, pytest.MonkeyPatch.context() as patch:
        publishers = Publishers(server)
        environment(patch, server, home, config_of_the_sample)
        asked = {**os.environ, "HOME": str(home.parent), "TREASURY_WATCH_LOGGING_FORMAT": "json"}
        ended = subprocess.run(
            [sys.executable, "-m", "treasury_watch.flows.commands.main", "run"],
            env=asked, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        yield publishers, home, ended


@pytest.fixture(scope="module")
def first_run(command_run) -> tuple[Publishers, Path]:
    """In place of the run that other modules begin with."""
    return command_run[:2]


def run(warehouse: Warehouse) -> Outcome:
    return steps.run(Settings(), warehouse, steps.PLAIN, sample=False, command="run")


@pytest.mark.slow
class TestTheCommandRun:
    @pytest.fixture
    def lines(self, command_run) -> Lines:
        return parsed(command_run[2].stderr)

    def test_every_line_on_standard_error_is_json_with_the_common_fields(self, lines):
        for line in lines:
            assert list(line)[:4] == ["time", "level", "event", "message"]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
            assert "\n" not in line["message"]
            assert line["command"] == "run"

    def test_every_line_within_the_run_carries_its_id(self, lines):
        assert len({line["run_id"] for line in lines if line["event"] != "new data folder"}) == 1

    def test_each_source_has_one_line_on_its_fetching(self, lines):
        fetched = [line["source"] for line in lines if line["event"] in ("fetched", "not modified", "fetch failed")]
        assert sorted(fetched) == sorted(source.id for source in sources_to_fetch(Settings()))

    def test_a_fetched_file_is_told_with_status_bytes_and_seconds(self, lines):
        [line] = [line for line in lines if line["event"] == "fetched" and line["source"] == "slt_table3"]
        assert (line["status"], line["bytes"]) == (200, len(TABLE3))
        assert line["seconds"] > 0
        assert line["url"].startswith("http://127.0.0.1:")

    def test_each_fetched_file_has_one_line_on_its_loading(self, lines):
        fetched = Counter(line["source"] for line in lines if line["event"] == "fetched")
        loaded = Counter(line["source"] for line in lines if line["event"] == "loaded")
        assert loaded == fetched + Counter(["press", "tic_press_releases"])

    def test_a_loaded_file_is_told_with_its_figures_and_checksum(self, lines):
        [line] = [line for line in lines if line["event"] == "loaded" and line["source"] == "slt_table5"]
        assert (line["outcome"], line["figures"], line["changed"]) == ("vintage", 325, 325)
        assert line["released"] == "2026-06-18"
        assert len(line["sha256"]) == 64

    def test_publication_alerts_page_and_end_have_one_line_each_in_this_order(self, lines):
        steps = ("published", "nothing new", "alerted", "page written", "run ended", "run failed")
        assert [line["event"] for line in lines if line["event"] in steps] == [
            "published", "page written", "alerted", "run ended",
        ]  # fmt: skip

    def test_each_message_has_one_line_without_its_recipient(self, lines):
        written = [line for line in lines if line["event"] == "message written"]
        assert len(written) == of(lines, "alerted")["written"] > 0
        assert {line["door"] for line in written} == {"mail"}
        assert "desk@localhost" not in json.dumps(lines)

    def test_a_check_that_did_not_hold_is_a_warning(self, lines):
        found = [line for line in lines if line["event"] == "check failed"]
        assert "fx" in {line["subject"] for line in found}
        assert {line["level"] for line in found} == {"warning"}

    def test_the_end_says_the_outcome_and_how_long_it_took(self, lines):
        end = of(lines, "run ended")
        assert end["outcome"] == "published"
        assert end["seconds"] > of(lines, "published")["seconds"] > 0

    def test_the_results_are_on_standard_output_as_without_a_log(self, command_run):
        ended = command_run[2]
        assert ended.returncode == 0
        assert "new vintages" in ended.stdout
        assert "{" not in ended.stdout


@pytest.mark.slow
class TestARun:
    def test_with_nothing_new_says_so_and_publishes_nothing(self, loaded, publishers, log):
        run(loaded)
        found = events(log())
        assert found["nothing new"] == found["alerted"] == found["run ended"] == 1
        assert not found.keys() & {"published", "loaded", "page written", "message written"}
        assert of(log(), "run ended")["outcome"] == "unchanged"

    def test_tells_an_unmodified_source_with_status_304(self, loaded, publishers, log):
        run(loaded)
        [line] = [line for line in log() if line.get("source") == "slt_table3"]
        assert (line["event"], line["status"]) == ("not modified", 304)

    def test_tells_a_source_that_failed_with_the_reason_as_a_warning(self, loaded, publishers, log):
        publishers.answer("ecb", *[Reply(500)] * 4)
        run(loaded)
        [line] = [line for line in log() if line.get("source") == "ecb"]
        assert (line["event"], line["level"], line["expected"]) == ("fetch failed", "warning", "status 200")
        assert "500" in line["found"]

    def test_tells_a_refused_file_once_and_that_the_run_went_on(self, loaded, publishers, log):
        publishers.serve("slt_table3", TABLE3[: len(TABLE3) // 2])
        run(loaded)
        refused, ended = of(log(), "refused"), of(log(), "run ended")
        assert (refused["source"], refused["error"], refused["level"]) == ("slt_table3", "LayoutError", "error")
        assert "1 file refused" in ended["message"]
        assert not events(log()).keys() & {"run failed"}

    def test_with_the_log_off_says_nothing_on_standard_error(self, loaded, publishers, capfd):
        run(loaded)
        assert capfd.readouterr().err == ""

    def test_whose_addresses_hold_secrets_shows_them_nowhere_not_even_when_asking_again(
        self, loaded, publishers, monkeypatch, tmp_path, log
    ):
        class Busy(BaseHTTPRequestHandler):
            """A server that ends each connection without an answer."""

            def do_GET(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as busy:
            threading.Thread(target=busy.serve_forever, daemon=True).start()
            address = f"127.0.0.1:{busy.server_port}"
            monkeypatch.setenv("TREASURY_WATCH_BASE_FRED", f"http://desk:pa55w0rd@{address}/fred/?key=s3cret/")
            logs.configure(Settings())
            run(Settings().warehouse())
            busy.shutdown()
        written = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
        assert "Retrying" in written
        assert "?key=***" in written
        for secret in ("s3cret", "pa55w0rd"):
            assert secret not in written
