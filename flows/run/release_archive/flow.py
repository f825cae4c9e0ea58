"""The Treasury's archive of releases as a Prefect flow: fetched one after the other, parsed side by side, loaded in order.

The three go on at once: a zip is read by the task runner while the next is fetched and the one before is loaded. What
was loaded is noted zip by zip, so that a run that ended early goes on where it was.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import TaskRunner

from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.fetch.release_archive import Fetching, ReleaseArchiveReader, fetching
from treasury_watch.flows.log import file_table, logs
from treasury_watch.flows.prefect_support import named_server, server_start
from treasury_watch.flows.prefect_support.shared_server import shared_server
from treasury_watch.flows.run import backfill, steps
from treasury_watch.flows.run.monthly import MINUTES, STEP, note
from treasury_watch.flows.run.release_archive.loading import Loading
from treasury_watch.flows.run.summary.artifacts import show
from treasury_watch.flows.run.summary.outcome import Outcome, Refusal
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.layouts.pages.release_archive import ReleaseLink
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive.parse_pool import end_with_parent, processes
from treasury_watch.warehouse.archive.release_zips import ReleaseZips
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.backfill_files import scratch
from treasury_watch.warehouse.ledger.incoming.release_files import ReadZip, ZipToRead, read_zip
from treasury_watch.warehouse.session import Session

BUNDLE = 4  # zips a task
AHEAD = 2  # tasks for each process that run or wait
NAMED = 3
FILES_A_RELEASE = 4


@task(name="read", timeout_seconds=60 * MINUTES, **STEP)
def read_zips(bundle: list[ZipToRead], into: Path, config: Path) -> list[ReadZip]:
    """Expand and parse a few zips, wherever the task runner puts it."""
    end_with_parent()
    declarations = backfill.declarations_of(config)
    return [read_zip(zipped, declarations.release_archive.members, into, declarations) for zipped in bundle]


@flow(
    name="treasury-watch-release-archive",
    flow_run_name="backfill the release archive",
    timeout_seconds=12 * 60 * MINUTES,
)
def release_archive(
    since: date | None = None, dask: bool = False, workers: int | None = None, into_this_home: bool = False
) -> str:
    """Fetch every release of the Treasury's archive from the month `since` on that was not taken in yet, load it, publish.

    The zips are read where `backfill.task_runner` puts it. Returns the summary. Raises FilesRefused that lists what could not
    be fetched or was refused; everything else is then loaded and published.
    """
    server_start.STARTED.set()
    settings = Settings()
    with logs.command(settings, "backfill"):
        warehouse = settings.warehouse()
        warehouse.admit(sample=False, told=into_this_home)
        reader = ReleaseArchiveReader(settings, ReleaseZips(warehouse.home.release_archive))
        links, warnings = reader.links(since)
        pending = reader.pending(links)
        runner = backfill.task_runner(len(pending) * FILES_A_RELEASE, dask=dask, workers=workers)
        return _release_archive(settings, warehouse, reader, pending, runner, warnings)


def _release_archive(
    settings: Settings,
    warehouse: Warehouse,
    reader: ReleaseArchiveReader,
    pending: list[ReleaseLink],
    runner: TaskRunner[Any],
    warnings: list[str],
) -> str:
    for words in warnings:
        logs.say("warning", words, level=logging.WARNING)
    outcome = Outcome()
    loading: list[Loading] = []

    def load(session: Session) -> None:
        loaded = Loading(session, reader.zips, outcome)
        loading.append(loaded)
        with ExitStack() as opened, session.gates.quickly(), outcome.timed("load"):
            into = opened.enter_context(scratch(warehouse.home))
            arriving = opened.enter_context(fetching(reader, pending))
            opened.enter_context(runner)  # its processes end here: their memory is needed for the publication
            for read in _read(runner, arriving, into, settings.declarations.folder):
                loaded.take(read)
        steps.load_press(session)

    steps.take_in(settings, warehouse, load, outcome, command="backfill")
    for aside in loading[0].session.set_aside:
        reader.zips.set_aside(aside.entry.container or "", aside.entry.sha256)
    show(warehouse, outcome)
    for item in outcome.loaded:
        note(item.line())
    words = describe(outcome, reader.done, loading[0], warnings)
    for name, problem in sorted({**reader.done.problems, **loading[0].problems}.items()):
        outcome.refused.append(Refusal(name, problem))
    outcome.raise_refusals(words)
    return words


def _read(runner: TaskRunner[Any], arriving: Iterable[ZipToRead], into: Path, config: Path) -> Iterator[ReadZip]:
    """The zips as they come, read by the task runner, in their order."""
    zips = iter(arriving)
    running: deque[PrefectFuture[list[ReadZip]]] = deque()
    while bundle := list(islice(zips, BUNDLE)):
        running.append(runner.submit(read_zips, {"bundle": bundle, "into": into, "config": config}))
        while len(running) > AHEAD * processes():
            yield from running.popleft().result()
    while running:
        yield from running.popleft().result()


def describe(outcome: Outcome, fetched: Fetching, loading: Loading, warnings: list[str]) -> str:
    """The run in a few lines."""
    counts = (
        f"{counted(fetched.fetched, 'release')} fetched, {fetched.known} known before, {fetched.unchanged} unchanged; "
        f"{counted(loading.members, 'member')} of {counted(loading.releases, 'release')} read, "
        f"{loading.passed_over} of no use passed over"
    )
    lines = [*file_table.on_terminal(outcome.file_rows()), outcome.summary(), counts, *warnings[:NAMED]]
    if len(warnings) > NAMED:
        lines.append(f"and {len(warnings) - NAMED} more rows of the page that could not be read whole")
    lines.append(", ".join(f"{step} {seconds:.1f} s" for step, seconds in outcome.seconds.items()))
    return "\n".join(lines)


def run(
    since: date | None = None, *, dask: bool = False, workers: int | None = None, into_this_home: bool = False
) -> str:
    """One run in this process. Raises what stopped it, PrefectAway where the server that PREFECT_API_URL names is not there."""
    settings = Settings()
    warehouse = settings.warehouse()
    tell = partial(delivery.tell_failure, warehouse, settings)
    with (
        server_start.recorded(warehouse, "backfill --release-archive", tell),
        named_server.reached(tell),
        shared_server(),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        return release_archive(since, dask, workers, into_this_home)
