"""What a run's releases revised, from small literal tables."""

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.flows.findings_data import declared, insert
from treasury_watch.flows.run.summary.revisions import Revisions, revised_by
from treasury_watch.warehouse.ledger.incoming.incoming_files import Loaded
from treasury_watch.warehouse.tables.declared_tables import SQL

JUNE, JULY = date(2026, 6, 18), date(2026, 7, 16)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    for name in ("revisions", "largest_revisions", "revised_findings"):
        columns = declared()[name].columns
        opened.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    return opened


def revision(connection: duckdb.DuckDBPyConnection, released: date, old: float, new: float, place: int = 1) -> None:
    row: dict[str, Any] = {
        "source": "slt_table3", "holder_id": "japan", "holder": "Japan", "month": date(2026, 3, 1), "old_usd_mn": old,
        "new_usd_mn": new, "difference_usd_mn": new - old, "released": released,
    }  # fmt: skip
    insert(connection, "revisions", **row)
    insert(connection, "largest_revisions", place=place, **row)


def loaded(released: date, outcome: str = "vintage", source: str = "slt_table3") -> Loaded:
    return Loaded(source, outcome, released, "calendar", 100, 10, "a" * 64)


def test_a_run_that_loads_no_vintage_revises_nothing(connection):
    revision(connection, JULY, 1_211_572, 1_191_572)
    assert revised_by(connection, []) == Revisions()
    assert revised_by(connection, [loaded(JULY, "known"), loaded(JULY, source="slt_table5")]) == Revisions()
    assert Revisions().words() == []


def test_only_what_the_run_itself_loaded_is_counted_and_the_largest_is_named(connection):
    revision(connection, JUNE, 5, 6, place=9)
    revision(connection, JULY, 1_211_572, 1_191_572)
    revision(connection, JULY, 10, 11, place=2)
    for released in (JUNE, JULY):
        insert(connection, "revised_findings", holder_id="japan", released=released)
    found = revised_by(connection, [loaded(JULY)])
    assert (found.figures, found.turned) == (2, 1)
    assert found.largest == (
        "Japan, March 2026: 1,211,572 to 1,191,572 USD mn",
        "Japan, March 2026: 10 to 11 USD mn",
    )
    assert found.words() == [
        "2 published figures revised, the largest Japan, March 2026: 1,211,572 to 1,191,572 USD mn",
        "1 finding reads differently",
    ]
