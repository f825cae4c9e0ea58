"""What makes up for runs that were missed while nothing served: one run of all sources, that waits for a late release."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from treasury_watch.flows.serve import watchdog
from treasury_watch.transforms.release_dates.release_hours import NEW_YORK, RELEASE_HOUR

if TYPE_CHECKING:
    from treasury_watch.flows.serve.server import Plan
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.installation import Warehouse

COMMAND = "catching up"


def missed(plan: Plan, settings: Settings, warehouse: Warehouse, now: datetime) -> dict[str, Any] | None:
    """The parameters of the run that makes up for what was missed by `now` (aware); None where nothing was.

    Missed is a month that is out and not published here, or the last moment of a daily run or poll that no run followed. On
    the day of a release what is left of give_up_after_hours is polled for it, as the missed run would have done.
    """
    from treasury_watch.flows.fetch.release_polling import (  # half a second for `status`
        due_month_is_missing,
        is_release_day,
    )

    given = {"sample": plan.sample, "command": COMMAND} | ({"into_this_home": True} if plan.into_this_home else {})
    if plan.interval_seconds:
        return None  # the next is due at once
    calendar = settings.declarations.calendar
    lacking = plan.cron is None and due_month_is_missing(warehouse, calendar, now)
    schedules, _ = watchdog.promised(
        warehouse.state, settings.schedule, settings.declarations.polls.values(), sample=plan.sample
    )
    if not lacking and not watchdog.overdue(warehouse.state, schedules, now, slack=timedelta(0)):
        return None
    local = now.astimezone(NEW_YORK)
    end = datetime.combine(local.date(), time(RELEASE_HOUR), NEW_YORK) + timedelta(
        hours=settings.schedule.give_up_after_hours
    )
    if lacking and is_release_day(calendar, now) and now < end:
        given["wait_hours"] = round((end - now).total_seconds() / 3600, 2)
    return given


def overdue(settings: Settings, warehouse: Warehouse) -> list[str]:
    """What of the schedule that is promised was due and did not happen, in lines."""
    polls = settings.declarations.polls.values()
    schedules, interval = watchdog.promised(warehouse.state, settings.schedule, polls, sample=warehouse.is_sample)
    return watchdog.overdue(warehouse.state, schedules, datetime.now(UTC), interval_seconds=interval)


def told_of_missing_runs(settings: Settings, warehouse: Warehouse) -> str:
    """Tell the operator, once for all since the last good run, that a run was due and did not happen; what became of the
    message, nothing where none was due. For a cron line besides that of the runs, which say nothing where they do not begin.
    """
    from treasury_watch.flows.alerts import delivery  # half a second for `status`

    found = overdue(settings, warehouse)
    if not found:
        return ""
    problem = watchdog.RunOverdue("; ".join(found))
    delivery.tell_failure(warehouse, settings, problem)
    return "; ".join(problem.__notes__)
