"""Writes config/labelled_months.csv from a published database: `python -m treasury_watch.flows.scoring.labelled_months`.

Run before rules are changed, never to fit them. Rows that were decided by hand stay as they are.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pandas as pd

from treasury_watch.flows.log.progress import with_bar
from treasury_watch.flows.scoring.backtest import history_of, scored_months, stored
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.backtest.alarms import SPAN, alarming, as_spans, as_they_stood, published_months
from treasury_watch.transforms.backtest.labels import AS_IT_STOOD, COLUMNS, FILE, labelled, largest_unflagged, set_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.tables.findings_as_known import months_of


def listed(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> pd.DataFrame:
    """What wants a label: SPAN and `listed_for`.

    Every published alarm of the scored months (by its severity), runs as they stood at an earlier month where that alarmed
    too (AS_IT_STOOD), and the largest falls that no published alarm covers (`fall` or `net sales`).
    """
    scored = scored_months(declarations)
    published = as_spans(connection.execute("FROM sell_offs").df(), connection.execute("FROM episodes").df())
    alarms = alarming(published)
    inside = alarms[alarms["end_month"].between(scored.first, scored.last)]
    months, official, holders = months_of(connection)
    falls = largest_unflagged(months, alarms, scored.first, scored.last, scored.unflagged_falls)
    replay = with_bar(published_months(months, scored.first, scored.last), "Replaying")
    earlier = alarming(as_they_stood(months, official, holders, declarations.rules, replay))
    rows = [inside.rename(columns={"severity": "listed_for"}), falls, earlier.assign(listed_for=AS_IT_STOOD)]
    return pd.concat([table[[*SPAN, "listed_for"]] for table in rows]).drop_duplicates(SPAN).reset_index(drop=True)


def labels(connection: duckdb.DuckDBPyConnection, declarations: Declarations) -> pd.DataFrame:
    """The file's rows, oldest first, with COLUMNS."""
    found = labelled(listed(connection, declarations), history_of(connection, declarations)).assign(
        decided_by="figures"
    )
    known = stored(declarations)
    by_hand = known[known["decided_by"] == "hand"].set_index(SPAN)
    for place, span in zip(found.index, found[SPAN].itertuples(index=False, name=None), strict=True):
        if span in by_hand.index:
            decision = by_hand.loc[span]
            found.loc[place, ["label", "decided_by", "evidence"]] = [decision["label"], "hand", decision["evidence"]]
    found["set"] = set_of(found["end_month"], scored_months(declarations).test_from)
    return found.sort_values(["end_month", "holder_id", "start_month"])[COLUMNS]


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the rows; months as 2024-05."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in table.to_dict("records"):
            writer.writerow([f"{value:%Y-%m}" if isinstance(value, pd.Timestamp) else value for value in row.values()])


if __name__ == "__main__":
    settings = Settings()
    with open_published(settings.home().database) as published:
        write(labels(published, settings.declarations), settings.declarations.folder / FILE)
