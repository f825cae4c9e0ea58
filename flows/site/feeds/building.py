"""Writes the feeds' folder of the site."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from treasury_watch.flows.site.feeds import entries, release_days
from treasury_watch.flows.site.feeds.formats import FINDINGS, FOLDER, REVISIONS, atom, json_feed
from treasury_watch.flows.site.written import write_changed
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of

# The release days of which the site has a page.
WITH_PAGE = (
    "SELECT DISTINCT released FROM releases WHERE last_month IS NOT NULL AND withdrawn IS NULL AND evidence = 'release' "
    "AND source IN (SELECT DISTINCT source FROM positions)"
)


def build(
    connection: duckdb.DuckDBPyConnection, folder: Path, site_address: str, declarations: Declarations, now: datetime
) -> list[str]:
    """Write `feeds/` of the site in `folder`, and return the addresses of its files within the site.

    `connection` is to the published database; `site_address` is "" where the site has none: links are relative then; `now`
    is aware and dates what changed since the feeds were last written. What did not change keeps its date, and its file.
    """
    site_address = f"{site_address.rstrip('/')}/" if site_address else ""
    place = folder / FOLDER
    told = {
        FINDINGS: entries.findings(connection, declarations.rules, declarations.calendar),
        REVISIONS: entries.revisions(connection),
    }
    made = []
    for feed, found in told.items():
        kept = place / f"{feed.name}.json"
        dated = entries.dated(found, _items(kept), now)
        write_changed(kept, json_feed(feed, dated, site_address))
        write_changed(place / f"{feed.name}.atom", atom(feed, dated, site_address))
        made += [f"{FOLDER}/{feed.name}.json", f"{FOLDER}/{feed.name}.atom"]
    path = place / release_days.NAME
    before = release_days.known_events(path.read_bytes()) if path.is_file() else None
    pages = {row["released"] for row in rows_of(connection, WITH_PAGE)}
    write_changed(path, release_days.ics(declarations.calendar, now, site_address, pages, before))
    return [*made, f"{FOLDER}/{release_days.NAME}"]


def _items(path: Path) -> dict[str, dict[str, Any]]:
    """The items of a feed as it stands, by id; none where there is no feed that can be read."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))["items"]
        return {
            item["id"]: item
            for item in items
            if {"title", "content_text", "date_published", "date_modified"} <= set(item)
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
