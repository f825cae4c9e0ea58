"""Whether a scheduled run happened when one was due: looked at by `status`, and by `serve`, which then starts its parts anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from treasury_watch.flows.serve.schedule import Standing, standing
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.declarations import Poll
from treasury_watch.warehouse.home.state import State

SERVED = "serve:plan"  # the note of what a `serve` at work has promised; empty once it has ended as it was asked to
SLACK = timedelta(hours=2)  # a run waits for another that is at work, and a machine may have slept a while
EARLY = timedelta(minutes=5)  # clocks differ
LONGEST_RUN = timedelta(hours=18)
ALL_SOURCES = ("run", "daily run", "release day", "scheduled run", "catching up")


class RunOverdue(TreasuryWatchError):
    """A scheduled run was due and did not happen."""

    nothing_ran = True  # for the message on it


@contextmanager
def serving(state: State, promise: str) -> Iterator[None]:
    """For the block, the note of what is served. It stays where the process is killed: then runs are missed and told of."""
    state.remember(SERVED, promise)
    yield
    state.remember(SERVED, "")


def promised(state: State, schedule: Schedule, polls: Iterable[Poll], *, sample: bool) -> tuple[list[Standing], int]:
    """The schedules that runs are due by, and the seconds between two runs where those are served instead (else 0).

    Without a `serve`, the daily run of section [schedule] is what cron is expected to start; in a home of the sample nothing.
    """
    plan = json.loads(state.remembered(SERVED) or "null")
    if plan is None:
        return [] if sample else _daily(schedule), 0
    if plan["interval_seconds"]:
        return [], plan["interval_seconds"]
    if plan["cron"]:
        return [Standing("cron", plan["cron"], schedule.timezone, {"command": "scheduled run"})], 0
    # of release days the release calendar knows more: a run on other days leaves no row
    return [item for item in standing(schedule, polls) if not item.parameters.get("only_on_release_day")], 0


def _daily(schedule: Schedule) -> list[Standing]:
    return [item for item in standing(schedule) if item.slug == "daily"]


def overdue(
    state: State, schedules: Sequence[Standing], now: datetime, *, interval_seconds: int = 0, slack: timedelta = SLACK
) -> list[str]:
    """A line for each schedule whose last moment, more than `slack` before `now` (aware), no run followed.

    Nothing is said of moments before the first run of this home.
    """
    runs = state.rows("SELECT command, started, outcome FROM runs ORDER BY started")
    if not runs or any(_at_work(run, now) for run in runs):
        return []
    last = datetime.fromisoformat(runs[-1]["started"])
    if interval_seconds:
        wait = timedelta(seconds=3 * interval_seconds) + slack / 8
        return (
            [f"no run since {_shown(last)}, though one is due every {interval_seconds} s"] if now - last > wait else []
        )
    found = []
    for item in schedules:
        moment = last_moment(item, now - slack)
        if moment is None or datetime.fromisoformat(runs[0]["started"]) > moment:
            continue
        if not any(_serves(run, item) and datetime.fromisoformat(run["started"]) >= moment - EARLY for run in runs):
            found.append(
                f"no run since {_shown(last)}, though one was due at {_shown(moment)} ({item.slug}: {item.cron} "
                f"{item.timezone})"
            )
    return found


def last_moment(item: Standing, before: datetime) -> datetime | None:
    """The last moment of a schedule before another (aware); None where it has none."""
    local = before.astimezone(ZoneInfo(item.timezone))
    found = next(CronSim(item.cron, local, reverse=True), None)
    return found.astimezone(UTC) if found else None


def _at_work(run: Mapping[str, Any], now: datetime) -> bool:
    return run["outcome"] == "running" and now - datetime.fromisoformat(run["started"]) < LONGEST_RUN


def _serves(run: Mapping[str, Any], item: Standing) -> bool:
    """Whether the run asked what the schedule's would have."""
    return run["command"] in ALL_SOURCES or run["command"] == item.parameters["command"]


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
