"""The pages that are about the whole: all findings, methodology, data health, what is not there, and the lists for robots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.pages.rendering import Site, citation
from treasury_watch.flows.site.sections.findings import told_once
from treasury_watch.flows.site.sections.health import checked_last
from treasury_watch.transforms.findings.finding import Episode, Finding
from treasury_watch.warehouse.declarations import PROJECT
from treasury_watch.warehouse.gates.freshness import late_month, never_loaded, stale_sources
from treasury_watch.warehouse.home.published_database import rows_of

DOCUMENT = PROJECT / "docs" / "methodology.md"
SOURCE_COLUMNS = """
SELECT r.source, any_value(coalesce(s.title, r.source)) AS title, any_value(s.publisher) AS publisher,
    any_value(s.url) AS url, any_value(s.rhythm) AS rhythm, max(r.released) AS released,
    arg_max(r.released_basis, r.released) AS released_basis, max(r.last_month) AS last_month
FROM releases r LEFT JOIN sources s USING (source) WHERE r.last_month IS NOT NULL
GROUP BY r.source ORDER BY max(r.released) DESC, title
"""
GATES = {"parsed": "after a file was read", "publish": "before the tables were published"}

Row = dict[str, Any]


def write(site: Site, standing: Mapping[str, Finding]) -> None:
    """All of these pages but the front page."""
    _findings(site, standing)
    _methodology(site)
    _health(site)
    site.write(
        addresses.NOT_FOUND,
        "not_found.html.j2",
        title="No such page",
        summary="There is no such page here.",
        vintage=None,
        cited=None,
    )


def _findings(site: Site, standing: Mapping[str, Finding]) -> None:
    """Every finding, by the year in which it ended, and those that no longer stand."""
    listed = {found.key for found in told_once(standing.values())}
    every = sorted(standing.items(), key=lambda one: (one[1].end_month, one[1].holder), reverse=True)
    ordered = [one for one in every if one[1].key in listed]
    gone = [(page, kept["last"]) for page, kept in sorted(site.folder.record.findings.items()) if not kept["stands"]]
    site.write(
        addresses.FINDINGS,
        "findings.html.j2",
        title="Findings",
        summary=f"{len(ordered)} months and runs of months in which a holder's Treasuries fell or were sold, or a custodial "
        "centre's rose, unusually.",
        vintage=site.released,
        years=[(year, list(found)) for year, found in groupby(ordered, key=lambda one: one[1].end_month.year)],
        is_episode=lambda one: isinstance(one, Episode),
        gone=gone,
        rules=site.declarations.rules,
        cited=citation("Findings", site.released),
    )


def _methodology(site: Site) -> None:
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    content, headings = rendered(text)
    site.write(
        addresses.METHODOLOGY,
        "methodology.html.j2",
        title="Methodology",
        summary="How changes in holdings are taken apart into purchases, prices and the rest, and how findings are made.",
        vintage=None,
        text=content,
        headings=headings,
        rules=site.declarations.rules,
        cited=citation("Methodology", None),
    )


def rendered(document: str) -> tuple[Markup, list[tuple[str, str]]]:
    """A Markdown document as HTML without its title, and (anchor, heading) of its parts.

    Every heading has an anchor. Links within it work; those to files that are not part of the site become plain text.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(document.partition("\n")[2] if document.startswith("# ") else document)
    anchors: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content, anchors))
    headings, made, heading, tables = [], list[Token](), "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading, tables = tokens[place + 1].content, 0
            if token.tag == "h2":
                headings.append((str(token.attrs["id"]), heading.replace("`", "")))
        if token.children:
            token.children = _inner_links(token.children, set(anchors))
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "table_open":
            tables += 1
            named = f"Table{f' {tables}' if tables > 1 else ''}{f': {heading}' if heading else ''}"
            label = Markup('<div class="scroll" role="region" aria-label="{}" tabindex="0">\n').format(named)
            made.append(Token("html_block", "", 0, content=label))
        if token.type == "fence" or token.type == "code_block":
            token.attrSet("tabindex", "0")
        made.append(token)
        if token.type == "table_close":
            made.append(Token("html_block", "", 0, content="</div>\n"))
    return Markup(parser.renderer.render(made, parser.options, {})), headings


def _anchor(heading: str, anchors: dict[str, int]) -> str:
    """The anchor of a heading as code hosts make it; a second one of the same words gets a number."""
    slug = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") or "part"
    anchors[slug] = anchors.get(slug, 0) + 1
    unique = slug if anchors[slug] == 1 else f"{slug}-{anchors[slug] - 1}"
    anchors.setdefault(unique, 1)
    return unique


def _inner_links(children: list[Token], anchors: set[str]) -> list[Token]:
    """The parts of a text, without links to what the site does not have."""
    kept, dropped = list[Token](), False
    for part in children:
        if part.type == "link_open":
            target = str(part.attrs.get("href", ""))
            inside = target.startswith("#") and target[1:] in anchors
            dropped = not (inside or target.startswith(("https://", "http://")))
            if dropped:
                continue
        elif part.type == "link_close" and dropped:
            dropped = False
            continue
        kept.append(part)
    return kept


def _health(site: Site) -> None:
    """How fresh the data are, what the checks say and which files wait, in the words of a reader."""
    checked = checked_last(site.connection)
    expected = late_month(site.today, site.declarations.calendar)
    stale = [
        {"title": item.source.title or item.source.id, "last": item.last, "days": item.days_late, "months": item.months_missing,
         "monthly": item.next_month is not None}
        for item in stale_sources(site.connection, site.declarations, site.today)
    ]  # fmt: skip
    site.write(
        addresses.HEALTH,
        "health.html.j2",
        title="Data health",
        summary="How fresh each source is, which checks the figures passed, and what is held back.",
        vintage=site.released,
        today=site.today,
        expected=expected,
        behind=site.newest is not None and site.newest < expected,
        stale=stale,
        missing=[source.title or source.id for source in never_loaded(site.connection, site.declarations)],
        sources=rows_of(site.connection, SOURCE_COLUMNS),
        checks=checked["checks"],
        failed=checked["failed"],
        gates=GATES,
        quarantine=site.quarantine,
        compared=rows_of(
            site.connection,
            "SELECT description, compared, disagreeing, known FROM reconciliation_counts WHERE compared > 0 "
            "ORDER BY disagreeing - known DESC, description",
        ),
        cited=citation("Data health", site.released),
    )


def sitemap(base: str, pages: Iterable[str]) -> str:
    """The sitemap of these pages; `base` is the site's address."""
    absolute = base.rstrip("/") + "/"
    lines = [
        f"<url><loc>{escape(absolute + ('' if page == addresses.INDEX else page))}</loc></url>"
        for page in sorted(pages)
        if page.endswith(".html") and page != addresses.NOT_FOUND
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return head + "\n".join(lines) + "\n</urlset>\n"


def robots(base: str) -> str:
    """Everything may be read, and where the sitemap is."""
    return f"User-agent: *\nAllow: /\nSitemap: {base.rstrip('/')}/{addresses.SITEMAP}\n"
