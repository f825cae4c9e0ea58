"""Stays up and runs on schedule, with a Prefect server of its own: a temporary one never fires schedules.

The server and the scheduler live and die together: where one of them ends, or the deployment is deleted, both are started
again, later each time, and the operator is told.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from pydantic import BaseModel

from treasury_watch.flows.log import logs
from treasury_watch.flows.prefect_support import pruning
from treasury_watch.flows.prefect_support.bound_process import BoundProcess
from treasury_watch.flows.prefect_support.local_server import LocalServer, ServerEnded, login_file, start
from treasury_watch.flows.prefect_support.server_start import check_folder, records_folder
from treasury_watch.flows.serve.watchdog import RunOverdue
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import TreasuryWatchError

RENEW_SECONDS = 28 * 24 * 3600
DEPLOYMENT = "/deployments/name/treasury-watch/on-schedule"
REGISTERED_WITHIN_SECONDS = 300
ASK_SECONDS = 30
LARGEST_LOG_BYTES = 5_000_000  # of prefect-server.log, before a server begins a new one
CHECK_SECONDS = 60
GRACE_SECONDS = 900  # a run that makes up for what was missed has so long to begin
UNANSWERED = 4  # so many times in a row, and the server counts as gone
# What Prefect's scheduler warns of where it is told to end: nothing that anybody could act on.
QUIET = ["-W", "ignore:coroutine 'Runner.astop':RuntimeWarning", "-W", "ignore:resource_tracker:UserWarning"]
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5, 600


class Stopped(TreasuryWatchError):
    """A part of what serves has ended by itself."""


@contextmanager
def server(port: int, folder: Path, keep_days: float = 30) -> Iterator[LocalServer]:
    """A Prefect server on this machine for as long as the block lasts. What it says goes to prefect-server.log in
    `folder`, its login to prefect-login; events older than `keep_days` it removes itself. Raises ServerEnded.
    """
    command = [_prefect(), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    check_folder(records_folder())
    log = folder / "prefect-server.log"
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    made = start(command, port, settings=pruning.event_settings(keep_days), log=log)
    try:
        with login_file(folder, made):
            yield made
    finally:
        made.process.stop()


def _prefect() -> str:
    beside_python = Path(sys.executable).with_name("prefect")
    found = str(beside_python) if beside_python.exists() else shutil.which("prefect")
    if not found:
        raise TreasuryWatchError("the `prefect` command is not installed; run `pip install -e .`")
    return found


class Plan(BaseModel, frozen=True):
    """What is served: every `interval_seconds`, on a `cron` line, or, with neither, on the release calendar."""

    sample: bool
    schedule: Schedule
    interval_seconds: int | None = None
    cron: str | None = None
    run_first: dict[str, Any] | None = None  # parameters of a run that makes up for what was missed
    first_in_process: bool = False  # on a server of somebody else nothing is asked for by hand
    into_this_home: bool = False
    keep_days: float = 30  # Prefect's records of runs

    def words(self) -> str:
        """The plan in words."""
        if self.interval_seconds:
            return f"every {self.interval_seconds} s"
        if self.cron:
            return f"{self.cron} {self.schedule.timezone}"
        daily = f"{self.schedule.daily_cron} {self.schedule.timezone}"
        return f"on the release calendar from 16:00 New York time, {daily}, and when early signals are published"


def serve(
    plan: Plan,
    *,
    port: int,
    folder: Path,
    announce: Callable[[str], None],
    missed: Callable[[], dict[str, Any] | None],
    tell: Callable[[Exception], None],
    overdue: Callable[[], list[str]] = list,
) -> None:
    """Serve the run until stopped by SIGTERM, SIGHUP or Ctrl-C, with the run that may be under way.

    A run goes first where `missed` gives its parameters: one was due. A run stopped midway leaves the last publication as it
    was and is made up for by the next. The schedule is made anew every month, so that the release calendar never runs out.
    `tell` is called where what served has stopped by itself, or `overdue` says that a run was due and did not happen; all is
    then started again. Raises ServerEnded where the first start fails.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    logs.ending("stopped serving", outcome="stopped")
    pause = FIRST_PAUSE_SECONDS
    served = False
    try:
        while True:
            began = time.monotonic()
            try:
                with _reachable(port, folder, announce, plan) as (environment, own):
                    served = True
                    _run_for_a_month(
                        plan.model_copy(update={"run_first": missed()}), environment, own, tell=tell, overdue=overdue
                    )
                continue
            except (Stopped, ServerEnded, RunOverdue) as problem:
                if not served:
                    raise
                lasted = time.monotonic() - began
                pause = FIRST_PAUSE_SECONDS if lasted > LONGEST_PAUSE_SECONDS else pause
                announce(f"{problem}; starting again in {pause} s")
                logs.say("serving stopped", f"{problem}; starting again in {pause} s", level=logging.ERROR)
                if pause == FIRST_PAUSE_SECONDS:  # once for each series of failures
                    tell(problem)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    except KeyboardInterrupt:
        return


@contextmanager
def _reachable(
    port: int, folder: Path, announce: Callable[[str], None], plan: Plan
) -> Iterator[tuple[Mapping[str, str], LocalServer | None]]:
    """What a process has to be told to reach the server, and the server where it is this command's own."""
    named = os.environ.get("PREFECT_API_URL")
    if named:
        _announce(announce, named, plan)
        yield {"PREFECT_API_URL": named}, None
        return
    with server(port, folder, plan.keep_days) as made:
        _announce(announce, made.url, plan, f"; login in {folder / 'prefect-login'}")
        yield made.environment, made


def _announce(announce: Callable[[str], None], url: str, plan: Plan, login: str = "") -> None:
    announce(f"serving at {url}, {plan.words()}{login}")
    logs.say("serving", f"serving at {public_url(url)}, {plan.words()}", url=public_url(url))


def _run_for_a_month(
    plan: Plan, environment: Mapping[str, str], own: LocalServer | None, *, tell: Callable[[Exception], None],
    overdue: Callable[[], list[str]],
) -> None:  # fmt: skip
    """Run the scheduler until it is time to make its schedule anew. Raises Stopped where a part ends before, RunOverdue
    where a run was due and did not happen.
    """
    told = plan.model_copy(update={"first_in_process": own is None})
    command = [sys.executable, *QUIET, "-m", "treasury_watch.flows.serve.server", told.model_dump_json()]
    scheduler = BoundProcess(command, environment={**os.environ, **environment})
    try:
        began = time.monotonic()
        next_check = began + GRACE_SECONDS
        watch = Watch(own, began, plan.keep_days, plan.run_first, tell)
        while time.monotonic() - began < RENEW_SECONDS:
            code = scheduler.ended()
            if code is not None:
                raise Stopped(f"the scheduler ended (exit {code}); its messages above say why")
            watch.look(time.monotonic())
            if time.monotonic() > next_check:
                next_check = time.monotonic() + CHECK_SECONDS
                if found := overdue():
                    raise RunOverdue("; ".join(found))
            time.sleep(1)
    finally:
        scheduler.stop()


class Watch:
    """Looks whether this command's own server still lives, answers, and has the deployment that fires the schedule; starts
    a first run once that is there, and removes old records.
    """

    def __init__(
        self, own: LocalServer | None, began: float, keep_days: float = 30, run_first: dict[str, Any] | None = None,
        tell: Callable[[Exception], None] = lambda _: None,
    ):  # fmt: skip
        self.own, self.keep_days, self.run_first, self.tell = own, keep_days, run_first, tell
        self.paused = ""
        self.next_pruning = began + ASK_SECONDS
        self.next_question = began + ASK_SECONDS
        self.register_until: float | None = began + REGISTERED_WITHIN_SECONDS
        self.unanswered = 0

    def look(self, now: float) -> None:
        """At `now`, a monotonic time in seconds. Raises Stopped."""
        if self.own is None:
            return
        code = self.own.process.ended()
        if code is not None:
            raise Stopped(f"the Prefect server at {self.own.url} ended (exit {code}); prefect-server.log says why")
        if now < self.next_question:
            return
        self.next_question = now + ASK_SECONDS
        try:
            answer = self.own.ask(DEPLOYMENT)
            status = answer.status_code
            if status == 200:
                self._see(answer.json(), self.own)
        except requests.RequestException:  # a body that is no JSON is one, too
            status = 0
        if status == 200 and now >= self.next_pruning:
            self.next_pruning = now + min(3600.0, max(60.0, self.keep_days * 86400 / 4))
            pruning.prune(self.own, self.keep_days)
        self.unanswered = 0 if status in (200, 404) else self.unanswered + 1
        if self.unanswered >= UNANSWERED:
            raise Stopped(f"the Prefect server at {self.own.url} gave no answer {UNANSWERED} times")
        if status == 200:
            self.register_until = None
        elif status == 404 and (self.register_until is None or now > self.register_until):
            raise Stopped(f"the deployment treasury-watch/on-schedule is not on the server at {self.own.url} any more")

    def _see(self, deployment: dict[str, Any], own: LocalServer) -> None:
        """Start the first run, and tell once where somebody has paused what should fire."""
        if self.run_first is not None:
            own.tell("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": self.run_first})
            self.run_first = None
        stopped = [item.get("slug") or "the schedule" for item in deployment["schedules"] if not item["active"]]
        paused = "the deployment" if deployment["paused"] else ", ".join(stopped)
        if paused and paused != self.paused:
            words = (
                f"paused on the Prefect server at {own.url}: {paused} of treasury-watch/on-schedule; no run starts by it until "
                "it is resumed there, or `treasury-watch serve` is started again"
            )
            logs.say("serving paused", words, level=logging.WARNING)
            self.tell(Stopped(words))
        self.paused = paused


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run_schedule(plan: Plan) -> None:
    """Run the flow on its schedule, in this process, against the server that PREFECT_API_URL names."""
    from prefect.schedules import Cron, Interval, RRule

    from treasury_watch.flows.run.monthly import monthly_run
    from treasury_watch.flows.serve.schedule import (
        RELEASE_ZONE,
        daily_parameters,
        poll_schedules,
        recurrence,
        release_moments,
        release_parameters,
    )
    from treasury_watch.flows.settings.settings import Settings

    told: dict[str, Any] = {"into_this_home": True} if plan.into_this_home else {}
    own = {**({"sample": True} if plan.sample else {}), **told}  # also of what the release calendar asks for
    parameters = {"sample": plan.sample, "command": "scheduled run", **told}
    if plan.interval_seconds:
        schedules = [Interval(timedelta(seconds=plan.interval_seconds), parameters=parameters)]
    elif plan.cron:
        schedules = [Cron(plan.cron, timezone=plan.schedule.timezone, parameters=parameters)]
    else:
        settings = Settings()
        settings.warehouse()  # which knows the days that were announced
        release = recurrence(release_moments(settings.declarations.calendar, datetime.now(UTC)))
        waiting = release_parameters(plan.schedule.give_up_after_hours) | own
        schedules = [
            RRule(release, timezone=RELEASE_ZONE, parameters=waiting, slug="release"),
            Cron(
                plan.schedule.daily_cron,
                timezone=plan.schedule.timezone,
                parameters=daily_parameters() | own,
                slug="daily",
            ),
            *(
                Cron(poll.cron, timezone=poll.timezone, parameters=poll.parameters | own, slug=poll.slug)
                for poll in poll_schedules(settings.declarations.polls.values())
            ),
        ]
    if plan.run_first is not None and plan.first_in_process:
        try:
            monthly_run(**plan.run_first)
        except Exception as problem:  # recorded as a failed run; the schedule must start all the same
            logging.getLogger(__name__).error("catching up failed: %s", problem)
    monthly_run.serve(name="on-schedule", schedules=schedules, limit=1, print_starting_message=False)


if __name__ == "__main__":
    run_schedule(Plan.model_validate_json(sys.argv[1]))
