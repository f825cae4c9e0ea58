"""What is concluded beyond a month's own arithmetic: custodial centres, places read together, patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.evidence import doubts
from treasury_watch.transforms.findings.rules.flagged_months import capped
from treasury_watch.transforms.findings.rules.patterns.labels import with_patterns
from treasury_watch.transforms.findings.rules.places.absorption import absorbed, inherited
from treasury_watch.transforms.findings.rules.places.inflows import with_likely_sources
from treasury_watch.transforms.findings.rules.places.moves import moves_of

CUSTODIAL = "custodial"  # of [severity_caps]


def concluded(
    flagged: pd.DataFrame,
    runs: pd.DataFrame,
    months: pd.DataFrame,
    centres: Mapping[Any, bool],
    rules: dict[str, Any],
    *,
    hindsight: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flagged months and episodes with what declared partners took up, patterns, and the severities that follow.

    Both are as `suspected` gives them, `centres` says of each holder_id whether it is a custodial or fund centre. With
    `hindsight` later months count too: sales bought back the month after, months inside a run that was taken up. Without,
    each finding is as it was when its last month was the newest.
    """
    moves = moves_of(months, rules)
    flagged, runs = (
        table.assign(doubt=pd.Series(doubts(table), index=table.index, dtype=object)) for table in (flagged, runs)
    )
    flagged, runs = (
        with_patterns(of_centres(absorbed(table, moves, rules), centres, rules), months, rules, hindsight=hindsight)
        for table in (flagged, runs)
    )
    runs = with_likely_sources(runs, moves, rules)
    if not hindsight:
        return flagged, runs
    return inherited(flagged, runs, rules), inherited(runs, runs, rules)


def of_centres(rows: pd.DataFrame, centres: Mapping[Any, bool], rules: dict[str, Any]) -> pd.DataFrame:
    """The findings with the severity of those on custodial or fund centres lowered."""
    caps = rules["severity_caps"]
    severities = [
        capped(severity, CUSTODIAL, caps) if centres.get(holder) else severity
        for severity, holder in zip(rows["severity"], rows["holder_id"], strict=True)
    ]
    return rows.assign(severity=severities)
