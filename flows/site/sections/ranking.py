"""The ranking of the largest holders: what each holds, how that changed, and what it bought."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from treasury_watch.warehouse.home.published_database import rows_of

LARGEST = 20
# A holder's newest month, its change on the year where no new survey basis lies between, and its net purchases in the newest
# month in which most of these holders have any, with the sum of the twelve months up to it where all twelve are known.
QUERY = """
WITH largest AS (
    SELECT * FROM holder_months WHERE month = $1 AND position_usd_mn IS NOT NULL
    ORDER BY position_usd_mn DESC, holder LIMIT $2
),
flow_month AS (
    SELECT max(month) AS month FROM (
        SELECT month FROM holder_months SEMI JOIN largest USING (holder_id)
        WHERE month BETWEEN $1 - INTERVAL 12 MONTH AND $1 AND net_purchases_usd_mn IS NOT NULL
        GROUP BY month HAVING 2 * count(*) >= (SELECT count(*) FROM largest)
    )
),
breaks AS (
    SELECT holder_id, bool_or(coalesce(series_break, false)) AS broken FROM holder_months
    WHERE month > $1 - INTERVAL 12 MONTH AND month <= $1 GROUP BY holder_id
),
flows AS (
    SELECT holder_id, CASE WHEN count(net_purchases_usd_mn) = 12 THEN sum(net_purchases_usd_mn) END AS net_of_year_usd_mn
    FROM holder_months, flow_month
    WHERE holder_months.month > flow_month.month - INTERVAL 12 MONTH AND holder_months.month <= flow_month.month
    GROUP BY holder_id
)
SELECT largest.holder_id, largest.holder, largest.month, largest.custodial_centre, largest.position_usd_mn,
    largest.change_usd_mn, largest.share_of_foreign_pct,
    CASE WHEN NOT broken THEN largest.position_usd_mn - before.position_usd_mn END AS change_on_year_usd_mn,
    flow_month.month AS flow_month, bought.net_purchases_usd_mn, net_of_year_usd_mn
FROM largest CROSS JOIN flow_month
LEFT JOIN breaks USING (holder_id)
LEFT JOIN holder_months AS before
    ON before.holder_id = largest.holder_id AND before.month = $1 - INTERVAL 12 MONTH
LEFT JOIN holder_months AS bought ON bought.holder_id = largest.holder_id AND bought.month = flow_month.month
LEFT JOIN flows ON flows.holder_id = largest.holder_id
ORDER BY largest.position_usd_mn DESC, largest.holder
"""

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, newest: date) -> Row:
    """What the template `ranking.html.j2` reads: `ranking`, and `flow_month`, of which its net purchases are."""
    rows = rows_of(connection, QUERY, newest, LARGEST)
    return {"ranking": rows, "flow_month": rows[0]["flow_month"] if rows else None}
