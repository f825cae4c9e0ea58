"""A process beside the site's own, for what keeps Python busy and needs only its arguments: workbooks, pictures."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, Self, TypeVar

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.parse_pool import end_with_parent

WORTH_SECONDS = 0.7  # of work: less is done here, starting a process takes about as long

P = ParamSpec("P")
T = TypeVar("T")


class Aside:
    """Does work in one process beside this one as soon as enough was asked for; little is done when its result is.

    The other process does first what was begun first. What it has not come to when its result is asked for is done here: who
    asks for the last first shares the work between both.
    """

    def __init__(self) -> None:
        self._asked = 0.0
        self._process: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.shutdown(cancel_futures=True)
            self._process = None

    def begin(self, seconds: float, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Callable[[], T]:
        """Begin `work` of about so many seconds; what is returned waits for its result, or raises what it raised."""
        self._asked += seconds
        if self._process is None and self._asked >= WORTH_SECONDS:
            # spawned, not forked: DuckDB's threads would be missing from a copy of this process
            self._process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=end_with_parent)
        if self._process is None:
            return partial(work, *arguments, **named)
        with _explained():
            return partial(_result, self._process.submit(work, *arguments, **named), partial(work, *arguments, **named))


def _result(begun: Future[T], work: Callable[[], T]) -> T:
    if begun.cancel():
        return work()
    with _explained():
        return begun.result()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as problem:
        raise TreasuryWatchError(
            "site: the process that makes workbooks and pictures was expected to go on, found that it had ended; "
            "see whether memory is short, and build the site again"
        ) from problem
