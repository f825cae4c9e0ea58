"""What `status --check` counts as due and missing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from treasury_watch.flows.commands.answers.status import due, lines

NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)
WELL: dict[str, Any] = {
    "home": "/data",
    "sample": "",
    "unknown": [],
    "damaged": [],
    "lost": [],
    "sources": [
        {
            "source": "slt_table3",
            "stale": False,
            "last": "2026-04",
            "released": date(2026, 6, 18),
            "released_basis": "file",
        }
    ],
    "never_loaded": [],
    "last_run": {
        "started": "2026-06-18T20:05:00+00:00",
        "command": "run",
        "outcome": "published",
        "summary": "14 new vintages",
    },
    "overdue": [],
    "last_release": date(2026, 6, 18),
    "store": None,
    "next_release": {"day": date(2026, 7, 14), "covers": date(2026, 5, 1)},
    "alerts": {},
    "expected_month": date(2026, 4, 1),
    "declarations_changed": False,
    "quarantine": [],
    "reconciliation": [],
    "failed_checks": [],
}


def run(started: str, outcome: str = "published") -> dict[str, str]:
    return WELL["last_run"] | {"started": started, "outcome": outcome}


def test_nothing_is_due_where_the_last_release_was_run_and_sources_are_fresh():
    assert due(WELL, NOW) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"last_run": None}, "nothing was ever run"),
        (
            {"last_run": run("2026-06-17T20:05:00+00:00")},
            "no run since the release of 2026-06-18: the last was 3 days ago",
        ),
        (
            {"last_run": run("2026-06-18T20:05:00+00:00", "failed")},
            "the last run (2026-06-18T20:05) failed: 14 new vintages",
        ),
        ({"damaged": ["treasury.duckdb"]}, "treasury.duckdb is not as it was published"),
        ({"lost": ["slt_table3/ab12.txt"]}, "slt_table3/ab12.txt is missing from the archive"),
        ({"never_loaded": ["slt_table3"]}, "slt_table3, the main table, was never loaded"),
        (
            {"sources": [WELL["sources"][0] | {"stale": True, "last": "2026-03"}]},
            "slt_table3 is stale: its newest figure is of 2026-03",
        ),
    ],
)
def test_each_of_these_is(wrong, told):
    assert due(WELL | wrong, NOW) == [told]


def test_on_the_day_of_a_release_no_run_is_missing_yet():
    yesterday = {"last_run": run("2026-06-17T20:05:00+00:00")}
    assert due(WELL | yesterday, datetime(2026, 6, 18, 23, tzinfo=UTC)) == []


def test_its_lines_fit_the_width():
    long = {"last_run": WELL["last_run"] | {"summary": "a source could not be reached, " * 10}}
    text = "\n".join(lines(WELL | long, as_json=False, width=80))
    assert max(map(len, text.splitlines())) <= 80
    assert "  slt_table3     ok     last 2026-04  released 2026-06-18" in text
