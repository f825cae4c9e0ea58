"""The table `signals`: every print of the declared early signals, with the day by which it was public."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.signals.vintages import PUBLISHED, RETRIEVED, known_days
from treasury_watch.warehouse.declarations import Declarations

PERIODS = (Path(__file__).parents[1] / "views" / "intervention_periods.sql").read_text(encoding="utf-8")
KINDS_OF_SIGNALS = tuple(kind for kind in KINDS.values() if kind.keys == ("series_id", "date"))
READ = (*(kind.name for kind in KINDS_OF_SIGNALS), "intervention_periods")  # of the ledger
# The periods' totals, which have a first and a last day and are known from the day that names their page.
PERIOD_TOTALS = """
SELECT lower(country) || '_interventions_period' AS series_id,
    start_date AS date, amount_jpy_mn AS value, 'JPY mn' AS unit, $meaning AS meaning, known_from,
    CASE WHEN known_from = named THEN $published ELSE $retrieved END AS known_from_basis,
    NULL::DATE AS superseded, source, sha256, line
FROM ({periods})
"""
MEANING_OF_PERIODS = (
    "Japan's interventions in the currency market over a period of about a month, dated at its first day: a total without days, "
    "currencies or direction. Official, no estimate; whether dollars or Treasuries were sold for it is not known"
)
# A file that changed nothing is no vintage; `before` is the day of the source's vintage before.
DAYS = """
SELECT source, released, any_value(released_basis) AS released_basis,
    lag(released) OVER (PARTITION BY source ORDER BY released) AS before
FROM {ledger}.vintages GROUP BY source, released
"""
PRINTS = """
SELECT source, series_id, date, {value} AS value, line, sha256, released, superseded, released_basis, before
FROM {ledger}.{kind} JOIN days USING (source, released) WHERE list_contains($sources, source)
"""


def signals(connection: duckdb.DuckDBPyConnection, ledger: str, declarations: Declarations) -> pd.DataFrame:
    """Every print of the sources that declare when their figures are public: the rows of the table `signals`.

    With them the period totals of Japan's interventions that stand, as `intervention_periods` has them. `superseded` is the
    day from which a later print of the figure was known. Raises ConfigurationError for a wrong rule.
    """
    sources = {name: source for name, source in declarations.sources.items() if source.known_from}
    query = " UNION ALL BY NAME ".join(
        PRINTS.format(ledger=ledger, kind=kind.name, value=kind.value) for kind in KINDS_OF_SIGNALS
    )
    prints = connection.execute(
        f"WITH days AS ({DAYS.format(ledger=ledger)}) {query} ORDER BY source, series_id, date, released",
        {"sources": sorted(sources)},
    ).df()
    told = [_periods(connection, ledger)]
    for name, own in prints.groupby("source", sort=True):
        source = sources[str(name)]
        stated = {one.series_id: (one.unit, one.meaning) for one in source.stated_series}
        known = known_days(own, declarations.publication_rules[source.known_from])
        units, meanings = ({key: pair[n] for key, pair in stated.items()} for n in (0, 1))
        told.append(
            own.assign(unit=own["series_id"].map(units), meaning=own["series_id"].map(meanings)).join(known)
        )  # fmt: skip
    told = [rows for rows in told if len(rows)]
    if not told:
        return pd.DataFrame(columns=declarations.tables["signals"].column_names)
    return pd.concat(told).sort_values(["series_id", "date", "known_from"], ignore_index=True)


def _periods(connection: duckdb.DuckDBPyConnection, ledger: str) -> pd.DataFrame:
    query = PERIOD_TOTALS.format(periods=PERIODS.format(ledger=ledger))
    stated = {"meaning": MEANING_OF_PERIODS, "published": PUBLISHED, "retrieved": RETRIEVED}
    return connection.execute(query, stated).df()
