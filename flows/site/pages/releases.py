"""A page for each day on which holdings were released: the new month as first stated, what was revised, what was new then.

Such a page is of its day and stays. Figures are first prints and revisions, which later releases leave as they are.
Findings are those of the first build after the release; of a day before this site's first build they are read from
today's figures, and the page says so, unless the build was asked to work them out as known then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.pages.findings import headline_of
from treasury_watch.flows.site.pages.holders import largest_once
from treasury_watch.flows.site.pages.rendering import DAYS, Site, citation, day
from treasury_watch.transforms.amounts import billions, is_known
from treasury_watch.transforms.findings.finding import Finding
from treasury_watch.transforms.findings.rules.declared import rising_rules
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.wording import month_name, months_named, plain_name, possessive
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.findings_as_known import findings_of

REVISIONS = 30
FIRST_PRINTS = 25
# How the findings of a page are known.
THEN, TODAY = "then", "today"

# The total as first stated, and the change on the month before as the same source stated it on that day; and how far what
# stands is from it, where a later release of any source states the month again, also unchanged.
FIRST = """
WITH again AS (
    SELECT o.holder_id, o.month, max(r.released) AS released
    FROM observations o JOIN releases r ON r.source = o.source AND o.month BETWEEN r.first_month AND r.last_month
    WHERE o.measure = 'total_position' AND o.superseded IS NULL AND o.value_usd_mn IS NOT NULL AND r.withdrawn IS NULL
        AND o.month IN (SELECT DISTINCT month FROM first_prints)
    GROUP BY ALL
)
SELECT *, position_usd_mn - before_usd_mn AS change_usd_mn FROM (
    SELECT f.first_printed AS released, f.holder_id, f.holder, f.kind, f.month, f.source,
        f.first_print_usd_mn AS position_usd_mn,
        CASE WHEN again.released > f.first_printed THEN p.total_usd_mn - f.first_print_usd_mn END AS moved_usd_mn,
        any_value(o.value_usd_mn) AS before_usd_mn
    FROM first_prints f
    LEFT JOIN again USING (holder_id, month)
    LEFT JOIN positions p ON p.holder_id = f.holder_id AND p.month = f.month
    LEFT JOIN observations o ON o.holder_id = f.holder_id AND o.source = f.source
        AND o.series = f.series AND o.measure = f.measure AND o.month = f.month - INTERVAL 1 MONTH
        AND o.released <= f.first_printed AND (o.superseded IS NULL OR o.superseded > f.first_printed)
    WHERE f.measure = 'total_position' AND f.first_print_usd_mn IS NOT NULL
    GROUP BY ALL
) ORDER BY month DESC, position_usd_mn DESC, holder
"""

# Every file of a day that states holdings or transactions, whether its figures stand or not.
FILES = """
SELECT r.released, coalesce(s.title, r.source) AS title, r.first_month, r.last_month, r.figures, r.changed_figures, r.sha256
FROM releases r LEFT JOIN sources s USING (source)
WHERE r.last_month IS NOT NULL AND r.withdrawn IS NULL AND r.evidence = 'release'
    AND r.source IN (SELECT DISTINCT source FROM observations)
ORDER BY r.released, r.last_month DESC, r.source
"""
# The months of holdings by the day on which any file on record first stated them.
ON_RECORD = """
SELECT min(released) AS released, month FROM observations WHERE measure = 'total_position' GROUP BY month ORDER BY 1, 2
"""

Row = dict[str, Any]


def write(site: Site, standing: Mapping[str, Finding], pages: set[str], *, as_known: bool = False) -> None:
    """Every release's page and their list. `pages` are the holders' pages that there are; with `as_known` the findings of
    past days that no build saw are worked out from what was known then, some seconds for each.
    """
    files = _by_day(rows_of(site.connection, DAYS))
    first = _by_day(rows_of(site.connection, FIRST))
    revised = _by_day(rows_of(site.connection, "FROM revisions WHERE measure = 'total_position' ORDER BY released"))
    every, on_record = _by_day(rows_of(site.connection, FILES)), _by_day(rows_of(site.connection, ON_RECORD))
    days, record = sorted(files), site.folder.record.releases
    seen: set[str] = set()
    newest: date | None = None  # that any release before had stated
    for place, released in enumerate(days):
        stated = best_source(first.get(released, []))
        months = months_since(newest, first.get(released, [])) or new_months(stated)
        newest = max([*months, *([newest] if newest else [])], default=None)
        kept = _findings_then(site, released, days, standing, files, as_known=as_known)
        if kept is not record.get(released.isoformat()):
            kept["flagged"] = new_findings(kept["flagged"], seen, months)
        record[released.isoformat()] = kept
        told = told_of(kept, standing, months, first_of_record=not seen)
        seen |= kept["flagged"].keys()
        changed = largest_once([row for row in revised.get(released, []) if row["kind"] == "country"])
        title = f"Release of {day(released)}"
        site.write(
            addresses.release_page(released),
            "release.html.j2",
            title=title,
            summary=summary_of(released, stated, changed, months),
            vintage=released,
            preview=None,
            released=released,
            files=every[released],
            months=new_months(stated),
            on_record=[row["month"] for row in on_record.get(released, [])],
            first=[row for row in stated if row["kind"] == "country"][:FIRST_PRINTS],
            totals=[row for row in stated if row["holder_id"] in ("grand_total", "foreign_official")],
            reporting=sum(row["kind"] == "country" for row in stated),
            revised=sorted(changed, key=lambda row: -abs(row["difference_usd_mn"]))[:REVISIONS],
            revisions=len(changed),
            told=told,
            basis=kept["basis"],
            standing=standing,
            pages=pages,
            before=days[place - 1] if place else None,
            after=days[place + 1] if place + 1 < len(days) else None,
            cited=citation(title, released),
        )
    site.write(
        addresses.RELEASES,
        "releases.html.j2",
        title="Releases",
        summary="Every release of the statistics on record, with what it brought.",
        vintage=site.released,
        days=[(released, files[released], new_months(first.get(released, []))) for released in reversed(days)],
        cited=citation("Releases", site.released),
    )


def _by_day(rows: Sequence[Row]) -> dict[date, list[Row]]:
    ordered = sorted(rows, key=lambda row: row["released"])  # stable: the query's order stays within a day
    return {released: list(own) for released, own in groupby(ordered, key=lambda row: row["released"])}


def best_source(rows: Sequence[Row]) -> list[Row]:
    """One row for each holder of the newest month that was first stated, from the source that states more of them first."""
    if not rows:
        return []
    newest = max(row["month"] for row in rows)
    own = [row for row in rows if row["month"] == newest]
    counts: dict[str, int] = {}
    for row in own:
        counts[row["source"]] = counts.get(row["source"], 0) + (row["kind"] == "country")
    best: dict[str, Row] = {}
    for row in sorted(own, key=lambda row: -counts[row["source"]]):
        best.setdefault(row["holder_id"], row)
    return sorted(best.values(), key=lambda row: (-row["position_usd_mn"], row["holder"]))


def new_months(rows: Sequence[Row]) -> list[date]:
    """The months that a release was the first on record to state, oldest first."""
    return sorted({row["month"] for row in rows})


def months_since(newest: date | None, rows: Sequence[Row]) -> list[date]:
    """The months that a release was the first on record to state and that are newer than any stated before: more than one
    where releases between were not read. Of the first release on record its newest month.
    """
    stated = new_months(rows)
    return [month for month in stated if newest is None or month > newest][-1 if newest is None else 0 :]


def summary_of(released: date, stated: Sequence[Row], revised: Sequence[Row], months: Sequence[date]) -> str:
    """What the release brought, in a sentence or two; `months` are those that it was the first to state."""
    if not stated:
        words = f"The release of {day(released)} stated no month for the first time."
    else:
        total = next((row for row in stated if row["holder_id"] == "grand_total"), None)
        words = f"The release of {day(released)} was the first on record here to state {months_named(months[0], months[-1])}"
        if total:
            at = f" at the end of {month_name(total['month'])}" if len(months) > 1 else ""
            words += f": all foreign holdings{at} {billions(total['position_usd_mn'], signed=False)}"
            if total["change_usd_mn"] is not None:
                words += f", {_moved(total['change_usd_mn'])} a month before"
        words += "."
    if revised:
        most = max(revised, key=lambda row: abs(row["difference_usd_mn"]))
        words += (
            f" It revised {len(revised)} earlier figure{'s' if len(revised) != 1 else ''} of countries' holdings; the largest "
            f"revision is {_by(most['difference_usd_mn'])}, to {possessive(plain_name(most['holder']))} of "
            f"{month_name(most['month'])}."
        )
    return words


def _moved(usd_mn: float) -> str:
    return f"{billions(abs(usd_mn), signed=False)} {'less' if usd_mn < 0 else 'more'} than"


def _by(usd_mn: float) -> str:
    return f"{billions(abs(usd_mn), signed=False)} {'down' if usd_mn < 0 else 'up'}"


def _findings_then(
    site: Site, released: date, days: Sequence[date], standing: Mapping[str, Finding], files: Mapping[date, Sequence[Row]],
    *, as_known: bool,
) -> Row:  # fmt: skip
    """What is kept of a release's findings. Frozen once a newer release is there, unless a file of that day or before was
    added or taken out since.
    """
    state = [file["sha256"] for on in days if on <= released for file in files[on]]
    kept = site.folder.record.releases.get(released.isoformat())
    if kept and kept["files"] == state and kept["basis"] == THEN and released != days[-1]:
        return kept
    if released == days[-1]:
        return {"files": state, "basis": THEN, "flagged": {page: _told(found) for page, found in standing.items()}}
    if as_known:
        return {"files": state, "basis": THEN, "flagged": flagged_on(site, released)}
    return {"files": state, "basis": TODAY, "flagged": {}}


def _told(found: Finding) -> Row:
    return {
        **{"headline": headline_of(found), "severity": found.severity, "holder_id": found.holder_id},
        **{
            "end_month": found.end_month.isoformat(),
            "amount_usd_mn": found.amount_usd_mn,
            "rising": found.declared.rising,
        },
    }


def flagged_on(site: Site, released: date) -> dict[str, Row]:
    """Every finding by the figures known at the end of a day, by page."""
    months, episodes = findings_of(site.connection, site.declarations.rules, released)
    rising = rising_rules(site.declarations.rules)
    told = {}
    for row in months.to_dict("records"):
        page = addresses.finding_page(row["holder_id"], row["month"].date())
        told[page] = _told_then(row, row["month"], rising=False)
    for row in episodes.to_dict("records"):
        page = addresses.episode_page(row["holder_id"], row["rule"], row["start_month"].date())
        told[page] = _told_then(row, row["end_month"], rising=row["rule"] in rising)
    return told


def _told_then(row: Mapping[Any, Any], end: Any, *, rising: bool) -> Row:
    stated = {name: row[name] for name in ("headline", "severity", "holder_id")}
    amount = row[row["of"]] if is_known(row[row["of"]]) else None
    return {**stated, "end_month": end.date().isoformat(), "amount_usd_mn": amount, "rising": rising}


def new_findings(flagged: Mapping[str, Row], seen: set[str], months: Sequence[date]) -> dict[str, Row]:
    """Of all that was flagged after a release what was new: on no earlier release's list, or reaching into a new month."""
    ends = {month.isoformat() for month in months}
    return {page: row for page, row in flagged.items() if page not in seen or row["end_month"] in ends}


def told_of(
    kept: Row, standing: Mapping[str, Finding], months: Sequence[date], *, first_of_record: bool
) -> list[tuple[str, Row]]:
    """The findings that a release's page tells, the gravest and largest first, those that read alike once; gains of
    custodial centres are none.

    Of a day that no build saw, and of the first day that one saw, those that end in a month that it was the first to state.
    """
    flagged = kept["flagged"] if kept["basis"] == THEN else {page: _told(found) for page, found in standing.items()}
    ends = {month.isoformat() for month in months}
    chosen = [
        (page, row)
        for page, row in flagged.items()
        if not row["rising"] and (row["end_month"] in ends or (kept["basis"] == THEN and not first_of_record))
    ]
    ordered = sorted(
        chosen, key=lambda one: (-SEVERITIES.index(one[1]["severity"]), one[1]["amount_usd_mn"] or 0.0, one[0])
    )
    alike: dict[tuple[Any, ...], tuple[str, Row]] = {}
    for page, row in ordered:  # a fall and the sale that made it can read alike
        alike.setdefault((row["holder_id"], row["end_month"], row["headline"]), (page, row))
    return list(alike.values())
