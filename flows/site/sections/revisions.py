"""What the newest release made of figures and findings published before."""

from __future__ import annotations

from typing import Any

import duckdb

from treasury_watch.warehouse.home.published_database import rows_of

LARGEST = 10

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection) -> Row:
    """What the template `revisions.html.j2` reads; empty where the database keeps no tables of revisions."""
    kept = {row["table_name"] for row in rows_of(connection, "SELECT table_name FROM information_schema.tables")}
    found: Row = {"turned": [], "largest_revisions": [], "revisions": None}
    if "revised_findings" in kept:
        found["turned"] = rows_of(
            connection, "SELECT * FROM revised_findings ORDER BY holder, start_month, finding_kind, rule"
        )
    if "largest_revisions" in kept:
        found["largest_revisions"] = rows_of(
            connection,
            "SELECT largest_revisions.*, coalesce(sources.title, largest_revisions.source) AS title "
            "FROM largest_revisions LEFT JOIN sources USING (source) ORDER BY place LIMIT ?",
            LARGEST,
        )
    if "revisions" in kept:
        [found["revisions"]] = rows_of(connection, "SELECT count(*) AS n, max(released) AS newest FROM revisions")
    return found
