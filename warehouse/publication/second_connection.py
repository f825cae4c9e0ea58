"""A second connection to a database, on a thread of its own: what the first does not wait for is done there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb

T = TypeVar("T")


@dataclass(frozen=True)
class Beside:
    """Does one thing after the other, in the order in which they were started."""

    connection: duckdb.DuckDBPyConnection
    pool: ThreadPoolExecutor

    def start(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have `work` done with the second connection as its first argument. What it raises, its result raises."""
        return self.pool.submit(work, self.connection, *arguments)


@contextmanager
def beside(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[Beside]:
    """The second connection, for the block; it uses the attached `database`.

    At the block's end what has been started is waited for; where the block fails, what has not begun is left out.
    """
    second = connection.cursor()
    pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
    try:
        second.execute(f"USE {database}")
        yield Beside(second, pool)
        pool.shutdown()
    except BaseException:
        second.interrupt()  # a query at work is of no more use
        raise
    finally:
        _end(pool)
        second.close()


def _end(pool: ThreadPoolExecutor) -> None:
    """Wait for the thread, however often the user interrupts: its connection must not be closed under it."""
    try:
        pool.shutdown(cancel_futures=True)
    except KeyboardInterrupt:
        _end(pool)
        raise
