"""Early signals as a published database has them: what is told of months that are not out, and the print against it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import duckdb

from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.transforms.signals.early.early_signals import JAPAN_ESTIMATE, Stated, early_signals
from treasury_watch.transforms.signals.early.japan import Reserves, beyond
from treasury_watch.transforms.signals.early.officials import Read
from treasury_watch.transforms.signals.early.outcome import print_against_estimate
from treasury_watch.transforms.signals.early.signal import JAPAN, OFFICIALS, EarlySignal, day_of
from treasury_watch.transforms.signals.nowcast.japan_timeline import InterventionTotal
from treasury_watch.transforms.signals.nowcast.targets import targets
from treasury_watch.transforms.signals.nowcast.words import is_figure
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.early.nowcasts import DECLARED, open_nowcasts

DAYS_OF_A_WEEK = 7
NEEDED = (
    "nowcasts",
    "nowcast_scores",
    "signals",
    "intervention_periods",
    "price_returns",
    "holder_months",
    "aggregate_months",
)
NEWEST = """
SELECT holder_id, max(month) AS month FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months)
WHERE holder_id IN ($officials, $japan) AND position_usd_mn IS NOT NULL GROUP BY holder_id
"""
# What prices did to the securities is estimated as in the nowcast: by the return of foreigners' Treasuries.
RESERVES = """
SELECT s.month, value - held, held * price_return_pct / 100, known_from FROM (
    SELECT date AS month, known_from, value, lag(value) OVER days AS held, lag(date) OVER days AS before
    FROM signals WHERE series_id = $series AND superseded IS NULL WINDOW days AS (ORDER BY date)
) AS s LEFT JOIN price_returns AS p ON p.month = s.month
WHERE before = s.month - INTERVAL 1 MONTH ORDER BY s.month
"""
# How far an input was read on the day of the estimate.
READ_TO = """
SELECT max(date) AS last, max_by(known_from, date) AS public FROM signals
WHERE series_id = $series AND value IS NOT NULL AND known_from <= $made AND date <= $end
"""
MADE_THEN = """
SELECT target, count(DISTINCT month) FROM nowcast_scores JOIN nowcasts USING (target, month, made, estimate_usd_mn)
WHERE nowcast_basis = 'made' GROUP BY target
"""
PRINTED = """
SELECT change_usd_mn, net_purchases_usd_mn FROM (FROM holder_months UNION ALL BY NAME FROM aggregate_months)
WHERE holder_id = ? AND month = ? AND position_usd_mn IS NOT NULL
"""
AGAINST = """
SELECT month, made, nowcast_basis, estimate_usd_mn, low_usd_mn, high_usd_mn, print_usd_mn
FROM nowcast_scores JOIN nowcasts USING (target, month, made, estimate_usd_mn)
WHERE method = 'nowcast' AND target = 'official_holdings' AND month = ?
"""


def published_signals(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, day: date
) -> list[EarlySignal]:
    """The early signals of the published tables that were public on `day`; none where the tables are of before them."""
    return early_signals(_stated(connection, declarations), declarations.rules, day) if has_tables(connection) else []


def beyond_learned(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, row: Mapping[str, Any]
) -> str | None:
    """That an estimate of `open_nowcasts` rests on a fall that no earlier month had; None where that cannot be said."""
    change = row["reserves_change_usd_mn"]
    if row["target"] != JAPAN_ESTIMATE or not is_figure(change):
        return None
    known = connection.execute(RESERVES, {"series": declarations.toml(DECLARED)["signals"]["reserves"]}).fetchall()
    return beyond(change, [found for month, found, *_ in known if month < day_of(row["month"])])


def has_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database has all that early signals are read from."""
    marks = ", ".join("?" for _ in NEEDED)
    query = f"SELECT count(*) AS found FROM information_schema.tables WHERE table_name IN ({marks})"
    return bool(rows_of(connection, query, *NEEDED)[0]["found"] == len(NEEDED))


def _stated(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> Stated:
    document, calendar = declarations.toml(DECLARED), declarations.calendar
    newest = connection.execute(NEWEST, {"officials": OFFICIALS, "japan": JAPAN}).fetchall()
    estimates, series = open_nowcasts(connection), document["signals"]["reserves"]
    changes = connection.execute(RESERVES, {"series": series}).fetchall()
    totals = connection.execute(
        "SELECT start_date, end_date, known_from, amount_jpy_mn / 1000 FROM intervention_periods "
        "WHERE country = 'Japan' ORDER BY end_date"
    ).fetchall()
    japan = "SELECT month, change_usd_mn FROM holder_months WHERE holder_id = ? AND change_usd_mn IS NOT NULL"
    return Stated(
        due=lambda month: release_of(month, calendar),
        newest=dict(newest),
        estimates=estimates,
        scores=connection.execute("FROM nowcast_scores ORDER BY target, month, method").df(),
        made_then=dict(connection.execute(MADE_THEN).fetchall()),
        reserves=[Reserves(*row) for row in changes],
        totals=[InterventionTotal(*row) for row in totals],
        japan=dict(connection.execute(japan, [JAPAN]).fetchall()),
        reads={(row["target"], day_of(row["month"])): _reads(connection, row, document) for row in estimates},
        claims_from_usd_mn={target.id: target.claims_from_usd_mn for target in targets(document)},
    )


def _reads(
    connection: duckdb.DuckDBPyConnection, row: Mapping[str, Any], document: Mapping[str, Any]
) -> dict[str, Read]:
    """How far each input of an estimate was read, of those that the target has as terms: custody to the Wednesday on or after
    its day, yields and the dollar to the month's end.
    """
    target, declared = document["targets"][row["target"]], document["signals"]
    last_day = shifted(day_of(row["month"]), 1) - timedelta(days=1)
    custody_day = last_day + timedelta(days=target.get("custody_days", 0) + DAYS_OF_A_WEEK - 1)
    ends = {"custody": custody_day, "price": last_day, "dollar": last_day}
    series = {"custody": declared["custody"], "price": "DGS10", "dollar": declared["dollar"]}
    found = {}
    for term in [term for term in ends if term in target["terms"]]:
        asked = {"series": series[term], "made": row["made"], "end": ends[term]}
        [(last, public)] = connection.execute(READ_TO, asked).fetchall()
        if last is not None:
            found[term] = Read(day_of(last), day_of(public))
    return found


def printed(connection: duckdb.DuckDBPyConnection, holder_id: str, month: date) -> dict[str, float | None]:
    """What is published of the holder's month: change and net purchases, USD millions; empty where it is not out."""
    rows = rows_of(connection, PRINTED, holder_id, month)
    return dict(rows[0]) if rows else {}


def print_in_words(connection: duckdb.DuckDBPyConnection, month: date) -> str | None:
    """The official sector's print of the month against the estimate before it, in a sentence; None without an estimate."""
    if not has_tables(connection):
        return None
    rows = rows_of(connection, AGAINST, month)
    return print_against_estimate(rows[0]) if rows else None


def newest_official_month(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest month of the official sector's holdings that is out; None without any."""
    found = connection.execute(NEWEST, {"officials": OFFICIALS, "japan": JAPAN}).fetchall()
    return dict(found).get(OFFICIALS)
