"""The monthly run as a Prefect flow: fetch, load, publish, alert, report. The steps themselves are in steps.py."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.alerts.outbox import SendResult
from treasury_watch.flows.fetch import sources
from treasury_watch.flows.fetch.failures import FetchError, HostAway, HostSilent, Refused
from treasury_watch.flows.fetch.http import Fetched
from treasury_watch.flows.fetch.release_polling import (
    NEW_YORK,
    ReleaseLate,
    await_release,
    due_month_is_missing,
    is_release_day,
    may_still_come,
    month_due,
)
from treasury_watch.flows.log import logs
from treasury_watch.flows.prefect_support import named_server, server_start
from treasury_watch.flows.prefect_support.early_imports import early_imports
from treasury_watch.flows.prefect_support.shared_server import shared_server
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.artifacts import show
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import let_go
from treasury_watch.transforms.model import Source
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.session import Session

MINUTES = 60
RUNNER: Any = ThreadPoolTaskRunner(max_workers=8)  # as many as there are publishers' hosts, at least


def let_go_of_failed(_task: Any, _run: Any, state: State[Any]) -> None:
    """Prefect keeps the error of a failed task until the process ends: not what the task held."""
    problem = state.result(raise_on_failure=False)
    if isinstance(problem, BaseException):
        let_go(problem)


STEP: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "on_failure": [let_go_of_failed]}


def may_be_asked_again(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether a failed fetch may be tried again: not where its host is away, or says no, which it would again."""
    problem = state.result(raise_on_failure=False)
    return not isinstance(problem, (HostAway, HostSilent, Refused))


@task(
    name="fetch",
    task_run_name="fetch {source.id}",
    retries=1,
    retry_condition_fn=may_be_asked_again,
    retry_delay_seconds=5,
    timeout_seconds=15 * MINUTES,
    **STEP,
)
def fetch_one(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """Ask one source's server for its file."""
    return sources.fetch_source(source, settings, warehouse)


@task(name="load", timeout_seconds=30 * MINUTES, **STEP)
def load_files(session: Session, files: list[IncomingFile], outcome: Outcome) -> None:
    """Archive, parse, validate and add every file."""
    steps.load_all(session, files, outcome)
    for item in outcome.loaded:
        note(item.line())


def note(words: str, level: int = logging.INFO) -> None:
    """A line on the run's page in Prefect, unless the log's own lines go there already."""
    if not logs.forwarded():
        get_run_logger().log(level, words)


@task(name="publish", timeout_seconds=30 * MINUTES, **STEP)
def publish_tables(session: Session, outcome: Outcome) -> bool:
    """Build the tables, judge them, and move them into place."""
    return steps.publish(session, outcome)


@task(name="alert", timeout_seconds=30 * MINUTES, **STEP)
def send_alerts(warehouse: Warehouse, settings: Settings, since: date | None) -> SendResult:
    """Queue new findings and send what waits."""
    return delivery.alert(warehouse, settings, since)


@task(name="report", timeout_seconds=10 * MINUTES, **STEP)
def write_page(warehouse: Warehouse) -> Path:
    """Write the page."""
    return steps.write_page(warehouse)


@flow(name="treasury-watch", flow_run_name="{command}", timeout_seconds=18 * 60 * MINUTES, task_runner=RUNNER)
def monthly_run(
    sample: bool = False, command: str = "run", wait_hours: float = 0, only_on_release_day: bool = False, poll: str = "",
    into_this_home: bool = False,
) -> str:  # fmt: skip
    """Fetch every source (or take the embedded sample), load, publish, alert, report. Returns the summary.

    With `wait_hours` the run first polls until the month that is due is there; where it stays away, what else is new is
    loaded all the same, and the run then fails with ReleaseLate; with FilesRefused where files were
    refused, once all else is done. A month that is published already is not waited for.
    With `only_on_release_day` nothing at all is done on other days of New York. With the name of a `poll` only its sources
    are asked. `into_this_home`: the sample is wanted in a home with official data, or official data in one of the sample.
    """
    server_start.STARTED.set()
    if sample:
        Home.choose_for_sample()
    settings = Settings()
    with logs.command(settings, command):
        return _monthly_run(settings, sample, command, wait_hours, only_on_release_day, poll, into_this_home)


def _monthly_run(
    settings: Settings, sample: bool, command: str, wait_hours: float, only_on_release_day: bool, poll: str, told: bool
) -> str:
    if settings.home().root.exists():
        settings.warehouse()  # which adds the days that were announced to the calendar
    calendar = settings.declarations.calendar
    moment = scheduled_moment()
    if only_on_release_day and not is_release_day(calendar, moment):
        idle = f"no release on {moment.astimezone(NEW_YORK):%Y-%m-%d}: nothing to do"
        logs.ending(idle, outcome="nothing to do")
        return idle
    warehouse = settings.warehouse()
    warehouse.admit(sample=sample, told=told)  # before it waits for hours
    late = None
    if wait_hours and not sample and due_month_is_missing(warehouse, calendar, moment):
        late = wait_for_release(settings, warehouse, month_due(calendar, moment), wait_hours * 3600)
    tasks = steps.Steps(partial(collect, poll=poll), load_files, publish_tables, send_alerts, write_page)
    outcome = steps.run(settings, warehouse, tasks, sample=sample, command=command, poll=bool(poll), told=told)
    show(warehouse, outcome)
    outcome.raise_refusals(describe(outcome))
    if late is not None and not may_still_come(calendar, month_due(calendar, moment), moment):
        raise late
    return describe(outcome)


def scheduled_moment() -> datetime:
    """The time that this run is for, aware. Prefect may start a run up to half a second before its scheduled time, and
    at 15:59:59 on a release day nothing is due yet.
    """
    return max(datetime.now(UTC), runtime.flow_run.scheduled_start_time)


@task(name="wait for the release", **STEP)
def wait_for_release(settings: Settings, warehouse: Warehouse, due: date, seconds: float) -> ReleaseLate | None:
    """Poll until the month that is due is published; what stopped the wait where it is not."""
    month = f"{due:%Y-%m}"
    logs.say("waiting", f"waiting for {month}, at most {seconds / 3600:g} hours", month=month)
    try:
        asked = await_release(settings, warehouse, due, give_up_after_seconds=seconds)
    except ReleaseLate as problem:
        return problem
    words = f"{month} is there after {counted(asked, 'request')}"
    note(words)
    logs.say("release there", words, month=month, requests=asked)
    return None


def collect(settings: Settings, warehouse: Warehouse, poll: str = "") -> sources.Collected:
    """Fetch every source, or those of a poll: a task each, those of one host one after the other."""

    def answer(source: Source) -> Fetched:
        result = fetch_one.submit(source, settings, warehouse).result(raise_on_failure=False)
        if isinstance(result, FetchError):
            raise result
        if isinstance(result, BaseException):
            raise FetchError(source.id, source.url, "an answer", f"{type(result).__name__}: {result}")
        return result

    return sources.collect(settings, answer, poll)


def describe(outcome: Outcome) -> str:
    """The run in a few lines, for the command line and the log."""
    lines = [outcome.summary()]
    lines += [f"revised: {line}" for line in outcome.revisions.largest]
    lines += [f"not reached: {problem}" for problem in outcome.problems]
    lines += [item.line() for item in outcome.loaded if item.outcome == "withdrawn"]
    if outcome.page:
        lines.append(f"page: {outcome.page}")
    return "\n".join(lines)


def run(*, sample: bool, command: str, into_this_home: bool = False) -> str:
    """One run in this process. Raises what stopped it, ServerSilent where Prefect's temporary server does not start,
    PrefectAway where the server that PREFECT_API_URL names is not there.
    """
    settings = Settings()
    warehouse = settings.warehouse()
    tell = delivery.nobody_told if sample else partial(delivery.tell_failure, warehouse, settings)
    with server_start.recorded(warehouse, command, tell):
        server_start.check_records()
        return _in_flow(partial(monthly_run, sample, command, into_this_home=into_this_home), settings, tell)


def _in_flow(begin: Callable[[], str], settings: Settings, tell: Callable[[Exception], None]) -> str:
    with (
        named_server.reached(tell),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        server_start.starting_within(settings.prefect.startup_timeout_seconds),
        early_imports(),
        shared_server(settings.retention.prefect_days),
    ):
        return begin()
