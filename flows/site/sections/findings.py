"""What happened: the newest month's findings, the largest of the months before, and the older ones as one line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from treasury_watch.flows.site import finding_cards
from treasury_watch.flows.site.links import Links, place_of
from treasury_watch.transforms.findings.events import events_in
from treasury_watch.transforms.findings.finding import Finding
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES
from treasury_watch.transforms.months import number_of
from treasury_watch.transforms.wording import one_line, sentence

LARGEST = 8
# The first full year in which months have a decomposition and enough of them to be scored.
SINCE = date(2024, 1, 1)

FIRST_CLAUSE = re.compile(r"; |(?<!\.[A-Z])\. ")

Row = dict[str, Any]


def content(
    published: Sequence[Finding], centres: Mapping[str, str | None], first: date, newest: date, links: Links
) -> Row:
    """What the templates `happened.html.j2` and `older_findings.html.j2` read."""
    # The official total is no holder: it is listed among the findings, and stands in no ranking.
    recent = finding_cards.leads_before(published, first, newest)
    listed = listed_findings(published)
    return {
        "new_findings": [_told(found, centres, links) for found in events_in(published, newest)],
        "largest_findings": [_told(found, centres, links) for found in recent[:LARGEST]],
        "recent_findings": len(recent),
        "finding_years": [
            (year, [_listed(found, links) for found in rows])
            for year, rows in groupby(listed, key=lambda found: found.end_month.year)
        ],
        "findings_before": len(published) - len(listed),
        "since": SINCE,
    }


def listed_findings(published: Sequence[Finding]) -> list[Finding]:
    """The findings that the page lists, the newest first."""
    shown = told_once(found for found in published if found.end_month >= SINCE)
    return sorted(
        shown, key=lambda found: (-number_of(found.end_month), -number_of(found.month), found.holder, found.key)
    )


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """Of findings of one holder and the same months that read alike the gravest: a fall and the sale that made it, for one."""
    best: dict[tuple[Any, ...], Finding] = {}
    for found in findings:
        key = found.holder_id, found.month, found.end_month, headline_of(found)
        before = best.get(key)
        if before is None or SEVERITIES.index(found.severity) > SEVERITIES.index(before.severity):
            best[key] = found
    return list(best.values())


def _told(found: Finding, centres: Mapping[str, str | None], links: Links) -> Row:
    return {**finding_cards.card(found, centres), "headline": headline_of(found), "link": links.finding(found)}


def _listed(found: Finding, links: Links) -> Row:
    """One line of the list; the line is the finding's place where no page of its own is linked to."""
    link = links.finding(found)
    here = link is None or link.startswith("#")
    return {
        "holder_id": found.holder_id,
        "holder": one_line(found.holder),
        "period": found.period,
        "verdict": found.row["verdict"],
        "headline": headline_of(found),
        "id": place_of(found) if here else None,
        "link": None if here else link,
    }


def headline_of(found: Finding) -> str:
    """The finding in one line: the first clause of its headline, or of its explanation where it has none."""
    told = one_line(found.row.get("headline") or found.row.get("explanation") or found.title)
    return sentence(FIRST_CLAUSE.split(told, maxsplit=1)[0].removesuffix("."))
