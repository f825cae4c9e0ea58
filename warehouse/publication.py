"""Builds the tables aside, judges them at the second gate, and moves them into place.

The database is written as a new file and renamed over the old one: a reader that has the old file open keeps reading it,
and a crash at any point leaves the last good publication.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from transforms import checks, fx
from transforms.custody import paired_months
from transforms.findings import OFFICIAL, findings, interventions_in_usd, verdicts_on
from transforms.pegs import pegged_months, rate_sources
from transforms.reconciliation import guards, reconciliation
from transforms.revised_findings import COLUMNS as REVISED
from transforms.revised_findings import revised_findings
from warehouse.archive import Archive
from warehouse.calendar import expected_month, release_of
from warehouse.declarations import Declarations, Table
from warehouse.failures import REBUILD, StorageFailed
from warehouse.files import move_into_place
from warehouse.frames import with_categories
from warehouse.home import Home
from warehouse.ledger import Ledger
from warehouse.press import press_frame
from warehouse.state import State
from warehouse.tables import SQL, typed, write_parquet
from warehouse.validation import Gates, ValidationBlocked, blocking_failures

VIEWS = Path(__file__).parent / "views"
CURRENT = date(9999, 12, 31)
MAIN = "slt_table3"  # the source whose releases are the statistics' own
OPERATIONS = ("runs", "validation_results", "alerts")
STAGED = "treasury.next.duckdb"
FILES = "published files"  # the note with their checksums
LOCK_WAIT_SECONDS = 60


@dataclass
class Publisher:
    """Publishes one home. `today` is the day by which freshness is judged."""

    home: Home
    declarations: Declarations
    state: State
    storage_version: str
    today: date

    def publish(self, ledger: Ledger, gates: Gates, run_id: str) -> dict[str, int]:
        """Build every table from the ledger and publish them all. Returns rows by table.

        Raises ValidationBlocked where the second gate stops it; the last publication then stays as it is.
        """
        staged = self.home.root / STAGED
        remove_database(staged)
        connection = ledger.connection
        ledger_name = _one(connection, "SELECT current_database()")
        connection.execute(f"ATTACH '{_quoted(staged)}' AS published (STORAGE_VERSION '{self.storage_version}')")
        try:
            connection.execute("USE published")
            self._reference(connection)
            self._observed(connection, ledger_name)
            standing = _standing(connection)
            self._create(connection, "press_figures", press_frame(self.declarations, Archive(self.home.raw)))
            self._corrections(connection, standing)
            self._daily(connection, ledger_name)
            self._fill(connection, "source_positions", _sql("source_positions"))
            for view in ("positions_as_of", "months_as_of"):
                connection.execute(_sql(view))
            self._derived(connection, standing)
            self._second_gate(connection, standing, gates, run_id)
            self._operations(connection)
            content = {name: _read(connection, table) for name, table in self.declarations.tables.items()}
        finally:
            connection.execute(f"USE {ledger_name}")
            connection.execute("DETACH published")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            written = [
                pool.submit(write_parquet, content[name], table, self.home.parquet)
                for name, table in self.declarations.tables.items()
            ]
        for done in written:
            done.result()
        move_into_place(staged, self.home.database)
        self.state.remember(FILES, json.dumps(self._checksums()))
        return {name: rows.num_rows for name, rows in content.items()}

    def damaged(self) -> list[str]:
        """The published files that are missing or not as they were published, as paths below the home.

        Empty where it was never recorded how they were.
        """
        known = json.loads(self.state.remembered(FILES) or "{}")
        found = self._checksums() if known else {}
        return sorted(name for name in known if found.get(name) != known[name])

    def _checksums(self) -> dict[str, str]:
        """The checksum of each published file, by its path below the home."""
        paths = [path for path in (self.home.database, *self.home.parquet.rglob("*.parquet")) if path.exists()]
        return {path.relative_to(self.home.root).as_posix(): _checksum(path) for path in paths}

    def refresh_operations(self) -> None:
        """Bring runs, check results and alerts up to date in the published database, by way of a copy.

        Takes the writer's lock: the copy of an old publication must not replace a newer one. Raises Busy.
        """
        if self.home.database.exists():
            with self.home.writing(LOCK_WAIT_SECONDS):
                self._refresh_operations()

    def _refresh_operations(self) -> None:
        damaged = self.damaged()
        if damaged:  # a copy would make the damage part of the publication
            raise StorageFailed(f"{self.home.root / damaged[0]}: not as it was published; {REBUILD}")
        staged = self.home.root / STAGED
        remove_database(staged)
        shutil.copyfile(self.home.database, staged)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{_quoted(staged)}' AS published (STORAGE_VERSION '{self.storage_version}')")
            connection.execute("USE published")
            for name in OPERATIONS:
                connection.execute(f"DROP TABLE {name}")
            content = self._operations(connection)
            connection.execute("USE memory")
            connection.execute("DETACH published")
        for name, rows in content.items():
            write_parquet(rows, self.declarations.tables[name], self.home.parquet)
        move_into_place(staged, self.home.database)
        self.state.remember(FILES, json.dumps(self._checksums()))

    def _reference(self, connection: duckdb.DuckDBPyConnection) -> None:
        holders = pd.DataFrame(self.declarations.holders).replace("", None)
        holders["custodial_centre"] = holders["custodial_centre"] == "true"
        self._create(connection, "holders", holders.sort_values("holder_id"))
        sources = pd.DataFrame([{**vars(s), "source": s.id} for s in self.declarations.sources.values()])
        self._create(connection, "sources", sources.sort_values("source"))
        breaks = pd.DataFrame(self.declarations.series_breaks)
        breaks["month"] = pd.to_datetime(breaks["month"] + "-01")
        breaks["both_published"] = breaks["both_published"] == "true"
        self._create(connection, "series_breaks", breaks)
        scopes = pd.DataFrame(self.declarations.rows("holder_scopes.csv"))
        for column in ("first_month", "last_month"):
            scopes[column] = pd.to_datetime(scopes[column] + "-01")
        self._create(connection, "holder_scopes", scopes)

    def _observed(self, connection: duckdb.DuckDBPyConnection, ledger: str) -> None:
        vintages = connection.execute(
            f"SELECT * RENAME (first AS first_month, last AS last_month) FROM {ledger}.vintages "
            "ORDER BY source, released, retrieved, sha256"
        ).df()
        for column in ("first_month", "last_month"):
            vintages[column] = pd.to_datetime(vintages[column]).dt.to_period("M").dt.to_timestamp()
        self._create(connection, "releases", vintages)
        order = "source, holder_id, measure, series, month, released"
        self._fill(connection, "observations", f"FROM {ledger}.observations ORDER BY {order}")

    def _daily(self, connection: duckdb.DuckDBPyConnection, ledger: str) -> None:
        standing = "superseded IS NULL"
        precedence = {source.id: source.precedence for source in self.declarations.sources.values()}
        rates = with_categories(
            connection.sql(
                f"SELECT currency, date, per_usd, source, sha256 FROM {ledger}.fx WHERE {standing} ORDER BY ALL"
            )
        )
        daily = fx.best_daily(rates, precedence)
        self._create(connection, "fx_daily", daily.sort_values(["currency", "date"]))
        self._create(connection, "fx_disagreements", fx.cross_check(rates))
        currencies = self._currencies()
        self._create(connection, "currencies", currencies.assign(rate_from=rate_sources(currencies, daily)))
        monthly = fx.monthly(daily)
        if len(monthly):
            span = monthly["month"].min(), monthly["month"].max()
            monthly = pd.concat([monthly, pegged_months(currencies, monthly, *span)], ignore_index=True)
        self._create(connection, "fx_monthly", monthly.sort_values(["currency", "month"]))
        series = connection.execute(
            f"SELECT series_id, date, value, source, sha256 FROM {ledger}.market_series WHERE {standing} ORDER BY ALL"
        ).df()
        units = {source.id: source.unit for source in self.declarations.sources.values()}
        self._create(connection, "market_series", series.assign(unit=series["source"].map(units)))
        operations = connection.execute(
            f"SELECT country, date, amount_jpy_mn, pair, direction, source, sha256 FROM {ledger}.interventions "
            f"WHERE {standing} ORDER BY ALL"
        ).df()
        self._create(connection, "interventions", operations.sort_values(["country", "date", "pair"]))

    def _currencies(self) -> pd.DataFrame:
        currencies = pd.DataFrame(self.declarations.rows("currencies.csv")).replace("", None)
        currencies["peg_rate"] = currencies["peg_rate"].astype("float64")
        currencies["peg_since"] = pd.to_datetime(currencies["peg_since"] + "-01")
        return currencies.sort_values("currency", ignore_index=True)

    def _reconciled(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> None:
        """What sources state differently, and the known errors among it."""
        entries = self.declarations.toml("corrections.toml")
        units = {source.id: source.last_digit_usd_mn for source in self.declarations.sources.values()}
        rows, counts = reconciliation(standing, self.declarations.toml("reconciliation.toml"), entries, units)
        self._create(connection, "reconciliation", rows)
        self._create(connection, "reconciliation_counts", counts)

    def _corrections(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> None:
        entries = self.declarations.toml("corrections.toml")
        frame = pd.DataFrame([{"correction": name, **entry} for name, entry in entries.items()])
        frame["still_wrong"] = frame["correction"].map(guards(standing, entries).set_index("correction")["still_wrong"])
        frame["month"] = pd.to_datetime(frame["month"] + "-01")
        names = {"expect": "expected_usd_mn", "corrected": "corrected_usd_mn"}
        self._create(connection, "corrections", frame.rename(columns=names).sort_values("correction"))

    def _derived(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> None:
        """Positions and months are the as-of views at the end of time; findings come from the months."""
        self._fill(connection, "positions", "FROM positions_as_of(?) ORDER BY holder_id, month", CURRENT)
        connection.execute("CREATE TEMP TABLE months AS FROM months_as_of(?)", [CURRENT])
        self._fill(connection, "holder_months", "FROM months WHERE kind = 'country' ORDER BY holder_id, month")
        self._fill(connection, "aggregate_months", "FROM months WHERE kind <> 'country' ORDER BY holder_id, month")
        connection.execute("DROP TABLE months")
        for name in ("risk_months", "concentration_months", "revisions", "largest_revisions"):
            self._fill(connection, name, _sql(name))
        self._reconciled(connection, standing)
        flagged, runs = findings_of(connection, self.declarations.rules)
        self._revised(connection, (flagged, runs))
        self._create(connection, "sell_offs", flagged)
        self._create(connection, "episodes", runs)
        months = connection.execute("FROM holder_months").df()
        self._create(connection, "paired_months", paired_months(months, self.declarations.rules))

    def _revised(self, connection: duckdb.DuckDBPyConnection, after: tuple[pd.DataFrame, pd.DataFrame]) -> None:
        """Findings that the newest release of the main source turned around, against the day before that release."""
        released = connection.execute(
            "SELECT released FROM releases WHERE source = ? GROUP BY released ORDER BY released DESC LIMIT 2", [MAIN]
        ).fetchall()
        found = pd.DataFrame(columns=REVISED)
        if len(released) == 2:
            eve = released[0][0] - timedelta(days=1)
            months, official, holders = _months_of(connection, eve)
            before = verdicts_on(months, holders, self.declarations.rules, official)
            found = revised_findings(before, after, months["month"].max())
        self._create(connection, "revised_findings", found.assign(released=released[0][0] if released else None))

    def _second_gate(
        self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame, gates: Gates, run_id: str
    ) -> None:
        stated = standing[~self._left_behind(connection, standing)]
        kinds = dict(connection.execute("SELECT holder_id, kind FROM holders").fetchall())
        replaced = connection.execute(
            "SELECT source, holder_id, month, measure, series, value_usd_mn FROM observations o WHERE superseded = "
            "(SELECT max(released) FROM releases r WHERE r.source = o.source) AND evidence <> 'press'"
        ).df()
        replaced = replaced.astype(standing.dtypes[standing.dtypes == "category"].to_dict())  # else they compare slowly
        months = connection.execute(
            "SELECT *, EXISTS (FROM observations o WHERE o.holder_id = m.holder_id AND o.month = m.month "
            "AND o.series <> m.series AND o.measure = 'total_position') OR EXISTS (FROM holder_scopes s "
            "WHERE s.holder_id = m.holder_id AND s.last_month = m.month - INTERVAL 1 MONTH) AS both_bases "
            "FROM holder_months m"
        ).df()
        frames = {
            "totals": checks.totals(stated, kinds),
            "table3_against_table5": checks.table3_against_table5(stated),
            "table3_against_history": checks.table3_against_history(stated),
            "leaps": checks.leaps(standing, replaced),
            "corrections": connection.execute("FROM corrections").df(),
            "fx": connection.execute("FROM fx_disagreements").df(),
            "freshness": self._freshness(connection),
            "positions": connection.execute("SELECT * FROM positions").df(),
            "holder_months": checks.decomposition(months, kinds),
        }
        results = [result for subject, frame in frames.items() for result in gates.check("publish", subject, frame, {})]
        self.state.record_checks(run_id, results)
        if blocking_failures(results):
            raise ValidationBlocked(results)

    def _left_behind(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> pd.Series:
        """Which figures stand though their source no longer states their month: no release revises them any more.

        A rolling table's months that left its window would differ from Table 3's revised ones, and are no error.
        """
        rolling = [source.id for source in self.declarations.sources.values() if source.statements == "rolling"]
        windows = connection.execute(
            "SELECT source, arg_max(first_month, released) FROM releases GROUP BY source"
        ).fetchall()
        first = {source: np.datetime64(month, "us") for source, month in windows if source in rolling}
        never = np.datetime64("NaT", "us")
        starts = np.array([first.get(source, never) for source in standing["source"].cat.categories], never.dtype)
        return standing["month"] < starts[standing["source"].cat.codes]

    def _freshness(self, connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
        """Monthly sources against the release calendar, daily ones against the days they may lag."""
        newest = dict(connection.execute("SELECT source, max(last_month) FROM releases GROUP BY source").fetchall())
        newest |= dict(connection.execute("SELECT source, max(date) FROM fx_daily GROUP BY source").fetchall())
        newest |= dict(connection.execute("SELECT source, max(date) FROM market_series GROUP BY source").fetchall())
        due_month = expected_month(self.today, self.declarations.calendar)
        rows = []
        for source in self.declarations.sources.values():
            last = newest.get(source.id)
            if last is None or source.frozen_on or not source.stale_after_days:
                continue
            if source.rhythm == "monthly" and source.holds == "observations":
                due = due_month
                missed = date(last.year + last.month // 12, last.month % 12 + 1, 1)
                late = (self.today - release_of(missed, self.declarations.calendar)).days
                days_late = late if last < due_month else 0
            else:
                due, days_late = last, max(0, (self.today - last).days - source.stale_after_days)
            rows.append((source.id, last, due, days_late, days_late > 0))
        return pd.DataFrame(rows, columns=["source", "last_date", "due_date", "days_late", "stale"])

    def _operations(self, connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
        order = {
            "runs": "started, run_id",
            "validation_results": "checked, gate, subject, expectation",
            "alerts": "queued, alert_id",
        }
        content = {}
        for name in OPERATIONS:
            table = self.declarations.tables[name]
            rows = self.state.frame(f"SELECT {', '.join(table.column_names)} FROM {name} ORDER BY {order[name]}")
            for column in table.columns:
                if column.type == "timestamp":
                    rows[column.name] = pd.to_datetime(rows[column.name], format="ISO8601", utc=True).dt.tz_localize(
                        None
                    )
                elif column.type == "boolean":
                    rows[column.name] = rows[column.name].astype(bool)
                elif column.type == "month":
                    rows[column.name] = pd.to_datetime(rows[column.name])
            content[name] = self._create(connection, name, rows)
        return content

    def _create(self, connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> pa.Table:
        table = self.declarations.tables[name]
        content = typed(frame, table)
        self._create_empty(connection, table)
        connection.register("made", content)
        connection.execute(f"INSERT INTO {name} SELECT * FROM made")
        connection.unregister("made")
        return content

    def _fill(self, connection: duckdb.DuckDBPyConnection, name: str, query: str, *parameters: Any) -> None:
        """Create a declared table with the answer to a query, which never leaves the database."""
        table = self.declarations.tables[name]
        self._create_empty(connection, table)
        names = ", ".join(table.column_names)
        connection.execute(f"INSERT INTO {name} SELECT {names} FROM ({query})", list(parameters))

    def _create_empty(self, connection: duckdb.DuckDBPyConnection, table: Table) -> None:
        columns = ", ".join(f"{column.name} {SQL[column.type]}" for column in table.columns)
        comments = [f"COMMENT ON TABLE {table.name} IS {_literal(table.description)}"] + [
            f"COMMENT ON COLUMN {table.name}.{column.name} IS {_literal(column.description)}"
            for column in table.columns
        ]
        # One transaction: every one of a file's is written to its log.
        connection.execute("; ".join(["BEGIN", f"CREATE TABLE {table.name} ({columns})", *comments, "COMMIT"]))


def findings_of(
    connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], as_of: date = CURRENT
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) from a published database's figures as known at the end of day `as_of`."""
    months, official, holders = _months_of(connection, as_of)
    fx_monthly = connection.execute("FROM fx_monthly WHERE month <= ?", [as_of]).df()
    fx_daily = connection.execute("FROM fx_daily WHERE date <= ?", [as_of]).df()
    operations = connection.execute("FROM interventions WHERE date <= ?", [as_of]).df()
    return findings(months, holders, fx_monthly, interventions_in_usd(operations, fx_daily), rules, official)


def _months_of(connection: duckdb.DuckDBPyConnection, as_of: date) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Holder months, months of the foreign official total, and holders, as known at the end of day `as_of`."""
    if as_of == CURRENT:  # the tables are the view's answer
        months = connection.execute("FROM holder_months").df()
        official = connection.execute("FROM aggregate_months WHERE holder_id = ?", [OFFICIAL]).df()
    else:
        everyone = connection.execute("FROM months_as_of(?)", [as_of]).df()
        months = everyone[everyone["kind"] == "country"].drop(columns="kind").reset_index(drop=True)
        official = everyone[everyone["holder_id"] == OFFICIAL].reset_index(drop=True)
    return months, official, connection.execute("FROM holders").df()


def _standing(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The figures that stand now, without those of the press."""
    query = (
        "SELECT source, holder_id, month, measure, series, value_usd_mn FROM observations "
        "WHERE superseded IS NULL AND evidence <> 'press'"
    )
    return with_categories(connection.sql(query))


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_database(path: Path) -> None:
    """Remove a staged database and its log."""
    for name in (path, path.with_name(path.name + ".wal")):
        if name.exists():
            os.unlink(name)


def _sql(view: str) -> str:
    return (VIEWS / f"{view}.sql").read_text(encoding="utf-8")


def _read(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    return connection.sql(f"SELECT * FROM {table.name}").to_arrow_table()


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.execute(query).fetchall()
    return found[0][0] if found else None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
