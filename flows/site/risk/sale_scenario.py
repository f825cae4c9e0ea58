"""What would a sale do: a holder's scenario by published studies, the record of yields here, and marks of events."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.amounts import is_known, rounded
from treasury_watch.transforms.risk import impact_words as words
from treasury_watch.transforms.risk.events import chart_marks
from treasury_watch.transforms.risk.price_impact import Impact, NoSuchSale
from treasury_watch.transforms.risk.record_words import CANNOT_SAY, HEAD, record_row, span_words, summary
from treasury_watch.transforms.wording import spoken, stated
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.findings_as_known import events_of
from treasury_watch.warehouse.tables.price_impact import sale_scenario

HOLDER, SHARE, MONTHS = "japan", 0.33, 6
BEYOND = 1.2  # the bars' width, of the highest figure: one that says "more than" goes on beyond it

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, declarations: Declarations, today: date) -> Row:
    """What the template `sale_scenario.html.j2` reads: `sale`, None where the holder's bonds and notes are not known."""
    holder = next((row for row in declarations.holders if row["holder_id"] == HOLDER), None)
    if holder is None:
        return {"sale": None}
    try:
        found = sale_scenario(connection, declarations, holder, share=SHARE, months=MONTHS)
    except NoSuchSale:
        return {"sale": None}
    sold, size, yields, *more = words.scenario_words(found, today)
    widest = BEYOND * found.scaled.high_bp if found.scaled else 1.0
    by_study = groupby(found.impacts, key=lambda impact: impact.row["study"])
    return {
        "sale": {
            "holder": spoken(found.holder),
            "lead": f"{sold} {yields}",
            "more": [*more, size],
            "scope": list(words.scope_words(found.holder)),
            "debt_month": found.debt.month,
            "studies": [_study(list(group), widest) for _, group in by_study],
            **_record(connection),
        }
    }


def _study(figures: list[Impact], widest_bp: float) -> Row:
    """One study with its figures, each as a bar in percent of the width, which is `widest_bp` basis points."""
    row = figures[0].row
    lines = []
    for one in figures:
        applied = is_known(one.applied_usd_bn)
        open_end = not is_known(one.high_bp)
        high = widest_bp if open_end else one.scaled_high_bp
        lines.append(
            {
                "what": f"{one.row['yield_of']}, {one.row['horizon']}",
                "stated": words.figure_words(one.row),
                "sale": words.sale_cell(one, scaled=False),
                "scaled": words.sale_cell(one, scaled=True),
                "applied": applied,
                "open_end": open_end,
                "left": rounded(100 * one.scaled_low_bp / widest_bp, 1) if applied else 0,
                "width": rounded(100 * (high - one.scaled_low_bp) / widest_bp, 1) if applied else 0,
            }
        )
    scope = f"On {row['flow']}; period: {row['period']}."
    told = {"citation": row["citation"], "url": stated(row["source_url"]), "scope": scope}
    return {**told, "lines": lines, "debt_then": words.debt_then_words(row)}


def _record(connection: duckdb.DuckDBPyConnection) -> Row:
    """The rows on yields around the largest net sales, as cells; empty in a database of an earlier version."""
    kept = rows_of(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'price_impact_record'")
    rows = rows_of(connection, "FROM price_impact_record ORDER BY holder_id, series_id, measured_over") if kept else []
    return {
        "record_head": HEAD,
        "record": [record_row(row) for row in rows],
        "record_summary": f"{summary(rows)} {span_words(rows)}" if rows else "",
        "record_cannot_say": CANNOT_SAY,
    }


def marks_of(connection: duckdb.DuckDBPyConnection, holder_id: str, months: pd.DataFrame) -> list[Row]:
    """The events to mark in a chart of these months of the holder; none in a database of an earlier version."""
    events = events_of(connection)
    if events is None or months.empty:
        return []
    return chart_marks(events, holder_id, months["month"].min(), months["month"].max())
