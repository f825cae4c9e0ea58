"""Data health: in one line for every reader, and in full for those who follow its link: sources, checks, comparisons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb

from treasury_watch.transforms.months import months_between
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import stale_sources
from treasury_watch.warehouse.home.published_database import rows_of

# What tells whoever runs the installation what to do is not for a reader of the page.
FOR_OPERATORS = ("treasury-watch", "config/")
SENTENCE = re.compile(r"(?<=[.;])\s+")

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, declarations: Declarations, today: date) -> Row:
    """What the templates `health.html.j2` and `checks.html.j2` read, and the line that stands for them, `health_line`."""
    titles = {name: source.title for name, source in declarations.sources.items()}
    behind = [
        {"source": item.source.id, "kind": item.kind, "words": in_words(item.words, titles)}
        for item in stale_sources(connection, declarations, today)
    ]
    checked, sources = checked_last(connection), _sources(connection, today)
    return {
        **checked,
        **sources,
        "behind": behind,
        "reconciled": _reconciled(connection),
        "health_line": _line(checked, len(sources["sources"]), len(behind)),
    }


def _line(checked: Row, sources: int, late: int) -> str:
    """The state of the data in one sentence."""
    if not sources:
        return "No file was loaded yet."
    words = [f"{sources} sources loaded" if sources != 1 else "1 source loaded"]
    words.append(f"{late} late or standing still" if late else "none late")
    if checked["checks"]:
        made, failed = len(checked["checks"]), len(checked["failed"])
        words.append(f"{made - failed} of {made} checks passed")
    return f"{'; '.join(words)}."


def without_commands(text: str | None) -> str:
    """The text without its sentences on commands and settings, which are for who runs the installation."""
    kept = [part for part in SENTENCE.split(text or "") if not any(word in part for word in FOR_OPERATORS)]
    return " ".join(kept).strip()


def in_words(text: str | None, titles: Mapping[str, str]) -> str:
    """The text with the titles of sources in the place of their ids."""
    ids = sorted(titles, key=len, reverse=True)
    if not text or not ids:
        return text or ""
    return re.sub(rf"(?<![\w:])(?:{'|'.join(map(re.escape, ids))})(?!\w)", lambda found: titles[found[0]], text)


def checked_last(connection: duckdb.DuckDBPyConnection) -> Row:
    """The checks of the newest run that made any: what `failed`, blocking first; what `held`, by gate and subject."""
    titles = {
        row["source"]: row["title"]
        for row in rows_of(connection, "SELECT source, title FROM sources WHERE title IS NOT NULL")
    }
    checks = rows_of(
        connection,
        "SELECT * FROM validation_results WHERE run_id = (SELECT arg_max(run_id, checked) FROM validation_results) "
        "ORDER BY gate, subject, checked, expectation",
    )
    for row in checks:
        row |= {name: in_words(row[name], titles) for name in ("subject", "expectation", "observed")}
        row["why"] = in_words(without_commands(row.get("why")), titles)  # older tables have no such column
    failed = [row for row in checks if not row["success"]]
    held = groupby((row for row in checks if row["success"]), key=itemgetter("gate"))
    return {
        "checks": checks,
        "failed": sorted(failed, key=itemgetter("blocking"), reverse=True),
        "held": [
            (gate, [(subject, list(rows)) for subject, rows in groupby(found, key=itemgetter("subject"))])
            for gate, found in held
        ],
    }


def _sources(connection: duckdb.DuckDBPyConnection, today: date) -> Row:
    """The newest run and the age of every source."""
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
    return {"sources": sources, "never_loaded": never[0]["n"], "run": runs[0] if runs else None}


def _reconciled(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Comparisons between sources that looked at any figure, the ones with open disagreements first."""
    return rows_of(
        connection,
        "SELECT comparison, description, compared, disagreeing, known FROM reconciliation_counts WHERE compared > 0 "
        "ORDER BY disagreeing - known DESC, comparison",
    )
