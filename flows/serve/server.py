"""Stays up and runs on schedule. A temporary Prefect server never fires schedules, so a real one runs next_to_python it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from pydantic import BaseModel

from treasury_watch.flows.fetch.http import public_url
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.transforms.errors import TreasuryWatchError

STARTUP_SECONDS = 120
RENEW_SECONDS = 28 * 24 * 3600


@contextmanager
def server(port: int, log: Path) -> Iterator[str]:
    """A Prefect server on this machine for as long as the block lasts, or the one PREFECT_API_URL names. Yields its URL.

    What the server says goes to `log`.
    """
    named = os.environ.get("PREFECT_API_URL")
    if named:
        yield named
        return
    command = [_prefect(), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/api"
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            _wait(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TreasuryWatchError(
                f"the Prefect server at {url} ended at once (exit {process.returncode}); {log} says why. "
                "If the port is taken, choose another with --port"
            )
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise TreasuryWatchError(f"the Prefect server at {url} did not answer within {STARTUP_SECONDS} s; try again")


def _prefect() -> str:
    next_to_python = Path(sys.executable).with_name("prefect")
    found = str(next_to_python) if next_to_python.exists() else shutil.which("prefect")
    if not found:
        raise TreasuryWatchError("the `prefect` command is not installed; run `pip install -e .`")
    return found


class Plan(BaseModel, frozen=True):
    """What is served: every `interval_seconds`, on a `cron` line, or, with neither, on the release calendar."""

    sample: bool
    schedule: Schedule
    interval_seconds: int | None = None
    cron: str | None = None
    run_first: bool = False

    def words(self) -> str:
        """The plan in words."""
        if self.interval_seconds:
            return f"every {self.interval_seconds} s"
        if self.cron:
            return f"{self.cron} {self.schedule.timezone}"
        daily = f"{self.schedule.daily_cron} {self.schedule.timezone}"
        return f"on the release calendar from 16:00 New York time, {daily}, and when early signals are published"


def serve(plan: Plan, *, port: int, log: Path, announce: Callable[[str], None], catch_up: bool) -> None:
    """Serve the run until stopped; with `catch_up` one run goes first.

    The schedule runs in a process group of its own. SIGTERM or Ctrl-C stops it with the run that may be under way, then
    the server; a run stopped midway leaves the last publication as it was and is made up for by the next. The schedule
    is made anew every month, so that the release calendar never runs out.
    """
    signal.signal(signal.SIGTERM, _stop)
    with server(port, log) as url:
        announce(f"serving at {url}, {plan.words()}")
        logs.say("serving", f"serving at {public_url(url)}, {plan.words()}", url=public_url(url))
        logs.ending("stopped serving", outcome="stopped")
        first = True
        while True:
            order = plan.model_copy(update={"run_first": catch_up and first}).model_dump_json()
            command = [sys.executable, "-m", "treasury_watch.flows.serve.server", order]
            with subprocess.Popen(
                command, env={**os.environ, "PREFECT_API_URL": url}, start_new_session=True
            ) as runner:
                try:
                    code = runner.wait(timeout=RENEW_SECONDS)
                except subprocess.TimeoutExpired:
                    first = False
                    continue
                except KeyboardInterrupt:
                    return
                finally:
                    _end_group(runner)
            raise TreasuryWatchError(f"the scheduler ended with exit {code}; {log} and its messages above say why")


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end_group(process: subprocess.Popen) -> None:
    """End a process and all it started: first asked, after a while made."""
    for order, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, order)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            if order == signal.SIGKILL or not _group_alive(process.pid, seconds):
                return


def _group_alive(group: int, seconds: float) -> bool:
    """Whether anything of the group still runs after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.2)
    return True


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

    parameters = {"sample": plan.sample, "command": "scheduled run"}
    if plan.interval_seconds:
        schedules = [Interval(timedelta(seconds=plan.interval_seconds), parameters=parameters)]
    elif plan.cron:
        schedules = [Cron(plan.cron, timezone=plan.schedule.timezone, parameters=parameters)]
    else:
        settings = Settings()
        settings.warehouse()  # which knows the days that were announced
        release = recurrence(release_moments(settings.declarations.calendar, datetime.now(UTC)))
        waiting = release_parameters(plan.schedule.give_up_after_hours)
        schedules = [
            RRule(release, timezone=RELEASE_ZONE, parameters=waiting, slug="release"),
            Cron(
                plan.schedule.daily_cron, timezone=plan.schedule.timezone, parameters=daily_parameters(), slug="daily"
            ),
            *(
                Cron(poll.cron, timezone=poll.timezone, parameters=poll.parameters, slug=poll.slug)
                for poll in poll_schedules(settings.declarations.polls.values())
            ),
        ]
    if plan.run_first:
        try:
            monthly_run(sample=plan.sample, command="catching up")
        except Exception as problem:  # recorded as a failed run; the schedule must start all the same
            logging.getLogger(__name__).error("catching up failed: %s", problem)
    monthly_run.serve(name="on-schedule", schedules=schedules, limit=1, print_starting_message=False)


if __name__ == "__main__":
    run_schedule(Plan.model_validate_json(sys.argv[1]))
