"""The page's section on what holding and selling Treasuries risks: each question with its figures, charts and sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb

from treasury_watch.flows.site.charts.documents import svg
from treasury_watch.flows.site.risk import answers, case_panel
from treasury_watch.transforms.wording import spoken
from treasury_watch.warehouse.home.published_database import rows_of

HOLDERS = 10
SURVEY_TOTAL = "99996"  # the survey's code of all countries
NEEDED = "implied_durations"  # a database of an earlier version has no such table, and no section
FIRST = date(2000, 1, 1)

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, newest: date, declared: Mapping[str, Any]) -> Row:
    """What the template `risks.html.j2` reads, under `risks`; None where the database has nothing of it.

    `declared` is [price_return] of config/alert_rules.toml.
    """
    if not rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = ?", NEEDED):
        return {"risks": None}
    holders = _holders(connection, newest)
    months = rows_of(connection, "FROM concentration_months WHERE month BETWEEN ? AND ? ORDER BY month", FIRST, newest)
    real = rows_of(connection, "FROM real_yields WHERE month BETWEEN ? AND ? ORDER BY month", FIRST, newest)
    if not holders and not months:
        return {"risks": None}
    figures = {
        "rates": answers.rates(holders),
        "pickup": answers.pickup(_pickups(connection, newest)),
        "inflation": answers.inflation(real),
        "debt": answers.debt(months, _comparable_from(connection)),
        "herfindahl": answers.herfindahl(months, _comparable_from(connection)),
        "book": answers.book(months),
        "reserves": answers.reserves(_reserves(connection, newest), "Japan"),
    }
    shown = {name: figure for name, figure in figures.items() if figure}
    panel = case_panel.content(connection)
    return {
        "risks": {
            "holders": [{**row, "beyond_prices": _beyond_prices(row, declared)} for row in holders],
            "month": holders[0]["month"] if holders else None,
            "sectors": _sectors(connection, holders[0]["month"]) if holders else [],
            "past_loss": _past_loss(connection),
            "survey": _survey(connection, newest),
            "liquidity": _liquidity(connection),
            "figures": shown,
            "late": {name: figure.late(newest) for name, figure in shown.items()},
            "panel": panel,
            "drawn": {figure.name: svg(figure.document) for figure in [*shown.values(), *panel]},
            "panel_lead": case_panel.first_months(connection),
        }
    }


def _comparable_from(connection: duckdb.DuckDBPyConnection) -> date:
    """The month of the last new survey basis: nothing is compared across one."""
    [row] = rows_of(connection, "SELECT max(month) AS month FROM series_breaks")
    return row["month"] or FIRST


def _holders(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    """The largest holders at the newest month in which durations are known."""
    return rows_of(
        connection,
        "SELECT risk_months.*, custodial_centre, "
        # what prices can have done over the year, by the yields alone
        "(SELECT CASE WHEN count(*) = 12 THEN 100 * (product(1 + price_return_pct / 100) - 1) END FROM price_returns AS priced "
        "WHERE priced.month <= risk_months.month AND priced.month > risk_months.month - INTERVAL 12 MONTH) AS priced_pct "
        "FROM risk_months JOIN holders USING (holder_id) "
        "WHERE month = (SELECT max(month) FROM risk_months WHERE implied_duration_years IS NOT NULL AND month <= ?) "
        "AND implied_duration_years IS NOT NULL AND position_usd_mn IS NOT NULL "
        "ORDER BY position_usd_mn DESC, risk_months.holder LIMIT ?",
        newest,
        HOLDERS,
    )


def _beyond_prices(row: Row, declared: Mapping[str, Any]) -> bool:
    """Whether a year's published valuation lies further from what yields explain than nine in ten places' do."""
    if row["valuation_return_12m_pct"] is None or row["priced_pct"] is None:
        return False
    allowed = declared["error_pct"] * 12 ** declared["error_grows"]
    return bool(abs(row["valuation_return_12m_pct"] - row["priced_pct"]) > allowed)


def _pickups(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    """Yield pick-ups over the bonds of the countries that have a series of their own, in the newest month that at least half
    of the series have reached: they come a month or two late, and one after the other.
    """
    return rows_of(
        connection,
        "WITH own AS (SELECT holder, month, yield_pickup_pct FROM risk_months JOIN sources ON long_yield_of = holder_id "
        "WHERE yield_pickup_pct IS NOT NULL AND month <= ?), "
        "reached AS (SELECT month FROM own GROUP BY month HAVING 2 * count(*) >= (SELECT count(DISTINCT holder) FROM own)) "
        "FROM own WHERE month = (SELECT max(month) FROM reached) ORDER BY yield_pickup_pct DESC, holder",
        newest,
    )


def _sectors(connection: duckdb.DuckDBPyConnection, month: date) -> list[Row]:
    """The durations of all foreigners, officials and others."""
    return rows_of(
        connection, "FROM implied_durations WHERE kind <> 'country' AND month = ? ORDER BY holder_id DESC", month
    )


def _past_loss(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """The valuation change of all foreigners in 2022, when yields rose most; None unless every month of it is known."""
    found = rows_of(
        connection,
        "SELECT sum(valuation_usd_mn) AS usd_mn, min(basis) AS first_basis, max(basis) AS last_basis, "
        "count(valuation_usd_mn) AS months FROM aggregate_months WHERE holder_id = 'grand_total' AND year(month) = 2022",
    )[0]
    if found["months"] < 12:
        return None
    return {**found, "estimated": "estimated" in (found["first_basis"], found["last_basis"])}


def _survey(connection: duckdb.DuckDBPyConnection, newest: date) -> Row | None:
    """What part of all foreigners' Treasuries were bills in the newest annual survey, and of the largest holders' there."""
    rows = rows_of(
        connection,
        "SELECT country_code, coalesce(holders.holder, country) AS holder, month, share_of_bills_pct FROM survey_positions "
        "LEFT JOIN holders USING (holder_id) WHERE month = (SELECT max(month) FROM survey_positions WHERE month <= ?) "
        "AND share_of_bills_pct IS NOT NULL ORDER BY long_term_usd_mn + short_term_usd_mn DESC LIMIT 4",
        newest,
    )
    total = next((row for row in rows if row["country_code"] == SURVEY_TOTAL), None)
    places = [{**row, "holder": spoken(row["holder"])} for row in rows if row is not total]
    return {**total, "places": places} if total else None


def _liquidity(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """The largest net sale of a month against the debt outstanding, and until when that is known."""
    found = rows_of(
        connection,
        "SELECT holder, month, sales_to_debt_pct, debt_basis, net_purchases_usd_mn, "
        "(SELECT max(month) FROM risk_months WHERE sales_to_debt_pct IS NOT NULL) AS until, "
        "(SELECT min(month) FROM risk_months WHERE sales_to_debt_pct IS NOT NULL) AS since, "
        "(SELECT max(month) FROM risk_months WHERE sales_to_issuance_pct IS NOT NULL) AS issuance_until "
        "FROM risk_months JOIN holder_months USING (holder_id, holder, month) WHERE sales_to_debt_pct IS NOT NULL "
        "ORDER BY sales_to_debt_pct DESC, holder LIMIT 1",
    )
    return found[0] if found else None


def _reserves(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    return rows_of(
        connection,
        "SELECT month, position_usd_mn / 1000 AS held, reserves_usd_mn / 1000 AS reserves, treasuries_to_reserves_pct AS ratio "
        "FROM risk_months WHERE holder_id = ? AND month BETWEEN ? AND ? AND reserves_usd_mn IS NOT NULL ORDER BY month",
        case_panel.HOLDER, FIRST, newest,
    )  # fmt: skip
