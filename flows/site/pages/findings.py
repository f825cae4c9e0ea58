"""A page for each finding: what was found, the figures behind it, where they come from, and whether it still stands.

Flagged months and episodes alike. A finding that later figures no longer show keeps its page, which says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.charts.holder_months import Box, drawing
from treasury_watch.flows.site.pages.rendering import PARTS, Site, citation, newest_day, release_days_of
from treasury_watch.transforms.amounts import MINUS, billions
from treasury_watch.transforms.findings.finding import Episode, Finding, FlaggedMonth
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.months import months_between, shifted
from treasury_watch.transforms.wording import month_name, plain_name
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.published_findings import published_findings
from treasury_watch.warehouse.tables.tracing import SOURCES

MONTHS_BEFORE, MONTHS_AFTER = 18, 6  # around a finding, in its chart
OTHERS = 8  # findings of the same holder that a page links to
PREVIEWED_MONTHS = 12  # a finding that draws little attention has a preview of its own so long; then its holder's
PREVIEW_LINE, PREVIEW_BARS = Box(110, 268, 1030, 165), Box(110, 455, 1030, 100)

Row = dict[str, Any]


def page_of(found: Finding) -> str:
    """The address of a finding's page."""
    if isinstance(found, Episode):
        return addresses.episode_page(found.holder_id, found.rule, found.month)
    return addresses.finding_page(found.holder_id, found.month)


def found_in(site: Site) -> dict[str, Finding]:
    """The findings that stand, by the address of their page, the newest first."""
    published = published_findings(site.connection, site.declarations.rules)
    return {page_of(found): found for found in reversed(published)}


def headline_of(found: Finding) -> str:
    """The finding in a sentence; of tables without one, its first words as feeds have them."""
    return str(found.row["headline"] or found.headline)


def rest_of(found: Finding) -> str:
    """What the explanation says beyond the headline, and what it is to be read together with."""
    told = str(found.row["explanation"] or "")
    rest = told.removeprefix(headline_of(found)).strip()
    return f"{rest} {found.row['read_together'] or ''}".strip()


def said(found: Finding, vintage: date | None) -> Row:
    """What the record keeps of a finding: enough to show its page when it no longer stands, and what it read first."""
    return {
        **{
            "holder_id": found.holder_id,
            "holder": found.holder,
            "period": found.period,
            "headline": headline_of(found),
        },
        **{"title": found.title, "explanation": found.row["explanation"], "severity": found.severity},
        **{"verdict": found.row["verdict"], "month": found.month.isoformat(), "end_month": found.end_month.isoformat()},
        **{"rule": found.rule, "episode": isinstance(found, Episode)},
        **{"vintage": vintage.isoformat() if vintage else None, "amounts": {name: found.row[name] for name in PARTS}},
    }


def remembered(before: Row | None, now: Row) -> Row:
    """The record of a finding after a build: what it read at first stays, what it reads now is replaced."""
    first = before["first"] if before else now
    return {"first": first, "last": now, "stands": True}


def no_longer(before: Row, released: date | None) -> Row:
    """The record of a finding that this build does not find: the release since which it does not stand."""
    since = before.get("gone_since") or (released.isoformat() if released else None)
    return {**before, "stands": False, "gone_since": since}


def write(site: Site, standing: dict[str, Finding], months: dict[str, list[Row]], centres: dict[str, str]) -> None:
    """Every finding's page. `months` are the rows of holder_months by holder_id, in order; `centres` the custodial ones."""
    record = site.folder.record.findings
    prints = prints_of(site.connection, standing.values())
    titles = {row["source"]: row for row in rows_of(site.connection, "FROM sources")}
    flows = flow_releases(site.connection)
    release_days = release_days_of(site.connection)
    of_holder: dict[str, list[tuple[str, Finding]]] = {}
    for page, found in standing.items():
        of_holder.setdefault(found.holder_id, []).append((page, found))
    for page, found in standing.items():
        own = months.get(found.holder_id, [])
        within = [row for row in own if found.month <= row["month"] <= found.end_month]
        held = counted_from(own, within)
        stated = prints.get(found.holder_id, {})
        vintage = vintage_of(stated, held)
        record[page] = remembered(record.get(page), said(found, vintage))
        around = [
            row
            for row in own
            if shifted(found.month, -MONTHS_BEFORE) <= row["month"] <= shifted(found.end_month, MONTHS_AFTER)
        ]
        marked = [row["month"] for row in within]
        site.write(
            page,
            "finding.html.j2",
            title=found.headline.replace("-$", f"{MINUS}$"),
            summary=headline_of(found),
            headline=headline_of(found),
            rest=rest_of(found),
            vintage=vintage,
            preview=_preview(site, page, found, around, marked),
            found=found,
            is_episode=isinstance(found, Episode),
            release_days=release_days,
            hits=_hits(found),
            within=within,
            described=described(found, within),
            drawn=drawing(around, marked=marked),
            provenance=provenance(held, within, stated, flows, titles),
            prints=prints_shown(within, stated, titles),
            first=record[page]["first"],
            changed=changes(record[page]["first"], record[page]["last"]),
            others=_others(found, page, of_holder[found.holder_id]),
            centre=centres.get(found.holder_id),
            cited=citation(headline_of(found).rstrip("."), vintage),
        )
    for page in sorted(record.keys() - standing.keys()):
        record[page] = no_longer(record[page], site.released)
        write_gone(site, page, record[page])


def write_gone(site: Site, page: str, kept: Row) -> None:
    """The page of a finding that no longer stands: what it said last, and since which release it is not found."""
    last = kept["last"]
    image = addresses.preview_image(page)
    vintage = date.fromisoformat(last["vintage"]) if last["vintage"] else None
    site.write(
        page,
        "finding_gone.html.j2",
        title=f"No longer stands: {last['title']}",
        summary=f"This finding no longer stands. It read: {last['headline']}",
        vintage=vintage,
        preview=image if site.folder.keep(image) else None,
        kept=last,
        has_holder=addresses.holder_page(last["holder_id"]) in site.folder.made,
        amounts=PARTS,
        since=date.fromisoformat(kept["gone_since"]) if kept["gone_since"] else None,
        cited=citation(last["headline"].rstrip("."), vintage),
    )


def _hits(found: Finding) -> list[Row]:
    if isinstance(found, FlaggedMonth):
        return [dict(hit) for hit in found.hits]
    return [{**found.row, "score": None, "name": found.declared.name}]


def _others(found: Finding, page: str, own: Sequence[tuple[str, Finding]]) -> list[tuple[str, Finding]]:
    """The holder's other findings, those that read alike once: a fall and the sale that made it."""
    alike: dict[str, tuple[str, Finding]] = {headline_of(found): (page, found)}
    for where, other in own:
        alike.setdefault(headline_of(other), (where, other))
    return [one for one in alike.values() if one[0] != page][:OTHERS]


def has_own_preview(found: Finding, newest: date | None) -> bool:
    """Whether a finding is drawn for messengers: one that alarms, or a recent one. The others show their holder's."""
    recent = newest is not None and months_between(found.end_month, newest) < PREVIEWED_MONTHS
    return recent or found.severity != SEVERITIES[0]


def _preview(site: Site, page: str, found: Finding, around: Sequence[Row], marked: Iterable[date]) -> str:
    if not has_own_preview(found, site.newest):
        return addresses.preview_image(addresses.holder_page(found.holder_id))
    drawn = drawing(around, PREVIEW_LINE, PREVIEW_BARS, marked, names=5, readings=False)
    return site.draw_preview(page, headline=headline_of(found), drawn=drawn, line=PREVIEW_LINE, bars=PREVIEW_BARS)


def prints_of(connection: duckdb.DuckDBPyConnection, found: Iterable[Finding]) -> dict[str, dict[date, list[Row]]]:
    """Every print of the positions in the months of findings and the one before, by holder_id and month, the oldest first."""
    wanted = sorted({(f.holder_id, shifted(f.month, -1), f.end_month) for f in found})
    if not wanted:
        return {}
    rows = rows_of(
        connection,
        "SELECT DISTINCT o.holder_id, o.month, o.source, o.series, o.value_usd_mn, o.released, o.superseded, o.evidence, "
        "o.dated_by, o.sha256, o.line FROM observations o JOIN (SELECT unnest($1::VARCHAR[]) AS holder_id, "
        "unnest($2::DATE[]) AS first, unnest($3::DATE[]) AS last) w "
        "ON o.holder_id = w.holder_id AND o.month BETWEEN w.first AND w.last "
        "WHERE o.measure = 'total_position' AND o.value_usd_mn IS NOT NULL "
        "ORDER BY o.holder_id, o.month, o.released, o.source, o.series",
        *map(list, zip(*wanted, strict=True)),
    )
    return {
        holder: {month: list(prints) for month, prints in groupby(own, key=lambda row: row["month"])}
        for holder, own in groupby(rows, key=lambda row: row["holder_id"])
    }


def flow_releases(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """The loaded files of the sources that net purchases come from, by source, the newest first."""
    rows = rows_of(
        connection,
        "SELECT source, released, released_basis, sha256, first_month, last_month FROM releases "
        "WHERE withdrawn IS NULL AND list_contains($1::VARCHAR[], source) ORDER BY source, released DESC",
        sorted(set(SOURCES.values())),
    )
    return {source: list(own) for source, own in groupby(rows, key=lambda row: row["source"])}


def standing_print(prints: Sequence[Row], source: str | None) -> Row | None:
    """Of the prints of a month the one that stands, by the source that the position is of."""
    current = [row for row in prints if row["superseded"] is None and row["source"] == source]
    return current[-1] if current else None


def counted_from(own: Sequence[Row], within: Sequence[Row]) -> list[Row]:
    """The months whose holdings a finding is made of: those `within` it, and the one before, from which its first change is
    counted where that is known.
    """
    if not within or within[0]["change_usd_mn"] is None:
        return list(within)
    return [*(row for row in own if row["month"] == shifted(within[0]["month"], -1)), *within]


def vintage_of(stated: dict[date, list[Row]], held: Sequence[Row]) -> date | None:
    """The newest release among the holdings of these months."""
    standing = [standing_print(stated.get(row["month"], []), row["source"]) for row in held]
    return newest_day([row for row in standing if row])


def provenance(
    held: Sequence[Row],
    within: Sequence[Row],
    stated: dict[date, list[Row]],
    flows: dict[str, list[Row]],
    titles: dict[str, Row],
) -> list[Row]:
    """Where the figures come from: one line for each file, with what it states and of which months.

    The files of what was `held`, as from `counted_from`, are exact, to the line; of net purchases and valuation it is the
    newest file of their source.
    """
    found: dict[tuple[str, str | None], Row] = {}
    for row in held:
        standing = standing_print(stated.get(row["month"], []), row["source"])
        if standing:
            key = (standing["source"], standing["sha256"])
            entry = found.setdefault(
                key, {**standing, "states": "holdings", "months": [], "lines": [], **_named(titles, key[0])}
            )
            entry["months"].append(row["month"])
            entry["lines"].append(standing["line"])
    for entry in found.values():
        if within and entry["months"][-1] < within[0]["month"]:
            entry["states"] = f"holdings at the end of {month_name(entry['months'][-1])}"
    for basis, rows in groupby([row for row in within if row["basis"]], key=lambda row: row["basis"]):
        source = SOURCES.get(basis)
        covering = list(rows)
        files = [
            file
            for file in flows.get(source or "", [])
            if file["first_month"] and file["first_month"] <= covering[0]["month"] <= file["last_month"]
        ]
        if source and files:
            file = files[0]
            key = (source, file["sha256"])
            states = (
                "net purchases" if basis in ("form_s", "estimated", "press_release") else "net purchases, valuation"
            )
            if key in found:
                found[key]["states"] = f"{found[key]['states']}, {states}"
                continue
            entry = {**file, "states": states, "months": [row["month"] for row in covering], "lines": []}
            found[key] = {**entry, "dated_by": file["released_basis"], **_named(titles, source)}
    return list(found.values())


def _named(titles: dict[str, Row], source: str) -> Row:
    known = titles.get(source, {})
    return {name: known.get(name) for name in ("title", "publisher", "url")}


def prints_shown(within: Sequence[Row], stated: dict[date, list[Row]], titles: dict[str, Row]) -> list[Row]:
    """What each release stated of the holdings at the end of the last month, oldest first, and how
    far what stands now is from it."""
    if not within:
        return []
    rows = stated.get(within[-1]["month"], [])
    now = standing_print(rows, within[-1]["source"])
    shown = []
    for row in rows:
        moved = now["value_usd_mn"] - row["value_usd_mn"] if now and row is not now else None
        shown.append({**row, "moved_usd_mn": moved, "stands": row is now, **_named(titles, row["source"])})
    return shown


def changes(first: Row, last: Row) -> list[tuple[str, float | None, float | None]]:
    """The amounts of a finding that read otherwise now than when this site first published it."""
    before, now = first["amounts"], last["amounts"]
    return [(name, before[name], now[name]) for name in PARTS if before.get(name) != now.get(name)]


def described(found: Finding, within: Sequence[Row]) -> str:
    """What the chart shows, in words, for those who do not see it."""
    told = f"{plain_name(found.holder)}: holdings by month, and the parts of each month's change, with {found.period} marked."
    known = [row for row in within if row["position_usd_mn"] is not None]
    if not known:
        return told
    held = billions(known[-1]["position_usd_mn"], signed=False)
    return f"{told} Holdings at the end of {month_name(known[-1]['month'])}: {held}."
