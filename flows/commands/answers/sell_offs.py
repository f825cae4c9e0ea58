"""What `sell-offs` prints: flagged months and episodes, explained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import duckdb

from treasury_watch.transforms.amounts import is_known, millions_cell, rounded
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.model import OFFICIAL
from treasury_watch.transforms.wording import stated
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.holder_names import named
from treasury_watch.warehouse.home.published_database import rows_of

if TYPE_CHECKING:
    import pandas as pd  # half a second, which the published findings need not be shown

Rows = list[dict[str, Any]]
SEVERITIES = ("notice", "warning", "critical")  # least first
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
    *,
    severity: str | None = None,
    verdict: str | None = None,
    width: int = 110,
) -> Iterator[str]:
    """Flagged months, then episodes, oldest first, each with its figures (USD mn) and its explanation.

    `holder` is an identifier, as `chosen_holder` gives it; None for all. Episodes of rules on rises are no sell-offs, and
    listed with `inflows` only. `severity` is the least that is listed; `width` that of the lines, in characters.
    """
    flagged, runs = (
        [rows[place] for place in _chosen(rows, column, holder, since, severity, verdict)]
        for rows, column in zip(_findings(connection, rules, as_of), ("month", "end_month"), strict=True)
    )
    if not inflows:
        rising = set(rising_rules(rules))
        runs = [row for row in runs if row["rule"] not in rising]
    when = f", as known on {as_of}" if as_of else ""
    if as_of and (said := outside(connection, as_of)):
        yield said
    yield f"Flagged months{when} (USD mn): {len(flagged)}"
    for row in flagged:
        yield from _shown([row], f"{row['month']:%Y-%m}", [_score(row)], width)
    yield ""
    yield f"Episodes{when} (USD mn): {len(runs)}"
    for (_, start, end), rows in groupby(runs, key=lambda row: (row["holder"], row["start_month"], row["end_month"])):
        group = list(rows)
        yield from _shown(group, f"{start:%Y-%m} to {end:%Y-%m}", [f"{row['months']} months" for row in group], width)


def flagged_months(
    connection: duckdb.DuckDBPyConnection,
    rules: dict[str, Any],
    holder: str | None,
    since: date | None,
    as_of: date | None,
    *,
    severity: str | None = None,
    verdict: str | None = None,
) -> pd.DataFrame:
    """The rows of `sell_offs` that `lines` tells of, with their declared columns, oldest first."""
    import pandas as pd

    if as_of is None:
        flagged = connection.execute("FROM sell_offs").df()
    else:
        flagged, _ = _frames(connection, rules, as_of)
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE sell_offs").fetchall()}
    places = _chosen(records(flagged), "month", holder, since, severity, verdict)
    chosen = flagged.iloc[places][list(types)].reset_index(drop=True)
    days = [name for name, sort in types.items() if sort == "DATE"]
    return chosen.assign(**{name: pd.to_datetime(chosen[name]).dt.date for name in days})


def _findings(connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], as_of: date | None) -> tuple[Rows, Rows]:
    if as_of is None:
        return rows_of(connection, "FROM sell_offs"), rows_of(connection, "FROM episodes")
    flagged, runs = _frames(connection, rules, as_of)
    return records(flagged), records(runs)


def _frames(
    connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], as_of: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from treasury_watch.warehouse.tables.findings_as_known import findings_of

    return findings_of(connection, rules, as_of)


def outside(connection: duckdb.DuckDBPyConnection, as_of: date) -> str | None:
    """What has to be said of a day outside the days on which anything was released or retrieved."""
    first, last = connection.execute("SELECT min(released), max(released) FROM releases").fetchall()[0]
    if first is not None and as_of < first:
        return f"No figure was known on {as_of}: the first that is loaded was released on {first}."
    if last is not None and as_of > max(last, datetime.now(UTC).date()):
        return f"{as_of} is still to come: this is what is known today, from releases to {last}."
    return None


def _score(row: dict[str, Any]) -> str:
    return f"score {rounded(row['score'], 1)}" if is_known(row["score"]) else "no score"


def records(table: pd.DataFrame) -> Rows:
    """The rows as dictionaries, with days as dates."""
    return [
        {
            str(name): value.date() if isinstance(value, datetime) and value == value else value
            for name, value in row.items()
        }
        for row in table.to_dict("records")
    ]


def _chosen(
    rows: Sequence[dict[str, Any]],
    column: str,
    holder: str | None,
    since: date | None,
    severity: str | None,
    verdict: str | None,
) -> list[int]:
    """The places of the rows that are asked for, by `column` and holder."""
    severities = SEVERITIES if severity is None else SEVERITIES[SEVERITIES.index(severity) :]
    places = [
        place
        for place, row in enumerate(rows)
        if holder in (None, row["holder_id"])
        and (since is None or row[column] >= since)
        and row["severity"] in severities
        and verdict in (None, row["verdict"])
    ]
    return sorted(places, key=lambda place: (rows[place][column], rows[place]["holder"]))


def _shown(rows: list[dict[str, Any]], period: str, measures: list[str], width: int) -> Iterator[str]:
    """One holder's findings for one period: what they say once for all that say the same, under their headings."""
    told: dict[str, dict[str, list[str]]] = {}
    for row, measure in zip(rows, measures, strict=True):
        named = ", ".join(row["rules"]) if "rules" in row else row["rule"]
        rest = f"{row['severity']}  {_reading(row)}  ({measure})"
        told.setdefault(row["explanation"], {}).setdefault(rest, []).append(named)
    by_text = {row["explanation"]: row for row in rows}
    for text, headings in told.items():
        for rest, rules in headings.items():
            yield f"  {rows[0]['holder']}  {period}  {', '.join(rules)}  {rest}"
        yield from _body(by_text[text], width)


def _body(row: dict[str, Any], width: int) -> Iterator[str]:
    yield "    " + ", ".join(f"{name} {millions_cell(row[column])}" for column, name in AMOUNTS.items())
    for text in (row["explanation"], row["read_together"], row["context"]):
        if stated(text):
            yield _wrapped(text, width)
    for caveat in stated(row["caveats"]).splitlines():
        yield _wrapped(caveat, width, "    ! ", "      ")


@cache
def _wrapped(text: str, width: int, first: str = "    ", rest: str = "    ") -> str:
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _reading(row: dict[str, Any]) -> str:
    """The verdict, and what was sold where something was."""
    sold = stated(row["instrument"])
    told = row["verdict"] in ("sold", "mixed") and sold in ("bonds", "bills", "both")
    return f"{row['verdict']} ({sold})" if told else row["verdict"]
