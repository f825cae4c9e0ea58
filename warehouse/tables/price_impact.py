"""Events, what studies say of price impact, its record here, and scenarios of a sale: from a database and the declarations."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.risk.event_study import event_study
from treasury_watch.transforms.risk.events import EVENTS_FILE, event_table
from treasury_watch.transforms.risk.price_impact import (
    BONDS,
    STUDIES_FILE,
    Book,
    Debt,
    NoSuchSale,
    Scenario,
    declared_debt,
    foreigners_book,
    implied_book,
    newest_debt,
    scenario,
    study_table,
)
from treasury_watch.warehouse.declarations import Declarations

STUDIED = ("grand_total", OFFICIAL, "japan")  # whose largest months of net sales are looked at
MONTHS_OF = """
SELECT holder_id, holder, month, long_term_usd_mn, short_term_usd_mn, change_long_term_usd_mn, net_long_term_usd_mn
FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months)
WHERE list_contains($1::VARCHAR[], holder_id)
"""


def events_frame(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> pd.DataFrame:
    """The table `events`. Raises ConfigurationError for a row of config/events.csv that is wrong."""
    holders = {row["holder_id"]: row["holder"] for row in declarations.holders}
    addresses = {source.id: without_credentials(source.url) for source in declarations.sources.values()}
    series = connection.execute("FROM market_series WHERE series_id = 'DFEDTARU'").df()
    interventions = connection.execute("FROM interventions").df()
    return event_table(declarations.rows(EVENTS_FILE), holders, series, interventions, addresses)


def studies_frame(declarations: Declarations) -> pd.DataFrame:
    """The table `price_impact_studies`. Raises ConfigurationError for a study that is wrong."""
    return study_table(declarations.toml(STUDIES_FILE))


def record_frame(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The table `price_impact_record`."""
    months = connection.execute(MONTHS_OF, [list(STUDIED)]).df()
    return event_study(months, connection.execute("FROM market_series WHERE starts_with(series_id, 'DGS')").df())


def debt_outstanding(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> tuple[Debt, float]:
    """The newest marketable debt, and its growth over the twelve months to it in USD billions (NaN where not known)."""
    declared = declared_debt(declarations.toml(STUDIES_FILE))
    debts = connection.execute("FROM marketable_debt").df()
    debt = newest_debt(debts, declared)
    year_before = pd.to_datetime(debts["month"]) == debt.month - pd.DateOffset(years=1)
    before = debts.loc[year_before & (debts["debt_basis"] == debt.basis), "outstanding_usd_mn"]
    return debt, debt.usd_bn - float(before.iloc[0]) / 1000 if len(before) else math.nan


def book_now(connection: duckdb.DuckDBPyConnection, declarations: Declarations, holder_id: str) -> Book | None:
    """The holder's book as its valuations imply it, else that of all foreigners at the newest yields; None where a yield is
    not loaded.
    """
    newest = connection.execute(
        "SELECT series_id, arg_max(value, date) FROM market_series WHERE value IS NOT NULL GROUP BY series_id"
    ).fetchall()
    foreigners = foreigners_book(dict(newest), declarations.rules["price_return"]["parts"])
    own = (
        connection.execute("FROM implied_durations WHERE holder_id = ? ORDER BY month DESC LIMIT 1", [holder_id])
        .df()
        .to_dict("records")
    )
    return implied_book(own[0], foreigners) if own and foreigners is not None else foreigners


def sale_scenario(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    holder: dict[str, str],
    *,
    share: float,
    months: int,
    instrument: str = BONDS,
) -> Scenario:
    """The holder (a row of holders.csv) sells a share of what it held in its newest month. Raises NoSuchSale."""
    found: list[dict[Any, Any]] = (
        connection.execute(
            f"{MONTHS_OF} AND long_term_usd_mn IS NOT NULL ORDER BY month DESC LIMIT 1", [[holder["holder_id"]]]
        )
        .df()
        .to_dict("records")
    )
    if not found:
        raise NoSuchSale(
            f"no bonds and notes of {holder['holder']} are known in the published months; "
            '`treasury-watch query "SELECT DISTINCT holder FROM holder_months"` lists the holders that are'
        )
    debt, growth = debt_outstanding(connection, declarations)
    return scenario(
        holder["holder"], found[0], studies_frame(declarations), debt,
        share=share, months=months, instrument=instrument, debt_growth_usd_bn=growth,
        book=book_now(connection, declarations, holder["holder_id"]),
    )  # fmt: skip
