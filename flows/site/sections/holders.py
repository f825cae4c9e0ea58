"""The largest holders: the heat map of what each bought and sold, and a card with chart, months and findings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.site import charts
from treasury_watch.flows.site.charts.holder_card import holder_card
from treasury_watch.flows.site.charts.holder_changes import PARTS
from treasury_watch.flows.site.links import Links
from treasury_watch.flows.site.risk import sale_scenario
from treasury_watch.transforms.amounts import MINUS, billions, billions_cell, is_known
from treasury_watch.transforms.findings.finding import Finding, FlaggedMonth
from treasury_watch.transforms.months import number_of
from treasury_watch.transforms.wording import month_name, sentence, spoken
from treasury_watch.warehouse.home.published_database import rows_of

HEAT_HOLDERS = 20
CHARTED = 10
LATEST_MONTHS = 6

Row = dict[str, Any]


def largest(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    """The largest holders of the newest month, their rows of holder_months, the largest first."""
    return rows_of(
        connection,
        "SELECT * FROM holder_months WHERE month = ? AND position_usd_mn IS NOT NULL "
        "ORDER BY position_usd_mn DESC, holder LIMIT ?",
        newest,
        max(HEAT_HOLDERS, CHARTED),
    )


def heat(connection: duckdb.DuckDBPyConnection, holders: Sequence[Row], first: date) -> list[Row]:
    """Net purchases by holder and month; empty where none is known."""
    rows = rows_of(
        connection,
        "SELECT holder_id, month, net_purchases_usd_mn FROM holder_months "
        "WHERE month >= ? AND net_purchases_usd_mn IS NOT NULL",
        first,
    )
    known = {(row["holder_id"], row["month"]): row["net_purchases_usd_mn"] for row in rows}
    found = [
        {**holder, "cells": {month: amount for (owner, month), amount in known.items() if owner == holder["holder_id"]}}
        for holder in holders[:HEAT_HOLDERS]
    ]
    return found if any(row["cells"] for row in found) else []


def cards(
    connection: duckdb.DuckDBPyConnection,
    holders: Sequence[Row],
    findings: Sequence[Finding],
    centres: Mapping[str, str | None],
    months_shown: int,
    links: Links,
) -> list[Row]:
    """The largest holders, each with its chart, its last months and its flagged months among `findings`, newest first."""
    made = []
    for holder in holders[:CHARTED]:
        latest = rows_of(
            connection,
            "SELECT * FROM holder_months WHERE holder_id = ? AND month <= ? ORDER BY month DESC LIMIT ?",
            holder["holder_id"],
            holder["month"],
            months_shown,
        )
        months = pd.DataFrame(latest)
        marks = sale_scenario.marks_of(connection, holder["holder_id"], months)
        card = holder_card(latest[::-1], [mark["month"].date() for mark in marks])
        shown = months.sort_values("month")
        own = [f for f in findings if f.holder_id == holder["holder_id"] and isinstance(f, FlaggedMonth)]
        made.append(
            {
                **holder,
                "headline": headline(shown, holder["holder"]),
                "svg": card.svg,
                "left": card.left,
                "right": card.right,
                "hover": hover(shown),
                "described": charts.description(shown, ""),
                "latest": latest[:LATEST_MONTHS],
                "marks": marks,
                "note": centres.get(holder["holder_id"]),
                "findings": [
                    {**f.row, "link": links.finding(f)} for f in sorted(own, key=lambda f: -number_of(f.month))
                ],
            }
        )
    return made


def headline(months: pd.DataFrame, holder: str) -> str:
    """What these months come to: what the holder holds, and how much more or less that is than at their beginning."""
    held = months.dropna(subset=["position_usd_mn"])
    first, last = held.iloc[0], held.iloc[-1]
    told = f"{sentence(spoken(holder))}: {billions(last['position_usd_mn'], signed=False)}"
    difference = last["position_usd_mn"] - first["position_usd_mn"]
    if len(held) < 2 or months["series_break"].fillna(False).iloc[1:].any():
        return told
    more = "more" if difference > 0 else "less"
    return f"{told}, {billions(abs(difference), signed=False)} {more} than in {month_name(first['month'])}"


def hover(months: pd.DataFrame) -> str:
    """What the page's script tells of the month that is pointed at, as JSON: each amount as it is written elsewhere."""
    columns = {
        "position_usd_mn": ("Holdings", "", False),
        "change_usd_mn": ("Change", "", True),
        **{
            column: (name.replace("Net purchases: ", "").capitalize(), colour, True)
            for column, (name, colour) in PARTS.items()
        },
    }
    series = [
        {
            "name": name,
            "colour": colour,
            "shown": [
                billions_cell(amount, signed=signed, minus=MINUS) if is_known(amount) else ""
                for amount in months[column].astype("float64")
            ],
        }
        for column, (name, colour, signed) in columns.items()
    ]
    labels = [f"{month_name(month)}, USD bn" for month in months["month"]]
    return json.dumps({"bands": True, "labels": labels, "series": series}, ensure_ascii=False, separators=(",", ":"))
