"""Parses archived files in other processes, a few ahead of the one that is wanted."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.parsing import figures_of
from treasury_watch.warehouse.archive.archived_files import Archive, Entry

WORTHWHILE = 4_000_000  # bytes; fewer are read sooner than processes are started
RARELY = (100_000, 20, 20)  # garbage is collected: figures are many objects and no cycles
AHEAD = 8  # files per process, so that memory stays at a few of them


def parsed_in_order(
    entries: list[Entry],
    archive: Archive,
    source_of: Callable[[str], Source],
    labels: list[dict[str, str]],
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[tuple[Entry, Parsed]]:
    """Each entry with what its file says, in the given order. Raises LayoutError or ArchiveDamaged.

    `source_of` gives the declaration of a source's id. Where other processes parse, `meanwhile` is called once they are
    at work, before this one waits for the first of them.
    """
    workers = min(4, os.cpu_count() or 1)
    if len(entries) < 2 or workers == 1 or sum(entry.bytes for entry in entries) < WORTHWHILE:
        for entry in entries:
            yield entry, figures_of(archive.body(entry), source_of(entry.source), labels)
        return
    # spawned, not forked: this process has the database's threads
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=gc.set_threshold, initargs=RARELY) as pool:
        waiting: deque[tuple[Entry, Future[Parsed]]] = deque()
        rest = iter(entries)
        try:
            while True:
                while len(waiting) < workers * AHEAD and (following := next(rest, None)) is not None:
                    source = source_of(following.source)
                    waiting.append((following, pool.submit(figures_of, archive.body(following), source, labels)))
                if meanwhile is not None:
                    meanwhile()
                    meanwhile = None
                if not waiting:
                    return
                entry, future = waiting.popleft()
                yield entry, future.result()
        except BrokenProcessPool as problem:
            raise TreasuryWatchError(
                f"{entries[0].source}: a process that parsed archived files ended unexpectedly; is memory short? Run it again"
            ) from problem
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
