"""The report: one self-contained HTML page on the newest month, made from the published database alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from treasury_watch.flows.site import charts, dollar_book, finding_cards, nowcast_section, page_script, sale_scenario
from treasury_watch.flows.site.risk import section as risk_section
from treasury_watch.transforms.amounts import MINUS, billions, billions_cell, percent, rounded
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.events import events_in
from treasury_watch.transforms.findings.explain.sentences import VERDICT_WORDS, everyone
from treasury_watch.transforms.findings.rules.verdicts import VERDICTS
from treasury_watch.transforms.months import months_between, shifted
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.archive.home_kinds import published_words
from treasury_watch.warehouse.declarations import PROJECT, Declarations
from treasury_watch.warehouse.gates.freshness import late_month, stale_sources
from treasury_watch.warehouse.home.durable_files import write_whole
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.published_findings import published_findings

TEMPLATES = Path(__file__).parent / "templates"
MONTHS = 24
MOVERS = 15
LARGEST_FINDINGS = 8
LARGEST_REVISIONS = 10
METHODOLOGY = PROJECT / "docs" / "methodology.md"
HEAT_HOLDERS = 20
CHARTED_HOLDERS = 10
HOLDER_MONTHS = 6
# The first full year in which months have a decomposition and enough of them to be scored.
FINDINGS_SINCE = date(2024, 1, 1)
# Net purchases from which a cell of the heat map is tinted, in USD millions.
HEAT_STEPS = (2_000, 10_000, 25_000)

Row = dict[str, Any]


class ReportError(TreasuryWatchError):
    """The report cannot be made or written."""


def write(database: Path, out: Path, generated: datetime, mode: int = 0o600) -> Path:
    """Write the page on a published database to `out`, whole or not at all and with this mode, and return `out`.

    The database is opened read-only. Raises ReportError where there is none, or it or `out` cannot be used.
    """
    if not database.exists():
        raise ReportError(f"report: there is no database at {database} yet; run treasury-watch run first")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            page = render(connection, generated=generated, last=out)
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


def render(
    connection: duckdb.DuckDBPyConnection,
    *,
    generated: datetime,
    declarations: Declarations | None = None,
    last: Path | None = None,
) -> str:
    """The page as HTML text. Every figure comes from the database; `generated` (UTC where naive) dates the page.

    `declarations` (default: config/) give the release calendar and the rules' wording. `last` is the page
    written before, for its script. The same database and time give the same text. Raises duckdb.Error where a table is missing.
    """
    declarations = declarations or Declarations()
    generated = generated.astimezone(UTC) if generated.tzinfo else generated.replace(tzinfo=UTC)
    newest = rows_of(connection, "SELECT max(month) AS month FROM holder_months WHERE position_usd_mn IS NOT NULL")[0][
        "month"
    ]
    content: Row = {
        "generated": generated,
        "sample": published_words(connection),
        "newest": newest,
        "rules": declarations.rules,
        "verdict_words": VERDICT_WORDS,
        "months_shown": MONTHS,
        "heat_steps": HEAT_STEPS,
        "since": FINDINGS_SINCE,
        **_checked(connection),
        **_health(connection, generated.date()),
        "behind": stale_sources(connection, declarations, generated.date()),
        "methodology": _methodology(),
    }
    if newest is not None:
        first = shifted(newest, 1 - MONTHS)
        centres = {row["holder_id"]: row["note"] for row in rows_of(connection, "FROM holders WHERE custodial_centre")}
        published = published_findings(connection, declarations.rules)
        findings = finding_cards.flagged_months(published, centres)
        since = [row for row in findings if row["month"] >= FINDINGS_SINCE]
        told = events_in(published, newest)
        # The official total is no holder: it is listed among the findings, and stands in no ranking.
        recent = finding_cards.leads_before(published, first, newest)
        holders = _holders(connection, newest)
        content |= {
            **_vintages(connection, newest, first, generated.date(), declarations),
            **_totals(connection, newest),
            **_movers(connection, newest),
            "new_findings": [finding_cards.card(found, centres) for found in told],
            "largest_findings": [finding_cards.card(found, centres) for found in recent[:LARGEST_FINDINGS]],
            "recent_findings": len(recent),
            "finding_years": [(year, list(rows)) for year, rows in groupby(since, key=lambda row: row["month"].year)],
            "findings_before": len(findings) - len(since),
            "heat_months": [shifted(newest, -back) for back in range(MONTHS - 1, -1, -1)],
            "heat": _heat(connection, holders[:HEAT_HOLDERS], first),
            "holders": _sections(
                connection, holders[:CHARTED_HOLDERS], [row for row in findings if row["month"] >= first], centres
            ),
            **dollar_book.content(connection, holders[:CHARTED_HOLDERS], newest),
            **_episodes(connection),
            **sale_scenario.content(connection, declarations, generated.date()),
            **nowcast_section.content(connection, declarations),
            **risk_section.content(connection, newest, declarations.rules["price_return"]),
        }
        content["specs"] = {row["holder_id"]: row["spec"] for row in content["holders"]}
        content["specs"] |= risk_section.documents(content["risks"])
        if content["nowcast"] and content["nowcast"]["spec"]:
            content["specs"]["nowcast"] = content["nowcast"]["spec"]
    content |= _revised(connection)
    return _environment().get_template("report.html.j2").render(content, bundle=page_script.element(last))


def _vintages(
    connection: duckdb.DuckDBPyConnection, newest: date, first: date, today: date, declarations: Declarations
) -> Row:
    """The releases behind the months shown, the newest month's release and age, and what the calendar expects."""
    vintages = rows_of(
        connection,
        "SELECT releases.source, any_value(coalesce(sources.title, releases.source)) AS title, "
        "max(released) AS released, max(last_month) AS last_month, arg_max(released_basis, released) AS released_basis "
        "FROM releases LEFT JOIN sources USING (source) "
        "WHERE last_month IS NOT NULL AND releases.source IN (SELECT DISTINCT source FROM positions WHERE month >= ?) "
        "GROUP BY releases.source ORDER BY released DESC, releases.source",
        first,
    )
    covering = [row["released"] for row in vintages if row["last_month"] and row["last_month"] >= newest]
    released = max(covering, default=None)
    expected = late_month(today, declarations.calendar)
    return {
        "vintages": vintages,
        "released": released,
        "age_days": (today - released).days if released else None,
        "expected": expected,
        "months_behind": months_between(newest, expected),
    }


def _totals(connection: duckdb.DuckDBPyConnection, newest: date) -> Row:
    """The Grand Total of the newest month and its official part, where the statistics state them."""
    rows = rows_of(
        connection,
        "SELECT * FROM aggregate_months WHERE month = ? AND holder_id IN ('grand_total', 'foreign_official') "
        "AND position_usd_mn IS NOT NULL",
        newest,
    )
    named = {row["holder_id"]: row for row in rows}
    return {"total": named.get("grand_total"), "official": named.get("foreign_official")}


def _movers(connection: duckdb.DuckDBPyConnection, newest: date) -> Row:
    """Holders of the newest month by the larger of the change and the net purchases, whatever their sign."""
    movers = rows_of(
        connection,
        "SELECT * FROM holder_months WHERE month = ? AND change_usd_mn IS NOT NULL ORDER BY "
        "greatest(abs(change_usd_mn), abs(coalesce(net_purchases_usd_mn, 0))) DESC, holder LIMIT ?",
        newest,
        MOVERS,
    )
    counted = rows_of(
        connection,
        "SELECT count(*) AS reporting, count(*) FILTER (change_usd_mn IS NULL) AS unranked "
        "FROM holder_months WHERE month = ?",
        newest,
    )[0]
    return {"movers": movers, **counted}


def _holders(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    return rows_of(
        connection,
        "SELECT * FROM holder_months WHERE month = ? AND position_usd_mn IS NOT NULL "
        "ORDER BY position_usd_mn DESC, holder LIMIT ?",
        newest,
        max(HEAT_HOLDERS, CHARTED_HOLDERS),
    )


def _heat(connection: duckdb.DuckDBPyConnection, holders: list[Row], first: date) -> list[Row]:
    """Net purchases by holder and month; empty where none is known."""
    rows = rows_of(
        connection,
        "SELECT holder_id, month, net_purchases_usd_mn FROM holder_months "
        "WHERE month >= ? AND net_purchases_usd_mn IS NOT NULL",
        first,
    )
    known = {(row["holder_id"], row["month"]): row["net_purchases_usd_mn"] for row in rows}
    heat = [
        {**holder, "cells": {month: amount for (owner, month), amount in known.items() if owner == holder["holder_id"]}}
        for holder in holders
    ]
    return heat if any(row["cells"] for row in heat) else []


def _sections(
    connection: duckdb.DuckDBPyConnection, holders: list[Row], findings: list[Row], centres: Mapping[str, str | None]
) -> list[Row]:
    """The largest holders, each with its chart, its last months and its `findings`, newest first."""
    sections = []
    for holder in holders:
        months = connection.execute(
            "SELECT * FROM holder_months WHERE holder_id = ? AND month <= ? ORDER BY month DESC LIMIT ?",
            [holder["holder_id"], holder["month"], MONTHS],
        ).df()
        marks = sale_scenario.marks_of(connection, holder["holder_id"], months)
        chart = charts.holder_chart(months, "", MONTHS, marks)
        latest = rows_of(
            connection,
            "SELECT * FROM holder_months WHERE holder_id = ? AND month <= ? ORDER BY month DESC LIMIT ?",
            holder["holder_id"],
            holder["month"],
            HOLDER_MONTHS,
        )
        described = charts.description(months.sort_values("month"), "")
        own = [row for row in findings if row["holder_id"] == holder["holder_id"]]
        sections.append(
            {
                **{**holder, "spec": charts.spec(chart), "described": described, "latest": latest},
                **{"marks": marks, "findings": own, "note": centres.get(holder["holder_id"])},
            }
        )
    return sections


def _episodes(connection: duckdb.DuckDBPyConnection) -> Row:
    rows = rows_of(connection, "SELECT * FROM episodes ORDER BY end_month DESC, start_month DESC, holder, rule")
    shown = [row for row in rows if row["end_month"] >= FINDINGS_SINCE]
    return {"episodes": shown, "episodes_before": len(rows) - len(shown)}


def _checked(connection: duckdb.DuckDBPyConnection) -> Row:
    """The checks of the newest run that made any: what `failed`, blocking first; what `held`, by gate and subject."""
    checks = rows_of(
        connection,
        "SELECT * FROM validation_results WHERE run_id = (SELECT arg_max(run_id, checked) FROM validation_results) "
        "ORDER BY gate, subject, checked, expectation",
    )
    failed = [{"why": None, **row} for row in checks if not row["success"]]  # older tables have no column `why`
    held = groupby((row for row in checks if row["success"]), key=itemgetter("gate"))
    return {
        "checks": checks,
        "failed": sorted(failed, key=itemgetter("blocking"), reverse=True),
        "held": [
            (gate, [(subject, list(rows)) for subject, rows in groupby(found, key=itemgetter("subject"))])
            for gate, found in held
        ],
    }


def _health(connection: duckdb.DuckDBPyConnection, today: date) -> Row:
    """The newest run, the age of every source, and how much the past was revised."""
    sources = rows_of(
        connection,
        "SELECT releases.source, any_value(coalesce(sources.title, releases.source)) AS title, "
        "any_value(sources.rhythm) AS rhythm, max(released) AS released, "
        "arg_max(released_basis, released) AS released_basis, max(last_month) AS last_month, "
        "sum(changed_figures)::BIGINT AS changed_figures FROM releases LEFT JOIN sources USING (source) "
        "WHERE last_month IS NOT NULL GROUP BY releases.source ORDER BY max(released) DESC, releases.source",
    )
    for row in sources:
        # A file without a release date is dated by its download, which says nothing about how old its figures are.
        row["age_days"] = None if row["released_basis"] == "retrieval" else (today - row["released"]).days
        row["months_old"] = months_between(row["last_month"], today) if row["last_month"] else None
    never = rows_of(
        connection,
        "SELECT count(*) AS n FROM sources WHERE source NOT IN (SELECT source FROM releases WHERE last_month IS NOT NULL)",
    )
    runs = rows_of(connection, "SELECT * FROM runs ORDER BY started DESC LIMIT 1")
    return {
        "sources": sources,
        "never_loaded": never[0]["n"],
        "run": runs[0] if runs else None,
        "revisions": _revisions(connection),
        "reconciled": _reconciled(connection),
    }


def _revised(connection: duckdb.DuckDBPyConnection) -> Row:
    """What the newest revision made of earlier findings and moved most; empty where the database keeps no tables of it."""
    kept = {row["table_name"] for row in rows_of(connection, "SELECT table_name FROM information_schema.tables")}
    turned = (
        rows_of(connection, "SELECT * FROM revised_findings ORDER BY holder, start_month, finding_kind, rule")
        if "revised_findings" in kept
        else []
    )
    largest = (
        rows_of(
            connection,
            "FROM largest_revisions ORDER BY place LIMIT ?",
            LARGEST_REVISIONS,
        )
        if "largest_revisions" in kept
        else []
    )
    return {"turned": turned, "largest_revisions": largest}


@cache
def _methodology() -> Markup | None:
    """The methodology as part of the page, headings two levels down; None where the docs are not installed."""
    if not METHODOLOGY.exists():
        return None
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens: list[Token] = []
    heading = ""
    for token in parser.parse(METHODOLOGY.read_text(encoding="utf-8").partition("\n")[2]):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + 1}"
        # links lead to files beside the document, which the page does not have
        token.children = [part for part in token.children or [] if part.type not in ("link_open", "link_close")]
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "inline" and tokens[-1].type == "heading_open":
            heading = token.content
        tokens.append(token)
        if token.type == "table_open":
            caption = Markup("<caption>{}</caption>").format(heading)
            tokens.append(Token("html_block", "", 0, content=caption))
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _reconciled(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Comparisons between sources that looked at any figure, the ones with open disagreements first."""
    return rows_of(
        connection,
        "SELECT comparison, description, compared, disagreeing, known FROM reconciliation_counts WHERE compared > 0 "
        "ORDER BY disagreeing - known DESC, comparison",
    )


def _revisions(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Number and newest day of revisions; None where the database keeps no table of them."""
    kept = rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = 'revisions'")
    if not kept:
        return None
    return rows_of(connection, "SELECT count(*) AS n, max(released) AS newest FROM revisions")[0]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bn": partial(billions_cell, minus=MINUS),
        "pct": partial(percent, minus=MINUS),
        "decimal": lambda value: str(rounded(value, 1)).replace("-", MINUS),
        "exact": _exact,
        "heat": _heat_class,
        "day": lambda day: f"{day.day} {day:%B %Y}",
        "month": month_name,
        "short_month": lambda month: f"{month:%b %Y}",
        "thousands": lambda number: f"{number:,}",
        "strftime": lambda pattern, moment: f"{moment:{pattern}}",
        "words": lambda name: str(name).replace("_", " "),
        "badge": _badge,
        "everyone": everyone,
        "dollars": billions,
    }
    return environment


def _exact(value: float | None) -> str:
    """The figure as the database holds it, for `data-` attributes; empty where unknown."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _heat_class(usd_mn: float | None, steps: Sequence[float] = HEAT_STEPS) -> str:
    """Style of a heat map cell: bought1 to bought3, sold1 to sold3, or none."""
    if usd_mn is None:
        return "unknown"
    level = sum(abs(usd_mn) >= step for step in steps)
    return f"{'bought' if usd_mn > 0 else 'sold'}{level}" if level else "flat"


def _badge(verdict: str) -> str:
    """Style of a verdict's badge; a verdict this version does not know gets the plain one."""
    return verdict if verdict in VERDICTS else "unexplained"
