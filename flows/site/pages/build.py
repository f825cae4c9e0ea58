"""Builds the site: every page from the published database, written into a folder for any web host, or to be opened as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.sections import SiteSettings
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site import addresses, page
from treasury_watch.flows.site.charts.chart_cache import charts_of_page
from treasury_watch.flows.site.pages import data_pages, findings, holders, releases, texts
from treasury_watch.flows.site.pages.files import Folder, SiteError, building
from treasury_watch.flows.site.pages.rendering import TEMPLATES, Site
from treasury_watch.warehouse.archive.archived_files import quarantined
from treasury_watch.warehouse.archive.home_kinds import published_words
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.permissions import users_file_mode
from treasury_watch.warehouse.home.published_database import open_published, rows_of
from treasury_watch.warehouse.installation import Warehouse

# What adds files of its own to the site, each called with it: feeds, the calendar. It puts them
# with `site.folder.put(address, bytes)`.
BUILDERS: tuple[Callable[[Site], None], ...] = (data_pages.write_feeds,)
# The navigation, in its order; of what no builder makes there is no link.
SECTIONS = (
    (addresses.INDEX, "Overview"),
    (addresses.HOLDERS, "Holders"),
    (addresses.FINDINGS, "Findings"),
    (addresses.RELEASES, "Releases"),
    (addresses.DATA, "Data"),
    (addresses.METHODOLOGY, "Methodology"),
    (addresses.HEALTH, "Data health"),
)


@dataclass(frozen=True)
class Built:
    """What a build did."""

    folder: Path
    files: int
    written: int
    removed: int
    pages: int
    said: tuple[str, ...] = ()  # what the builders have to tell, a line each

    def line(self) -> str:
        """In one line."""
        removed = f", {self.removed} removed" if self.removed else ""
        return f"site: {self.folder} ({self.pages:,} pages, {self.files:,} files; {self.written:,} written{removed})"


def after_run(settings: Settings, warehouse: Warehouse) -> Built | None:
    """Build the site where settings name a place for it; None where they name none. Raises SiteError."""
    if not settings.site.out:
        return None
    out = Path(settings.site.out).expanduser()
    return build(warehouse, warehouse.home.root / out, settings.site)


def build(
    warehouse: Warehouse,
    out: Path,
    settings: SiteSettings | None = None,
    *,
    today: date | None = None,
    as_known: bool = False,
) -> Built:
    """Build the site of a warehouse's published database into `out`. Only what changed is written.

    `settings` is section [site]: without an address the site has no sitemap and its previews relative links. With `as_known` the
    findings of past release days are worked out as known then. Raises SiteError where the folder cannot be used or the
    database cannot be read, TreasuryWatchError where there is none.
    """
    today, settings = today or datetime.now(UTC).date(), settings or SiteSettings()
    mode = users_file_mode()
    with open_published(warehouse.home.database) as connection, building(out, mode) as record:
        folder = Folder(out, record, mode)
        try:
            site = site_of(connection, warehouse.declarations, folder, today, settings.address)
            site.duckdb_wasm = Path(settings.duckdb_wasm).expanduser() if settings.duckdb_wasm else None
            site.quarantine = held_back(warehouse)
            with charts_of_page(warehouse.home):
                write_pages(site, as_known=as_known)
        except duckdb.Error as problem:
            raise SiteError(
                f"site: {warehouse.home.database} cannot be read ({str(problem).splitlines()[0]}); "
                "make it again with treasury-watch rebuild"
            ) from problem
        folder.finish()
    pages = sum(name.endswith(".html") for name in folder.made)
    made = Built(out, len(folder.made), len(folder.written), len(folder.removed), pages, site.said)
    logs.say("site", made.line(), files=made.files, written=made.written)
    return made


def write_pages(site: Site, *, as_known: bool = False) -> None:
    """Every file of the site but its record. Raises duckdb.Error where a table is missing."""
    site.sections = SECTIONS
    with site.aside:
        with data_pages.data(site):
            for builder in BUILDERS:
                builder(site)
            _assets(site)
            months = holders.with_pages(holders.months_by_holder(site.connection))
            centres = holders.centres_of(site.connection)
            standing = findings.found_in(site)
            holders.write(site, months, standing, centres)
            findings.write(site, standing, months, centres)
            releases.write(site, standing, {addresses.holder_page(holder) for holder in months}, as_known=as_known)
            texts.write(site, standing)
            site.folder.put(addresses.INDEX, _front_page(site))
        site.put_previews()
    if site.address:
        site.folder.put(addresses.SITEMAP, texts.sitemap(site.address, kept_and_made(site.folder)))
        site.folder.put(addresses.ROBOTS, texts.robots(site.address))


def site_of(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, folder: Folder, today: date, address: str = ""
) -> Site:
    """The site of a published database: what all of its pages have to know."""
    newest, released = newest_of(connection)
    return Site(
        connection, declarations, folder, today, address, sample=published_words(connection), newest=newest, released=released
    )  # fmt: skip


def kept_and_made(folder: Folder) -> Iterable[str]:
    """The addresses that the site has after this build."""
    return {*folder.made, *(name for name in folder.record.files if name.endswith(".html"))}


def newest_of(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    """The newest month of any country, and the day of the newest release that states holdings."""
    row = rows_of(
        connection,
        "SELECT (SELECT max(month) FROM holder_months WHERE position_usd_mn IS NOT NULL) AS newest, "
        "(SELECT max(released) FROM positions) AS released",
    )[0]
    return row["newest"], row["released"]


def held_back(warehouse: Warehouse) -> list[dict[str, object]]:
    """The files that were refused and wait to be looked at; none where the archive may not be read."""
    return [
        {"source": entry.source, "seen": entry.seen, "why": entry.refused}
        for entry in quarantined(warehouse.archive.entries())
    ]


def _front_page(site: Site) -> str:
    """The page people open first. Dated by the day, not the minute: it changes when there is something new."""
    midnight = datetime(site.today.year, site.today.month, site.today.day, tzinfo=UTC)
    return page.render(
        site.connection, generated=midnight, declarations=site.declarations, site=True, site_address=site.address or None,
        sections=site.sections,
    )  # fmt: skip


def _assets(site: Site) -> None:
    """The one style sheet and the one script of all pages."""
    for address, names in ((addresses.STYLE, ("site.css", "frame.css")), (addresses.SCRIPT, ("site.js",))):
        site.folder.put(address, b"".join((TEMPLATES / "site" / name).read_bytes() for name in names))
