"""Where settings come from, in which order, and what the environment may name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations

SECRET = "hunter2-is-not-printed"


def packaged(tmp_path: Path, settings: str = "", routing: str = "") -> Declarations:
    """Declarations with these two files in place of the repository's."""
    folder = tmp_path / "config"
    shutil.copytree(PROJECT / "config", folder, ignore=shutil.ignore_patterns("sample"))
    (folder / "settings.toml").write_text(settings, encoding="utf-8")
    (folder / "routing.toml").write_text(routing, encoding="utf-8")
    return Declarations(folder)


# order


def test_the_data_folders_file_goes_before_the_packaged_one_key_by_key(tmp_path, set_in_home) -> None:
    set_in_home("[http]\nretries = 7")
    http = Settings(packaged(tmp_path, "[http]\nretries = 1\nmax_redirects = 2")).http
    assert (http.retries, http.max_redirects, http.max_bytes) == (7, 2, 67108864)


def test_the_environment_goes_before_the_data_folder(set_in_home, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HTTP_RETRIES", "9")
    http = set_in_home("[http]\nretries = 7\nmax_redirects = 2").http
    assert (http.retries, http.max_redirects) == (9, 2)


def test_values_of_the_environment_have_the_settings_types(set_in_home, monkeypatch) -> None:
    for name, text in {
        "MAIL_RECIPIENTS": "a@example.org, b@example.org", "ALERTS_SECOND_COPY": "false", "MAIL_HOST": "587",
        "HTTP_BACKOFF_SECONDS": "2", "HTTP_READ_TIMEOUT_SECONDS": "0.5", "MAIL_PASSWORD": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"TREASURY_WATCH_{name}", text)
    settings = set_in_home()
    assert settings.mail.recipients == ("a@example.org", "b@example.org")
    assert settings.alerts.second_copy is False
    assert (settings.mail.host, settings.mail.secret) == ("587", "true")
    assert (settings.http.backoff_seconds, settings.http.read_timeout_seconds) == (2, 0.5)


def test_without_any_file_the_defaults_hold(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "none"))
    assert Settings(packaged(tmp_path)).http == Settings().http


def test_routes_of_the_data_folder_take_the_place_of_all_packaged_ones(tmp_path, set_in_home) -> None:
    set_in_home(routing='[routes.own]\nto = ["own@example.org"]')
    both = '[routes.old]\nto = ["old@example.org"]\n[operator]\nto = ["op@example.org"]\nlate_after_days = 5'
    routing = Settings(packaged(tmp_path, routing=both)).routing
    assert list(routing.routes) == ["own"]
    assert routing.operator.to == ("op@example.org",)
    set_in_home(routing="[operator]\nlate_after_days = 1")
    routing = Settings(Declarations(tmp_path / "config")).routing
    assert list(routing.routes) == ["old"]
    assert (routing.operator.to, routing.operator.late_after_days) == (("op@example.org",), 1)


def test_a_problem_of_a_packaged_file_names_that_file(tmp_path, set_in_home) -> None:
    set_in_home("[http]\nretries = 7")
    with pytest.raises(
        ConfigurationError, match=r"config/settings\.toml, line 2, column 1, \[http\] max_redirects: expected a whole"
    ):
        Settings(packaged(tmp_path, "[http]\nmax_redirects = false"))


def test_broken_toml_is_named_with_its_file_and_line(set_in_home) -> None:
    with pytest.raises(ConfigurationError, match=r"own/settings\.toml, line 2, column 11: expected TOML"):
        set_in_home("[http]\nretries = = 1\n")
    with pytest.raises(ConfigurationError, match=r"own/routing\.toml, line 1, column"):
        set_in_home("", "[routes\n")


# the environment


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("HTTP_RETRYS", "HTTP_RETRIES"),
        ("HTPP_RETRIES", "HTTP_RETRIES"),
        ("MAIL_PASWORD", "MAIL_PASSWORD"),
        ("HOEM", "HOME"),
        ("BASE_TOC", "BASE_TIC"),
        ("LOGING_FORMAT", "LOGGING_FORMAT"),
    ],
)
def test_an_unknown_variable_is_named_with_the_closest_one_and_not_its_value(name, near, set_in_home, monkeypatch):
    monkeypatch.setenv(f"TREASURY_WATCH_{name}", SECRET)
    with pytest.raises(ConfigurationError) as caught:
        set_in_home()
    assert f"TREASURY_WATCH_{name} is not a setting; did you mean TREASURY_WATCH_{near}?" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_wrong_value_of_the_environment_is_named_with_its_variable(set_in_home, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HTTP_RETRIES", "many")
    with pytest.raises(ConfigurationError) as caught:
        set_in_home("[http]\nretries = 2")
    assert str(caught.value) == (
        "TREASURY_WATCH_HTTP_RETRIES, [http] retries: expected a whole number, 0 or more, found 'many'; "
        "correct the variable"
    )


def test_a_variable_that_a_route_names_is_known(set_in_home, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_DESK", "slack://a/b/c")
    monkeypatch.setenv("TREASURY_WATCH_CHANNEL_OTHER", "slack://a/b/c")
    assert set_in_home(routing='[routes.chat]\nchannel = "TREASURY_WATCH_DESK"').routing.routes
    with pytest.raises(ConfigurationError, match="TREASURY_WATCH_DESK is not a setting"):
        set_in_home()


# settings of earlier versions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[storage]\nhome = "/data"', "[storage] home is no longer a setting: name the data folder in the variable"),
        ("[validation]\ndata_docs = true", "[validation] is no longer a setting: the checks of every run stand in"),
    ],
)
def test_a_key_of_earlier_versions_is_answered_with_the_next_step(text, words, set_in_home) -> None:
    with pytest.raises(ConfigurationError) as caught:
        set_in_home(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["STORAGE_HOME", "VALIDATION_DATA_DOCS"])
def test_a_variable_of_earlier_versions_is_answered_with_the_next_step(name, set_in_home, monkeypatch) -> None:
    monkeypatch.setenv(f"TREASURY_WATCH_{name}", "x")
    with pytest.raises(ConfigurationError, match=rf"TREASURY_WATCH_{name} is no longer a setting: .*; unset it"):
        set_in_home()


# commands


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"], ["ingest", "x"], ["backfill", "."], ["rebuild"], ["pull"], ["query", "SELECT 1"], ["sell-offs"],
        ["backtest"], ["alerts", "list"], ["alerts", "preview"], ["alerts", "send"], ["report"], ["serve"], ["status"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_ends_at_a_wrong_setting_with_one_line(arguments, set_in_home, monkeypatch) -> None:
    set_in_home()
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PORT", "x")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.output == (
        "treasury-watch: TREASURY_WATCH_MAIL_PORT, [mail] port: expected a port, 1 to 65535, found 'x'; "
        "correct the variable\n"
    )


# what was checked before


def imported(code: str, home: Path) -> bool:
    """Whether pydantic was imported by the code, run in a process of its own."""
    environment = {**os.environ, "TREASURY_WATCH_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    script = f"import sys\n{code}\nprint('pydantic' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()[-1] == "True"


def test_help_imports_no_pydantic(tmp_path) -> None:
    code = "from treasury_watch.flows.commands.main import main\nmain(['--help'], standalone_mode=False)"
    assert not imported(code, tmp_path)


@pytest.mark.parametrize("file", ["settings.toml", "routing.toml", "alert_rules.toml", "sources.toml"])
def test_settings_follow_the_declarations_that_they_name(file, tmp_path, set_in_home) -> None:
    set_in_home(routing='[routes.a]\nto = ["a@example.org"]\nholders = ["Japan"]\nrules = ["fall"]')
    declarations = packaged(tmp_path)
    Settings(declarations)
    with (declarations.folder / file).open("a") as changed:
        changed.write('\n"\n')
    with pytest.raises(ConfigurationError, match=file):
        Settings(Declarations(declarations.folder))


def test_reading_settings_makes_no_data_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "none"))
    Settings()
    assert not (tmp_path / "none").exists()
