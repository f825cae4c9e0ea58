"""Parses archived files in other processes, a limited number before the one that is wanted."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from itertools import islice

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.warehouse.archive.archived_files import Archive, Entry

MOST_PROCESSES = 4
WORTHWHILE_BYTES = 4_000_000  # fewer are read sooner than processes are started
RARELY = (100_000, 20, 20)  # garbage is collected: figures are many objects and no cycles
FILES_PER_PROCESS = 8  # are parsed or wait, so that memory stays at a few of them


def processes() -> int:
    """How many processes parse, unless a user says otherwise."""
    return min(MOST_PROCESSES, os.cpu_count() or 1)


@cache
def end_with_parent() -> None:
    """In a process that parses: end when the one that started it has ended, also by a kill, which tells it nothing.

    It would wait for work for ever, with all its memory. In any other process nothing happens.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait_for_it() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait_for_it, name="end with parent", daemon=True).start()


def _prepare() -> None:
    gc.set_threshold(*RARELY)
    end_with_parent()


@contextmanager
def parsed_in_order(
    entries: list[Entry], archive: Archive, source_of: Callable[[str], Source], labels: list[dict[str, str]]
) -> Iterator[Iterator[tuple[Entry, Parsed]]]:
    """For the block, each entry with what its file says, in the given order.

    `source_of` gives the declaration of a source's id. Where the files are worth it other processes parse, and are at work
    when the block begins. Raises LayoutError or ArchiveDamaged, at the beginning or while the entries are asked for.
    """
    workers = processes()
    if len(entries) < 2 or workers == 1 or sum(entry.bytes for entry in entries) < WORTHWHILE_BYTES:
        yield ((entry, figures_of(archive.body(entry), source_of(entry.source), labels)) for entry in entries)
        return
    # spawned, not forked: this process has the database's threads
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_prepare) as pool:

        def start(entry: Entry) -> tuple[Entry, Future[Parsed]]:
            return entry, pool.submit(figures_of, archive.body(entry), source_of(entry.source), labels)

        started = map(start, entries)
        try:
            waiting = deque(islice(started, workers * FILES_PER_PROCESS))
            yield _results(waiting, started)
        except BrokenProcessPool as problem:
            raise TreasuryWatchError(
                f"{entries[0].source}: a process that parsed archived files ended unexpectedly; is memory short? Run it again"
            ) from problem
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _results(
    waiting: deque[tuple[Entry, Future[Parsed]]], started: Iterator[tuple[Entry, Future[Parsed]]]
) -> Iterator[tuple[Entry, Parsed]]:
    """What waits, one after the other; for each that is taken another one is started."""
    while waiting:
        entry, future = waiting.popleft()
        yield entry, future.result()
        waiting.extend(islice(started, 1))
