"""The rules replayed: every finding as it stood when its last month was the newest."""

from __future__ import annotations

from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.conclusions import concluded
from treasury_watch.transforms.findings.rules.custody import mirrors, suspected
from treasury_watch.transforms.findings.rules.episodes import as_they_grew
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs

FOUND = ["holder_id", "rule", "of", "start_month", "end_month", "severity", "verdict"]


def replayed(
    months: pd.DataFrame, official: pd.DataFrame, holders: pd.DataFrame, rules: dict[str, Any]
) -> pd.DataFrame:
    """Every finding as it stood when its last month was the newest, with the columns of FOUND.

    Scores, peaks and mirrors look back or sideways only, so that a flagged month is what it was then; a run is taken as
    far as it had come.
    """
    centres = holders.set_index("holder_id")["custodial_centre"].to_dict()
    mirrored = mirrors(months, centres, rules)
    flagged = suspected(sell_offs(months, rules), mirrored, rules)
    runs = suspected(as_they_grew(months, rules), mirrored, rules)
    flagged, runs = concluded(flagged, runs, months, centres, rules, hindsight=False)
    return pd.concat([listed(flagged, runs), listed(sell_offs(official, rules, "official"), runs.head(0))])


def listed(flagged: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Flagged months and runs in one table with the columns of FOUND."""
    single = flagged.assign(start_month=flagged["month"], end_month=flagged["month"])
    filled = [table[FOUND] for table in (single, runs) if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else single[FOUND]
