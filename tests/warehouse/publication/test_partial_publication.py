"""After a change only the tables that follow from it are made again, in a copy of the publication; the rest stays."""

from __future__ import annotations

from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import TODAY, a_copy, majors, table5
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.publication.publishing import OPERATIONS
from treasury_watch.warehouse.tables.building import Builder

FIRST = b"observation_date,WMTSECL1\n2026-06-10,2633409\n2026-06-17,2631291\n"
NEXT = FIRST + b"2026-06-24,2636947\n"
THEN = datetime(2026, 6, 25, 21, tzinfo=UTC)
RELEASE = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]))


def take(warehouse: Warehouse, body: bytes, retrieved: datetime) -> dict[str, int]:
    """Load a file and publish; rows by table made."""
    with warehouse.session("run", today=TODAY) as session:
        session.loader.load(IncomingFile(body, "file:any.csv", retrieved))
        return session.publish() or {}


def files(warehouse: Warehouse) -> dict[str, tuple[int, bytes]]:
    """When each Parquet file was written, and its bytes."""
    folder: Path = warehouse.home.parquet
    found = sorted(folder.rglob("*.parquet"))
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def as_rebuilt(warehouse: Warehouse) -> None:
    """Assert that a publication of everything leaves every file as it is, but for those on the runs."""
    before = files(warehouse)
    with warehouse.session("rebuild", today=TODAY) as session:
        session.publish(always=True)
    after = files(warehouse)
    kept = [name for name in after if name.removesuffix(".parquet") not in OPERATIONS]
    assert [name for name in kept if after[name][1] != before[name][1]] == []


@pytest.fixture(scope="module")
def history(tmp_path_factory, published_small, declarations):
    """A home whose custody grew by a week: what was made again, and its files before and after, and made whole."""
    warehouse = a_copy(published_small, tmp_path_factory.mktemp("partial"), declarations)
    take(warehouse, FIRST, THEN.replace(day=18))
    before = files(warehouse)
    made = take(warehouse, NEXT, THEN)
    after = files(warehouse)
    with open_published(warehouse.home.database) as connection:
        rows = connection.execute("SELECT date::TEXT, value, known_from::TEXT FROM signals ORDER BY date").fetchall()
    with warehouse.session("rebuild", today=TODAY) as session:
        session.publish(always=True)
    return made, before, after, files(warehouse), rows, warehouse


def test_a_week_of_custody_makes_its_own_tables_again_and_no_other(history):
    made, before, after, *_ = history
    assert set(made) == {"fed_custody", "signals", "nowcasts", "nowcast_scores", "releases", *OPERATIONS}
    untouched = {name for name in before if name.removesuffix(".parquet") not in made}
    assert "holder_months.parquet" in untouched
    assert {name: before[name] for name in untouched} == {name: after[name] for name in untouched}


def test_what_it_publishes_is_what_a_publication_of_everything_would_be(history):
    _, _, after, whole, *_ = history
    kept = [name for name in whole if name.removesuffix(".parquet") not in OPERATIONS]
    assert [name for name in kept if whole[name][1] != after[name][1]] == []


def test_the_new_week_is_there_with_the_day_on_which_it_was_public(history):
    *_, rows, _ = history
    assert rows[-1] == ("2026-06-24", 2636947.0, "2026-06-25")
    assert len(rows) == 3


def test_a_release_of_the_statistics_makes_all_that_follows_from_it_again(history):
    *_, warehouse = history
    made = take(warehouse, RELEASE, datetime(2026, 7, 18, 12, tzinfo=UTC))
    assert {"positions", "holder_months", "sell_offs", "risk_months", "revisions"} <= set(made)
    assert not {"fx_daily", "market_series", "fed_custody", "signals"} & set(made)
    with open_published(warehouse.home.database) as connection:
        query = "SELECT total_usd_mn FROM positions_as_of(DATE '9999-12-31') WHERE holder = 'Japan' AND month = '2026-05-01'"
        assert connection.execute(query).fetchall() == [(1_143_100.0,)]


def test_a_yield_that_no_estimate_rests_on_leaves_the_months_alone(history):
    *_, warehouse = history
    made = take(warehouse, b"observation_date,DGS3MO\n2026-06-10,4.2\n2026-06-11,4.3\n", THEN)
    assert {"market_series", "signals"} <= set(made)
    assert not {"price_returns", "holder_months", "positions", "risk_months"} & set(made)


def by_day(series: str, *days: str) -> bytes:
    """A file of FRED with a figure for each of these days."""
    rows = [f"{day},{150 + number / 10 if series == 'DEXJPUS' else 4 + number / 10}" for number, day in enumerate(days)]
    return "\n".join([f"observation_date,{series}", *rows, ""]).encode()


def test_a_yield_leaves_the_months_alone_until_its_own_month_is_over(history):
    *_, warehouse = history
    days = ["2026-05-27", "2026-05-28", "2026-05-29", "2026-06-01", "2026-06-02"]
    made = take(warehouse, by_day("DGS10", *days), THEN)
    assert {"price_returns", "real_yields", "implied_durations"} <= set(made)
    made = take(warehouse, by_day("DGS10", *days, "2026-06-03"), THEN.replace(month=7))
    assert {"market_series", "price_returns", "real_yields"} <= set(made)
    assert not {"holder_months", "sell_offs", "revised_findings", "risk_months"} & set(made)
    as_rebuilt(warehouse)


def test_a_rate_after_the_newest_month_leaves_the_months_alone_and_one_within_it_does_not(history):
    *_, warehouse = history
    later = ["2026-08-03", "2026-08-04"]
    made = take(warehouse, by_day("DEXJPUS", *later), THEN.replace(month=8, day=5))
    assert set(made) == {"fx_daily", "fx_disagreements", "currencies", "fx_monthly", "releases", *OPERATIONS}
    as_rebuilt(warehouse)
    made = take(warehouse, by_day("DEXJPUS", "2026-05-28", "2026-05-29", *later), THEN.replace(month=8, day=6))
    assert {"fx_monthly", "sell_offs", "risk_months"} <= set(made)
    assert not {"holder_months", "concentration_months", "revisions"} & set(made)


@pytest.mark.slow
def test_every_declared_table_is_made_by_one_step(history):
    *_, warehouse = history
    with warehouse.session("test", today=TODAY) as session:
        publisher = session.publisher
        builder = Builder("ledger", publisher.declarations, warehouse.archive)
        gate = SecondGate(session.ledger.connection, publisher.declarations, session.gates, TODAY)
        steps = publisher.steps(builder, gate, session.run_id)
        made = [name for step in steps for name in step.makes]
        for source in publisher.declarations.sources.values():  # whatever a file is of, its steps can be put in order
            some = publisher.steps(builder, gate, session.run_id, {source.id, source.holds})
            TopologicalSorter({step.name: [*step.takes, *step.needs, *step.after] for step in some}).prepare()
    assert sorted(made) == sorted(publisher.declarations.tables)
