"""Publication: complete or not at all, and readable by anyone while it happens."""

from __future__ import annotations

import shutil
from datetime import date

import duckdb
import pytest

from tests.conftest import PROJECT, TODAY
from tests.warehouse.publication.published_home import (
    NEXT,
    OFFICIAL,
    content,
    japan,
    last_run,
    load,
    opened,
)
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.home.folders import Busy, Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.publication import publishing
from treasury_watch.warehouse.publication.publishing import FRAMES, QUERIES
from treasury_watch.warehouse.publication.steps import carry_out
from treasury_watch.warehouse.tables.building import Builder


def test_a_new_release_is_published_and_the_old_figures_stay_known(published_next):
    query = "SELECT total_usd_mn, source FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-05-01'"
    assert japan(published_next, query) == [(1_143_100, "slt_table5")]
    assert japan(published_next, query, date(2026, 7, 13)) == []


def test_a_reader_with_the_old_file_open_keeps_reading_it(small, tmp_path):
    query = "SELECT max(month) FROM positions"
    with opened(small.home.root) as reader:
        load(small, NEXT)
        assert reader.execute(query).fetchall() == [(date(2026, 4, 1),)]
        shutil.copy(small.home.database, tmp_path / "treasury.duckdb")
        with opened(tmp_path) as newcomer:
            assert newcomer.execute(query).fetchall() == [(date(2026, 5, 1),)]


@pytest.mark.parametrize("place", [pytest.param("write_parquet", marks=pytest.mark.slow), "move_into_place"])
def test_a_crash_before_the_move_leaves_the_last_good_file_and_the_next_run_repairs(small, monkeypatch, place):
    before = content(small.home.root)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, place, crash)
        with pytest.raises(KeyboardInterrupt):
            load(small, NEXT)
    after = content(small.home.root)
    if place == "move_into_place":  # of the database, which comes last
        before, after = (found.get("treasury.duckdb") for found in (before, after))
    assert after == before
    assert last_run(small)["outcome"] == "failed"
    small.home.root.joinpath("parquet.next").mkdir()  # as where the power failed, and nothing could be removed
    for left in (small.home.root / "parquet.next" / "positions.parquet", small.home.parquet / ".runs.parquet.next"):
        left.write_bytes(b"half")
    load(small, NEXT)  # the same bytes again: nothing new to load, yet not published
    query = "SELECT total_usd_mn FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-05-01'"
    assert japan(small.home.root, query) == [(1_143_100,)]
    parquet = f"read_parquet('{small.home.parquet}/positions.parquet')"
    assert duckdb.sql(f"SELECT max(month) FROM {parquet}").fetchall() == [(date(2026, 5, 1),)]
    assert list(small.home.root.rglob("*next*")) == []  # what the crash left is removed


def test_an_interruption_within_a_statement_ends_the_run_as_such_and_the_next_one_publishes(small, monkeypatch):
    before = content(small.home.root)

    def interrupted(_: Builder, connection: duckdb.DuckDBPyConnection, *__: object) -> None:
        connection.execute("BEGIN")  # as when what stands between BEGIN and COMMIT is interrupted
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "reconciled", interrupted)
        with small.session("ingest", today=TODAY) as session:
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    session.publish()
    assert content(small.home.root) == before
    load(small, NEXT)
    assert "parquet/revisions.parquet" in content(small.home.root)


@pytest.mark.slow
def test_every_step_declares_all_that_it_needs(small):
    """Each step is carried out in a database of its own, after those alone that it needs or that these need."""
    with small.session("test", today=TODAY) as session:
        connection, publisher = session.ledger.connection, session.publisher
        builder = Builder("ledger", publisher.declarations, small.archive)
        gate = SecondGate(connection, publisher.declarations, session.gates, TODAY)
        steps = {step.name: step for step in publisher.steps(builder, gate, session.run_id)}

        def needed(name: str) -> set[str]:
            return {name}.union(*map(needed, (*steps[name].takes, *steps[name].needs, *steps[name].after)))

        for name in steps:
            connection.execute("ATTACH ':memory:' AS alone")
            connection.execute("USE alone")
            with connection.cursor() as second:
                second.execute("USE alone")
                carry_out([steps[each] for each in needed(name)], {FRAMES: connection, QUERIES: second})
            connection.execute("USE ledger")
            connection.execute("DETACH alone")


def test_nothing_new_is_not_published_again(small):
    with small.session("run", today=TODAY) as session:
        assert session.is_published()
    small.home.database.unlink()
    with small.session("run", today=TODAY) as session:
        assert not session.is_published()


def test_a_changed_declaration_asks_for_publication(small, tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    with (tmp_path / "config" / "alert_rules.toml").open("a", encoding="utf-8") as rules:
        rules.write("# stricter\n")
    changed = Warehouse(small.home, Declarations(tmp_path / "config"))
    with changed.session("run", today=TODAY) as session:
        assert not session.is_published()


@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
def test_the_stale_table_replaces_no_position(sample):
    """It adds holders that the sample's own files leave out, in its own months."""
    query = "SELECT holder_id, month, source, total_usd_mn FROM positions_as_of(?)"
    before = set(japan(sample.home.root, query))
    load(sample, (OFFICIAL / "tic" / "mfh.txt").read_bytes())
    after = set(japan(sample.home.root, query))
    assert before <= after
    assert {(source, month <= date(2023, 1, 1)) for _, month, source, _ in after - before} == {("mfh", True)}
    with opened(sample.home.root) as connection:
        assert connection.execute("SELECT released FROM releases WHERE source = 'mfh'").fetchall() == [
            (date(2023, 3, 15),)
        ]
        known = connection.execute(
            "SELECT source FROM positions_as_of(DATE '2023-03-15') WHERE holder = 'Japan' AND month = '2023-01-01'"
        ).fetchall()
    assert known == [("mfh",)]


def test_operations_are_brought_up_to_date_and_all_else_stays(small, declarations):
    figures = content(small.home.root, operations=False)
    small.publisher(TODAY).refresh_operations()
    with opened(small.home.root) as connection:
        runs = connection.execute("SELECT command, outcome, finished IS NOT NULL FROM runs").fetchall()
        comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        macro = connection.execute("SELECT count(*) FROM positions_as_of(DATE '2024-07-18')").fetchall()
    assert runs == [("run", "published", True)]
    assert comments == {name: table.description for name, table in declarations.tables.items()}
    assert macro == [(4,)]
    assert int.from_bytes(small.home.database.read_bytes()[12:20], "little") == 64
    assert content(small.home.root, operations=False) == figures


def test_operations_wait_for_the_writer(small, monkeypatch):
    """A copy of the publication from before the run must not replace the run's own."""
    monkeypatch.setattr(publishing, "LOCK_WAIT_SECONDS", 0.05)
    with small.session("run"), pytest.raises(Busy):
        small.publisher(TODAY).refresh_operations()


def test_operations_of_a_home_without_a_publication_do_nothing(tmp_path, declarations):
    warehouse = Warehouse(Home(tmp_path / "home"), declarations)
    warehouse.publisher(TODAY).refresh_operations()
    assert not warehouse.home.database.exists()


def test_an_empty_ledger_is_not_published(tmp_path, declarations):
    warehouse = Warehouse(Home(tmp_path / "home"), declarations)
    with (
        pytest.raises(ValidationBlocked, match="there are positions"),
        warehouse.session("run", today=TODAY) as session,
    ):
        session.publish()
    assert not warehouse.home.database.exists()
