"""The page's section between releases: what is estimated of months that are not out, and the record of such estimates."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.site import charts
from treasury_watch.flows.site.charts.grammar import axis, colours, field, layer, panel_title, read
from treasury_watch.transforms.amounts import MINUS, billions_cell, is_known, rounded
from treasury_watch.transforms.signals.nowcast.scores import NOWCAST, summary
from treasury_watch.transforms.signals.nowcast.targets import targets
from treasury_watch.transforms.signals.nowcast.words import METHOD_WORDS, RECORD_SCOPE, inputs_in_words, told
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.early.early_signals import (
    beyond_learned,
    newest_official_month,
    print_in_words,
)
from treasury_watch.warehouse.tables.early.nowcasts import DECLARED, open_nowcasts
from treasury_watch.warehouse.tables.early.nowcasts import MADE as MADE_THEN

# The targets that are charted, and the heading of each panel.
PANELS = {
    "official_holdings": "Change in holdings of foreign officials, USD bn",
    "official_net_purchases": "Net purchases of foreign officials, USD bn",
}
# The targets as they stand in a heading.
NAMED = {
    "official_holdings": "the change in holdings of foreign officials",
    "official_net_purchases": "the net purchases of foreign officials",
    "japan_holdings": "the change in Japan's holdings",
}
TABLE_MONTHS, CHART_MONTHS = 24, 60
WIDTH, HEIGHT = 460, 180
AXIS_WIDTH = 50  # the same in both panels, so that the years stand below one another
ESTIMATE, PRINT = "#2b66b5", "#d9791f"
MADE, PRINTED = "Estimate, with its 80% interval", "Printed"

Row = dict[str, Any]


def content(connection: duckdb.DuckDBPyConnection, declarations: Declarations, today: date) -> Row:
    """What the template `nowcast.html.j2` reads, under `nowcast`; None there where the database keeps no nowcasts.
    A release that was due before `today` has overtaken the estimates of its month, whether it is read here or not.
    """
    kept = rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = 'nowcast_scores'")
    if not kept:
        return {"nowcast": None}
    record = connection.execute(
        "SELECT target, month, made, nowcast_basis, estimate_usd_mn, low_usd_mn, high_usd_mn, print_usd_mn, print_basis, "
        "error_usd_mn, inside "
        "FROM nowcast_scores JOIN nowcasts USING (target, month, made, estimate_usd_mn) "
        "WHERE method = 'nowcast' ORDER BY target, month"
    ).df()
    every = targets(declarations.toml(DECLARED))
    claims = {target.id: target.claims_from_usd_mn for target in every}
    open_months = [
        {
            **row,
            "words": told(row, claims[row["target"]]),
            "inputs": inputs_in_words(row),
            "beyond": beyond_learned(connection, declarations, row)
            if abs(row["estimate_usd_mn"]) >= claims[row["target"]]
            else None,
            "overdue": row["due"] < today,
        }
        for row in open_nowcasts(connection)
    ]
    told_of = dict.fromkeys(row["target"] for row in open_months)
    newest = newest_official_month(connection)
    if record.empty and not open_months:
        return {"nowcast": None}
    scores = connection.execute("FROM nowcast_scores").df()
    sections = [_section(target.id, record, scores, target.claims_from_usd_mn) for target in every]
    drawn = record[record["target"].isin(PANELS)].groupby("target").tail(CHART_MONTHS)
    return {
        "nowcast": {
            "open": open_months,
            "overtaken": bool(open_months) and all(row["overdue"] for row in open_months),
            "official": print_in_words(connection, newest) if newest else None,
            "sections": [section for section in sections if section],
            "without_record": [_named(name) for name in told_of if name not in set(record["target"])],
            "spec": charts.spec(record_chart(drawn)) if len(drawn) else None,
            "svg": charts.svg(record_chart(drawn)) if len(drawn) else None,
            "described": description(drawn),
            "scope": RECORD_SCOPE.replace("R2", "R²"),
            "made": int((record["nowcast_basis"] == MADE_THEN).sum()),
        }
    }


def _section(target: str, record: pd.DataFrame, scores: pd.DataFrame, claims_from_usd_mn: float) -> Row | None:
    """A target's record: its last months, and what it amounts to beside the rivals."""
    own = record[record["target"] == target]
    if own.empty:
        return None
    found = summary(scores[scores["target"] == target], claims_from_usd_mn)
    record_of: dict[Any, Any] = found.loc[NOWCAST].to_dict()
    bases = own["print_basis"].value_counts()
    return {
        "target": target,
        "named": _named(target),
        "first": own["month"].min(),
        "last": own["month"].max(),
        "bases": {name: int(bases.get(name, 0)) for name in ("first_print", "earliest_kept", "latest_vintage")},
        "methods": [
            {
                "name": METHOD_WORDS[str(method)],
                "months": int(row["months"]),
                "r_squared": str(rounded(row["r_squared"], 2) + 0).replace("-", MINUS),
                "right_sign_pct": None if method == "zero" else row["right_sign_pct"],
                "mean_error_usd_mn": row["mean_error_usd_mn"],
                "coverage_pct": row["coverage_pct"] if is_known(row["coverage_pct"]) else None,
            }
            for method, row in found.iterrows()
        ],
        "claims_from_usd_mn": claims_from_usd_mn or None,
        "claimed": int(record_of["claimed"]),
        "claimed_right_pct": record_of["claimed_right_pct"] if record_of["claimed"] else None,
        "rows": [
            _none_for_nan(row)
            for row in own.sort_values("month", ascending=False).head(TABLE_MONTHS).to_dict("records")
        ],
    }


def _named(target: str) -> str:
    return NAMED.get(target, target.replace("_", " "))


def _none_for_nan(row: dict[Any, Any]) -> Row:
    return {
        str(name): None if isinstance(value, float) and not is_known(value) else value for name, value in row.items()
    }


def record_chart(record: pd.DataFrame) -> charts.Document:
    """Estimate with interval and print, month by month, a panel for each of PANELS. USD billions.

    `record` has target, month, estimate, low, high and print in USD millions. Returns a Vega-Lite document for
    `charts.svg`.
    """
    return _without_data() | {"datasets": {target: _data(record, target) for target in PANELS}}


def _data(record: pd.DataFrame, target: str) -> list[Row]:
    rows = []
    for row in record[record["target"] == target].to_dict("records"):
        at = {"month": f"{row['month']:%Y-%m-%d}", "when": month_name(row["month"])}
        columns = {"low": "low_usd_mn", "high": "high_usd_mn"}
        ends = {name: row[column] / 1000 for name, column in columns.items() if is_known(row[column])}
        for series, column in ((MADE, "estimate_usd_mn"), (PRINTED, "print_usd_mn")):
            shown = billions_cell(row[column], minus=MINUS)
            extra = ends if series == MADE else {}
            rows.append({**at, "series": series, "billions": row[column] / 1000, "shown": shown, **extra})
    return rows


@cache
def _without_data() -> charts.Document:
    return {"vconcat": [_panel(target, heading) for target, heading in PANELS.items()], "spacing": 12}


def _panel(target: str, heading: str) -> charts.Document:
    x = field(
        "month:T", axis=axis(format="%Y", grid=False, tickCount={"interval": "year", "step": 1}), scale={"type": "utc"}
    )
    amounts = axis(minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, ticks=False)
    colour = field("series:N", **colours({MADE: ESTIMATE, PRINTED: PRINT}, legend=True))
    interval = {"x": x, "y": field("low:Q", axis=amounts), "y2": {"field": "high"}, "color": colour}
    told = read(("when:N", "Month"), ("series:N", "What"), ("shown:N", "USD bn"))
    points = {"x": x, "y": field("billions:Q", axis=amounts), "color": colour, "tooltip": told}
    return {
        "layer": [
            layer("rule", interval, strokeWidth=2, opacity=0.35),
            layer("point", points, filled=True, size=16, opacity=1),
        ],
        "data": {"name": target},
        "height": HEIGHT,
        "title": panel_title(heading),
        "width": WIDTH,
    }


def description(record: pd.DataFrame) -> str:
    """What the chart shows, in words, for those who do not see it."""
    words = []
    for target, heading in PANELS.items():
        own = record[record["target"] == target]
        if own.empty:
            continue
        inside = own["inside"].dropna().astype(bool)
        words.append(
            f"{heading.removesuffix(', USD bn')}: {len(own)} months, {month_name(own['month'].min())} to "
            f"{month_name(own['month'].max())}; {int(inside.sum())} of {len(inside)} prints within their interval."
        )
    return " ".join(words)
