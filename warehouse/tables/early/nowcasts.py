"""The tables `nowcasts` and `nowcast_scores`: what was or could have been estimated before each release, and how it went."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.transforms.signals.nowcast import nowcasting, scores
from treasury_watch.transforms.signals.nowcast.inputs import first_stated, monthly_inputs, standing_on
from treasury_watch.transforms.signals.nowcast.nowcasting import TODAY, Known
from treasury_watch.transforms.signals.nowcast.targets import Target, targets
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.tables.declared_tables import create

DECLARED = "nowcast.toml"
PRINTS = (Path(__file__).parents[1] / "views" / "nowcast_prints.sql").read_text(encoding="utf-8")
MADE, REPLAY = (
    "made",
    "replay",
)  # the basis of a nowcast: written before the release, or afterwards from what was public then
FLOWS = "net_purchases_usd_mn"
TABLES = ("nowcasts", "nowcast_scores")
NOTE = "nowcast inputs"  # under which the state remembers of what the published tables were made
SAME_USD_MN = 0.5  # an estimate that differs by less from the last one is no new one
SIGNALS = """
SELECT series_id, date::TIMESTAMP AS date, value, known_from::TIMESTAMP AS known_from, superseded::TIMESTAMP AS superseded
FROM signals ORDER BY ALL
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
    every = pd.period_range(months.min(), months.max(), freq="M") if len(months) else months
    prints = (
        pd.DataFrame({"value_usd_bn": value, "known_from": printed, "basis": basis}).set_axis(months).reindex(every)
    )
    names = {"position_usd_mn": "position", "long_term_usd_mn": "long_term", "change_usd_mn": "change"}
    holdings = (rows[list(names)] / 1000).rename(columns=names).set_axis(months)
    holdings["long_term"] = holdings["long_term"].fillna(holdings["position"])  # where no source states bonds apart
    held = holdings["change"].dropna()
    return Known(inputs, prints, holdings, due, held.index.max() if len(held) else None)


def make(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, state: State, today: date, published: Path
) -> None:
    """Make the tables `nowcasts` and `nowcast_scores` in the database being built, and keep what is estimated of open months.

    Where nothing changed that they depend on since the publication at `published`, they are taken from there.
    """
    fingerprint = _fingerprint(connection, declarations)
    found = None
    if state.remembered(NOTE) == fingerprint and published.exists():
        found = _published_before(connection, published)
    if found is None:
        found = _computed(connection, declarations, state, today)
    for name, table in zip(TABLES, found, strict=True):
        create(connection, declarations.tables[name], table)
    state.remember(NOTE, fingerprint)


def _computed(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, state: State, today: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    document, stated = declarations.toml(DECLARED), signals(connection)
    return_rules, since = declarations.rules["price_return"], pd.Period(document["replay"]["since"], "M")
    originals = first_stated(stated)
    # What was corrected since counts for the open months alone.
    standing = standing_on(stated, today) if stated["superseded"].notna().any() else None
    every, record = [], []
    for target in targets(document):
        declared = {**document["signals"], "days_after_month_end": target.custody_days}
        known = known_of(target, connection, monthly_inputs(originals, declared, return_rules), declarations)
        replay = nowcasting.nowcasts(target, known, document["interval"], since, today)
        open_months = replay["made_on"] == TODAY
        fresh = replay[open_months]
        if standing is not None:
            now = replace(known, inputs=monthly_inputs(standing, declared, return_rules))
            again = nowcasting.nowcasts(target, now, document["interval"], since, today)
            fresh = again[again["made_on"] == TODAY]
        kept = keep(state, target.id, fresh)
        rows = pd.concat([replay[~open_months].assign(nowcast_basis=REPLAY), kept], ignore_index=True)
        # What was made on a day stands, whatever a replay says today.
        rows = rows.drop_duplicates(["month", "made"], keep="last").sort_values(["month", "made"])
        every.append(rows)
        record.append(scores.scored(target, rows, known.prints))
    return pd.concat(every, ignore_index=True), pd.concat(record, ignore_index=True)


def open_nowcasts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The newest estimate of each target and month that is not out, oldest month first; from the published database."""
    return rows_of(
        connection,
        "FROM nowcasts WHERE nowcast_basis = 'made' AND month > coalesce((SELECT max(month) FROM aggregate_months "
        "WHERE holder_id = 'foreign_official' AND position_usd_mn IS NOT NULL), DATE '1900-01-01') "
        "QUALIFY row_number() OVER (PARTITION BY target, month ORDER BY made DESC) = 1 ORDER BY month, target",
    )


def keep(state: State, target: str, fresh: pd.DataFrame) -> pd.DataFrame:
    """Keep today's estimates of open months where they differ from the last ones; returns all that were ever made.

    What is kept is never changed: another estimate of the same day is left out.
    """
    made = _made(state, target)
    for row in fresh.to_dict("records"):
        last = made[made["month"] == row["month"]].tail(1)
        if len(last) and abs(last["estimate_usd_mn"].iloc[0] - row["estimate_usd_mn"]) < SAME_USD_MN:
            continue
        stated = {name: _plain(value) for name, value in row.items()}
        state.change(
            "INSERT OR IGNORE INTO nowcasts_made (target, month, made, stated) VALUES (?, ?, ?, ?)",
            (target, stated["month"], stated["made"], json.dumps(stated)),
        )
    return _made(state, target) if len(fresh) else made


def _made(state: State, target: str) -> pd.DataFrame:
    rows = state.rows("SELECT stated FROM nowcasts_made WHERE target = ? ORDER BY month, made", (target,))
    frame = pd.DataFrame([json.loads(row["stated"]) for row in rows], columns=nowcasting.COLUMNS)
    for column in ("month", "made", "learned_until"):
        frame[column] = pd.to_datetime(frame[column])
    frame["due"] = [date.fromisoformat(day) for day in frame["due"]]
    return frame.assign(nowcast_basis=MADE)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()[:10]
    return None if isinstance(value, float) and math.isnan(value) else value


def _fingerprint(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> str:
    """Changes whenever anything does of which the two tables are made."""
    parts: list[Any] = [declarations.fingerprint(), list(map(str, declarations.announced))]
    parts += connection.execute(f"SELECT count(*), bit_xor(hash(s)) FROM ({SIGNALS}) AS s").fetchall()
    for holder in sorted({target.holder for target in targets(declarations.toml(DECLARED))}):
        query = f"SELECT count(*), bit_xor(hash(p)) FROM ({PRINTS}) AS p"
        parts += connection.execute(query, {"holder": holder}).fetchall()
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _published_before(
    connection: duckdb.DuckDBPyConnection, published: Path
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The two tables as they were published last; None where that publication has none, or is damaged."""
    place = str(published).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{place}' AS before (READ_ONLY)")
    except duckdb.Error:  # a rebuild makes it again, and must not need it
        return None
    try:
        nowcasts, record = (connection.execute(f"FROM before.{name}").df() for name in TABLES)
        return nowcasts, record
    except duckdb.Error:
        return None
    finally:
        connection.execute("DETACH before")
