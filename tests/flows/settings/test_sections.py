"""What each setting may be, and what a wrong one says: where it was found, what was expected, the closest right name."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from tests.conftest import PROJECT
from treasury_watch.flows.settings.reading import Sections
from treasury_watch.flows.settings.sections import OperatorEntry, Severity
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES

SECRET = "hunter2-is-not-printed"
PACKAGED = tomllib.loads((PROJECT / "config" / "settings.toml").read_text(encoding="utf-8"))
KEYS = [(section, key) for section, content in PACKAGED.items() for key in content]


def refusal(set_in_home, settings: str = "", routing: str = "") -> str:
    """The one line that refuses what the data folder sets."""
    with pytest.raises(ConfigurationError) as caught:
        set_in_home(settings, routing)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def toml(section: str, **values: Any) -> str:
    """The section as TOML."""
    return "\n".join([f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]).replace(
        "NaN", "nan"
    )


# the declaration and the file that shows it


def test_the_file_shows_every_setting_with_its_default() -> None:
    declared = Sections.model_construct().model_dump(mode="json", exclude={"mail": {"password"}})
    assert declared == PACKAGED
    assert [(section, list(content)) for section, content in declared.items()] == [
        (section, list(content)) for section, content in PACKAGED.items()
    ]


def test_the_packaged_routing_shows_the_defaults_of_the_operator() -> None:
    document = tomllib.loads((PROJECT / "config" / "routing.toml").read_text(encoding="utf-8"))
    assert document == {"operator": {**OperatorEntry().model_dump(exclude={"channel"}), "to": []}}


def test_the_severities_are_those_of_the_findings() -> None:
    assert Severity.__args__ == SEVERITIES


# a wrong key, in each section


@pytest.mark.parametrize(("section", "key"), KEYS, ids=[".".join(pair) for pair in KEYS])
def test_a_misspelt_key_is_named_with_its_file_and_section_and_the_right_one(section, key, set_in_home) -> None:
    message = refusal(set_in_home, f"[{section}]\n{key}x = 1")
    assert "own/settings.toml" in message
    assert f"[{section}]: unknown key '{key}x'; did you mean '{key}'?" in message


def test_a_key_that_is_like_no_other_is_answered_with_the_known_ones(set_in_home) -> None:
    assert refusal(set_in_home, "[logging]\nqqq = 1").endswith("unknown key 'qqq'; known: format, level, file")


def test_a_misspelt_section_is_named(set_in_home) -> None:
    assert "unknown section 'malt'; did you mean 'mail'?" in refusal(set_in_home, "[malt]\nport = 25")


# a wrong value


@pytest.mark.parametrize(
    ("section", "key", "value", "complaint"),
    [
        ("http", "retries", "4", "expected a whole number, 0 or more, found '4'"),
        ("http", "retries", 1.5, "expected a whole number"),
        ("http", "retries", True, "expected a whole number"),
        ("http", "retries", -1, "expected a whole number, 0 or more, found -1"),
        ("http", "max_bytes", 0, "expected a whole number above 0, found 0"),
        ("http", "read_timeout_seconds", float("nan"), "expected a number of seconds above 0, found nan"),
        ("http", "read_timeout_seconds", True, "expected a number of seconds above 0, found True"),
        ("http", "total_timeout_seconds", 0, "expected a number of seconds above 0"),
        ("http", "backoff_seconds", -0.1, "expected a number of seconds, 0 or more"),
        ("http", "user_agent", "", "expected one line of text"),
        ("http", "user_agent", "a\r\nX-Injected: b", "expected one line of text"),
        ("http", "user_agent", 7, "expected one line of text, found 7"),
        ("mail", "port", "587", "expected a port, 1 to 65535, found '587'"),
        ("mail", "port", 0, "expected a port"),
        ("mail", "port", True, "expected a port"),
        ("mail", "security", "ssl", "expected one of starttls, tls, none, found 'ssl'"),
        ("mail", "timeout_seconds", 0, "expected a number of seconds above 0"),
        ("mail", "recipients", "desk@example.org", "expected a list of e-mail addresses"),
        ("mail", "recipients", ["desk"], "expected a list of e-mail addresses"),
        ("mail", "recipients", ["desk@example.org\r\nBcc: spy@example.org"], "expected a list of e-mail addresses"),
        ("mail", "sender", "a@example.org, b@example.org", "expected one e-mail address"),
        ("mail", "host", "mail\nx", "expected one line of text"),
        ("alerts", "minimum_severity", "loud", "expected one of notice, warning, critical, found 'loud'"),
        ("alerts", "recent_months", -1, "expected a whole number, 0 or more"),
        ("alerts", "recent_months", "3", "expected a whole number, 0 or more"),
        ("alerts", "retry_after_minutes", -1, "expected minutes, 0 or more"),
        ("alerts", "retry_limit_minutes", "60", "expected minutes, 0 or more"),
        ("alerts", "second_copy", "no", "expected true or false, found 'no'"),
        ("alerts", "second_copy", 1, "expected true or false, found 1"),
        ("schedule", "give_up_after_hours", "6", "expected hours, 0 or more"),
        ("schedule", "daily_cron", "at noon", "expected five cron fields, found 'at noon'"),
        ("schedule", "timezone", "Mars/Olympus", "expected a time zone such as America/New_York"),
        ("prefect", "startup_timeout_seconds", 0, "expected a number of seconds above 0"),
        ("logging", "format", "xml", "expected one of off, text, json, found 'xml'"),
        ("logging", "file", 3, "expected a path, or nothing for standard error, found 3"),
        ("storage", "keep_publications", 0, "expected a whole number above 0, found 0"),
        ("storage", "store", 3, "expected one line of text, found 3"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected_and_found(section, key, value, complaint, set_in_home) -> None:
    message = refusal(set_in_home, toml(section, **{key: value}))
    assert f"own/settings.toml, line 2, column 1, [{section}] {key}: {complaint}" in message


def test_zero_retries_redirects_and_waits_are_a_policy(set_in_home) -> None:
    zeros = dict.fromkeys(
        ["retries", "max_redirects", "backoff_seconds", "backoff_jitter_seconds", "max_retry_after_seconds"], 0
    )
    assert set_in_home(toml("http", **zeros)).http.model_dump(include=set(zeros)) == zeros


def test_a_section_that_is_no_table_is_named(set_in_home) -> None:
    assert "settings.toml, line 1, column 1, [http]: expected a table of keys, found 5" in refusal(
        set_in_home, "http = 5"
    )


def test_of_several_problems_the_first_is_told_with_how_many_more_there_are(set_in_home) -> None:
    message = refusal(set_in_home, '[http]\nretries = "x"\n[logging]\nlevel = "loud"', '[operator]\nto = ["a", "b"]')
    assert "[http] retries" in message
    assert message.endswith("; and 2 more")


# login


def test_a_login_without_tls_is_refused(set_in_home) -> None:
    message = refusal(set_in_home, toml("mail", username="desk", security="none"))
    assert (
        "own/settings.toml, line 2, column 1, [mail]: a login with security 'none' would send the password in the clear"
        in message
    )


def test_the_password_comes_from_the_environment_and_is_never_shown(set_in_home, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
    mail = set_in_home(toml("mail", host="mail.example.org", username="desk")).mail
    mail.check_login()
    assert mail.secret == SECRET
    assert SECRET not in f"{mail!r} {mail} {mail.model_dump_json()}"


def test_a_username_without_a_password_is_refused_where_mail_is_sent_and_nowhere_else(set_in_home) -> None:
    mail = set_in_home(toml("mail", username="desk")).mail
    with pytest.raises(ConfigurationError, match="username is set but TREASURY_WATCH_MAIL_PASSWORD is not"):
        mail.check_login()


def test_a_password_in_a_file_is_refused_without_repeating_it(set_in_home) -> None:
    message = refusal(set_in_home, toml("mail", password=SECRET))
    assert "[mail] password: the password comes from the variable TREASURY_WATCH_MAIL_PASSWORD alone" in message


# secrets in the wrong place


def test_the_password_given_to_another_setting_is_not_repeated(set_in_home, monkeypatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PORT", SECRET)
    assert "MAIL_PORT, [mail] port: expected a port, 1 to 65535, found something that may be" in refusal(set_in_home)


@pytest.mark.parametrize("key", ["to", "channel", "minimum_severity", "delivery", "holders", "rules"])
def test_a_channels_address_in_a_route_is_not_repeated(key, set_in_home) -> None:
    value = f"slack://{SECRET}"
    text = f'[routes.chat]\nto = ["a@example.org"]\n{key} = {json.dumps(value)}' if key != "to" else (
        f"[routes.chat]\nto = {json.dumps([value])}"
    )  # fmt: skip
    assert ", [routes.chat]" in refusal(set_in_home, routing=text)
