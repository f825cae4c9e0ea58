"""The whole dollar book of the largest holders: Treasuries, agency bonds, corporate bonds and equities, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import duckdb

from treasury_watch.warehouse.home.published_database import rows_of

MONTHS = 12  # over which net purchases are added up
BILLS = "bills"
NAMES = {
    "treasury": "Treasury bonds",
    BILLS: "Treasury bills",
    "agency": "Agency bonds",
    "corporate": "Corporate bonds",
    "equity": "Shares",
}
AMOUNTS = ("position_usd_mn", "net_purchases_usd_mn", "net_of_year_usd_mn")
# The newest month of a holder's other securities, and the months up to it. Bills are not among securities_months.
QUERY = """
WITH newest AS (
    SELECT holder_id, max(month) AS newest FROM securities_months
    WHERE security <> 'treasury' AND month <= $1 AND list_contains($2::VARCHAR[], holder_id) GROUP BY holder_id
),
book AS (
    SELECT holder_id, month, security, position_usd_mn, net_purchases_usd_mn FROM securities_months
    UNION ALL
    SELECT holder_id, month, 'bills', short_term_usd_mn, net_short_term_usd_mn FROM holder_months
)
SELECT holder_id, newest AS month, security,
    max(position_usd_mn) FILTER (month = newest) AS position_usd_mn,
    max(net_purchases_usd_mn) FILTER (month = newest) AS net_purchases_usd_mn,
    CASE WHEN count(net_purchases_usd_mn) = $3 THEN sum(net_purchases_usd_mn) END AS net_of_year_usd_mn
FROM book JOIN newest USING (holder_id)
WHERE month <= newest AND month > newest - to_months($3::INTEGER)
GROUP BY ALL
"""

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, holders: Iterable[Row], newest: date) -> Row:
    """What the page's template `dollar_book.html.j2` reads: `books` by holder_id and `book_months`."""
    return {
        "books": dollar_books(connection, [row["holder_id"] for row in holders], newest),
        "book_months": MONTHS,
    }


def dollar_books(connection: duckdb.DuckDBPyConnection, holders: Iterable[str], newest: date) -> dict[str, Row]:
    """By holder_id the `month` of the newest figures, `lines` in the order of NAMES, each with AMOUNTS, and their `total`.

    A total is NULL where one of its parts is not known. A holder of whom no other securities are known has no book; nor has
    any in a database of an earlier version.
    """
    kept = rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = 'securities_months'")
    if not kept:
        return {}
    found: dict[str, dict[str, Row]] = {}
    for row in rows_of(connection, QUERY, newest, list(holders), MONTHS):
        found.setdefault(row["holder_id"], {})[row["security"]] = row
    return {holder: _book(lines) for holder, lines in found.items()}


def _book(stated: dict[str, Row]) -> Row:
    month = next(iter(stated.values()))["month"]
    none = dict.fromkeys(AMOUNTS)
    lines = [{**none, **stated.get(name, {}), "security": name, "name": words} for name, words in NAMES.items()]
    total: Row = {}
    for amount in AMOUNTS:
        values = [line[amount] for line in lines]
        total[amount] = None if None in values else sum(values)
    return {"month": month, "lines": lines, "total": total}
