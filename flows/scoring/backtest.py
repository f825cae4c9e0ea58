"""The rules replayed month by month and marked against labelled months and known episodes: `treasury-watch backtest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.log.progress import with_bar
from treasury_watch.transforms.backtest.alarms import (
    as_they_stood,
    compared,
    events_by_year,
    known_at,
    published_months,
)
from treasury_watch.transforms.backtest.evidence import History
from treasury_watch.transforms.backtest.known_episodes import judged, known_episodes
from treasury_watch.transforms.backtest.known_episodes import scored as scored_episodes
from treasury_watch.transforms.backtest.labels import AS_IT_STOOD, FILE, SETS, set_of, stored_labels
from treasury_watch.transforms.backtest.replay import replayed
from treasury_watch.transforms.backtest.score_tables import (
    HEADS,
    OURS,
    aligned,
    label_rows,
    score_rows,
    survival,
    year_rows,
)
from treasury_watch.transforms.backtest.scores import (
    Share,
    below_record,
    naive_trackers,
    over_limits,
    scored,
    with_labels,
)
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.findings_as_known import months_of

CONFIG = "backtest.toml"
ALL = "all"


@dataclass(frozen=True)
class ScoredMonths:
    """The section [scored] of config/backtest.toml."""

    first: pd.Timestamp
    last: pd.Timestamp
    test_from: pd.Timestamp
    unflagged_falls: int


@dataclass(frozen=True)
class Backtest:
    """What a replay gave.

    `findings` are all findings as they stood, with their labels. `scores` are the shares of scores.MEASURES by set, also
    over ALL; `trackers` the same of each naive tracker; `years` the events by level and year, `tracker_years` the alarms of
    the trackers. `first_prints` compares findings on first prints with today's. `episodes` are the known ones, judged.
    """

    findings: pd.DataFrame
    scores: dict[str, dict[str, Share]]
    years: dict[str, dict[int, int]]
    trackers: dict[str, dict[str, dict[str, Share]]]
    tracker_years: dict[str, dict[int, int]]
    first_prints: pd.DataFrame
    episodes: pd.DataFrame
    episode_scores: dict[str, dict[str, float]]


def scored_months(declarations: Declarations) -> ScoredMonths:
    """Which months are scored."""
    entry = declarations.toml(CONFIG)["scored"]
    first, last, test_from = (pd.Timestamp(entry[name]) for name in ("first_month", "last_month", "test_from"))
    return ScoredMonths(first, last, test_from, entry["unflagged_falls"])


def stored(declarations: Declarations) -> pd.DataFrame:
    """The labelled months of config/labelled_months.csv. Raises ConfigurationError for a row that cannot be read."""
    return stored_labels(declarations.rows(FILE), scored_months(declarations).test_from)


def history_of(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> History:
    """What the labels are made from: the figures of every holder as published today, and the yields."""
    months, official, holders = months_of(connection)
    yields = connection.execute("SELECT series_id, date, value FROM market_series").df()
    centres = set(holders.loc[holders["custodial_centre"].fillna(False).astype(bool), "holder_id"])
    everyone = pd.concat([months, official], ignore_index=True)
    return History(everyone, yields, centres, declarations.toml(CONFIG)["labels"])


def run(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, scored_in: ScoredMonths | None = None
) -> Backtest:
    """Replay the rules on a published database and mark them, in the declared months or those of `scored_in`.

    Raises ConfigurationError for a label or known episode that cannot be read, TreasuryWatchError where no month is
    published.
    """
    labels, rules = stored(declarations), declarations.rules
    span = scored_in or scored_months(declarations)
    known = known_episodes(declarations.rows("known_episodes.csv"), span.test_from)
    months, official, holders = months_of(connection)
    if months.empty:
        raise TreasuryWatchError("backtest: no month is published yet; run `treasury-watch run` or ingest files first")
    everyone = pd.concat([months, official], ignore_index=True)
    last = min(span.last, months["month"].max())
    history = history_of(connection, declarations)
    replay = with_bar(published_months(months, span.first, last), "Replaying")
    found = with_labels(as_they_stood(months, official, holders, rules, replay), labels, history)
    sales = labels[(labels["label"] == "sale") & (labels["listed_for"] != AS_IT_STOOD)]
    sales = sales[sales["end_month"].between(span.first, last)]
    naive = {
        name: with_labels(flagged, labels, history)
        for name, flagged in naive_trackers(everyone, span.first, last).items()
    }
    episodes = judged(known, replayed(months, official, holders, rules), everyone, rules)
    return Backtest(
        findings=found,
        scores=by_set(found, sales, span.test_from),
        years=events_by_year(found),
        trackers={name: by_set(flagged, sales, span.test_from) for name, flagged in naive.items()},
        tracker_years={name: events_by_year(flagged)["warning"] for name, flagged in naive.items()},
        first_prints=first_prints(connection, declarations, found, span.first, last),
        episodes=episodes,
        episode_scores={name: scored_episodes(episodes[episodes["set"] == name]) for name in SETS},
    )


def by_set(found: pd.DataFrame, sales: pd.DataFrame, test_from: pd.Timestamp) -> dict[str, dict[str, Share]]:
    """The scores of each set, and of both together."""
    sets, of_sales = set_of(found["end_month"], test_from), set_of(sales["end_month"], test_from)
    scores = {name: scored(found[sets == name], sales[of_sales == name]) for name in SETS}
    return {**scores, ALL: scored(found, sales)}


def first_prints(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    found: pd.DataFrame,
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> pd.DataFrame:
    """The findings on what was known at the end of each month's own release day, beside `found`: as from `compared`.

    Of the holders whose figure of that month, by a release or the press, is kept as known on that day; all others are left
    out, as are months with none.
    """
    kept = connection.execute(
        "SELECT month, holder_id, min(released) AS released FROM observations "
        "WHERE measure = 'total_position' AND month BETWEEN ? AND ? GROUP BY month, holder_id",
        [first, last],
    ).df()
    tables = []
    for name, of_month in kept.groupby("month"):
        month = pd.Timestamp(str(name))
        day = release_of(month.date(), declarations.calendar)
        holders = set(of_month.loc[of_month["released"] <= pd.Timestamp(day), "holder_id"])
        if holders:
            then = known_at(month, *months_of(connection, day), declarations.rules)
            sides = (spans[spans["holder_id"].isin(holders)] for spans in (then, found[found["end_month"] == month]))
            tables.append(compared(*sides).assign(released=day, holders=len(holders)))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else compared(found.head(0), found.head(0))


def failures(result: Backtest, document: Mapping[str, Any]) -> list[str]:
    """What `--check` fails for: scores below the recorded ones, alarms past the limits. `document` is backtest.toml."""
    limits = over_limits(result.years, result.scores[ALL]["critical_precision"], document["limits"])
    below = below_record(result.scores, document["recorded"]["labels"])
    return [*below, *fallen(result.episode_scores, document["recorded"]["known_episodes"]), *limits]


def fallen(scores: Mapping[str, Mapping[str, float]], recorded: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The measures of the known episodes that are below the recorded ones, in words; an unknown one is."""
    return [
        f"known episodes, {name}, {measure.replace('_', ' ')}: {scores[name][measure]:.3f}, recorded {least:.3f}"
        for name, measures in recorded.items()
        for measure, least in measures.items()
        if not scores[name][measure] >= least - 0.0005
    ]


def lines(result: Backtest) -> Iterator[str]:
    """What the command prints."""
    yield "Every alarm at warning or above, as it stood while its last month was the newest; shares with 90% intervals."
    yield ""
    yield from aligned(scores_table(result))
    yield ""
    yield "What the alarms were:"
    yield from aligned(label_rows(result.findings))
    yield ""
    yield "A year (events: alarms of one holder that overlap; trackers: months):"
    yield from aligned(year_rows(result.years, result.tracker_years))
    yield ""
    yield survival(result.first_prints)
    yield ""
    yield "Known episodes of the public record:"
    yield from aligned(episodes_table(result))
    yield ""
    for row in result.episodes.to_dict("records"):
        yield f"  {row['set']:<12} {_mark(row):<8} {row['name']}: expected {row['expected']}, {_said(row)}"


def scores_table(result: Backtest) -> list[list[str]]:
    """Ours and the trackers' scores by set, with heads."""
    rows = [score_rows(name, scores) for name, scores in ((OURS, result.scores), *result.trackers.items())]
    return [HEADS, *(row for block in rows for row in block)]


def episodes_table(result: Backtest) -> list[list[str]]:
    """The scores on known episodes by set, with heads."""
    heads = ["set", "sales", "look-alikes", "recall", "verdicts right", "unexplained"]
    rows = [
        [
            name,
            f"{score['episodes']}",
            f"{score['look_alikes']}",
            _percent(score["recall"]),
            f"{_percent(score['verdict_accuracy'])} of {score['verdicts']}",
            f"{score['unexplained']}",
        ]
        for name, score in result.episode_scores.items()
    ]
    return [heads, *rows]


def _percent(share: float) -> str:
    return "-" if share != share else f"{share:.0%}"


def _mark(row: Mapping[Any, Any]) -> str:
    if not row["covered"]:
        return "no data"
    sale = "sold" in row["expected"].split("|")
    if not row["found"]:
        return "MISSED" if sale else "ok"
    return {True: "ok", False: "WRONG"}.get(row["right"], "found")


def _said(row: Mapping[Any, Any]) -> str:
    return f"said {row['verdict']}, first in {row['found_in']:%Y-%m}" if row["found"] else "not flagged"
