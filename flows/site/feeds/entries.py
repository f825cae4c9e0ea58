"""What the feeds tell: findings and revisions as entries with an id that depends on neither address nor figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import duckdb

from treasury_watch.flows.site import addresses
from treasury_watch.transforms.amounts import billions, in_billions
from treasury_watch.transforms.findings.finding import Finding, FlaggedMonth
from treasury_watch.transforms.release_dates.release_calendar import Calendar, release_of
from treasury_watch.transforms.release_dates.release_hours import released_at
from treasury_watch.transforms.wording import month_name, one_line, plain_name
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.published_findings import published_findings

NEWEST = 100  # entries of a feed
LARGEST = 10  # revised figures that an entry names
NAMESPACE = uuid5(NAMESPACE_URL, "urn:treasury-watch:feeds")


@dataclass(frozen=True)
class Entry:
    """One entry. `page` is the address within the site; `published` and `updated` are aware."""

    page: str
    title: str
    text: tuple[str, ...]  # paragraphs
    published: datetime
    updated: datetime
    tags: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A URN of the page's place within the site, wherever the site stands."""
        return f"urn:uuid:{uuid5(NAMESPACE, self.page)}"


def findings(connection: duckdb.DuckDBPyConnection, rules: dict[str, Any], calendar: Calendar) -> list[Entry]:
    """The newest findings, the newest first: each dated by the release of its last month."""
    found = published_findings(connection, rules)[::-1][:NEWEST]
    return [_finding(one, calendar) for one in found]


def _finding(found: Finding, calendar: Calendar) -> Entry:
    row = found.row
    told = [row["explanation"], *(row["caveats"] or "").splitlines(), row["read_together"], row["context"]]
    moment = released_at(release_of(found.end_month, calendar))
    month = isinstance(found, FlaggedMonth)
    place = (
        addresses.finding_page(found.holder_id, found.month)
        if month
        else addresses.episode_page(found.holder_id, found.rule, found.month)
    )
    return Entry(
        page=place,
        title=one_line(found.title),
        text=tuple(one_line(text) for text in told if text),
        published=moment,
        updated=moment,
        tags=(found.severity, row["verdict"], plain_name(found.holder)),
    )


def revisions(connection: duckdb.DuckDBPyConnection) -> list[Entry]:
    """What each release changed of what was published before, the newest first: one entry a release day."""
    rows = rows_of(
        connection,
        "FROM revisions WHERE released IS NOT NULL AND difference_usd_mn IS NOT NULL "
        "ORDER BY released DESC, abs(difference_usd_mn) DESC, holder, month, source, measure",
    )
    turned = rows_of(connection, "FROM revised_findings ORDER BY holder, start_month, finding_kind, rule")
    entries = []
    for released, changed in groupby(rows, key=lambda row: row["released"]):
        sentences = [row["explanation"] for row in turned if row["released"] == released]
        entries.append(_revision(released, list(changed), sentences))
    return entries[:NEWEST]


def _revision(released: date, changed: list[dict[str, Any]], sentences: list[str]) -> Entry:
    first = changed[0]
    named = f"{plain_name(first['holder'])} {first['month']:%b %Y} by {_amount(first['difference_usd_mn'])}"
    counted = f"{len(changed):,} figure{'s' if len(changed) != 1 else ''}"
    more = [f"and {len(changed) - LARGEST:,} smaller ones."] if len(changed) > LARGEST else []
    lines = [
        f"{row['holder']}, {month_name(row['month'])}, {row['measure'].replace('_', ' ')} ({row['source']}): "
        f"{billions(row['old_usd_mn'], signed=False)} became {billions(row['new_usd_mn'], signed=False)}."
        for row in changed[:LARGEST]
    ]
    moment = released_at(released)
    return Entry(
        page=addresses.release_page(released),
        title=f"Release of {released:%-d %B %Y} revised {counted}; most {named}",
        text=tuple(one_line(text) for text in [*sentences, *lines, *more]),
        published=moment,
        updated=moment,
        tags=("revision",),
    )


def _amount(usd_mn: float) -> str:
    """The money of a title; below what billions show, in millions."""
    return billions(usd_mn) if in_billions(usd_mn) else f"${abs(usd_mn):,.0f}mn"


def dated(entries: Iterable[Entry], before: dict[str, dict[str, Any]], now: datetime) -> list[Entry]:
    """The entries with the moment at which what they say last changed: `before` has the items of the feed as it stands,
    by id. One that says what it said keeps its date; one that says something else is of `now`.
    """
    found = []
    for entry in entries:
        old = before.get(entry.id)
        if old is not None:
            same = old["title"] == entry.title and old["content_text"] == "\n\n".join(entry.text)
            updated = datetime.fromisoformat(old["date_modified"]) if same else now.astimezone(UTC)
            entry = replace(entry, published=datetime.fromisoformat(old["date_published"]), updated=updated)
        found.append(entry)
    return found
