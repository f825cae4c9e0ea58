"""The log: its forms and levels, what failures leave in it, and what it leaves alone. Of a run: test_log_of_a_run.py."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT
from tests.flows.alerts.test_transport import SECRET
from tests.flows.log.log_lines import of, parsed
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError


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
