"""What is said of the data for machines: a description of each table, a Data Package, schema.org mark-up, citations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.data.declared import PublishedData, Publisher
from treasury_watch.flows.site.data.files import TableFiles
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.declarations import Table
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.declared_tables import UNITS

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TITLE = "Treasury Watch: foreign holdings of U.S. Treasury securities, every vintage"
DESCRIPTION = (
    "Who holds, buys and sells U.S. Treasury securities, month by month, from the official statistics: positions, changes "
    "and what explains them, every figure with the release that stated it, findings, risk and estimates."
)
FIELD_TYPES = {
    "text": "string", "texts": "string", "month": "date", "date": "date", "timestamp": "datetime", "integer": "integer",
    "boolean": "boolean", "usd_mn": "number", "pct": "number", "number": "number",
}  # fmt: skip
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DAYS = ("month", "date", "end_month", "start_month", "released")
ROUNDING_NOTE = "In CSV, text that a spreadsheet would take for a formula has an apostrophe before it."


@dataclass(frozen=True)
class Vintage:
    """The newest release of the statistics in the tables, and the newest month with holdings; None where there is none."""

    released: date | None
    month: date | None

    @property
    def words(self) -> str:
        """`release of 18 June 2026, figures to April 2026`."""
        told = [f"release of {self.released:%-d %B %Y}"] if self.released else []
        return ", ".join([*told, *([f"figures to {month_name(self.month)}"] if self.month else [])]) or "no release yet"


@dataclass(frozen=True)
class Described:
    """A table with its files and what is said of it everywhere."""

    table: Table
    files: TableFiles
    publishers: tuple[Publisher, ...]
    sources: list[dict[str, Any]]
    first: date | None
    last: date | None
    released: date | None
    citation: str


def vintage_of(connection: duckdb.DuckDBPyConnection) -> Vintage:
    """The vintage of all tables together."""
    query = (
        "SELECT max(released) FILTER (released_basis <> 'retrieval' AND source IN (SELECT source FROM sources "
        "WHERE holds = 'observations')) AS released, "
        "(SELECT max(month) FROM holder_months WHERE position_usd_mn IS NOT NULL) AS month FROM releases"
    )
    return Vintage(**rows_of(connection, query)[0])


def describe(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    files: TableFiles,
    publishers: tuple[Publisher, ...],
    vintage: Vintage,
    site_address: str,
) -> Described:
    """What the database says of a table: its span, its sources, the newest release among them."""
    names = table.column_names
    day = next((name for name in DAYS if name in names), None)
    span = rows_of(connection, f"SELECT min({day}) AS first, max({day}) AS last FROM {table.name}")[0] if day else {}
    sources: list[dict[str, Any]] = []
    if "source" in names and table.name != "sources":
        query = (
            "SELECT source, title, publisher, url FROM sources "
            f"WHERE source IN (SELECT source FROM {table.name}) ORDER BY source"
        )
        sources = rows_of(connection, query)
    newest = rows_of(
        connection,
        "SELECT max(released) AS released FROM releases WHERE released_basis <> 'retrieval' AND list_contains(?, source)",
        [row["source"] for row in sources],
    )
    released = newest[0]["released"] or vintage.released
    return Described(
        table, files, publishers, sources, span.get("first"), span.get("last"), released,
        citation(table.name, publishers, vintage, site_address),
    )  # fmt: skip


def citation(name: str | None, publishers: Sequence[Publisher], vintage: Vintage, site_address: str) -> str:
    """How to cite a table, or all of them: what, which vintage, whose figures, under which terms."""
    what = f"Treasury Watch, table {name}" if name else "Treasury Watch, tables on foreign holdings of U.S. Treasuries"
    place = f" {site_address}{addresses.DATA}." if site_address else ""
    others = [one for one in publishers if one.named]
    sources = "; ".join(f"{one.title}: {one.licence}" for one in others)
    derived = len(others) < len(publishers)
    whose = f" Figures of {sources}." if sources else ""
    derivation = (
        " What is derived from them is Treasury Watch's; the publishers have not checked it." if derived else ""
    )
    return f"{what}, {vintage.words}.{place}{whose}{derivation if sources else ''}"


def metadata(described: Described) -> dict[str, Any]:
    """The description of one table: x.metadata.json."""
    table = described.table
    return {
        "table": table.name,
        "description": table.description,
        "one_row_per": list(table.key),
        "rows": described.files.rows,
        "covers": _span(described.first, described.last),
        "vintage": _day(described.released),
        "columns": [
            {
                "name": column.name,
                "type": FIELD_TYPES[column.type],
                "unit": UNITS.get(column.type),
                "meaning": column.description,
            }
            for column in table.columns
        ],
        "sources": described.sources,
        "licences": [_licence(one) for one in described.publishers],
        "citation": described.citation,
        "notes": [note for note in (ROUNDING_NOTE, described.files.no_workbook) if note],
        "content": described.files.content,
        "files": [
            {"path": file.name, "format": kind, "bytes": file.bytes, "sha256": file.sha256}
            for kind, file in described.files.files.items()
        ],
    }


def data_package(
    every: Sequence[Described], data: PublishedData, vintage: Vintage, site_address: str, database: Mapping[str, Any]
) -> dict[str, Any]:
    """datapackage.json of all tables, after the Data Package standard, version 2. `database` is an addition to it."""
    publishers = data.of(data.tables)
    package = {
        "$schema": PROFILE,
        "name": "treasury-watch",
        "title": TITLE,
        "description": DESCRIPTION,
        "homepage": f"{site_address}{addresses.DATA}" if site_address else None,
        "version": _day(vintage.released),
        "keywords": ["treasury", "foreign holdings", "TIC", "vintages"],
        "licenses": _licences(publishers),
        "sources": [{"title": one.title, **_path(one.licence_url)} for one in publishers if one.named],
        "contributors": [{"title": "Treasury Watch", "roles": ["publisher"]}],
        "citation": citation(None, publishers, vintage, site_address),
        "database": dict(database),
        "resources": [_resource(one) for one in every],
    }
    return {name: value for name, value in package.items() if value is not None}


def _resource(described: Described) -> dict[str, Any]:
    table, file = described.table, described.files.files["csv"]
    return {
        "name": table.name,
        "type": "table",
        "path": file.name,
        "title": table.name.replace("_", " "),
        "description": table.description,
        "format": "csv",
        "mediatype": MEDIA_TYPES["csv"],
        "encoding": "utf-8",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
        "licenses": _licences(described.publishers),
        "sources": [{"title": f"{row['publisher']}: {row['title']}", **_path(row["url"])} for row in described.sources]
        or [{"title": one.title} for one in described.publishers],
        "schema": {
            "fields": [
                {
                    "name": column.name,
                    "type": FIELD_TYPES[column.type],
                    "description": column.description,
                    **({"unit": UNITS[column.type]} if column.type in UNITS else {}),
                }
                for column in table.columns
            ],
            "missingValues": [""],
        },
    }


def dataset(every: Sequence[Described], data: PublishedData, vintage: Vintage, site_address: str, database: str) -> str:
    """schema.org mark-up of the data page: one Dataset with the database, and a part for each table with its files.

    As JSON that can stand in a script element.
    """
    publishers = data.of(data.tables)
    common = {
        "creator": {"@type": "Organization", "name": "Treasury Watch"},
        "license": [one.licence_url for one in publishers if one.licence_url],
        "isAccessibleForFree": True,
    }
    whole = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": TITLE,
        "description": DESCRIPTION,
        **({"url": f"{site_address}{addresses.DATA}"} if site_address else {}),
        **common,
        "citation": citation(None, publishers, vintage, site_address),
        "version": _day(vintage.released),
        "dateModified": _day(vintage.released),
        "isBasedOn": [one.title for one in publishers if one.named],
        "distribution": [_download(site_address, database, "application/vnd.duckdb")],
        "hasPart": [
            {
                "@type": "Dataset",
                "name": f"Treasury Watch: {one.table.name.replace('_', ' ')}",
                "description": f"{one.table.description}. One row per {', '.join(one.table.key)}.",
                **common,
                "license": [who.licence_url for who in one.publishers if who.licence_url] or common["license"],
                "temporalCoverage": f"{one.first}/{one.last}" if one.first and one.last else None,
                "variableMeasured": [column.name for column in one.table.columns if column.type in UNITS],
                "distribution": [
                    _download(site_address, file.name, MEDIA_TYPES[kind]) for kind, file in one.files.files.items()
                ],
            }
            for one in every
        ],
    }
    text = json.dumps(_without_nothing(whole), ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _download(site_address: str, name: str, media_type: str) -> dict[str, str]:
    place = f"{site_address}{addresses.DATA.rpartition('/')[0]}/{name}" if site_address else name
    return {"@type": "DataDownload", "contentUrl": place, "encodingFormat": media_type}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nothing(item) for name, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _licence(publisher: Publisher) -> dict[str, str]:
    told = {"of": publisher.title, "licence": publisher.licence, "url": publisher.licence_url, "terms": publisher.terms}
    return {name: value for name, value in told.items() if value}


def _licences(publishers: Sequence[Publisher]) -> list[dict[str, str]]:
    """Licences as a Data Package has them: each with a place; what has none is told in the metadata and the citation."""
    found = [{"path": one.licence_url, "title": f"{one.title}: {one.licence}"} for one in publishers if one.licence_url]
    return found or [{"name": "other-open", "title": "; ".join(one.licence for one in publishers)}]


def _path(url: str | None) -> dict[str, str]:
    return {"path": url} if url and url.startswith("http") else {}


def _span(first: date | None, last: date | None) -> dict[str, str | None] | None:
    return {"first": _day(first), "last": _day(last)} if first else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
