"""What happened in the months of a finding, beside its explanation: at most two events, none of them called a cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.places.moves import INFLOW
from treasury_watch.transforms.risk.events import DEBT_LIMIT, FED_MOVE, INTERVENTION, TARIFF, bearing_on, day_words
from treasury_watch.transforms.wording import joined, stated

MOST = 2
LASTING = 0.5  # of the days of a finding
ORDER = (DEBT_LIMIT, TARIFF, FED_MOVE)  # of what bears on every holder; what is of the holder alone goes before
NO_CAUSE = "the statistics do not say why anyone sold"


def with_events_told(rows: pd.DataFrame, events: pd.DataFrame | None) -> pd.DataFrame:
    """The findings with a sentence on the events of their months at the end of `explanation`.

    `events` is the table of that name; None where there is none. Interventions are told in `context` already, and a gain
    of a custodial centre is no sale.
    """
    if events is None or events.empty or rows.empty:
        return rows
    told = [events_sentence(row, events) for row in rows.to_dict("records")]
    pairs = zip(rows["explanation"], told, strict=True)
    return rows.assign(
        explanation=pd.Series([" ".join(filter(None, pair)) for pair in pairs], rows.index, dtype=object)
    )


def events_sentence(row: Mapping[Any, Any], events: pd.DataFrame) -> str:
    """`In that month: ...; the statistics do not say why anyone sold.` Empty where nothing is declared or derived."""
    if stated(row.get("of")) == INFLOW:
        return ""
    single = "month" in row
    first, last = (row["month"], row["month"]) if single else (row["start_month"], row["end_month"])
    found = bearing_on(events, row["holder_id"], first, last)
    found = found[(found["kind"] != INTERVENTION) & _weighs(found, first, last)].sort_values("date")
    own = found[found["holder_id"].notna()]
    told = [_words(event) for event in own.tail(MOST).to_dict("records")]
    for kind in ORDER:
        rest = found[found["holder_id"].isna() & (found["kind"] == kind)].to_dict("records")
        if rest and len(told) < MOST:
            told.append(_words(rest[-1]) if len(rest) == 1 or kind != FED_MOVE else _moves(rest))
    return f"In {'that month' if single else 'those months'}: {joined(told)}; {NO_CAUSE}." if told else ""


def _weighs(found: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Which events to tell of the months: those that begin in them, and those that last for at least half of their days."""
    begin, end = pd.Timestamp(first), pd.Timestamp(last) + pd.offsets.MonthEnd(0)
    since = found["date"].where(found["date"] > begin, begin)
    until = found["end_date"].fillna(found["date"])
    days = (until.where(until < end, end) - since).dt.days + 1
    return (found["date"] >= begin) | (days >= LASTING * ((end - begin).days + 1))


def _words(event: Mapping[Any, Any]) -> str:
    days = day_words(event["date"], event["end_date"], ongoing=bool(event.get("ongoing", False)))
    return f"{event['what']} ({days})"


def _moves(moves: list[dict[Any, Any]]) -> str:
    """Several moves of the Federal Reserve as one: how many, and the last."""
    last = moves[-1]
    return f"the Federal Reserve's target range moved {len(moves)} times, last on {day_words(last['date'], None)}"
