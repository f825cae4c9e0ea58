"""What a published database's figures say at the end of a day: holders' months, and the findings on them."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.findings.detection import OFFICIAL, findings
from treasury_watch.transforms.rates.intervention_periods import with_days
from treasury_watch.transforms.rates.interventions import interventions_in_usd
from treasury_watch.transforms.risk.events import known_on
from treasury_watch.warehouse.categorical_frames import with_categories

CURRENT = date(9999, 12, 31)
# Of a later month no finding is known, and an intervention takes the rate of its day or one before.
MONTHLY_RATES = "SELECT * FROM fx_monthly WHERE month <= (SELECT max(month) FROM holder_months)"
YEN_RATES = "SELECT currency, date, per_usd FROM fx_daily WHERE currency = 'JPY' AND date <= (SELECT max(date) FROM interventions)"
HOLDERS = "SELECT h.*, c.name AS currency_name FROM holders h LEFT JOIN currencies c USING (currency) ORDER BY h.rowid"
RATES = (MONTHLY_RATES, YEN_RATES)  # all that findings take of the rates


def findings_of(
    connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], as_of: date = CURRENT
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) from a published database's figures as known at the end of day `as_of`."""
    months, official, holders = months_of(connection, as_of)
    fx_monthly = connection.execute(f"FROM ({MONTHLY_RATES}) WHERE month <= ?", [as_of]).df()
    fx_daily = connection.execute(f"FROM ({YEN_RATES}) WHERE date <= ?", [as_of]).df()
    operations = connection.execute("FROM interventions WHERE date <= ?", [as_of]).df()
    in_usd = interventions_in_usd(operations, fx_daily)
    sizes, securities = revision_sizes_of(connection, rules, as_of), securities_of(connection, as_of)
    events, periods = events_of(connection, as_of), periods_of(connection, operations, as_of)
    return findings(months, holders, fx_monthly, in_usd, rules, official, sizes, securities, periods, events)


def events_of(connection: duckdb.DuckDBPyConnection, as_of: date = CURRENT) -> pd.DataFrame | None:
    """What had happened by the end of day `as_of`; None in a publication that has no table of it."""
    kept = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'events'").fetchall()
    if not kept:  # published by an earlier version
        return None
    events = connection.execute("FROM events").df()
    return events if as_of == CURRENT else known_on(events, as_of)


def periods_of(
    connection: duckdb.DuckDBPyConnection, operations: pd.DataFrame, as_of: date = CURRENT
) -> pd.DataFrame | None:
    """Totals of interventions known at the end of day `as_of`, beside the days of `operations`; None in a publication
    without them.
    """
    kept = "SELECT 1 FROM information_schema.tables WHERE table_name = 'intervention_periods'"
    if connection.execute(kept).fetchone() is None:  # published by an earlier version
        return None
    periods = connection.execute("FROM intervention_periods WHERE known_from <= ?", [as_of]).df()
    return with_days(periods, operations)


def securities_of(connection: duckdb.DuckDBPyConnection, as_of: date = CURRENT) -> pd.DataFrame | None:
    """What holders did in other U.S. securities, as known at the end of day `as_of`; None in a publication without it."""
    kept = connection.execute(
        "SELECT 1 FROM duckdb_functions() WHERE function_name = 'other_securities_as_of'"
    ).fetchall()
    if not kept:  # published by an earlier version
        return None
    wanted = "SELECT holder_id, month, security, net_purchases_usd_mn"
    if as_of == CURRENT:  # the table is the view's answer
        return with_categories(connection.sql(f"{wanted} FROM securities_months WHERE security <> 'treasury'"))
    return with_categories(connection.sql(f"{wanted} FROM other_securities_as_of(?)", params=[as_of]))


def revision_sizes_of(
    connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], as_of: date = CURRENT
) -> pd.DataFrame | None:
    """How far figures had moved from their first prints by day `as_of`; None in a publication that has no table of it."""
    if as_of == CURRENT:
        return connection.execute("FROM revision_sizes").df()
    kept = connection.execute(
        "SELECT 1 FROM duckdb_functions() WHERE function_name = 'revision_sizes_as_of'"
    ).fetchone()
    if kept is None:  # published by an earlier version
        return None
    least = rules["revision_sizes"]["minimum_figures"]
    return connection.execute("FROM revision_sizes_as_of(?, ?)", [as_of, least]).df()


def months_of(
    connection: duckdb.DuckDBPyConnection, as_of: date = CURRENT
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Holder months, months of the foreign official total, and holders, as known at the end of day `as_of`."""
    if as_of == CURRENT:  # the tables are the view's answer
        months = connection.execute("FROM holder_months").df()
        official = connection.execute("FROM aggregate_months WHERE holder_id = ?", [OFFICIAL]).df()
    else:
        everyone = connection.execute("FROM months_as_of(?)", [as_of]).df()
        months = everyone[everyone["kind"] == "country"].drop(columns="kind").reset_index(drop=True)
        official = everyone[everyone["holder_id"] == OFFICIAL].reset_index(drop=True)
    return months, official, connection.execute(HOLDERS).df()
