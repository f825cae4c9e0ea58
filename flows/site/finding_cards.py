"""What the page shows of the findings: the table of flagged months, and a card for each event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.events import events, leading
from treasury_watch.transforms.findings.finding import Finding, FlaggedMonth
from treasury_watch.transforms.months import number_of

Row = dict[str, Any]


def flagged_months(published: Iterable[Finding], centres: Mapping[str, str | None]) -> list[Row]:
    """The rows of the flagged months, newest first; `centres` are the custodial ones by holder_id."""
    rows = [
        {**found.row, "custodial_centre": found.holder_id in centres}
        for found in published
        if isinstance(found, FlaggedMonth)
    ]
    return sorted(rows, key=lambda row: (-number_of(row["month"]), row["holder"]))


def leads_before(published: Iterable[Finding], first: date, newest: date) -> list[Finding]:
    """The weightiest finding of each event of a holder from `first` to before `newest`, the largest first."""
    within = [f for f in published if first <= f.end_month and f.month < newest and f.holder_id != OFFICIAL]
    chains = [event for event in events(within) if max(found.end_month for found in event) < newest]
    leads = [leading(event)[event[0].key] for event in chains]
    return sorted(leads, key=lambda found: (found.amount_usd_mn or 0.0, found.key))


def card(found: Finding, centres: Mapping[str, str | None]) -> Row:
    """What a card says of a finding: its row, its months, and what each rule that flags it measured."""
    hits = (
        found.hits if isinstance(found, FlaggedMonth) else [{**found.row, "score": None, "name": found.declared.name}]
    )
    return {
        **found.row,
        "start": found.month,
        "end": found.end_month,
        "period": found.period,
        "hits": hits,
        "custodial_centre": found.holder_id in centres,
        "context": found.row["context"] or "",
    }
