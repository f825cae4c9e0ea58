"""What happened in the months of a finding, beside its explanation: at most two events, none of them called a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.places.moves import INFLOW
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.risk.events import (
    DEBT_LIMIT,
    FED_MOVE,
    INTERVENTION,
    TARIFF,
    bearing_on_holder,
    bears_on_all,
    day_words,
)
from treasury_watch.transforms.wording import joined, stated

MOST = 2
LASTING = 0.5  # of the days of a finding
ORDER = (DEBT_LIMIT, TARIFF, FED_MOVE)  # of what bears on every holder; what is of the holder alone goes before
NO_CAUSE = "the statistics do not say why anyone sold"


def with_events_told(rows: pd.DataFrame, events: pd.DataFrame | None) -> pd.DataFrame:
    """The findings with a sentence on the events of their months at the end of `explanation`.

    `events` is the table of that name; None where there is none. Interventions are told in `context` already, and neither a
    gain of a custodial centre nor what moved is a sale.
    """
    if events is None or events.empty or rows.empty:
        return rows
    in_order = events.sort_values("date", kind="stable")
    of_all = in_order[bears_on_all(in_order)].to_dict("records")
    own: dict[str, list[dict[Any, Any]]] = {}
    for event in in_order[in_order["holder_id"].notna()].to_dict("records"):
        own.setdefault(event["holder_id"], []).append(event)
    told = [_sentence(row, [*own.get(row["holder_id"], []), *of_all]) for row in rows.to_dict("records")]
    pairs = zip(rows["explanation"], told, strict=True)
    return rows.assign(
        explanation=pd.Series([" ".join(filter(None, pair)) for pair in pairs], rows.index, dtype=object)
    )


def events_sentence(row: Mapping[Any, Any], events: pd.DataFrame) -> str:
    """`In that month: ...; the statistics do not say why anyone sold.` Empty where nothing is declared or derived."""
    found = bearing_on_holder(events, row["holder_id"]).sort_values("date", kind="stable")
    return _sentence(row, found.to_dict("records"))


def _sentence(row: Mapping[Any, Any], events: Iterable[Mapping[Any, Any]]) -> str:
    if stated(row.get("of")) == INFLOW or row.get("verdict") == "moved":
        return ""
    single = "month" in row
    first, last = (pd.Timestamp(row[name]) for name in (("month", "month") if single else ("start_month", "end_month")))
    found = [event for event in events if event["kind"] != INTERVENTION and _weighs(event, first, last)]
    own = [event for event in found if isinstance(event["holder_id"], str)]
    told = [_words(event) for event in own[-MOST:]]
    for kind in ORDER:
        rest = [event for event in found if not isinstance(event["holder_id"], str) and event["kind"] == kind]
        if rest and len(told) < MOST:
            told.append(_words(rest[-1]) if len(rest) == 1 or kind != FED_MOVE else _moves(rest))
    return f"In {'that month' if single else 'those months'}: {joined(told)}; {NO_CAUSE}." if told else ""


def _weighs(event: Mapping[Any, Any], first: pd.Timestamp, last: pd.Timestamp) -> bool:
    """Whether to tell an event of the months: one that lies within them, or lasts for at least half of their days."""
    if event["month"] > last or event["end_month"] < first:
        return False
    end = shifted(last, 1) - timedelta(days=1)
    until = event["date"] if pd.isna(event["end_date"]) else event["end_date"]
    if event["date"] >= first and until <= end:
        return True
    return bool((min(until, end) - max(event["date"], first)).days + 1 >= LASTING * ((end - first).days + 1))


def _words(event: Mapping[Any, Any]) -> str:
    days = day_words(event["date"], event["end_date"], ongoing=bool(event.get("ongoing", False)))
    return f"{event['what']} ({days})"


def _moves(moves: list[Mapping[Any, Any]]) -> str:
    """Several moves of the Federal Reserve as one: how many, and the last."""
    last = moves[-1]
    return f"the Federal Reserve's target range moved {len(moves)} times, last on {day_words(last['date'], None)}"
