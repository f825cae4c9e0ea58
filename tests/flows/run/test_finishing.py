"""What ends a run: the page first, then the messages, which may take long or be in another process's hands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import TODAY, a_copy
from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.alerts.outbox import SendResult, pending
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.installation import Warehouse


@pytest.fixture
def home(published_small: Path, tmp_path: Path, declarations, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    return a_copy(published_small, tmp_path, declarations)


def test_the_page_is_there_before_the_first_message_is_tried(home):
    seen = []

    def try_messages(warehouse, _settings, _since):
        seen.append((warehouse.home.reports / "treasury-watch.html").exists())
        return SendResult()

    outcome = Outcome()
    steps.finish(Settings(), home, replace(steps.PLAIN, alert=try_messages), outcome, published_now=True)
    assert seen == [True]
    assert outcome.page == home.home.reports / "treasury-watch.html"


def test_a_run_while_another_process_sends_ends_well_and_leaves_what_it_queued(home):
    settings = Settings()
    with FileLock(home.home.root / "outbox.lock"):
        result = delivery.alert(home, settings, today=TODAY, wait_seconds=0)
    assert result.queued > 0
    assert (result.sent, result.written, result.failed) == (0, 0, 0)
    assert len(pending(home.state)) == result.queued
    assert delivery.alert(home, settings, today=TODAY).written == result.queued


def test_a_run_that_publishes_what_an_earlier_one_loaded_does_not_say_that_nothing_was_done():
    assert Outcome().summary() == "nothing new"
    assert Outcome(published={"holder_months": 3}).summary() == "nothing new; the tables were published"
