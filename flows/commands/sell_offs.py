"""What `sell-offs` prints: flagged months and episodes, explained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.amounts import millions_cell, rounded
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.wording import stated
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.holder_names import named
from treasury_watch.warehouse.tables.findings_as_known import findings_of

AMOUNTS = {
    "change_usd_mn": "change",
    "net_purchases_usd_mn": "net purchases",
    "valuation_usd_mn": "valuation",
    "other_usd_mn": "other",
}


def chosen_holder(name: str, declarations: Declarations) -> str:
    """The identifier of the holder that the user names. Raises TreasuryWatchError where none is meant, or no finding can be."""
    row = named(name, declarations)
    if row["kind"] != "country" and row["holder_id"] != OFFICIAL:
        raise TreasuryWatchError(
            f"{row['holder']} is no country ({row['kind']}): no finding is made on it; name a country, or Foreign Official"
        )
    return row["holder_id"]


def lines(
    connection: duckdb.DuckDBPyConnection,
    rules: dict[str, Any],
    holder: str | None,
    since: date | None,
    as_of: date | None,
    inflows: bool = False,
) -> Iterator[str]:
    """Flagged months, then episodes, oldest first, each with its figures (USD mn) and its explanation.

    `holder` is an identifier, as `chosen_holder` gives it; None for all. Episodes of rules on rises are no sell-offs, and
    listed with `inflows` only.
    """
    if as_of is None:
        flagged, runs = (connection.execute(f"FROM {name}").df() for name in ("sell_offs", "episodes"))
    else:
        flagged, runs = findings_of(connection, rules, as_of)
    flagged, runs = (
        _chosen(table, column, holder, since) for table, column in ((flagged, "month"), (runs, "end_month"))
    )
    if not inflows:
        runs = runs[~runs["rule"].isin(rising_rules(rules))]
    when = f", as known on {as_of}" if as_of else ""
    yield f"Flagged months{when} (USD mn): {len(flagged)}"
    for row in records(flagged):
        yield from _shown([row], f"{row['month']:%Y-%m}", [_score(row)])
    yield ""
    yield f"Episodes{when} (USD mn): {len(runs)}"
    for (_, start, end), rows in groupby(
        records(runs), key=lambda row: (row["holder"], row["start_month"], row["end_month"])
    ):
        group = list(rows)
        yield from _shown(group, f"{start:%Y-%m} to {end:%Y-%m}", [f"{row['months']} months" for row in group])


def _score(row: dict[str, Any]) -> str:
    return f"score {rounded(row['score'], 1)}" if pd.notna(row["score"]) else "no score"


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _chosen(table: pd.DataFrame, column: str, holder: str | None, since: date | None) -> pd.DataFrame:
    if holder is not None:
        table = table[table["holder_id"] == holder]
    if since is not None:
        table = table[table[column] >= pd.Timestamp(since)]
    return table.sort_values([column, "holder"], kind="stable")


def _shown(rows: list[dict[str, Any]], period: str, measures: list[str]) -> Iterator[str]:
    """One holder's findings for one period: what they say once for all that say the same, under their headings."""
    told: dict[str, list[str]] = {}
    for row, measure in zip(rows, measures, strict=True):
        named = ", ".join(row["rules"]) if "rules" in row else row["rule"]
        heading = f"  {row['holder']}  {period}  {named}  {row['severity']}  {_reading(row)}  ({measure})"
        told.setdefault(row["explanation"], []).append(heading)
    by_text = {row["explanation"]: row for row in rows}
    for text, headings in told.items():
        yield from headings
        yield from _body(by_text[text])


def _body(row: dict[str, Any]) -> Iterator[str]:
    yield "    " + ", ".join(f"{name} {millions_cell(row[column])}" for column, name in AMOUNTS.items())
    for text in (row["explanation"], row["read_together"], row["context"]):
        if stated(text):
            yield _wrapped(text)
    for caveat in stated(row["caveats"]).splitlines():
        yield _wrapped(caveat, "    ! ", "      ")


def _wrapped(text: str, first: str = "    ", rest: str = "    ") -> str:
    return textwrap.fill(text, 110, initial_indent=first, subsequent_indent=rest)


def _reading(row: dict[str, Any]) -> str:
    """The verdict, and what was sold where something was."""
    sold = stated(row["instrument"])
    told = row["verdict"] in ("sold", "mixed") and sold in ("bonds", "bills", "both")
    return f"{row['verdict']} ({sold})" if told else row["verdict"]
