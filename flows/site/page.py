"""The report: one HTML page on the newest month, made from the published database alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from treasury_watch.flows.site import addresses, nowcast_section
from treasury_watch.flows.site.charts import HOLDINGS, PARTS
from treasury_watch.flows.site.charts.chart_cache import charts_of_page
from treasury_watch.flows.site.links import Links
from treasury_watch.flows.site.risk import sale_scenario
from treasury_watch.flows.site.risk import section as risk_section
from treasury_watch.flows.site.sections import dollar_book, findings, health, holders, opening, ranking, revisions
from treasury_watch.flows.site.sections.methodology import methodology
from treasury_watch.flows.site.templating import HEAT_STEPS, environment
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.months import shifted
from treasury_watch.warehouse.archive.home_kinds import published_words
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.durable_files import write_whole
from treasury_watch.warehouse.home.permissions import make_users_folder, users_file_mode
from treasury_watch.warehouse.home.published_database import open_published, rows_of
from treasury_watch.warehouse.tables.published_findings import published_findings

if TYPE_CHECKING:
    from treasury_watch.warehouse.installation import Warehouse

MONTHS = 24

Row = dict[str, Any]


class ReportError(TreasuryWatchError):
    """The report cannot be made or written."""


def write(
    database: Path, out: Path, generated: datetime, mode: int = 0o600, *, site_address: str | None = None
) -> Path:
    """Write the page on a published database to `out`, whole or not at all and with this mode, and return `out`.

    The database is opened read-only; `site_address` is as in `render`. Raises ReportError where there is no database, or it
    or `out` cannot be used.
    """
    try:
        with open_published(database) as connection:
            page = render(connection, generated=generated, site_address=site_address)
    except duckdb.Error as problem:
        raise ReportError(
            f"report: {database} cannot be read ({str(problem).splitlines()[0]}); "
            "close what holds it open, or make it again with treasury-watch rebuild"
        ) from problem
    try:
        write_whole(out, page.encode("utf-8"), mode)
    except OSError as problem:
        raise ReportError(
            f"report: {out} cannot be written ({problem.strerror}); name another file with --out"
        ) from problem
    return out


def write_page(warehouse: Warehouse, out: Path | None = None) -> Path:
    """Write the page of the published database; its path. Raises as `write` does."""
    path = out or warehouse.home.reports / "treasury-watch.html"
    mode = users_file_mode() if out else warehouse.home.published_mode
    if out and warehouse.home.database.exists():
        with suppress(OSError):  # it is met again where the file is written, and told
            make_users_folder(out.parent)
    with charts_of_page(warehouse.home):
        return write(warehouse.home.database, path, datetime.now(UTC), mode)


def render(
    connection: duckdb.DuckDBPyConnection,
    *,
    generated: datetime,
    declarations: Declarations | None = None,
    site: bool = False,
    site_address: str | None = None,
    sections: Sequence[tuple[str, str]] = (),
) -> str:
    """The page as HTML text. Every figure comes from the database; `generated` (UTC where naive) dates the page.

    `declarations` (default: config/) give the release calendar and the rules' wording. With `site` the page is the first of a
    site: holders, findings, data, methodology and health are links to its pages (addresses.py), and `sections` its navigation,
    address and name of each. Without, it is complete in itself, and links to `site_address`, where the site is published, if
    that is given. The same database and time give the same text. Raises duckdb.Error where a table is missing.
    """
    declarations = declarations or Declarations()
    generated = generated.astimezone(UTC) if generated.tzinfo else generated.replace(tzinfo=UTC)
    today = generated.date()
    newest = rows_of(connection, "SELECT max(month) AS month FROM holder_months WHERE position_usd_mn IS NOT NULL")[0][
        "month"
    ]
    content: Row = {
        "generated": generated,
        "sample": published_words(connection),
        "newest": newest,
        "rules": declarations.rules,
        "months_shown": MONTHS,
        "heat_steps": HEAT_STEPS,
        "since": findings.SINCE,
        "links": Links(site, site_address),
        "addresses": addresses, "page": addresses.INDEX, "sections": sections,
        "link": partial(addresses.from_page, addresses.INDEX),
        "canonical": f"{site_address.rstrip('/')}/" if site and site_address else "",
        **health.content(connection, declarations, today),
        "methodology": None if site else methodology(),
        "nowcast": None, "risks": None, "sale": None, "more_charts": [],
    }  # fmt: skip
    if newest is not None:
        content |= _of_month(connection, newest, today, declarations, site, site_address)
    return environment().get_template("report.html.j2").render(content)


def _of_month(
    connection: duckdb.DuckDBPyConnection,
    newest: date,
    today: date,
    declarations: Declarations,
    site: bool,
    site_address: str | None,
) -> Row:
    """What the page shows of the newest month and those before it."""
    first = shifted(newest, 1 - MONTHS)
    centres = {row["holder_id"]: row["note"] for row in rows_of(connection, "FROM holders WHERE custodial_centre")}
    published = published_findings(connection, declarations.rules)
    largest = holders.largest(connection, newest)
    charted = largest[: holders.CHARTED]
    links = Links(
        site,
        site_address,
        holders=frozenset(row["holder_id"] for row in charted),
        findings=frozenset(found.key for found in findings.listed_findings(published)),
    )
    recent = [found for found in published if first <= found.month]
    return {
        "links": links,
        **opening.content(connection, newest, first, today, declarations),
        **ranking.content(connection, newest),
        **findings.content(published, centres, first, newest, links),
        "heat_months": [shifted(newest, -back) for back in range(MONTHS - 1, -1, -1)],
        "heat": holders.heat(connection, largest, first),
        "holders": holders.cards(connection, charted, recent, centres, MONTHS, links),
        "holdings_colour": HOLDINGS,
        "parts_of_change": PARTS,
        **dollar_book.content(connection, charted, newest),
        **sale_scenario.content(connection, declarations, today),
        **nowcast_section.content(connection, declarations, today),
        **risk_section.content(connection, newest, declarations.rules["price_return"]),
        **revisions.content(connection),
    }
