"""A release that turns findings around is told once, with what it turned."""

from datetime import date

import duckdb
import pytest

from tests.flows.alerts.test_outbox import DESK, settings
from tests.flows.findings_data import declared, insert
from treasury_watch.flows.alerts.mails.revision_mail import compose_revision
from treasury_watch.warehouse.tables.declared_tables import SQL
from treasury_watch.warehouse.tables.published_findings import published_revision, revision_title


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    for table in ("revised_findings", "holder_months"):
        columns = declared()[table].columns
        opened.execute(f"CREATE TABLE {table} ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    insert(opened, "holder_months", holder_id="japan", month=date(2026, 5, 1))
    return opened


def turned(connection: duckdb.DuckDBPyConnection, holder: str, explanation: str) -> None:
    insert(
        connection,
        "revised_findings",
        holder_id=holder.lower(),
        holder=holder,
        rule="fall",
        start_month=date(2024, 4, 1),
        end_month=date(2024, 6, 1),
        what="no longer flagged",
        released=date(2026, 7, 14),
        explanation=explanation,
    )


def test_without_turned_findings_there_is_no_message(connection):
    assert published_revision(connection) is None


def test_one_message_tells_all_that_a_release_turned_around(connection):
    turned(connection, "Japan", "Japan, April 2024 to June 2024: the fall is no longer flagged after revision.")
    turned(connection, "Norway", "Norway, May 2024: the fall reads repriced after revision, sold before.")
    finding = published_revision(connection)
    assert finding is not None
    assert finding.key == "revision:slt_table3:2026-07-14"
    message = compose_revision(finding, settings(), DESK)
    assert message["Subject"] == (
        "Revision of 14 July 2026: Japan Apr 2024 no longer flagged, Norway Apr 2024 no longer flagged"
    )
    text = message.get_body(("plain",)).get_content()
    assert "Japan, April 2024 to June 2024: the fall is no longer flagged after" in text
    assert "treasury-watch sell-offs --as-of 2026-07-13" in text


def test_a_revision_names_as_many_findings_as_a_subject_has_room_for():
    rows = [
        {"holder": holder, "start_month": date(2025, 10, 1), "what": "corrected to notice"}
        for holder in ("Norway", "China, Mainland", "United Kingdom", "Norway")
    ]
    assert revision_title(rows, date(2026, 6, 18)) == (
        "Revision of 18 June 2026: Norway Oct 2025 corrected to notice, and 2 more"
    )
    assert revision_title([{**rows[0], "holder": "N" * 200}], date(2026, 6, 18)) == (
        "Revision of 18 June 2026: 1 finding reads differently"
    )


def test_a_hostile_holder_name_stays_text(connection):
    turned(connection, "<script>alert(1)</script>\r\nBcc: x@example.org", "<b>bold</b>")
    finding = published_revision(connection)
    assert finding is not None
    message = compose_revision(finding, settings(), DESK)
    assert message["Bcc"] is None
    html = message.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "<b>bold</b>" not in html
