"""`treasury-watch backtest`: the rules replayed month by month, and scored against config/known_episodes.csv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.backtest.replay import listed, replayed
from treasury_watch.transforms.backtest.scoring import SETS, judged, known_episodes, scored
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.events import events
from treasury_watch.transforms.findings.finding import Finding
from treasury_watch.transforms.release_calendar import release_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.findings_as_known import findings_of
from treasury_watch.warehouse.tables.published_findings import published_findings

MEASURES = ("recall", "precision", "verdict_accuracy")
FIRST_MONTH = pd.Timestamp("2012-01-01")


@dataclass(frozen=True)
class Backtest:
    """What a replay gave: `items` as from transforms.backtest.judged, `scores` by set, `per_year` the events that are
    warnings or more, `own_vintage` the months replayed on the vintage of their own release."""

    items: pd.DataFrame
    scores: dict[str, dict[str, float]]
    per_year: dict[int, int]
    own_vintage: list[pd.Timestamp]
    months: int


def run(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> Backtest:
    """Replay the rules on a published database and score them.

    Raises ConfigurationError for a known episode that cannot be read, TreasuryWatchError where no month is published.
    """
    known = known_episodes(declarations.rows("known_episodes.csv"))
    rules = declarations.rules
    months, official, holders = (
        connection.execute(query).df()
        for query in (
            "FROM holder_months",
            f"FROM aggregate_months WHERE holder_id = '{OFFICIAL}'",
            "FROM holders",
        )
    )
    if months.empty:
        raise TreasuryWatchError("backtest: no month is published yet; run `treasury-watch run` or ingest files first")
    found = replayed(months, official, holders, rules)
    own = own_vintages(connection, months, declarations)
    for month, day in own.items():
        then = listed(*findings_of(connection, rules, day))
        found = pd.concat([found[found["end_month"] != month], then[then["end_month"] == month]], ignore_index=True)
    items = judged(known, found, pd.concat([months, official], ignore_index=True), rules)
    scores = {name: scored(items[items["set"] == name]) for name in SETS}
    replay = months.loc[months["month"] >= FIRST_MONTH, "month"].nunique()
    return Backtest(items, scores, events_per_year(published_findings(connection, rules)), sorted(own), replay)


def own_vintages(
    connection: duckdb.DuckDBPyConnection, months: pd.DataFrame, declarations: Declarations
) -> dict[pd.Timestamp, date]:
    """The months whose figures are kept as first released, with the day of that release.

    A month counts where the release that covers it is in the ledger for most of the holders that it has today; figures
    from the press are too few to replay on.
    """
    first = connection.execute(
        "SELECT month, holder_id, min(released) AS released FROM observations "
        "WHERE measure = 'total_position' AND evidence <> 'press' GROUP BY month, holder_id"
    ).df()
    day_of = {
        month: pd.Timestamp(release_of(month.date(), declarations.calendar))
        for month in first["month"].unique()
        if month >= FIRST_MONTH
    }
    then = first[first["released"] <= first["month"].map(day_of)]
    known, holders = then.groupby("month")["holder_id"].nunique(), months.groupby("month")["holder_id"].nunique()
    return {
        pd.Timestamp(str(month)): day_of[month].date()
        for month, count in known.items()
        if 2 * count >= holders.get(month, 0)
    }


def events_per_year(findings: list[Finding]) -> dict[int, int]:
    """Events that are a warning or more, by the year of their start: overlapping findings of a holder are one."""
    loud = [found for found in findings if found.severity != "notice"]
    starts = Counter(min(found.month for found in event).year for event in events(loud))
    return {year: starts[year] for year in sorted(starts) if year >= FIRST_MONTH.year}


def fallen(result: Backtest, recorded: dict[str, dict[str, float]]) -> list[str]:
    """The measures that are below the recorded ones, in words."""
    return [
        f"{name}, {measure.replace('_', ' ')}: {result.scores[name][measure]:.3f}, recorded {least:.3f}"
        for name, measures in recorded.items()
        for measure, least in measures.items()
        if not result.scores[name][measure] >= least
    ]


def lines(result: Backtest) -> Iterator[str]:
    """What the command prints."""
    own = ", ".join(f"{month:%Y-%m}" for month in result.own_vintage) or "none"
    yield f"Replayed {result.months} months since {FIRST_MONTH:%Y-%m}. As first released: {own}; all others on the current vintage."
    yield ""
    yield f"{'set':<12} {'sales':>6} {'look-alikes':>12} {'recall':>7} {'precision':>10} {'verdicts right':>15} {'unexplained':>12}"
    for name, score in result.scores.items():
        shares = {measure: f"{score[measure]:.0%}" if score[measure] == score[measure] else "-" for measure in MEASURES}
        verdicts = f"{shares['verdict_accuracy']} of {score['verdicts']}"
        yield (
            f"{name:<12} {score['episodes']:>6} {score['look_alikes']:>12} {shares['recall']:>7} "
            f"{shares['precision']:>10} {verdicts:>15} {score['unexplained']:>12}"
        )
    yield ""
    yield "Known episodes:"
    for row in result.items.to_dict("records"):
        yield f"  {row['set']:<12} {_mark(row):<8} {row['name']}: expected {row['expected']}, {_said(row)}"
    yield ""
    yield "Events of warning or more a year: " + ", ".join(f"{year}: {n}" for year, n in result.per_year.items())


def _mark(row: Mapping[Any, Any]) -> str:
    if not row["covered"]:
        return "no data"
    sale = "sold" in row["expected"].split("|")
    if not row["found"]:
        return "MISSED" if sale else "ok"
    return {True: "ok", False: "WRONG"}.get(row["right"], "found")


def _said(row: Mapping[Any, Any]) -> str:
    return f"said {row['verdict']}, first in {row['found_in']:%Y-%m}" if row["found"] else "not flagged"
