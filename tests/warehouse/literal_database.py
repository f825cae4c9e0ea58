"""An in-memory database of a few literal figures under the project's own SQL."""

from __future__ import annotations

from datetime import date

import duckdb

from tests.conftest import PROJECT
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.declared_tables import SQL
from treasury_watch.warehouse.tables.findings_as_known import CURRENT

VIEWS = PROJECT / "warehouse" / "tables" / "views"
KINDS = {
    "japan": "country",
    "belgium": "country",
    "poland": "country",
    "china_mainland": "country",
    "grand_total": "aggregate",
    "foreign_official": "aggregate",
    "all_other": "aggregate",
    "oil_exporters": "group",
    "euro_area": "memo",
}
PRECEDENCE = {"slt_table3": 1, "slt_table5": 2, "mfhhis01": 3, "cslt": 4, "mfh": 6, "s1_globl": 9, "press": 20}
BREAKS = [(date(2010, 6, 1), "X", "XI"), (date(2011, 6, 1), "XI", "XII"), (date(2011, 12, 1), "XII", "XIII")]
MAY, JUNE = date(2026, 5, 18), date(2026, 6, 18)


def first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


class LiteralDatabase:
    """An in-memory database with the declared tables; `says` adds a release of one source."""

    def __init__(self, declarations: Declarations):
        self.connection = duckdb.connect()
        self._columns = {name: table.column_names for name, table in declarations.tables.items()}
        for table in declarations.tables.values():
            columns = ", ".join(f"{column.name} {SQL[column.type]}" for column in table.columns)
            self.connection.execute(f"CREATE TABLE {table.name} ({columns})")
        for view in (
            "positions_as_of",
            "months_as_of",
            "first_prints_as_of",
            "revision_sizes_as_of",
            "other_securities_as_of",
        ):
            self.connection.execute((VIEWS / f"{view}.sql").read_text(encoding="utf-8"))
        for holder, kind in KINDS.items():
            self.add(
                "holders", holder_id=holder, holder=holder.title(), kind=kind, custodial_centre=holder == "belgium"
            )
        for source, precedence in PRECEDENCE.items():
            monthly = source in ("slt_table3", "slt_table5", "cslt")
            self.add(
                "sources", source=source, precedence=precedence, statements="full",
                rhythm="monthly" if monthly else "with revisions",
                last_digit_usd_mn=declarations.source(source).last_digit_usd_mn,
            )  # fmt: skip
        for month, old, new in BREAKS:
            self.add("series_breaks", month=month, old_series=old, new_series=new)

    def declared_names(self, table: str) -> list[str]:
        """The columns of a declared table."""
        return self._columns[table]

    def add(self, table: str, **row: object) -> None:
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def says(
        self, source: str, released: date, *figures: tuple, evidence: str = "release", dated_by: str = "calendar"
    ) -> None:
        """Figures are (holder_id, "YYYY-MM", measure, value) with, for some, the series and the day of supersession."""
        months = [first(figure[1]) for figure in figures]
        sha256 = f"{source} of {released}"
        self.add(
            "releases", source=source, released=released, first_month=min(months), last_month=max(months),
            evidence=evidence, released_basis=dated_by, sha256=sha256,
        )  # fmt: skip
        for holder, month, measure, value, *rest in figures:
            series, superseded = (*rest, *("XIII", None)[len(rest) :])
            self.add(
                "observations", source=source, holder_id=holder, month=first(month), measure=measure, series=series,
                value_usd_mn=value, released=released, superseded=superseded, evidence=evidence, sha256=sha256,
            )  # fmt: skip

    def says_of_securities(self, source: str, released: date, *figures: tuple) -> None:
        """Figures of other securities, as in `says`: (holder_id, "YYYY-MM", measure, value), perhaps the day of supersession."""
        for holder, month, measure, value, *rest in figures:
            self.add(
                "securities_observations", source=source, holder_id=holder, month=first(month), measure=measure,
                series="XIII", value_usd_mn=value, released=released, superseded=rest[0] if rest else None,
                evidence="release",
            )  # fmt: skip

    def fill(self) -> None:
        """Make source_positions of what was said so far, as publication does."""
        self.connection.execute("DELETE FROM source_positions")
        made = (VIEWS / "source_positions.sql").read_text(encoding="utf-8")
        self.connection.execute(f"INSERT INTO source_positions BY NAME {made}")

    def ask(self, columns: str, macro: str, day: date = CURRENT, where: str = "true") -> list[tuple]:
        """Columns of an as-of view, by holder and month."""
        self.fill()
        query = f"SELECT {columns} FROM {macro}_as_of(?) WHERE {where} ORDER BY holder_id, month"
        return self.connection.execute(query, [day]).fetchall()
