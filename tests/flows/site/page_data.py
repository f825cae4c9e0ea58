"""A small published database for the page's tests, and a reader of the page."""

import shutil
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import duckdb
import pandas as pd
import pytest

from treasury_watch.flows.site.page import render
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.declared_tables import SQL, typed

DECLARED = Declarations()
GENERATED = datetime(2024, 7, 20, 9, 30, tzinfo=UTC)
HOSTILE = "<script>alert('1')</script> & \"Sons\""
PARTS = ["change", "net_purchases", "net_long_term", "net_short_term", "valuation", "other"]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed to read the page with")


def month_row(
    holder_id: str, holder: str, month: str, position: float, *parts: float | None, **more: Any
) -> dict[str, Any]:
    amounts = dict(zip([f"{name}_usd_mn" for name in PARTS], parts or [None] * len(PARTS), strict=True))
    return {"holder_id": holder_id, "holder": holder, "month": month, "position_usd_mn": position, **amounts, **more}


JAPAN = [
    month_row("japan", "Japan", "2024-03-01", 1167015, 20197, 14500, 12500, 2000, 5000, 697, share_of_foreign_pct=14.5),
    month_row(
        "japan", "Japan", "2024-04-01", 1126094, -40921, -11830, 246, -12076, -29824, 733, share_of_foreign_pct=14.1
    ),
    month_row(
        "japan", "Japan", "2024-05-01", 1105953, -20141, -23870, 171, -24041, 7252, -3523, share_of_foreign_pct=13.6
    ),
]
BELGIUM = [
    month_row("belgium", "Belgium", "2024-04-01", 312470.4, -1234.5, 10, 20, -10, -1300, 55.5, custodial_centre=True),
    month_row("belgium", "Belgium", "2024-05-01", 313000, 529.6, None, None, None, None, None, custodial_centre=True),
]
SONS = [month_row("sons", HOSTILE, "2024-05-01", 50000, 1500, 1400, 1000, 400, 100, 0)]
POLAND = [{"holder_id": "poland", "holder": "Poland", "month": "2024-05-01", "long_term_usd_mn": 40000}]
TOTAL = month_row("grand_total", "Grand Total", "2024-05-01", 8129276, 51000, 60900, 70000, -9100, -8000, -1900)
EXPLAINED = "Japan's holdings fell by $20.1bn in May 2024. Mostly sold: the rest."
CONTEXT = "JPY weakened 1.3% against the dollar in May 2024. Official interventions sold $24.5bn in May 2024."
FLAGGED = {
    **JAPAN[2],
    "severity": "notice",
    "verdict": "sold",
    "share_pct": 2.1,
    "explanation": EXPLAINED,
    "caveats": "Net sales of bills are an estimate.\n<b>not bold</b>",
    "currency": "JPY",
}
FINDINGS = [
    {**FLAGGED, "rules": ["net_sale"], "score": -1.62, "fx_change_month_pct": 1.31, "context": CONTEXT},
    {
        **FLAGGED,
        **JAPAN[1],
        "rules": ["fall"],
        "severity": "warning",
        "verdict": "repriced",
        "explanation": "Only repriced.",
    },
    {**FLAGGED, **SONS[0], "rules": ["fall"], "verdict": "mixed", "explanation": f"{HOSTILE} fell."},
    {**FLAGGED, "month": "2021-03-01", "rules": ["fall"], "verdict": "unexplained", "explanation": "Long ago."},
]
HITS = [
    {
        **{name: row[name] for name in ("holder_id", "holder", "month", "severity", "verdict", "share_pct")},
        **{"place": 1, "rule": row["rules"][0], "score": row.get("score")},
    }
    for row in FINDINGS
]
EPISODES = [
    {
        **{name: value for name, value in JAPAN[1].items() if name != "month"},
        **{"rule": "fall", "start_month": "2024-04-01", "end_month": "2024-05-01", "months": 2, "severity": "critical"},
        **{"verdict": "mixed", "change_usd_mn": -61062, "net_purchases_usd_mn": -35700, "explanation": "A run."},
    }
]
RELEASES = [
    {"source": "slt_table3", "released": "2024-07-18", "released_basis": "calendar", "last_month": "2024-05-01"},
    {"source": "slt_table3", "released": "2024-06-18", "released_basis": "calendar", "last_month": "2024-04-01"},
    {"source": "ecb", "released": "2024-07-20", "released_basis": "retrieval", "last_month": "2024-06-01"},
]
SOURCES = [
    {"source": "slt_table3", "title": "Table 3", "rhythm": "monthly"},
    {"source": "ecb", "title": "Euro rates", "rhythm": "daily"},
    {"source": "mof", "title": "Interventions", "rhythm": "quarterly"},
]
CHECKED = {"run_id": "r2", "gate": "publish", "subject": "freshness", "checked": "2024-07-20T08:00:00", "observed": ""}
CHECKS = [
    {
        **CHECKED,
        "expectation": "no source is stale",
        "success": False,
        "blocking": False,
        "observed": "ecb, 12 days late",
        "why": "A file can stop being updated. See treasury-watch status.",
    },
    {**CHECKED, "expectation": "there are positions", "success": True, "blocking": True},
    {**CHECKED, "run_id": "r1", "expectation": "an old complaint", "success": False, "blocking": True}
    | {"checked": "2024-06-20T08:00:00"},
]
FULL: dict[str, list[dict[str, Any]]] = {
    "holder_months": [*JAPAN, *BELGIUM, *SONS, *POLAND],
    "aggregate_months": [TOTAL],
    "sell_offs": FINDINGS,
    "rule_hits": HITS,
    "episodes": EPISODES,
    "positions": [{"holder_id": "japan", "month": "2024-05-01", "source": "slt_table3"}],
    "holders": [{"holder_id": "japan", "custodial_centre": False}, {"holder_id": "sons", "custodial_centre": True}],
    "releases": RELEASES,
    "sources": SOURCES,
    "validation_results": CHECKS,
    "runs": [
        {"run_id": "r2", "command": "run", "started": "2024-07-20T08:00:00", "outcome": "published", "summary": "3 new"}
    ],
}
DATES = {"month", "date", "timestamp"}


def fill(connection: duckdb.DuckDBPyConnection, content: dict[str, list[dict[str, Any]]]) -> None:
    """Every declared table, with these rows where there are some."""
    for name, table in DECLARED.tables.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {SQL[c.type]}' for c in table.columns)})")
        if rows := content.get(name):
            frame = pd.DataFrame(rows).reindex(columns=table.column_names)
            for column in table.columns:
                if column.type in DATES:
                    frame[column.name] = pd.to_datetime(frame[column.name])
            connection.register("made", typed(frame, table))
            connection.execute(f"INSERT INTO {name} FROM made")
            connection.unregister("made")


class Reading(HTMLParser):
    """Reads a page back: cells with their figures, the text, the tags."""

    def __init__(self, page: str):
        super().__init__()
        self.cells: list[dict[str, str]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append((tag, named))
        if tag in {"meta", "br", "link", "img", "input", "hr"}:
            return
        self._open.append((tag, named))
        if "data-usd-mn" in named or "data-pct" in named:
            context: dict[str, str] = {}
            for _, outer in self._open:
                context |= {key: value for key, value in outer.items() if key.startswith("data-") or key == "id"}
            self.cells.append({**context, "text": ""})

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] in {"script", "style"}:
            return
        self.words.append(data)
        if self._open and ("data-usd-mn" in self._open[-1][1] or "data-pct" in self._open[-1][1]):
            self.cells[-1]["text"] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(connection: duckdb.DuckDBPyConnection, content: dict[str, list[dict[str, Any]]], **changed: Any) -> str:
    fill(connection, {**content, **changed})
    return render(connection, generated=GENERATED)
