"""Builds the tables aside, judges them at the second gate, and moves them into place.

The database is written as a new file and renamed over the old one: a reader that has the old file open keeps reading it,
and a crash at any point leaves the last good publication.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked, blocking_failures
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.ledger.vintages import Ledger
from treasury_watch.warehouse.publication import parquet_folders, parts, published_files
from treasury_watch.warehouse.publication.steps import EVERYTHING, Step, affected, carry_out, needed_for
from treasury_watch.warehouse.tables.building import DECLARED, FINDINGS, Builder, standing_figures
from treasury_watch.warehouse.tables.declared_tables import create, place_parquet, write_parquet
from treasury_watch.warehouse.tables.early import nowcasts
from treasury_watch.warehouse.tables.early.signals import READ

OPERATIONS = ("runs", "validation_results", "alerts")
STAGED, STAGED_PARQUET = "treasury.next.duckdb", "parquet.next"
LOCK_WAIT_SECONDS = 60
ADDRESS = r"[^\s<>\"]+@[^\s<>\"]+"
FRAMES, QUERIES = "frames", "queries"  # the two connections of a publication


@dataclass
class Publisher:
    """Publishes one home. `today` is the day by which freshness is judged."""

    home: Home
    declarations: Declarations
    state: State
    storage_version: str
    today: date

    def publish(
        self, ledger: Ledger, gates: Gates, run_id: str, changed: Collection[str] | None = None
    ) -> dict[str, int]:
        """Build every table from the ledger and publish them. Returns rows by table made.

        `changed` are the kinds of figure, and the sources, that alone changed since the publication in place: only the tables
        that follow from them are made again, in a copy of it; None where all are. Raises ValidationBlocked where the second
        gate stops it; the last publication then stays as it is.
        """
        with self._staging() as staged:
            if changed is not None:
                shutil.copyfile(self.home.database, staged)
            results = self._carried_out(staged, ledger, gates, run_id, changed=changed)
            rows = results["first files"] | results["last files"]
            self._place(staged, rows)
        return {name: rows[name] for name in self.declarations.tables if name in rows}

    def judge(self, ledger: Ledger, gates: Gates, run_id: str) -> ValidationBlocked | None:
        """What the second gate would stop a publication of this ledger for; nothing is published."""
        try:
            with self._staging() as staged:
                self._carried_out(staged, ledger, gates, run_id, up_to="second gate")
        except ValidationBlocked as problem:
            return problem
        return None

    def _carried_out(
        self, staged: Path, ledger: Ledger, gates: Gates, run_id: str, up_to: str | None = None,
        changed: Collection[str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The steps in a staged database, or what the step `up_to` needs of them, or in a copy of the publication what
        follows from `changed`; their results by name.
        """
        connection = ledger.connection
        ledger_name = _one(connection, "SELECT current_database()")
        builder = Builder(ledger_name, self.declarations, Archive(self.home.raw))
        gate = SecondGate(connection, self.declarations, gates, self.today)
        steps = self.steps(builder, gate, run_id, changed)
        self._attach(connection, staged)
        try:
            with connection.cursor() as second_connection:
                second_connection.execute("USE published")
                connections = {FRAMES: connection, QUERIES: second_connection}
                return carry_out(steps if up_to is None else needed_for(up_to, steps), connections)
        finally:
            del gate.connection  # an error that is kept to the process's end keeps the functions it came through
            with suppress(duckdb.TransactionException):  # none is open, unless an interruption left one
                connection.execute("ROLLBACK")
            connection.execute(f"USE {ledger_name}")
            connection.execute("DETACH published")

    def steps(
        self, builder: Builder, gate: SecondGate, run_id: str, changed: Collection[str] | None = None
    ) -> list[Step]:
        """The steps of a publication up to the staged files, each with all that it needs; with `changed` those that follow
        from these kinds of figure.

        What the database can do alone runs on one connection, work with frames on the other: of each one step at a time,
        so that memory is that of one query and one frame.
        """
        last = [*FINDINGS, *OPERATIONS, *nowcasts.TABLES]
        first = [name for name in self.declarations.tables if name not in last]
        made: set[str] = set()  # by the steps that are carried out

        def noted(step: Step) -> Step:
            def function(*arguments: Any) -> Any:
                result = step.function(*arguments)
                made.update(step.makes)
                return result

            return replace(step, function=function)

        def view(name: str, **needed: Any) -> Step:
            return Step(name, QUERIES, partial(builder.view, name=name), makes=[name], **needed)

        def on_figures(_: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> list[Result]:
            return gate.on_figures(standing)

        def on_months(_: duckdb.DuckDBPyConnection) -> list[Result]:
            return gate.on_months()

        def judge(_: duckdb.DuckDBPyConnection, *checked: list[Result]) -> None:
            results = [result for part in checked for result in part]
            self.state.record_checks(run_id, results)
            if blocking_failures(results):
                raise ValidationBlocked(results)

        def first_files(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
            return self._write(connection, [name for name in first if name in made])

        def last_files(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
            return self._write(connection, [name for name in last if name in made])

        as_stated = [
            Step(
                kind.published, FRAMES, partial(builder.as_stated, kind=kind), reads=[kind.name], makes=[kind.published]
            )
            for kind in KINDS.values()
            if kind.published_as_stated
        ]
        as_stated_names = [step.name for step in as_stated]
        steps = [
            Step("observations", QUERIES, builder.observations, reads=["observations"], makes=["observations"]),
            Step(
                "official flows", QUERIES, builder.official_flows, reads=["official_flows"], makes=["official_flows"]
            ),
            Step(
                "securities", QUERIES, builder.securities, needs=["declared tables"],
                reads=["securities"], makes=["securities_observations"],
            ),
            Step("declared tables", FRAMES, builder.reference, reads=["observations"], makes=DECLARED),
            Step("releases", FRAMES, builder.releases, reads=EVERYTHING, makes=["releases"]),
            Step(
                "rates", FRAMES, builder.exchange_rates, reads=["fx"],
                makes=["fx_daily", "fx_disagreements", "currencies", "fx_monthly"],
            ),
            *as_stated,
            Step(
                "intervention periods", QUERIES, builder.intervention_periods,
                reads=["intervention_periods"], makes=["intervention_periods"],
            ),
            Step(
                "price returns", FRAMES, builder.price_returns, after=["market_series"], makes=["price_returns"],
                reads=[f"fred:{series}" for series in self.declarations.rules["price_return"]["parts"]],
            ),
            Step("surveys", FRAMES, builder.surveys, reads=["surveys"], makes=["survey_positions"]),
            Step("signals", FRAMES, builder.signals, reads=READ, makes=["signals"]),
            Step("standing figures", FRAMES, standing_figures, needs=["observations"]),
            Step("corrections", FRAMES, builder.corrections, takes=["standing figures"], makes=["corrections"]),
            Step(
                "months", QUERIES, builder.months,
                needs=["declared tables", "releases", "corrections", "official flows", "price returns"],
                makes=["source_positions", "positions", "holder_months", "aggregate_months"],
                parts=parts.OF_MONTHS,
            ),
            Step(
                "securities months", QUERIES, builder.securities_months, needs=["months", "securities"],
                makes=["securities_months"],
            ),
            Step(
                "reconciliation", FRAMES, builder.reconciled, takes=["standing figures"],
                needs=["official flows", "securities"], makes=["reconciliation", "reconciliation_counts"],
            ),
            Step(
                "checks of figures", FRAMES, on_figures, takes=["standing figures"], reads=EVERYTHING,
                needs=[
                    "declared tables", "releases", "rates", "corrections", "official flows", "securities", "signals",
                    "intervention periods", *as_stated_names,
                ],
            ),
            Step(
                "revision sizes", QUERIES, builder.revision_sizes,
                needs=["observations", "declared tables", "releases"], makes=["first_prints", "revision_sizes"],
            ),
            Step("before newest release", QUERIES, builder.before_newest_release, needs=["months"]),
            Step(
                "durations", FRAMES, builder.implied_durations, needs=["months", "declared tables"], after=["market_series"],
                reads=["fred:DGS10", "fred:DGS2"], makes=["implied_durations"],
            ),
            Step(
                "marketable debt", QUERIES, builder.marketable_debt, after=["signals", "market_series"],
                reads=["fred:MVMTD027MNFRBDAL", "treasury_debt"], makes=["marketable_debt"],
            ),
            view("real_yields", needs=[], after=["market_series"], reads=[f"fred:{name}" for name in parts.REAL_YIELDS_OF]),
            view(
                "risk_months", parts=parts.OF_RISK,
                needs=[
                    "durations", "months", "observations", "declared tables", "rates", "real_yields", "marketable debt",
                    "market_series",
                ],
            ),
            view("concentration_months", needs=["months", "securities months", "marketable debt"]),
            view("revisions", needs=["observations", "declared tables"]),
            view("largest_revisions", needs=["revisions", "declared tables"]),
            Step(
                "events", FRAMES, builder.events, needs=["declared tables", "interventions"], after=["market_series"],
                reads=["fred:DFEDTARU"], makes=["events", "price_impact_studies"],
            ),
            Step(
                "price impact record", FRAMES, builder.price_impact_record, needs=["months"], after=["market_series"],
                reads=["fred:DGS10", "fred:DGS2"], makes=["price_impact_record"],
            ),
            Step(
                "findings", FRAMES, builder.findings,
                needs=[
                    "months", "securities months", "rates", "interventions", "intervention periods", "revision sizes",
                    "events",
                ],
                makes=["sell_offs", "rule_hits", "episodes", "paired_months"], parts=parts.OF_FINDINGS,
            ),
            Step(
                "revised findings", FRAMES, builder.revised_findings, takes=["findings", "before newest release"],
                makes=["revised_findings"],
            ),
            Step(
                "nowcasts", FRAMES, self._nowcasts, after=["second gate"],
                needs=["months", "official flows", "revision sizes", "signals", "price returns"], makes=nowcasts.TABLES,
            ),
            Step("checks of months", FRAMES, on_months, needs=["months"], reads=EVERYTHING),
            Step("second gate", FRAMES, judge, takes=["checks of figures", "checks of months"], reads=EVERYTHING),
            Step("operations", FRAMES, self._operations, needs=["second gate"], reads=EVERYTHING, makes=OPERATIONS),
            Step(
                "first files", QUERIES, first_files, reads=EVERYTHING,
                needs=[
                    "reconciliation", "risk_months", "concentration_months", "largest_revisions", "revision sizes",
                    "securities months", "signals", "intervention periods", "events", "price impact record", "surveys",
                    *as_stated_names,
                ],
            ),
            Step(
                "last files", FRAMES, last_files, needs=["revised findings", "operations", "nowcasts"], reads=EVERYTHING
            ),
        ]  # fmt: skip
        return [noted(step) for step in (steps if changed is None else affected(steps, changed))]

    def _nowcasts(self, connection: duckdb.DuckDBPyConnection) -> None:
        nowcasts.make(connection, self.declarations, self.state, self.today, self.home.database)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Where the database is staged, for the block; it and the staged Parquet files are gone at the end."""
        staged, parquet = self.home.root / STAGED, self.home.root / STAGED_PARQUET
        # What a crash has left. What cannot be removed must not be published: that raises.
        remove_database(staged)
        if parquet.exists():
            shutil.rmtree(parquet)
        for copy in self.home.parquet.rglob(".*.next"):
            copy.unlink()
        try:
            yield staged
        finally:
            remove_database(staged)
            shutil.rmtree(parquet, ignore_errors=True)

    def _attach(self, connection: duckdb.DuckDBPyConnection, staged: Path) -> None:
        # Without a log of what is written: whatever happens before it is whole, a staged database is never used.
        options = f"STORAGE_VERSION '{self.storage_version}', RECOVERY_MODE no_wal_writes"
        connection.execute(f"ATTACH '{_quoted(staged)}' AS published ({options})")
        connection.execute("USE published")

    def _write(self, connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, int]:
        """Stage tables as Parquet, one after the other. Returns rows by table."""
        rows = {}
        for name in names:
            content = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
            write_parquet(content, self.declarations.tables[name], self.home.root / STAGED_PARQUET)
            rows[name] = content.num_rows
        return rows

    def _place(self, staged: Path, names: Iterable[str]) -> None:
        """Move what was staged into place, the database last."""
        mode = self.home.published_mode

        def place(name: str) -> None:
            place_parquet(self.home.root / STAGED_PARQUET, self.declarations.tables[name], self.home.parquet, mode)

        with ThreadPoolExecutor() as pool:  # a durable move is waiting
            list(pool.map(place, names))
        move_into_place(staged, self.home.database, mode)
        parquet_folders.set_current(self.home)
        self.home.settle_published()  # folders that are new, and the way there
        published_files.remember(self.home, self.state)

    def refresh_operations(self) -> None:
        """Bring runs, check results and alerts up to date in the published database, by way of a copy.

        Takes the writer's lock: the copy of an old publication must not replace a newer one. Raises Busy.
        """
        if self.home.database.exists():
            with self.home.writing(LOCK_WAIT_SECONDS):
                self._refresh_operations()

    def _refresh_operations(self) -> None:
        published_files.refuse_damage(self.home, self.state)  # a copy would make the damage part of the publication
        with self._staging() as staged:
            shutil.copyfile(self.home.database, staged)
            with duckdb.connect() as connection:
                self._attach(connection, staged)
                for name in OPERATIONS:
                    connection.execute(f"DROP TABLE {name}")
                self._operations(connection)
                self._write(connection, OPERATIONS)
                connection.execute("USE memory")
                connection.execute("DETACH published")
            self._place(staged, OPERATIONS)

    def _operations(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables of runs, check results and alerts."""
        order = {
            "runs": "started, run_id",
            "validation_results": "checked, gate, subject, expectation",
            "alerts": "queued, alert_id",
        }
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
            if name == "alerts" and self.home.share != "nobody":
                rows = without_addresses(rows)
            create(connection, table, rows)


def without_addresses(alerts: pd.DataFrame) -> pd.DataFrame:
    """The rows of `alerts` for other users to read: no mail address of anybody who is told."""
    return alerts.assign(
        **{name: alerts[name].str.replace(ADDRESS, "***@***", regex=True) for name in ("recipient", "error")}
    )


def remove_database(path: Path) -> None:
    """Remove a staged database and its log."""
    for name in (path, path.with_name(path.name + ".wal")):
        if name.exists():
            os.unlink(name)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.execute(query).fetchall()
    return found[0][0] if found else None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
