"""Many files at once as a Prefect flow: parsed side by side by a task runner, loaded by one process in release order.

The ledger has one writer; parsing needs none. The order saves most: a file that is older than what is known makes the
ledger replay its source from there on.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from prefect import flow, task, unmapped
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from treasury_watch.flows.log import logs, progress
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.artifacts import show
from treasury_watch.flows.run.monthly import MINUTES, STEP, note
from treasury_watch.flows.run.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.archive.parse_pool import end_with_parent, processes
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.installation import Session
from treasury_watch.warehouse.ledger.backfill_files import (
    Found,
    ParsedFile,
    files_in,
    in_release_order,
    parse_file,
    scratch,
)
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile

WORTHWHILE_FILES = 60  # two processes with Prefect in them take as long to start as parsing so many
BUNDLE = 8  # files a task: a task run costs as much as parsing one or two
NAMED = 3


@cache
def declarations_of(folder: Path) -> Declarations:
    """The declarations of a folder, read once in a process."""
    return Declarations(folder)


@task(name="parse", timeout_seconds=60 * MINUTES, **STEP)
def parse_files(bundle: list[Found], into: Path, config: Path) -> list[ParsedFile]:
    """Parse a few files, wherever the task runner puts it."""
    end_with_parent()
    return [parse_file(found, into, declarations_of(config)) for found in bundle]


@task(name="load", timeout_seconds=6 * 60 * MINUTES, **STEP)
def load_parsed(session: Session, items: list[ParsedFile], outcome: Outcome) -> None:
    """Load the parsed files one after the other, then the press figures."""
    for item in progress.with_bar(items, "Loading"):
        body, found = item.found.body(), item.found
        released = found.released if found.released_by_user else None
        steps.load_one(
            session,
            IncomingFile(body, found.url, found.retrieved, item.source, released, figures=item.parsed(body)),
            outcome,
        )
    steps.load_press(session)
    for loaded in outcome.loaded:
        note(loaded.line())
    for problem in outcome.refused:
        note(str(problem), logging.ERROR)


@flow(
    name="treasury-watch-backfill",
    flow_run_name="backfill {folder}",
    timeout_seconds=12 * 60 * MINUTES,
    task_runner=ProcessPoolTaskRunner(max_workers=processes()),  # type: ignore[arg-type]
)
def backfill(folder: Path) -> str:
    """Load every file of known layout below the folder, publish, alert, write the page. Returns the summary.

    Raises TreasuryWatchError where no file is of a known layout, or where files were refused: the others are then in the
    ledger, and the publication is as it was.
    """
    settings = Settings()
    with logs.command(settings, "backfill"):
        return _backfill(settings, folder)


def _backfill(settings: Settings, folder: Path) -> str:
    warehouse = settings.warehouse()
    found = files_in(folder, datetime.now(UTC))
    outcome = Outcome()
    passed_over: list[Path] = []

    def load(session: Session) -> None:
        with scratch(warehouse.home) as into:
            with outcome.timed("parse"):
                bundles = [found[start : start + BUNDLE] for start in range(0, len(found), BUNDLE)]
                running = parse_files.map(bundles, into=unmapped(into), config=unmapped(settings.declarations.folder))
                looked_at = [item for future in progress.with_bar(running, "Parsing") for item in future.result()]
            passed_over.extend(item.found.path for item in looked_at if item.source is None)
            for path in passed_over:
                logs.say("passed over", f"passed over, of no known layout: {path}", path=path)
            items = in_release_order(looked_at)
            if not items:
                raise TreasuryWatchError(
                    f"{folder}: expected official files, found {len(found)} files of no known layout; "
                    "name the folder that holds them"
                )
            with outcome.timed("load"):
                load_parsed(session, items, outcome)
        if outcome.refused:
            raise refusal(outcome, len(items))

    steps.take_in(settings, warehouse, load, outcome, command="backfill")
    show(warehouse, outcome)
    return describe(outcome, passed_over)


def refusal(outcome: Outcome, files: int) -> TreasuryWatchError:
    """The refused files as one error: the only one itself, else how many there are and the first."""
    first = outcome.refused[0]
    if len(outcome.refused) == 1:
        return first
    return TreasuryWatchError(
        f"{len(outcome.refused)} of {files} files were refused, the archive notes why of each; the first: {first}"
    )


def describe(outcome: Outcome, passed_over: list[Path]) -> str:
    """The backfill in a few lines."""
    kinds = {kind: sum(item.outcome == kind for item in outcome.loaded) for kind in ("same_figures", "known")}
    lines = [outcome.summary()]
    if kinds["same_figures"]:
        lines.append(f"same figures as before: {kinds['same_figures']} files")
    if kinds["known"]:
        lines.append(f"seen before: {kinds['known']} files")
    lines += [f"passed over, of no known layout: {path}" for path in passed_over[:NAMED]]
    if len(passed_over) > NAMED:
        lines.append(f"and {len(passed_over) - NAMED} more of no known layout")
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


def run(folder: Path, *, dask: bool = False, workers: int | None = None) -> str:
    """One backfill in this process, with the parsing where `task_runner` puts it. Raises what stopped it."""
    runner = task_runner(len(files_in(folder, datetime.now(UTC))), dask=dask, workers=workers)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return backfill.with_options(task_runner=runner)(folder)
