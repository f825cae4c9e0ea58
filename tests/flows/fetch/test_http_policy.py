"""The policy of every request: read from the settings, wrong ones refused by name."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.flows.fetch.test_http import PATIENT
from treasury_watch.flows.fetch.http import HttpPolicy
from treasury_watch.transforms.errors import ConfigurationError

SETTINGS = Path(__file__).resolve().parents[3] / "config" / "settings.toml"


def test_the_settings_of_the_project_are_a_policy() -> None:
    section = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))["http"]
    assert asdict(HttpPolicy.from_settings(section)) == section


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"retrys": 3}, r"unknown key 'retrys'; did you mean 'retries'\?"),
        ({"colour": "red"}, "unknown key 'colour'; known keys: user_agent, "),
        ({"retries": "4"}, "retries: expected a whole number, 0 or more, found '4'"),
        ({"retries": 1.5}, "retries: expected a whole number"),
        ({"retries": True}, "retries: expected a whole number"),
        ({"retries": -1}, "retries: expected a whole number, 0 or more, found -1"),
        ({"max_bytes": 0}, "max_bytes: expected a whole number above 0, found 0"),
        ({"read_timeout_seconds": float("nan")}, "read_timeout_seconds: expected a number of seconds above 0"),
        ({"total_timeout_seconds": 0}, "total_timeout_seconds: expected a number of seconds above 0"),
        ({"backoff_seconds": -0.1}, "backoff_seconds: expected a number of seconds, 0 or more"),
        ({"user_agent": ""}, "user_agent: expected one line of text"),
        ({"user_agent": "a\r\nX-Injected: b"}, "user_agent: expected one line of text"),
        ({"user_agent": 7}, "user_agent: expected one line of text, found 7"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        HttpPolicy.from_settings(asdict(PATIENT) | change)


def test_a_missing_setting_is_refused_by_name() -> None:
    section = asdict(PATIENT)
    del section["max_redirects"]
    with pytest.raises(ConfigurationError, match="'max_redirects' is missing"):
        HttpPolicy.from_settings(section)


def test_zero_retries_redirects_and_waits_are_a_policy() -> None:
    zeros = dict.fromkeys(
        ["retries", "max_redirects", "backoff_seconds", "backoff_jitter_seconds", "max_retry_after_seconds"], 0
    )
    assert HttpPolicy.from_settings(asdict(PATIENT) | zeros).retries == 0
