"""Findings as they stand in a published database, each as its type, with its title."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.explain.subjects import SUBJECT_LENGTH, Told
from treasury_watch.transforms.findings.finding import (
    Announcement,
    Episode,
    Finding,
    FlaggedMonth,
    Kind,
    RevisedFindings,
    key_of,
)
from treasury_watch.transforms.findings.rules.declared import Rule, episode_rule, month_rule
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.wording import one_line, plain_name
from treasury_watch.warehouse.home.published_database import rows_of

REVISION_SEVERITY = "warning"
NAMED = 3


def published_findings(connection: duckdb.DuckDBPyConnection, rules: dict[str, Any]) -> list[Finding]:
    """Every flagged month and episode, oldest first.

    Raises ConfigurationError for one whose rule is not declared, TreasuryWatchError for a publication of an earlier version.
    """
    if not rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = 'rule_hits'"):
        raise TreasuryWatchError(
            "the tables were published by an earlier version, which had a row for each rule in sell_offs; "
            "publish them again with `treasury-watch rebuild`"
        )
    hits: dict[tuple[str, date], list[dict[str, Any]]] = {}
    for hit in rows_of(connection, "FROM rule_hits ORDER BY place"):
        hits.setdefault((hit["holder_id"], hit["month"]), []).append(hit)
    months = [
        _month(row, rules, hits.get((row["holder_id"], row["month"]), []))
        for row in rows_of(connection, "FROM sell_offs")
    ]
    newest = rows_of(connection, "FROM holder_months WHERE month = (SELECT max(month) FROM holder_months)")
    by_holder = {(row["holder_id"], row["month"]): row for row in newest}
    episodes = [_episode(row, rules, by_holder) for row in rows_of(connection, "FROM episodes")]
    return sorted([*months, *episodes], key=lambda found: (found.end_month, found.holder_id, found.key))


def _month(row: dict[str, Any], rules: dict[str, Any], hits: list[dict[str, Any]]) -> Finding:
    rule, month = month_rule(rules, row["rules"][0]), row["month"]
    key = key_of(Kind.MONTH, row["holder_id"], f"{month:%Y-%m}")
    common, words = _common(row, rule), Told(row, rule, month, month).words()
    named = tuple({**hit, "name": month_rule(rules, hit["rule"]).name} for hit in hits)
    return FlaggedMonth(key=key, month=month, end_month=month, hits=named, **common, **words)


def _episode(row: dict[str, Any], rules: dict[str, Any], newest: dict[tuple[str, date], dict[str, Any]]) -> Finding:
    rule, start, end = episode_rule(rules, row["rule"]), row["start_month"], row["end_month"]
    key = key_of(Kind.EPISODE, rule.id, row["holder_id"], f"{start:%Y-%m}", f"{end:%Y-%m}")
    reached = newest.get((row["holder_id"], end))
    common, words = _common(row, rule), Told(row, rule, start, end, episode=True, newest=reached).words()
    return Episode(key=key, month=start, end_month=end, newest=reached, **common, **words)


def _common(row: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """What a row says of a month and of an episode alike."""
    stated = {name: row[name] for name in ("severity", "holder_id", "holder")}
    return {"rule": rule.id, "declared": rule, "row": row, **stated}


def published_revision(connection: duckdb.DuckDBPyConnection) -> RevisedFindings | None:
    """What the newest release of the main source made of earlier findings; None where it left them alone."""
    rows = rows_of(connection, "FROM revised_findings ORDER BY holder, start_month, finding_kind, rule")
    newest = newest_month(connection)
    if not rows or newest is None:
        return None
    released: date = rows[0]["released"]
    holders = list(dict.fromkeys(row["holder"] for row in rows))
    named = ", ".join(holders[:NAMED]) + (f" and {len(holders) - NAMED} more" if len(holders) > NAMED else "")
    return RevisedFindings(
        key=key_of(Kind.REVISION, MAIN_SOURCE, released.isoformat()),
        rule=Kind.REVISION,
        month=newest,
        end_month=newest,
        severity=REVISION_SEVERITY,
        title=one_line(revision_title(rows, released)),
        holder=named,
        released=released,
        rows=tuple(rows),
    )


def revision_title(rows: list[dict[str, Any]], released: date) -> str:
    """`Revision of 18 June 2026: Norway Oct 2025 corrected to notice, and 2 more`, with as many as fit a subject."""
    begun = f"Revision of {released:%-d %B %Y}: "
    told = [f"{plain_name(row['holder'])} {row['start_month']:%b %Y} {row['what']}" for row in rows]
    told = list(dict.fromkeys(told))  # a month and a run of it that read differently in the same way
    for count in range(len(told), 0, -1):
        more = f", and {len(told) - count} more" if len(told) > count else ""
        if len(title := f"{begun}{', '.join(told[:count])}{more}") <= SUBJECT_LENGTH:
            return title
    return f"{begun}{len(told)} finding{'s read' if len(told) > 1 else ' reads'} differently"


def newest_month(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest month of any country, None where there is none."""
    month: date | None = connection.execute("SELECT max(month) FROM holder_months").fetchall()[0][0]
    return month


def announcements(connection: duckdb.DuckDBPyConnection, rules: dict[str, Any]) -> list[Announcement]:
    """Every published finding, and what the newest release revised of earlier ones."""
    found = published_findings(connection, rules)
    revised = published_revision(connection)
    return [*found, *([revised] if revised else [])]
