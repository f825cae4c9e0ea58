"""Stays up and runs on schedule. A temporary Prefect server never fires schedules, so a real one runs beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import requests

from transforms.errors import TreasuryWatchError

STARTUP_SECONDS = 120


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
    beside = Path(sys.executable).with_name("prefect")
    found = str(beside) if beside.exists() else shutil.which("prefect")
    if not found:
        raise TreasuryWatchError("the `prefect` command is not installed; run `pip install -e .`")
    return found


def serve(
    *, cron: str, timezone: str, interval_seconds: int | None, port: int, sample: bool, log: Path, announce: Callable
) -> None:
    """Serve the monthly run until stopped: on the cron schedule, or every `interval_seconds`.

    The schedule runs in a process group of its own. SIGTERM or Ctrl-C stops it with the run that may be under way, then
    the server; a run stopped midway leaves the last publication as it was and is made up for by the next.
    """
    signal.signal(signal.SIGTERM, _stop)
    with server(port, log) as url:
        schedule = {"interval_seconds": interval_seconds} if interval_seconds else {"cron": cron, "timezone": timezone}
        announce(f"serving at {url}, {f'every {interval_seconds} s' if interval_seconds else f'{cron} {timezone}'}")
        command = [sys.executable, "-m", "flows.serving", json.dumps({**schedule, "sample": sample})]
        with subprocess.Popen(command, env={**os.environ, "PREFECT_API_URL": url}, start_new_session=True) as runner:
            try:
                code = runner.wait()
            except KeyboardInterrupt:
                code = 0
            finally:
                _end_group(runner)
    if code:
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


def run_schedule(sample: bool, interval_seconds: int | None = None, cron: str = "", timezone: str = "") -> None:
    """Run the flow on its schedule, in this process, against the server that PREFECT_API_URL names."""
    from prefect.schedules import Cron, Interval

    from flows.monthly import monthly_run

    schedule = Interval(timedelta(seconds=interval_seconds)) if interval_seconds else Cron(cron, timezone=timezone)
    monthly_run.serve(
        name="on-schedule",
        schedule=schedule,
        limit=1,
        parameters={"sample": sample, "command": "scheduled run"},
        print_starting_message=False,
    )


if __name__ == "__main__":
    run_schedule(**json.loads(sys.argv[1]))
