"""A log that a test begins and that is off again afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.log.log_lines import Lines, parsed
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings


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
