"""A new kind of series is its declaration, a source and a table: everything from the parser to freshness follows."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from tests.conftest import PROJECT, RETRIEVED, TODAY
from treasury_watch.transforms.kinds import KINDS, Kind
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import freshness, newest_figures
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile

SOURCE = """
[fred.auctions]
BIDS = { title = "Bids", unit = "ratio", rhythm = "weekly", stale_after_days = 9, zero_is_missing_before = 2026-06-10 }
"""
TABLE = """
[tables.auctions]
description = "Bids at auctions"
key = ["series_id", "date"]
columns = ["series_id", "date", "value", "unit", "source", "sha256"]
"""


@pytest.fixture
def declarations_with_auctions(tmp_path, monkeypatch) -> Declarations:
    kind = Kind("auctions", keys=("series_id", "date"), value="value", published="auctions")
    monkeypatch.setitem(KINDS, kind.name, kind)
    folder = tmp_path / "config"
    shutil.copytree(PROJECT / "config", folder)
    for name, text in (("sources.toml", SOURCE), ("tables.toml", TABLE)):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
    return Declarations(folder)


@pytest.mark.slow
def test_a_declared_kind_is_loaded_published_and_judged(declarations_with_auctions, tmp_path, published_small):
    shutil.copytree(published_small, tmp_path / "home")
    warehouse = Warehouse(Home(tmp_path / "home"), declarations_with_auctions)
    body = b"observation_date,BIDS\n2026-06-03,0\n2026-06-10,2.5\n2026-06-17,0\n"
    with warehouse.session("ingest", today=TODAY) as session:
        loaded = session.loader.load(IncomingFile(body, "file:bids.csv", RETRIEVED))
        session.publish()
    assert (loaded.source, loaded.outcome, loaded.figures, loaded.last) == (
        "fred:BIDS",
        "vintage",
        2,
        date(2026, 6, 17),
    )
    with open_published(warehouse.home.database) as connection:
        rows = connection.execute("SELECT series_id, date, value, unit, source FROM auctions").fetchall()
        newest = newest_figures(connection)
    assert rows == [
        ("BIDS", date(2026, 6, 10), 2.5, "ratio", "fred:BIDS"),
        ("BIDS", date(2026, 6, 17), 0.0, "ratio", "fred:BIDS"),
    ]
    judged = freshness({"fred:BIDS": newest["fred:BIDS"]}, declarations_with_auctions, date(2026, 6, 28))
    assert [(item.due, item.days_late) for item in judged] == [(date(2026, 6, 26), 2)]
