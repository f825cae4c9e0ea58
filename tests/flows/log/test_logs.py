"""The log: what a run says of its steps, in which form, and what never stands in it."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT, SAMPLE
from tests.flows.alerts.test_channels import OWN, Webhook
from tests.flows.alerts.test_outbox import DESK, by_smtp, composer, keep, state
from tests.flows.alerts.test_outbox import settings as mail_settings
from tests.flows.alerts.test_transport import SECRET, secured
from tests.flows.conftest import Publishers, environment
from tests.flows.findings_data import month_and_episode
from tests.flows.loopback import Loopback, Reply, self_signed
from tests.flows.smtp_loopback import MailServer, free_port
from tests.prefect_database import prepare
from treasury_watch.flows.alerts.outbox import send
from treasury_watch.flows.alerts.transport.sending import Transport
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.fetch.sources import sources_to_fetch
from treasury_watch.flows.log import logs
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.installation import Warehouse

TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()
TABLE5 = (SAMPLE / "tic" / "slt_table5.txt").read_bytes()
CHANNEL = "TREASURY_WATCH_CHANNEL_TEST"
Lines = list[dict[str, Any]]


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


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


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Lines]]:
    """Begins a log as JSON in a file, with the environment as it then is; gives the function that reads its lines."""
    path = tmp_path / "log.jsonl"
    monkeypatch.setenv("TREASURY_WATCH_LOGGING_FORMAT", "json")
    monkeypatch.setenv("TREASURY_WATCH_LOGGING_FILE", str(path))
    logs.configure(Settings())
    yield lambda: parsed(path.read_text(encoding="utf-8"))
    monkeypatch.setenv("TREASURY_WATCH_LOGGING_FORMAT", "off")
    logs.configure(Settings())


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """For tests that configure a log themselves: off again afterwards."""
    yield monkeypatch
    monkeypatch.setenv("TREASURY_WATCH_LOGGING_FORMAT", "off")
    logs.configure(Settings())


def run(warehouse: Warehouse) -> Outcome:
    return steps.run(Settings(), warehouse, steps.PLAIN, sample=False, command="run")


def events(lines: Lines) -> Counter[str]:
    return Counter(line["event"] for line in lines)


def of(lines: Lines, event: str) -> dict[str, Any]:
    """The one line of that event."""
    [found] = [line for line in lines if line["event"] == event]
    return found


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


def test_with_the_log_off_a_command_prints_what_it_always_did(monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(main, ["alerts", "send"])
    assert (result.stdout, result.stderr) == ("0 sent, 0 written, 0 failed\n", "")


@pytest.mark.slow
def test_a_rebuild_tells_what_it_published_and_its_end(published_small, log, monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(shutil.copytree(published_small, tmp_path / "home")))
    assert CliRunner().invoke(main, ["rebuild"]).exit_code == 0
    steps = [line["event"] for line in log() if line["event"] != "check failed"]
    assert steps == ["published", "run ended"]
    assert {line["command"] for line in log()} == {"rebuild"}
    assert of(log(), "run ended")["run_id"]


def test_alerts_send_tells_how_many_left(log, monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    CliRunner().invoke(main, ["alerts", "send"])
    assert [line["event"] for line in log()] == ["alerted", "run ended"]
    assert (of(log(), "alerted")["sent"], of(log(), "alerted")["failed"]) == (0, 0)


def test_a_line_of_text_is_time_level_and_message(quiet, capsys):
    quiet.setenv("TREASURY_WATCH_LOGGING_FORMAT", "text")
    logs.configure(Settings())
    logs.say("loaded", "slt_table5: seen before\nand no second line")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO slt_table5: seen before and no second line\n", capsys.readouterr().err
    )


def test_lines_quieter_than_the_level_are_left_out(monkeypatch, log):
    monkeypatch.setenv("TREASURY_WATCH_LOGGING_LEVEL", "warning")
    logs.configure(Settings())
    logs.say("loaded", "quiet")
    logs.say("refused", "loud", level=logging.WARNING)
    assert [line["message"] for line in log()] == ["loud"]


def test_configured_twice_it_still_writes_each_line_once(log):
    logs.configure(Settings())
    logs.say("loaded", "once")
    assert [line["message"] for line in log()] == ["once"]


def test_commands_within_a_command_have_one_end(log):
    with logs.running("outer"), logs.running("inner"):
        logs.say("loaded", "within")
    assert [(line["event"], line["command"]) for line in log()] == [("loaded", "outer"), ("run ended", "outer")]


def test_a_failure_that_nobody_foresaw_is_one_line(log):
    with pytest.raises(ZeroDivisionError), logs.running("run"):
        _ = 1 / 0
    assert of(log(), "run failed")["message"] == "ZeroDivisionError: division by zero"


def test_a_failing_command_whose_log_is_on_standard_error_says_so_there_once(quiet, tmp_path):
    quiet.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    quiet.setenv("TREASURY_WATCH_LOGGING_FORMAT", "json")
    odd = tmp_path / "letter.txt"
    odd.write_text("Dear Sir or Madam")
    result = CliRunner().invoke(main, ["ingest", str(odd)])
    assert result.exit_code == 1
    events_of_it = [line["event"] for line in parsed(result.stderr)]
    assert events_of_it.count("refused") == events_of_it.count("run failed") == 1
    assert events_of_it[-1] == "run failed"


def test_a_failing_command_whose_log_is_a_file_says_so_on_standard_error_too(log, monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(main, ["pull"])
    assert result.stderr.startswith("treasury-watch: no store is named")
    assert of(log(), "run failed")["command"] == "pull"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("format", "xml", "[logging] format: expected one of off, text, json, found 'xml'"),
        ("level", "loud", "[logging] level: expected one of debug, info, warning, error, found 'loud'"),
        ("file", "missing/folder/log", "[logging] file: expected a file in a folder that exists"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_with_what_was_expected_and_found(key, value, words, quiet, tmp_path):
    quiet.chdir(tmp_path)
    with quiet.context() as patch:
        patch.setenv("TREASURY_WATCH_LOGGING_FORMAT", "json")
        patch.setenv(f"TREASURY_WATCH_LOGGING_{key.upper()}", value)
        with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
            logs.configure(Settings())
    assert f"TREASURY_WATCH_LOGGING_{key.upper()}" in str(caught.value)


def test_a_log_that_can_no_longer_be_written_ends_no_run_and_is_said_once(quiet, tmp_path, capsys):
    folder = tmp_path / "logs"
    folder.mkdir()
    quiet.setenv("TREASURY_WATCH_LOGGING_FORMAT", "text")
    quiet.setenv("TREASURY_WATCH_LOGGING_FILE", str(folder / "log"))
    logs.configure(Settings())
    (folder / "log").unlink()
    folder.rmdir()
    logs.say("loaded", "one")
    logs.say("loaded", "two")
    assert capsys.readouterr().err == "treasury-watch: the log cannot be written: FileNotFoundError\n"


def test_the_root_logger_stays_as_it_was(log):
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    logs.configure(Settings())
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert not logs.LOGGER.propagate


def test_another_handler_gets_the_lines_without_secrets_also_where_the_log_is_off(quiet):
    quiet.setenv("AWS_SESSION_TOKEN", SECRET)
    logs.configure(Settings())
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    logs.LOGGER.addHandler(handler)
    try:
        logs.say("loaded", f"with {SECRET}")
    finally:
        logs.LOGGER.removeHandler(handler)
    assert seen == ["with ***"]


def test_neither_the_log_nor_its_library_is_imported_before_it_is_asked_for():
    code = (
        "import sys; from treasury_watch.flows.commands import main; a = 'treasury_watch.flows.log.logs' in sys.modules; "
        "from treasury_watch.flows.log import logs; print(a, 'pythonjsonlogger' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert said.stdout == "False False\n"


class TestSecrets:
    @pytest.mark.parametrize(
        "name", ["TREASURY_WATCH_MAIL_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY"]
    )
    def test_a_secret_of_the_environment_is_masked_in_message_fields_and_exception(
        self, name, monkeypatch, tmp_path, log
    ):
        secret = 'pa"ss\\wörd/+='
        monkeypatch.setenv(name, secret)
        logs.configure(Settings())
        try:
            raise OSError(f"refused {secret!r}")
        except OSError:
            logs.LOGGER.exception(f"with {secret}", extra={"event": "x", "fields": {"a": [secret], "b": {"c": secret}}})
        [line] = log()
        assert (line["message"], line["a"], line["b"]) == ("with ***", ["***"], {"c": "***"})
        assert line["exception"].endswith("OSError: refused '***'")
        assert "rd/+=" not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("words", "masked"),
        [
            ("at http://desk:pass@host/a", "at http://***@host/a"),
            ("at postgresql+asyncpg://prefect:p@ss@host/db", "at postgresql+asyncpg://***@host/db"),
            ("http://host/a?id=DEXJPUS&key=abc: expected", "http://host/a?id=***&key=***: expected"),
            ("broken by 'x': /fred/?key=abc", "broken by 'x': /fred/?key=***"),
            ("http://host/?token", "http://host/?***"),
            ("already http://host/?key=***: expected", "already http://host/?key=***: expected"),
            ("Who is it? a=b & c=d, desk@example.org", "Who is it? a=b & c=d, desk@example.org"),
        ],
    )
    def test_what_addresses_hold_is_masked_and_other_words_stay(self, words, masked, log):
        logs.say("x", words, url=words)
        assert (log()[0]["message"], log()[0]["url"]) == (masked, masked)

    @pytest.mark.parametrize(
        ("address", "pieces"),
        [
            (
                "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#treasuries",
                ["T1JJ3T3L2", "TIiajkdnlazkcOXrIdevi7FQ"],
            ),
            ("tgram://123456789:abcdefg_hijklmnop/12315544/", ["abcdefg_hijklmnop", "123456789"]),
            ("workflows://example.org/workflow1/s1gnature", ["s1gnature"]),
        ],
    )
    def test_every_token_of_a_channels_address_is_masked(self, address, pieces, monkeypatch, log):
        monkeypatch.setenv(CHANNEL, address)
        logs.configure(Settings())
        logs.say("x", f"{address} {' '.join(pieces)} at example.org")
        assert log()[0]["message"] == " ".join(["***", *["***"] * len(pieces), "at example.org"])

    def test_a_mail_server_that_refuses_the_login_leaves_a_line_without_the_password(
        self, state, composer, monkeypatch, tmp_path, log
    ):
        monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
        logs.configure(Settings())
        keep(state, [month_and_episode()[0]])
        certificate = self_signed(tmp_path)
        with MailServer(certificate=certificate, users={"desk": "another"}) as server:
            send(state, Transport(secured(server, certificate), tmp_path / "outbox"), composer)
        assert "login of desk refused (535)" in of(log(), "message failed")["message"]
        assert SECRET not in json.dumps(log())

    def test_a_mail_server_that_repeats_the_password_leaves_a_line_without_it(
        self, state, composer, monkeypatch, tmp_path, log
    ):
        monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
        logs.configure(Settings())
        keep(state, [month_and_episode()[0]])
        with MailServer(refused={DESK: f"550 no such user {SECRET}"}) as server:
            send(state, by_smtp(server.port, tmp_path), composer)
        assert "550 no such user ***" in of(log(), "message failed")["message"]

    def test_a_webhook_that_fails_leaves_a_line_without_its_address(self, state, composer, monkeypatch, tmp_path, log):
        keep(state, [month_and_episode()[0]], f"channel:{CHANNEL}")
        with Webhook(503) as hook:
            monkeypatch.setenv(CHANNEL, hook.url)
            logs.configure(Settings())
            send(state, Transport(mail_settings(**OWN), tmp_path / "outbox"), composer)
        line = of(log(), "message failed")
        assert line["door"] == f"channel:{CHANNEL}"
        assert "not taken (answer 503)" in line["message"]
        assert "secret-token" not in json.dumps(log())

    def test_a_store_that_cannot_be_read_leaves_a_line_without_the_credentials(self, monkeypatch, tmp_path, log):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        address = f"s3://bucket/x?endpoint_override=127.0.0.1:{free_port()}&scheme=http&region=us-east-1"
        monkeypatch.setenv("TREASURY_WATCH_STORAGE_STORE", address)
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "reader"))
        assert CliRunner().invoke(main, ["pull"]).exit_code == 1
        assert "store s3://bucket/x" in of(log(), "run failed")["message"]
        assert SECRET not in json.dumps(log())
