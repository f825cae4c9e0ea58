"""What `nowcast` prints: what is known of a month before its release, and how such estimates did."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date

import duckdb
import pandas as pd

from treasury_watch.transforms.amounts import billions_cell, is_known, rounded
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.signals.nowcast.scores import summary
from treasury_watch.transforms.signals.nowcast.targets import Target, targets
from treasury_watch.transforms.signals.nowcast.words import (
    METHOD_WORDS,
    RECORD_SCOPE,
    estimate_in_words,
    inputs_in_words,
    told,
)
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of
from treasury_watch.warehouse.tables.early.nowcasts import DECLARED, open_nowcasts

WIDTH = 110
LEAST_OF_ITS_OWN = 12  # months with a first print before these alone are scored
BASIS_WORDS = {
    "first_print": "first prints",
    "earliest_kept": "earliest prints kept, not the first",
    "latest_vintage": "latest vintages: no first print is held",
}


def lines(
    connection: duckdb.DuckDBPyConnection, declarations: Declarations, month: date | None, *, with_scores: bool
) -> Iterator[str]:
    """The estimates of open months, or those of `month`; with `with_scores` the record. Raises TreasuryWatchError."""
    kept = rows_of(connection, "SELECT 1 FROM information_schema.tables WHERE table_name = 'nowcasts'")
    if not kept:
        raise TreasuryWatchError(
            "nowcast: the published database has no table nowcasts; run `treasury-watch rebuild` with this version"
        )
    every = targets(declarations.toml(DECLARED))
    yield from _of_month(connection, every, month) if month else _open(connection, every)
    if with_scores:
        yield ""
        yield from _record(connection, every)


def _open(connection: duckdb.DuckDBPyConnection, every: list[Target]) -> Iterator[str]:
    claims = {target.id: target.claims_from_usd_mn for target in every}
    rows = open_nowcasts(connection)
    for row in rows:
        yield f"{told(row, claims[row['target']])}"
        yield f"  an estimate of {row['made']}, due {row['due']}; from {inputs_in_words(row)}"
        yield f"  model, learned until {row['learned_until']:%Y-%m}: {row['model']}"
    if not rows:
        last = rows_of(connection, "SELECT max(month) AS month FROM nowcasts")[0]["month"]
        newest = rows_of(connection, "SELECT max(month) AS month FROM holder_months WHERE position_usd_mn IS NOT NULL")
        reach = f"the signals that are loaded reach {month_name(last)}" if last else "no signals are loaded"
        out = f", figures are out to {month_name(newest[0]['month'])}" if newest[0]["month"] else ""
        yield f"No month can be estimated that is not out: {reach}{out}."


def _of_month(connection: duckdb.DuckDBPyConnection, every: list[Target], month: date) -> Iterator[str]:
    claims = {target.id: target.claims_from_usd_mn for target in every}
    rows = rows_of(connection, "FROM nowcasts WHERE month = ? ORDER BY target, made", month)
    if not rows:
        known = rows_of(connection, "SELECT min(month) AS first, max(month) AS last FROM nowcasts")[0]
        span = (
            f"nowcasts are kept of {known['first']:%Y-%m} to {known['last']:%Y-%m}"
            if known["first"]
            else "none is kept yet"
        )
        raise TreasuryWatchError(f"nowcast: no estimate of {month:%Y-%m}; {span}")
    for row in rows:
        how = "made" if row["nowcast_basis"] == "made" else "replayed"
        yield f"{month_name(month)}, {how} {row['made']}: {estimate_in_words(row, claims[row['target']])}"
        yield f"  from {inputs_in_words(row)}; {row['model']}"
    for row in rows_of(connection, "FROM nowcast_scores WHERE month = ? AND method = 'nowcast' ORDER BY target", month):
        yield (
            f"printed, {row['target']}: {billions_cell(row['print_usd_mn'])} USD bn ({BASIS_WORDS[row['print_basis']]}); "
            f"print less estimate {billions_cell(row['error_usd_mn'])}"
        )


def _record(connection: duckdb.DuckDBPyConnection, every: list[Target]) -> Iterator[str]:
    scores = connection.execute("FROM nowcast_scores ORDER BY target, month, method").df()
    if scores.empty:
        yield "No estimate has been held against a print yet."
    else:
        yield from textwrap.wrap(f"{RECORD_SCOPE} Error: mean, absolute, in USD bn.", WIDTH)
        yield ""
    for target in every:
        own = scores[scores["target"] == target.id]
        counted = own[own["method"] == "nowcast"]["print_basis"].value_counts()
        for basis in (
            (None, "first_print") if LEAST_OF_ITS_OWN <= counted.get("first_print", 0) < counted.sum() else (None,)
        ):
            chosen = own if basis is None else own[own["print_basis"] == basis]
            if chosen.empty:
                continue
            against = ", ".join(f"{n} {BASIS_WORDS[str(name)]}" for name, n in counted.items() if basis in (None, name))
            yield f"{target.id}, {chosen['month'].min():%Y-%m} to {chosen['month'].max():%Y-%m}, against {against}:"
            yield f"  {'':<34}{'months':>7}{'R2':>7}{'sign':>7}{'error bn':>10}{'in 80%':>8}"
            for method, row in summary(chosen, target.claims_from_usd_mn).iterrows():
                yield _line(METHOD_WORDS[str(method)], row)
                if target.claims_from_usd_mn and method == "nowcast" and row["claimed"]:
                    yield (
                        f"  {'  of these, estimates from ' + billions_cell(target.claims_from_usd_mn, signed=False) + 'bn':<34}"
                        f"{row['claimed']:>7.0f}{'':>7}{rounded(row['claimed_right_pct'], 0):>6}%"
                    )


def _line(name: str, row: pd.Series) -> str:
    inside = f"{rounded(row['coverage_pct'], 0)}%" if is_known(row["coverage_pct"]) else ""
    sign = f"{rounded(row['right_sign_pct'], 0)}%" if name != METHOD_WORDS["zero"] else ""
    return (
        f"  {name:<34}{row['months']:>7.0f}{rounded(row['r_squared'], 2) + 0:>7}{sign:>7}"
        f"{billions_cell(row['mean_error_usd_mn'], signed=False):>10}{inside:>8}"
    )
