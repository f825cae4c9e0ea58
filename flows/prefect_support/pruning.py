"""Prefect's records of old runs are removed from a server of this machine's own, so that its database does not grow for ever.

Prefect's own cleaning is off for runs, is no part of a temporary server, and takes no age under an hour; that of events does.
A server that PREFECT_API_URL names is its operator's, and left alone.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta

import requests

from treasury_watch.flows.prefect_support.local_server import LocalServer

ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
NEVER_ENDED = ["RUNNING", "PENDING", "PAUSED", "CANCELLING"]
LONGEST_RUN = timedelta(days=1)  # a flow is ended before
BATCH = 50
HOUR_SECONDS = 3600


def event_settings(days: float) -> dict[str, str]:
    """What a server has to be told so that it removes events after so many days itself; what the user has set is kept."""
    seconds = days * 86400
    wanted = {
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"PT{seconds:.0f}S",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": f"{min(HOUR_SECONDS, max(60.0, seconds / 4)):.0f}",
    }
    return {name: text for name, text in wanted.items() if name not in os.environ}


def prune(server: LocalServer, days: float) -> int:
    """Remove the runs that ended more than so many days ago, with their tasks, logs and artifacts; how many there were.

    One that never ended, because its process was killed, goes as well. What fails is a warning in the log: the next time
    will do it.
    """
    now = datetime.now(UTC)
    before = now - timedelta(days=days)
    try:
        return _remove(
            server, {"state": {"type": {"any_": ENDED}}, "end_time": {"before_": before.isoformat()}}
        ) + _remove(
            server,
            {
                "state": {"type": {"any_": NEVER_ENDED}},
                "expected_start_time": {"before_": min(before, now - LONGEST_RUN).isoformat()},
            },
        )
    except requests.RequestException as problem:
        logging.getLogger(__name__).warning("Prefect's old records could not be removed: %s", problem)
        return 0


def _remove(server: LocalServer, chosen: dict[str, object]) -> int:
    removed = 0
    while True:
        found = server.tell("POST", "/flow_runs/filter", {"flow_runs": chosen, "limit": BATCH}).json()
        ids = [run["id"] for run in found]
        if not ids:
            return removed
        of_these = {"artifacts": {"flow_run_id": {"any_": ids}}, "limit": 200}
        while artifacts := server.tell("POST", "/artifacts/filter", of_these).json():
            for artifact in artifacts:
                server.tell("DELETE", f"/artifacts/{artifact['id']}")
        gone = server.tell(
            "POST", "/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": ids}}, "limit": BATCH}
        ).json()
        removed += len(gone["deleted"])
        if not gone["deleted"]:
            return removed
