"""Many files at once as a Prefect flow: parsed side by side by a task runner, loaded by one process in release order.

The ledger has one writer; parsing needs none. The order saves most: a file that is older than what is known makes the
ledger replay its source from there on.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from prefect import flow, task, unmapped
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.log import file_table, logs, progress
from treasury_watch.flows.log.file_table import FileRow
from treasury_watch.flows.prefect_support import named_server, server_start
from treasury_watch.flows.prefect_support.shared_server import shared_server
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.monthly import MINUTES, STEP, note
from treasury_watch.flows.run.summary.artifacts import show
from treasury_watch.flows.run.summary.outcome import Outcome, Refusal
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive.parse_pool import end_with_parent, processes
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.incoming.backfill_files import (
    Found,
    ParsedFile,
    files_in,
    in_release_order,
    parse_found,
    scratch,
)
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.session import Session

WORTHWHILE_FILES = 60  # two processes with Prefect in them take as long to start as parsing so many
BUNDLE = 8  # files a task: a task run costs as much as parsing one or two
NAMED = 3
NOT_KNOWN = "of no known layout"


@cache
def declarations_of(folder: Path) -> Declarations:
    """The declarations of a folder, read once in a process."""
    return Declarations(folder)


@task(name="parse", timeout_seconds=60 * MINUTES, **STEP)
def parse_files(bundle: list[Found], into: Path, config: Path) -> list[ParsedFile]:
    """Parse a few files, wherever the task runner puts it."""
    end_with_parent()
    return [item for found in bundle for item in parse_found(found, into, declarations_of(config))]


@task(name="load", timeout_seconds=6 * 60 * MINUTES, **STEP)
def load_parsed(session: Session, items: list[ParsedFile], outcome: Outcome) -> None:
    """Load the parsed files one after the other, then the press figures."""
    for item in progress.with_bar(items, "Loading"):
        found = item.found
        try:
            body = found.body()
        except TreasuryWatchError as problem:  # it went away, or may not be read
            outcome.refused.append(Refusal(str(found.path), str(problem)))
            continue
        released = found.released if found.released_by_user else None
        steps.load_one(
            session,
            IncomingFile(
                body, found.url, found.retrieved, item.source, released,
                figures=item.parsed(body), container=found.container,
            ),
            outcome,
        )  # fmt: skip
    steps.load_press(session)
    for loaded in outcome.loaded:
        note(loaded.line())
    for refused in outcome.refused:
        note(refused.line, logging.ERROR)


@flow(
    name="treasury-watch-backfill",
    flow_run_name="backfill {folder}",
    timeout_seconds=12 * 60 * MINUTES,
    task_runner=ProcessPoolTaskRunner(max_workers=processes()),  # type: ignore[arg-type]
)
def backfill(folder: Path, into_this_home: bool = False) -> str:
    """Load every file of known layout below the folder, publish, alert, write the page. Returns the summary.

    Raises TreasuryWatchError where no file is of a known layout, FilesRefused where some were refused, once all others are
    loaded and published.
    """
    server_start.STARTED.set()
    settings = Settings()
    with logs.command(settings, "backfill"):
        return _backfill(settings, folder, into_this_home)


def _backfill(settings: Settings, folder: Path, told: bool) -> str:
    warehouse = settings.warehouse()
    warehouse.admit(sample=False, told=told)
    found = files_in(folder, datetime.now(UTC))
    outcome = Outcome()
    passed_over: list[ParsedFile] = []

    def load(session: Session) -> None:
        with scratch(warehouse.home) as into:
            with outcome.timed("parse"):
                bundles = [found[start : start + BUNDLE] for start in range(0, len(found), BUNDLE)]
                running = parse_files.map(bundles, into=unmapped(into), config=unmapped(settings.declarations.folder))
                looked_at = [item for future in progress.with_bar(running, "Parsing") for item in future.result()]
            refuse_unreadable(looked_at, outcome)
            passed_over.extend(item for item in looked_at if item.source is None and item.unreadable is None)
            for item in passed_over:
                logs.say(
                    "passed over", f"passed over, {what_it_is(item)}", path=item.found.path, file=item.found.member
                )
            items = in_release_order(looked_at)
            if not items and not outcome.refused:
                raise TreasuryWatchError(
                    f"{folder}: expected official files, found {counted(len(found), 'file')} of no known layout; "
                    "name the folder that holds them"
                )
            with outcome.timed("load"):
                load_parsed(session, items, outcome)

    steps.take_in(settings, warehouse, load, outcome, command="backfill")
    show(warehouse, outcome)
    outcome.raise_refusals(describe(outcome, passed_over))
    return describe(outcome, passed_over)


def refuse_unreadable(looked_at: list[ParsedFile], outcome: Outcome) -> None:
    """What could not be opened or expanded counts as refused, whatever becomes of the rest of its archive."""
    for item in looked_at:
        if item.unreadable is not None:
            outcome.refused.append(Refusal(item.name, str(item.unreadable)))
            words = f"refused: {item.name}: {item.unreadable}"
            said = {
                "outcome": "refused",
                "error": type(item.unreadable).__name__,
                "source": None,
                "url": item.found.url,
            }
            logs.say("refused", words, level=logging.ERROR, **said)


def what_it_is(item: ParsedFile) -> str:
    """A file that is passed over, for a message."""
    return f"{item.kind or NOT_KNOWN}: {item.name}"


def describe(outcome: Outcome, passed_over: list[ParsedFile]) -> str:
    """The backfill in a few lines."""
    kinds = {kind: sum(item.outcome == kind for item in outcome.loaded) for kind in ("same_figures", "known")}
    rows = outcome.file_rows() + [
        FileRow(item.name, "", f"passed over, {item.kind or NOT_KNOWN}") for item in passed_over
    ]
    lines = [*file_table.on_terminal(rows), outcome.summary()]
    if kinds["same_figures"]:
        lines.append(f"same figures as before: {counted(kinds['same_figures'], 'file')}")
    if kinds["known"]:
        lines.append(f"seen before: {counted(kinds['known'], 'file')}")
    lines += [f"passed over, {what_it_is(item)}" for item in passed_over[:NAMED]]
    if len(passed_over) > NAMED:
        lines.append(f"and {len(passed_over) - NAMED} more passed over")
    lines.append(", ".join(f"{step} {seconds:.1f} s" for step, seconds in outcome.seconds.items()))
    return "\n".join(lines)


def dask_runner(workers: int) -> Any:
    """A task runner with so many Dask worker processes on this machine. Raises ConfigurationError without the extra."""
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError as problem:
        raise ConfigurationError(
            f"Dask is not installed ({problem}); run `pip install 'treasury-watch[dask]'`, or leave out --dask"
        ) from problem
    cluster = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=cluster)


def task_runner(files: int, *, dask: bool = False, workers: int | None = None) -> Any:
    """What parses so many files: this process where they are few, else `workers` processes, or a Dask cluster of them.

    Raises ConfigurationError where Dask is asked for and not installed.
    """
    count = workers or processes()
    if dask:
        return dask_runner(count)
    if workers is None and files < WORTHWHILE_FILES:
        return ThreadPoolTaskRunner(max_workers=1)
    return ProcessPoolTaskRunner(max_workers=count)


def run(folder: Path, *, dask: bool = False, workers: int | None = None, into_this_home: bool = False) -> str:
    """One backfill in this process, with the parsing where `task_runner` puts it. Raises what stopped it, PrefectAway
    where the server that PREFECT_API_URL names is not there.
    """
    settings = Settings()
    runner = task_runner(len(files_in(folder, datetime.now(UTC))), dask=dask, workers=workers)
    warehouse = settings.warehouse()
    tell = partial(delivery.tell_failure, warehouse, settings)
    with (
        server_start.recorded(warehouse, "backfill", tell),
        named_server.reached(tell),
        shared_server(),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        return backfill.with_options(task_runner=runner)(folder, into_this_home)
