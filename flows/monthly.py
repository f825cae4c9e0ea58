"""The monthly run as a Prefect flow: fetch, load, publish, alert, report. The steps themselves are in pipeline.py."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from flows import pipeline
from flows.fetching import Fetched, FetchError
from flows.pipeline import Outcome
from flows.schedule import ReleaseLate, await_release, month_due
from flows.settings import Settings
from transforms.errors import TreasuryWatchError
from transforms.explanations import billions
from transforms.model import Source
from warehouse.warehouse import Session, Warehouse


class ServerSilent(TreasuryWatchError):
    """Prefect's temporary server did not start."""


MINUTES = 60
STARTED = threading.Event()  # the flow is at work
RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)
STEP: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}


@task(
    name="fetch",
    task_run_name="fetch {source.id}",
    retries=1,
    retry_delay_seconds=5,
    timeout_seconds=15 * MINUTES,
    **STEP,
)
def fetch_one(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """Ask one source's server for its file."""
    return pipeline.fetch_source(source, settings, warehouse)


@task(name="load", timeout_seconds=30 * MINUTES, **STEP)
def load_files(session: Session, files: list[pipeline.File], outcome: Outcome) -> None:
    """Archive, parse, validate and add every file."""
    pipeline.load_all(session, files, outcome)
    for item in outcome.loaded:
        get_run_logger().info(item.line())


@task(name="publish", timeout_seconds=30 * MINUTES, **STEP)
def publish_tables(session: Session, outcome: Outcome) -> bool:
    """Build the tables, judge them, and move them into place."""
    return pipeline.publish(session, outcome)


@task(name="alert", timeout_seconds=30 * MINUTES, **STEP)
def send_alerts(warehouse: Warehouse, settings: Settings, outcome: Outcome, since: date | None) -> None:
    """Queue new findings and send what waits."""
    pipeline.alert(warehouse, settings, outcome, since)


@task(name="report", timeout_seconds=10 * MINUTES, **STEP)
def write_page(warehouse: Warehouse, outcome: Outcome) -> None:
    """Write the page."""
    pipeline.write_page(warehouse, outcome)


@flow(name="treasury-watch", flow_run_name="{command}", timeout_seconds=18 * 60 * MINUTES, task_runner=RUNNER)
def monthly_run(sample: bool = False, command: str = "run", wait_hours: float = 0) -> str:
    """Fetch every source (or take the embedded sample), load, publish, alert, report. Returns the summary.

    With `wait_hours` the run first polls until the month that is due is there; where it stays away, what else is new is
    loaded all the same, and the run then fails with ReleaseLate.
    """
    STARTED.set()
    settings = Settings()
    warehouse = settings.warehouse()
    late = wait_for_release(settings, warehouse, wait_hours * 3600) if wait_hours and not sample else None
    steps = pipeline.Steps(collect, load_files, publish_tables, send_alerts, write_page)
    outcome = pipeline.run(settings, warehouse, steps, sample=sample, command=command)
    artifacts(warehouse, outcome)
    if late is not None:
        raise late
    return describe(outcome)


@task(name="wait for the release", **STEP)
def wait_for_release(settings: Settings, warehouse: Warehouse, seconds: float) -> ReleaseLate | None:
    """Poll until the month that is due is published; what stopped the wait where it is not."""
    due = month_due(settings.declarations.calendar, datetime.now(UTC))
    try:
        asked = await_release(settings, warehouse, due, give_up_after_seconds=seconds)
    except ReleaseLate as problem:
        return problem
    get_run_logger().info("%s is there after %d requests", f"{due:%Y-%m}", asked)
    return None


def collect(settings: Settings, warehouse: Warehouse, outcome: Outcome) -> list[pipeline.File]:
    """Fetch every source, four at a time."""
    running = {
        source.id: fetch_one.submit(source, settings, warehouse) for source in pipeline.sources_to_fetch(settings)
    }

    def answer(source: Source) -> Fetched:
        result = running[source.id].result(raise_on_failure=False)
        if isinstance(result, FetchError):
            raise result
        if isinstance(result, BaseException):
            raise FetchError(source.id, source.url, "an answer", f"{type(result).__name__}: {result}")
        return result

    return pipeline.collect(settings, warehouse, outcome, answer)


def describe(outcome: Outcome) -> str:
    """The run in a few lines, for the command line and the log."""
    lines = [outcome.summary()]
    lines += [f"not reached: {problem}" for problem in outcome.problems]
    if outcome.page:
        lines.append(f"page: {outcome.page}")
    return "\n".join(lines)


def artifacts(warehouse: Warehouse, outcome: Outcome) -> None:
    """What a person wants to see of the run in Prefect's pages: a summary, the files, the newest findings."""
    lines = [f"**{outcome.summary()}**", ""]
    lines += [f"- {item.line()}" for item in outcome.loaded]
    lines += [f"- not reached: {problem}" for problem in outcome.problems]
    create_markdown_artifact("\n".join(lines), key="run-summary", description="What the run loaded and published")
    if not warehouse.home.database.exists():
        return
    with pipeline.published(warehouse) as connection:
        newest = connection.execute(
            "SELECT holder, month, rule, severity, verdict, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn "
            "FROM sell_offs ORDER BY month DESC, change_usd_mn LIMIT 20"
        ).fetchall()
    rows = [
        {
            "holder": holder, "month": f"{month:%Y-%m}", "rule": rule, "severity": severity, "verdict": verdict,
            "change": _shown(change), "net purchases": _shown(net), "valuation": _shown(valuation),
        }
        for holder, month, rule, severity, verdict, change, net, valuation in newest
    ]  # fmt: skip
    create_table_artifact(rows, key="newest-findings", description="The newest flagged months")


def _shown(usd_mn: float | None) -> str:
    return "n.a." if usd_mn is None else billions(usd_mn)


def run(*, sample: bool, command: str) -> str:
    """One run in this process. Raises what stopped it, ServerSilent where Prefect's temporary server does not start."""
    seconds = Settings().section("prefect")["startup_timeout_seconds"]
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), starting_within(seconds):
        return monthly_run(sample=sample, command=command)


@contextmanager
def starting_within(seconds: float) -> Iterator[None]:
    """Ends a block in which the flow has not STARTED after so many seconds: raises ServerSilent.

    Prefect starts a server that ends with a failure of its database again and again, without an end of its own.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_signal: int, _frame: object) -> None:
        if STARTED.is_set():
            return
        folder = os.environ.get("PREFECT_HOME", "~/.prefect")
        raise ServerSilent(
            f"{folder}: Prefect's temporary server did not start within {seconds:g} s; see that the disk has room and "
            "the folder can be written, or remove the folder: it holds nothing but Prefect's own records"
        )

    STARTED.clear()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
