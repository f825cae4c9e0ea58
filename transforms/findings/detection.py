"""From holders' months to findings: flagged months and episodes with verdict, counterpart, context and explanation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.explain.caveats import with_caveats
from treasury_watch.transforms.findings.explain.currency_context import with_context
from treasury_watch.transforms.findings.explain.dollars import with_dollars_told
from treasury_watch.transforms.findings.explain.sentences import explain_episodes, explain_months
from treasury_watch.transforms.findings.rules.custody import mirrors, paired_months, read_together, suspected
from treasury_watch.transforms.findings.rules.episodes import episodes
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs

OFFICIAL = "foreign_official"


def findings(
    months: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    interventions: pd.DataFrame,
    rules: dict[str, Any],
    aggregates: pd.DataFrame | None = None,
    revision_sizes: pd.DataFrame | None = None,
    securities: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) with the columns declared in config/tables.toml.

    `months` are holder_months, `interventions` as from `interventions_in_usd`. Of `aggregates` (aggregate_months) only
    the foreign official total is read, by the rules of scope `official`; without them those rules find nothing.
    `revision_sizes`, as the table has them, are told of findings on the newest month; `securities` (securities_months) say
    what became of the dollars of a sale of bonds and notes.
    """
    flagged, runs, known = _read(months, holders, rules, aggregates)
    paired = paired_months(months, rules)
    flagged, runs = (
        _with_remarks(table, known, paired, holders, fx_monthly, interventions, rules, revision_sizes)
        for table in (flagged, runs)
    )
    flagged["explanation"] = explain_months(flagged)
    runs["explanation"] = explain_episodes(runs)
    return with_dollars_told(flagged, securities, rules), with_dollars_told(runs, securities, rules)


def verdicts_on(
    months: pd.DataFrame, holders: pd.DataFrame, rules: dict[str, Any], aggregates: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) as `findings` has them, without what is told of them: context, caveats and texts."""
    flagged, runs, _ = _read(months, holders, rules, aggregates)
    return flagged, runs


def _read(
    months: pd.DataFrame, holders: pd.DataFrame, rules: dict[str, Any], aggregates: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Flagged months, episodes, and the months of every holder they can be about."""
    found = mirrors(months, holders.set_index("holder_id")["custodial_centre"].to_dict(), rules)
    flagged, runs = suspected(sell_offs(months, rules), found, rules), suspected(episodes(months, rules), found, rules)
    if aggregates is None:
        return flagged, runs, months
    official = aggregates[aggregates["holder_id"] == OFFICIAL]
    sold = sell_offs(official, rules, "official")
    if sold.empty:
        return flagged, runs, months
    sold = sold.assign(counterpart=None, suspicion=None)
    flagged = pd.concat([flagged, sold], ignore_index=True) if len(flagged) else sold
    flagged = flagged.sort_values(["month", "holder_id", "rule"], ignore_index=True)
    return flagged, runs, pd.concat([months, official], ignore_index=True)


def _with_remarks(
    table: pd.DataFrame,
    months: pd.DataFrame,
    paired: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    interventions: pd.DataFrame,
    rules: dict[str, Any],
    revision_sizes: pd.DataFrame | None,
) -> pd.DataFrame:
    table = with_context(table, holders, fx_monthly, interventions, rules)
    return table.assign(
        caveats=pd.Series(with_caveats(table, months, rules, revision_sizes), index=table.index, dtype=object),
        read_together=pd.Series(read_together(table, paired, rules), index=table.index, dtype=object),
    )
