"""Lines of the log that every command which publishes has: what was published, and which checks did not hold."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from treasury_watch.flows.log import logs
from treasury_watch.transforms.errors import TreasuryWatchError, shorten
from treasury_watch.warehouse.home.state import State


def published(rows: Mapping[str, int], seconds: float) -> None:
    """The line on a publication; `rows` by table."""
    count = sum(rows.values())
    words = f"published {len(rows)} tables with {count:,} rows in {seconds:.1f} s"
    logs.say("published", words, tables=len(rows), rows=count, seconds=seconds)


def checks(state: State, run_id: str) -> None:
    """A line for each check of the run that did not hold."""
    query = (
        "SELECT gate, subject, expectation, blocking, observed FROM validation_results WHERE run_id = ? AND NOT success"
    )
    with suppress(TreasuryWatchError):  # on a full disk what ended the run is told, not that the log could not read
        for row in state.rows(query, (run_id,)):
            words = f"check did not hold: {row['subject']}, {row['expectation']}: {shorten(row['observed'], 200)}"
            logs.say("check failed", words, level=logging.WARNING, **{**row, "blocking": bool(row["blocking"])})
