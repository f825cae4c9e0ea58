"""Writes the data folder of the site: tables, descriptions, the database, the SQL box where it is configured, the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.aside import Aside
from treasury_watch.flows.site.data import database, page, sql_box
from treasury_watch.flows.site.data.declared import PublishedData, published_data
from treasury_watch.flows.site.data.descriptions import Described, data_package, dataset, describe, metadata, vintage_of
from treasury_watch.flows.site.data.files import Begun, writing
from treasury_watch.flows.site.written import write_changed
from treasury_watch.warehouse.declarations import Declarations

PACKAGE = "datapackage.json"


@dataclass(frozen=True)
class Written:
    """The files of the data folder, by their addresses within the site, and what is to be said of it, line by line."""

    addresses: tuple[str, ...]
    said: tuple[str, ...]


def build(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    site_address: str,
    declarations: Declarations,
    *,
    duckdb_wasm: Path | None = None,
    write_page: Callable[[dict[str, Any]], None] | None = None,
) -> Written:
    """Write what is under `data/` of the site in `folder`, as `begun` and its call do."""
    with Aside() as aside, begun(connection, folder, declarations, aside) as finished:
        return finished(site_address, duckdb_wasm, write_page)


@contextmanager
def begun(
    connection: duckdb.DuckDBPyConnection, folder: Path, declarations: Declarations, aside: Aside
) -> Iterator[Callable[..., Written]]:
    """Write the tables under `data/` of the site in `folder`, and begin their workbooks; what it gives writes the rest.

    `connection` is to the published database. The rest is called with `site_address`, "" where the site has none;
    `duckdb_wasm`, the folder that npm has filled (sql_box.INSTALL), None for a page without SQL; and `write_page`, which
    puts what the page says into the site's own frame (templates/site/data.html.j2 with `base`), else it stands in a plain
    one. Only what says something else is written again. Raises ConfigurationError where a declaration or `duckdb_wasm` is
    not as expected.
    """
    data = published_data(declarations)
    place = folder / Path(addresses.DATA).parent
    place.mkdir(parents=True, exist_ok=True)
    with writing(connection, place, aside) as tables:
        every = [
            tables.begin(table, large_workbook=name in data.large_workbooks) for name, table in data.tables.items()
        ]

        def finished(
            site_address: str, duckdb_wasm: Path | None, write_page: Callable[[dict[str, Any]], None] | None
        ) -> Written:
            return _finished(connection, folder, data, every, site_address, duckdb_wasm, write_page)

        yield finished


def _finished(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    data: PublishedData,
    begun: Sequence[Begun],
    site_address: str,
    duckdb_wasm: Path | None,
    write_page: Callable[[dict[str, Any]], None] | None,
) -> Written:
    """The database, the descriptions, the SQL box and the page."""
    site_address = f"{site_address.rstrip('/')}/" if site_address else ""
    place, vintage = folder / Path(addresses.DATA).parent, vintage_of(connection)
    whole = _database(connection, begun, place)
    every: list[Described] = []
    for one in begun:
        name = one.table.name
        described = describe(connection, one.table, one.finished(), data.publishers[name], vintage, site_address)
        write_changed(place / f"{name}.metadata.json", _json(metadata(described)))
        every.append(described)
    write_changed(place / PACKAGE, _json(data_package(every, data, vintage, site_address, whole)))
    said = sql_box.write(place, duckdb_wasm)
    marked = dataset(every, data, vintage, site_address, database.NAME)
    told = page.content(every, data, vintage, site_address, whole, marked, box=duckdb_wasm is not None)
    if write_page is None:
        write_changed(folder / addresses.DATA, page.render(told).encode("utf-8"))
    else:
        write_page(told)
    names = [PACKAGE, database.NAME, *([f"{sql_box.FOLDER}/{name}" for name in sql_box.FILES] if duckdb_wasm else [])]
    for made in every:
        names += [f"{made.table.name}.metadata.json", *(file.name for file in made.files.files.values())]
    start = Path(addresses.DATA).parent
    return Written(tuple(sorted([addresses.DATA, *(f"{start}/{name}" for name in names)])), tuple(said))


def _database(connection: duckdb.DuckDBPyConnection, every: Sequence[Begun], place: Path) -> dict[str, Any]:
    """The DuckDB file as the package describes it, made again where a table's rows are others."""
    macros = database.macros_of(connection)
    content = database.digest({one.table.name: one.content for one in every}, macros)
    path = place / database.NAME
    try:
        known = json.loads((place / PACKAGE).read_text(encoding="utf-8"))["database"]
        if known["content"] == content and known["bytes"] == path.stat().st_size:
            return dict(known)
    except (OSError, ValueError, KeyError, TypeError):
        known = None  # no description of it, or one of another shape: the file is written anew
    database.write_database({one.table.name: one.table for one in every}, macros, place)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": database.NAME,
        "format": "duckdb",
        "storage_version": database.STORAGE_VERSION,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256}",
        "content": content,
    }


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n").encode("utf-8")
