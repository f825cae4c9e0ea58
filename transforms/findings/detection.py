"""From holders' months to findings: flagged months and episodes with verdict, counterpart, context and explanation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.conclusions import concluded
from treasury_watch.transforms.findings.explain.caveats import with_caveats
from treasury_watch.transforms.findings.explain.context.currency_context import with_context
from treasury_watch.transforms.findings.explain.context.events import with_events_told
from treasury_watch.transforms.findings.explain.dollars import with_dollars_told
from treasury_watch.transforms.findings.explain.sentences import explain_episodes, explain_months
from treasury_watch.transforms.findings.rule_hits import by_month
from treasury_watch.transforms.findings.rules.custody import mirrors, paired_months, read_together, suspected
from treasury_watch.transforms.findings.rules.episodes import episodes
from treasury_watch.transforms.findings.rules.flagged_months import sell_offs
from treasury_watch.transforms.findings.rules.patterns.labels import with_patterns
from treasury_watch.transforms.findings.rules.places.absorption import COLUMNS as ABSORBED
from treasury_watch.transforms.model import OFFICIAL


def findings(
    months: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    interventions: pd.DataFrame,
    rules: dict[str, Any],
    aggregates: pd.DataFrame | None = None,
    revision_sizes: pd.DataFrame | None = None,
    securities: pd.DataFrame | None = None,
    intervention_periods: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) with the columns declared in config/tables.toml; one row per holder and month in sell_offs,
    with `rules` and `hits` as from `by_month`.

    `months` are holder_months, `interventions` as from `interventions_in_usd`. Of `aggregates` (aggregate_months) only
    the foreign official total is read, by the rules of scope `official`; without them those rules find nothing.
    `revision_sizes`, as the table has them, are told of findings on the newest month; `securities` (securities_months) say
    what became of the dollars of a sale of bonds and notes; `intervention_periods`, as from `with_days`, are told where the
    days are not known; `events` say what happened in the months of a finding.
    """
    flagged, runs, known = _read(months, holders, rules, aggregates)
    paired = paired_months(months, rules)
    flagged, runs = (
        _with_remarks(
            table, known, paired, holders, fx_monthly, interventions, rules, revision_sizes, intervention_periods
        )
        for table in (flagged, runs)
    )
    official = known[known["holder_id"] == OFFICIAL]
    flagged, runs = explain_months(flagged, known, official, rules), explain_episodes(runs, known, official, rules)
    centres = set(holders.loc[holders["custodial_centre"].astype(bool), "holder_id"])
    flagged, runs = (with_dollars_told(table, securities, rules, centres) for table in (flagged, runs))
    flagged, runs = (with_events_told(table, events) for table in (flagged, runs))
    return flagged, runs


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
    centres = holders.set_index("holder_id")["custodial_centre"].to_dict()
    found = mirrors(months, centres, rules)
    flagged, runs = suspected(sell_offs(months, rules), found, rules), suspected(episodes(months, rules), found, rules)
    flagged, runs = concluded(flagged, runs, months, centres, rules)
    if aggregates is None:
        return by_month(flagged), runs, months
    official = aggregates[aggregates["holder_id"] == OFFICIAL]
    months = pd.concat([months, official], ignore_index=True) if len(official) else months
    sold = sell_offs(official, rules, "official")
    if sold.empty:
        return by_month(flagged), runs, months
    sold = with_patterns(sold.assign(counterpart=None, suspicion=None, doubt=None), official, rules, hindsight=True)
    sold = sold.assign(**dict.fromkeys(ABSORBED, float("nan")))
    flagged = pd.concat([flagged, sold], ignore_index=True) if len(flagged) else sold
    return by_month(flagged), runs, months


def blind_spots(holders: pd.DataFrame) -> dict[str, str]:
    """What the statistics do not see at a custodial or fund centre, by holder_id: the `note` of config/holders.csv."""
    if "note" not in holders:
        return {}
    noted = holders[holders["custodial_centre"].astype(bool) & holders["note"].notna()]
    return dict(zip(noted["holder_id"], noted["note"], strict=True))


def _with_remarks(
    table: pd.DataFrame,
    months: pd.DataFrame,
    paired: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    interventions: pd.DataFrame,
    rules: dict[str, Any],
    revision_sizes: pd.DataFrame | None,
    intervention_periods: pd.DataFrame | None,
) -> pd.DataFrame:
    table = with_context(table, months, holders, fx_monthly, interventions, rules, intervention_periods)
    return table.assign(
        caveats=pd.Series(
            with_caveats(table, months, rules, revision_sizes, blind_spots(holders)), index=table.index, dtype=object
        ),
        read_together=pd.Series(read_together(table, paired, rules), index=table.index, dtype=object),
    )
