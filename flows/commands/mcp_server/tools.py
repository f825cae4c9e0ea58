"""The answers of the tools: plain values from the published database, with the terms that they use."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from treasury_watch.flows.commands.answers import nowcast as nowcasting
from treasury_watch.flows.commands.answers import sell_offs
from treasury_watch.flows.commands.answers import trace as tracing
from treasury_watch.flows.commands.mcp_server.terms import definitions
from treasury_watch.flows.commands.sql import asking
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.tabular.cells import plain
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Table
from treasury_watch.warehouse.holder_names import named
from treasury_watch.warehouse.home.published_database import open_published, rows_of
from treasury_watch.warehouse.tables.findings_as_known import findings_of
from treasury_watch.warehouse.tables.tracing import Tracer

Answer = dict[str, Any]


@dataclass(frozen=True)
class Tools:
    """The tools on one home. Each opens the database for its answer alone, so that a new publication is seen."""

    settings: Settings

    def query(self, sql: str) -> Answer:
        """The rows of read-only SQL, within the limits of [query]."""
        limits = self.settings.query
        columns, rows, more = asking.first_rows(self.settings.home().database, sql, limits)
        told = {"columns": columns, "rows": _values(rows), "terms": definitions(self.settings.declarations, columns)}
        return told | ({"more": f"the first {limits.rows_in_table:,} rows; ask for fewer"} if more else {})

    def finding(self, holder: str, month: str, as_of: str | None = None) -> Answer:
        """What is flagged of a holder's month, and the runs of months that it is part of."""
        row, wanted = named(holder, self.settings.declarations), _month(month)
        chosen, day = sell_offs.chosen_holder(holder, self.settings.declarations), _day(as_of)
        with open_published(self.settings.home().database) as connection:
            if day is None:
                months = rows_of(connection, "FROM sell_offs WHERE holder_id = ? AND month = ?", chosen, wanted)
                runs = rows_of(
                    connection,
                    "FROM episodes WHERE holder_id = ? AND ? BETWEEN start_month AND end_month ORDER BY start_month, rule",
                    chosen,
                    wanted,
                )
            else:
                flagged, episodes = findings_of(connection, self.settings.declarations.rules, day)
                declared = self.settings.declarations.tables
                own = flagged[(flagged["holder_id"] == chosen) & (flagged["month"] == str(wanted))]
                months = _records(own, declared["sell_offs"])
                reaching = (episodes["start_month"] <= str(wanted)) & (episodes["end_month"] >= str(wanted))
                runs = _records(episodes[(episodes["holder_id"] == chosen) & reaching], declared["episodes"])
        if not months and not runs:
            return {"holder": row["holder"], "month": month, "found": f"nothing is flagged of {month_name(wanted)}"}
        names = {name for found in (*months, *runs) for name, value in found.items() if value is not None}
        return {
            "flagged_month": _told(months),
            "episodes": _told(runs),
            "as_known_on": as_of,
            "terms": definitions(self.settings.declarations, sorted(names)),
        }

    def as_of(self, holder: str, month: str, day: str) -> Answer:
        """A holder's month as known at the end of a day."""
        row, wanted, known = named(holder, self.settings.declarations), _month(month), _day(day)
        view = "holder_months_as_of" if row["kind"] == "country" else "aggregate_months_as_of"
        with open_published(self.settings.home().database) as connection:
            found = rows_of(
                connection, f"FROM {view}(?) WHERE holder_id = ? AND month = ?", known, row["holder_id"], wanted
            )
        if not found:
            return {"holder": row["holder"], "month": month, "as_known_on": day, "found": "no figure was known"}
        told = _told(found)[0]
        return {"as_known_on": day, "figures": told, "terms": definitions(self.settings.declarations, told)}

    def trace(self, holder: str, month: str, measure: str = "position", as_of: str | None = None) -> Answer:
        """A figure back to its release, file and line, with every other print."""
        row, home, known = named(holder, self.settings.declarations), self.settings.home(), _day(as_of)
        with open_published(home.database) as connection:
            tracer = Tracer(connection, Archive(home.raw), self.settings.declarations, known)
            found = tracer.trace(row, _month(month), measure)
        return dict(json.loads(tracing.as_json(found)))

    def nowcast(self, month: str | None = None) -> Answer:
        """What is estimated of a month, with its interval, and the record of such estimates."""
        wanted = _month(month) if month else None
        with open_published(self.settings.home().database) as connection:
            lines = list(nowcasting.lines(connection, self.settings.declarations, wanted, with_scores=True))
        return {
            "estimates": "\n".join(lines),
            "terms": {"nowcast": "An estimate before the release, with an 80% interval"},
        }


def _told(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what is not known."""
    return [{name: _value(value) for name, value in row.items() if value is not None} for row in rows]


def _records(frame: pd.DataFrame, table: Table) -> list[dict[str, Any]]:
    """The rows of a frame in a table's declared columns, days as days."""
    days = {column.name for column in table.columns if column.type in ("month", "date")}
    frame = frame.assign(**{name: pd.to_datetime(frame[name]).dt.date for name in days & set(frame.columns)})
    known = frame[[name for name in table.column_names if name in frame.columns]].astype(object)
    told = known.where(known.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in told]


def _values(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    return [[_value(value) for value in row] for row in rows]


def _value(value: Any) -> Any:
    """A value as JSON has it; what is no number is nothing."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _value(item) for name, item in value.items()}
    value = plain(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _month(text: str) -> date:
    return _date(f"{text.strip()}-01" if len(text.strip()) == 7 else text, "a month such as 2024-04").replace(day=1)


def _day(text: str | None) -> date | None:
    return _date(text, "a day such as 2024-07-18") if text else None


def _date(text: str, expected: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as problem:
        raise TreasuryWatchError(f"expected {expected}, found {text!r}") from problem
