"""The table `signals`: every print of the declared early signals, with the day by which it was public."""

from __future__ import annotations

import duckdb
import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.signals.vintages import known_days
from treasury_watch.warehouse.declarations import Declarations

KINDS_OF_SIGNALS = tuple(kind for kind in KINDS.values() if kind.keys == ("series_id", "date"))
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

    `superseded` is the day from which a later print of the figure was known. Raises ConfigurationError for a wrong rule.
    """
    sources = {name: source for name, source in declarations.sources.items() if source.known_from}
    query = " UNION ALL BY NAME ".join(
        PRINTS.format(ledger=ledger, kind=kind.name, value=kind.value) for kind in KINDS_OF_SIGNALS
    )
    prints = connection.execute(
        f"WITH days AS ({DAYS.format(ledger=ledger)}) {query} ORDER BY source, series_id, date, released",
        {"sources": sorted(sources)},
    ).df()
    told = []
    for name, own in prints.groupby("source", sort=True):
        source = sources[str(name)]
        stated = {one.series_id: (one.unit, one.meaning) for one in source.stated_series}
        known = known_days(own, declarations.publication_rules[source.known_from])
        units, meanings = ({key: pair[n] for key, pair in stated.items()} for n in (0, 1))
        told.append(
            own.assign(unit=own["series_id"].map(units), meaning=own["series_id"].map(meanings)).join(known)
        )  # fmt: skip
    if not told:
        return pd.DataFrame(columns=declarations.tables["signals"].column_names)
    return pd.concat(told).sort_values(["series_id", "date", "known_from"], ignore_index=True)
