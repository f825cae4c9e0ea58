"""Ctrl-C in the midst of a library that swallows it ends the run all the same."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from treasury_watch.flows.run import interruption
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse


@pytest.fixture(autouse=True)
def raises() -> Iterator[None]:
    """Ctrl-C raises, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallowed() -> None:
    with suppress(KeyboardInterrupt):  # as numpy does where it compares types
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)


def test_what_a_library_swallowed_is_raised_before_the_next_step():
    with interruption.noticed():
        interruption.check()
        swallowed()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_the_next_command_begins_anew():
    with interruption.noticed():
        swallowed()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with interruption.noticed():
        interruption.check()


def test_python_tells_of_other_swallowed_errors_but_not_of_ctrl_c(monkeypatch: pytest.MonkeyPatch):
    told = []
    monkeypatch.setattr("sys.unraisablehook", lambda swallowed: told.append(swallowed.exc_type))

    class Ends:
        def __init__(self, end):
            self.end = end

        def __del__(self):
            self.end()

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    with interruption.noticed():
        Ends(interrupted)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        Ends(lambda: 1 / 0)
    Ends(lambda: 1 / 0)
    assert told == [ZeroDivisionError, ZeroDivisionError]


def test_a_run_that_ctrl_c_ended_is_recorded_in_words(tmp_path: Path) -> None:
    warehouse = Warehouse(Home(tmp_path / "home"), Declarations())
    with suppress(KeyboardInterrupt), warehouse.session("run"):
        raise KeyboardInterrupt
    [row] = warehouse.state.rows("SELECT outcome, summary FROM runs")
    assert (row["outcome"], row["summary"]) == ("failed", "interrupted (Ctrl-C)")
