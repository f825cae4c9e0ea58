"""The tables `nowcasts` and `nowcast_scores`: what was or could have been estimated before each release, and how it went."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.release_calendar import release_of
from treasury_watch.transforms.signals import nowcasting, scores
from treasury_watch.transforms.signals.inputs import first_stated, monthly_inputs, standing_on
from treasury_watch.transforms.signals.nowcasting import TODAY, Known
from treasury_watch.transforms.signals.targets import Target, targets
from treasury_watch.warehouse.declarations import Declarations

DECLARED = "nowcast.toml"
PRINTS = (Path(__file__).parent / "views" / "nowcast_prints.sql").read_text(encoding="utf-8")
MADE, REPLAY = "made", "replay"  # the basis of a nowcast: written before the release, or afterwards from what was public then
FLOWS = "net_purchases_usd_mn"
# The signals that are in the ledger, with the day on which each was public: custody of a Wednesday on the Thursday after,
# a yield on the next business day, the dollar (H.10) on the Monday after.
SIGNALS = """
SELECT series_id, date::TIMESTAMP AS date, value_usd_mn AS value, (date + 1)::TIMESTAMP AS known_from, NULL::TIMESTAMP AS superseded
FROM fed_custody
UNION ALL
SELECT series_id, date::TIMESTAMP, value,
    date::TIMESTAMP + to_days(CASE WHEN series_id = 'DTWEXBGS' OR isodow(date) >= 5 THEN 8 - isodow(date) ELSE 1 END::INTEGER),
    NULL::TIMESTAMP
FROM market_series
ORDER BY ALL
"""


def signals(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Every level of every early signal: series_id, date, value, known_from, superseded."""
    return connection.execute(SIGNALS).df()


def known_of(
    target: Target, connection: duckdb.DuckDBPyConnection, inputs: pd.DataFrame, declarations: Declarations
) -> Known:
    """What a target is estimated from and held against, from the published tables; USD billions, by month."""
    rows = connection.execute(PRINTS, {"holder": target.holder}).df()
    months = pd.PeriodIndex(rows["month"], freq="M")
    calendar = declarations.calendar
    due = {month: release_of(month.to_timestamp().date(), calendar) for month in {*months, *inputs.index}}
    by_calendar = pd.Series([pd.Timestamp(due[month]) for month in months], dtype="datetime64[us]")
    kind = "flow" if target.of == FLOWS else "change"
    value, basis = rows[f"{kind}_print_usd_mn"] / 1000, rows[f"{kind}_basis"]
    printed = pd.to_datetime(rows[f"{kind}_printed"]).fillna(by_calendar).where(value.notna())
    every = pd.period_range(months.min(), months.max(), freq="M")
    prints = pd.DataFrame({"value_usd_bn": value, "known_from": printed, "basis": basis}).set_axis(months).reindex(every)
    names = {"position_usd_mn": "position", "long_term_usd_mn": "long_term", "change_usd_mn": "change"}
    holdings = (rows[list(names)] / 1000).rename(columns=names).set_axis(months)
    holdings["long_term"] = holdings["long_term"].fillna(holdings["position"])  # where no source states bonds apart
    return Known(inputs, prints, holdings, due)


def replayed(
    connection: duckdb.DuckDBPyConnection, stated: pd.DataFrame, declarations: Declarations
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The nowcasts that could have been made before each release, and the scores of these alone; `stated`: of `signals`."""
    document = declarations.toml(DECLARED)
    inputs = monthly_inputs(first_stated(stated), document["signals"], declarations.rules["price_return"])
    since = pd.Period(document["replay"]["since"], "M")
    made = []
    for target in targets(document):
        known = known_of(target, connection, inputs, declarations)
        made.append(nowcasting.nowcasts(target, known, document["interval"], since))
    return pd.concat(made, ignore_index=True).assign(basis=REPLAY)
