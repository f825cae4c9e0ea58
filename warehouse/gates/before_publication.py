"""The second gate: what is about to be published, as the frames that config/validation.toml judges under [publish]."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from treasury_watch.transforms.quality import checks
from treasury_watch.transforms.rates.intervention_periods import with_days
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.freshness import freshness, newest_figures
from treasury_watch.warehouse.gates.results import Result

PERIODS_AND_DAYS = ("intervention_periods", "interventions")


@dataclass
class SecondGate:
    """Judges a staged database. `today` is the day by which freshness is judged."""

    connection: duckdb.DuckDBPyConnection
    declarations: Declarations
    gates: Gates
    today: date

    def on_figures(self, standing: pd.DataFrame) -> list[Result]:
        """What it finds on the figures that stand now, on exchange rates and on the sources' freshness."""
        connection = self.connection
        stated = standing[~left_behind(connection, standing, self.declarations)]
        replaced = connection.execute(
            "SELECT source, holder_id, month, measure, series, value_usd_mn FROM observations o WHERE superseded = "
            "(SELECT max(released) FROM releases r WHERE r.source = o.source AND withdrawn IS NULL) AND evidence <> 'press'"
        ).df()
        replaced = replaced.astype(standing.dtypes[standing.dtypes == "category"].to_dict())  # else they compare slowly
        return self._check(
            {
                "totals": checks.totals(stated, self._kinds()),
                "table3_against_table5": checks.table3_against_table5(stated),
                "table3_against_history": checks.table3_against_history(stated),
                "table3_against_table1": table3_against_table1(connection),
                "leaps": checks.leaps(standing, replaced),
                "corrections": connection.execute("FROM corrections").df(),
                "fx": connection.execute("FROM fx_disagreements").df(),
                "intervention_periods": with_days(
                    *(connection.execute(f"FROM {name}").df() for name in PERIODS_AND_DAYS)
                ),
                "freshness": _freshness(connection, self.declarations, self.today),
            }
        )

    def on_months(self) -> list[Result]:
        """What it finds on positions and on holders' months."""
        months = self.connection.execute(
            "SELECT *, EXISTS (FROM source_positions o WHERE o.holder_id = m.holder_id AND o.month = m.month "
            "AND o.series <> m.series AND o.total_released IS NOT NULL) "
            # or the month before on this month's basis, beside the one that stands for it
            "OR EXISTS (FROM source_positions o WHERE o.holder_id = m.holder_id AND o.month = m.month - INTERVAL 1 MONTH "
            "AND o.series = m.series AND o.total_released IS NOT NULL) OR EXISTS (FROM holder_scopes s "
            "WHERE s.holder_id = m.holder_id AND s.last_month = m.month - INTERVAL 1 MONTH) AS both_bases "
            "FROM holder_months m"
        ).df()
        return self._check(
            {
                "positions": self.connection.execute("SELECT * FROM positions").df(),
                "holder_months": checks.decomposition(months, self._kinds()),
            }
        )

    def _kinds(self) -> dict[str, str]:
        return dict(self.connection.execute("SELECT holder_id, kind FROM holders").fetchall())

    def _check(self, frames: dict[str, pd.DataFrame]) -> list[Result]:
        return [result for subject, frame in frames.items() for result in self.gates.check("publish", subject, frame)]


def table3_against_table1(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The bonds and notes that Table 3 and Table 1 both state, one row per holder, month and measure.

    Columns holder_id, month, measure, table3_usd_mn, table1_usd_mn, difference_usd_mn and same_release: both tables end
    with the same month.
    """
    return connection.execute(
        "SELECT table3.holder_id, table3.month, table3.measure, table3.value_usd_mn AS table3_usd_mn, "
        "table1.value_usd_mn AS table1_usd_mn, table3.value_usd_mn - table1.value_usd_mn AS difference_usd_mn, "
        "(SELECT max(month) FROM observations WHERE source = 'slt_table3') = "
        "(SELECT max(month) FROM securities_observations WHERE source = 'slt_table1') AS same_release "
        "FROM observations AS table3 JOIN securities_observations AS table1 "
        "ON table1.source = 'slt_table1' AND table1.holder_id = table3.holder_id AND table1.month = table3.month "
        "AND table1.measure = replace(table3.measure, 'long_term_', 'treasury_') AND table1.superseded IS NULL "
        "WHERE table3.source = 'slt_table3' AND table3.superseded IS NULL AND starts_with(table3.measure, 'long_term_') "
        "AND table3.value_usd_mn IS NOT NULL AND table1.value_usd_mn IS NOT NULL ORDER BY ALL"
    ).df()


def left_behind(connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame, declarations: Declarations) -> pd.Series:
    """Which figures stand though their source no longer states their month or their holder: no release revises them.

    What left a rolling table's window, and what it last said of a holder that is not among the largest any more, would
    differ from Table 3's revised figures, and is no error.
    """
    rolling = [source.id for source in declarations.sources.values() if source.statements == "rolling"]
    windows = connection.execute(
        "SELECT source, arg_max(first_month, released), arg_max(last_month, released) FROM releases "
        "WHERE withdrawn IS NULL GROUP BY source"
    ).fetchall()
    left = pd.Series(False, standing.index)
    for source, first, last in windows:
        if source not in rolling:
            continue
        stated = standing[standing["source"].eq(source)]
        named = stated.loc[stated["month"].eq(pd.Timestamp(last)), "holder_id"]
        left[stated.index] = stated["month"].lt(pd.Timestamp(first)) | ~stated["holder_id"].isin(named)
    return left


def _freshness(connection: duckdb.DuckDBPyConnection, declarations: Declarations, today: date) -> pd.DataFrame:
    """One row per source that can grow stale: source, last_date, due_date, days_late, stale."""
    found = freshness(newest_figures(connection), declarations, today)
    rows = [(item.source.id, item.last, item.due, item.days_late, item.stale) for item in found]
    return pd.DataFrame(rows, columns=["source", "last_date", "due_date", "days_late", "stale"])
