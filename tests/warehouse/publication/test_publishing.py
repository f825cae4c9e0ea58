"""Publication: complete or not at all, readable by anyone, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from tests.conftest import PROJECT, TODAY, majors, table5
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged, quarantined
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.gates.freshness import newest_figures
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.home.folders import Busy, Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.withdrawal import find_archived
from treasury_watch.warehouse.publication import publishing
from treasury_watch.warehouse.publication.publishing import FRAMES, OPERATIONS, QUERIES
from treasury_watch.warehouse.publication.steps import carry_out
from treasury_watch.warehouse.tables.building import Builder
from treasury_watch.warehouse.tables.findings_as_known import CURRENT, findings_of

OFFICIAL = PROJECT / ".." / "shared" / "official"
JULY = datetime(2026, 7, 15, 12, tzinfo=UTC)
RATES = b"observation_date,DEXJPUS\n2026-07-08,161.2\n2026-07-09,160.9\n2026-07-10,161.4\n"
NEXT = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]))


@contextmanager
def opened(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(root / "treasury.duckdb"), read_only=True) as connection:
        yield connection


def load(warehouse: Warehouse, body: bytes, retrieved: datetime = JULY) -> None:
    """One run as the command line does it: load, publish unless published."""
    with warehouse.session("ingest", today=retrieved.date()) as session:
        session.loader.load(IncomingFile(body, url="file:any.txt", retrieved=retrieved))
        if not session.is_published():
            session.publish()


def content(root: Path, *, operations: bool = True) -> dict[str, str]:
    """Checksums of the published files."""
    files = [root / "treasury.duckdb", *(root / "parquet").rglob("*.parquet")] if operations else [
        path for path in (root / "parquet").rglob("*.parquet") if path.stem not in OPERATIONS
    ]  # fmt: skip
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def last_run(warehouse: Warehouse) -> dict:
    return warehouse.state.rows("SELECT * FROM runs ORDER BY rowid DESC LIMIT 1")[0]


def japan(root: Path, query: str, day: date = CURRENT) -> list[tuple]:
    with opened(root) as connection:
        return connection.execute(query, [day]).fetchall()


# ------------------------------------------------------------------------------------------------ what is published


def test_every_table_and_column_is_commented_as_declared(loaded_sample, declarations):
    with opened(loaded_sample) as connection:
        tables = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        columns = connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert tables == {name: table.description for name, table in declarations.tables.items()}
    declared = {(name, c.name, c.description) for name, table in declarations.tables.items() for c in table.columns}
    assert set(columns) == declared


def test_the_file_can_be_opened_by_clients_from_duckdb_0_10_on(loaded_sample):
    with opened(loaded_sample) as connection:
        (tags,) = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'treasury'").fetchone()
    assert tags["storage_version"].startswith("v1.0.0")
    header = (loaded_sample / "treasury.duckdb").read_bytes()[:20]
    assert (header[8:12], int.from_bytes(header[12:], "little")) == (b"DUCK", 64)


def test_the_file_stands_alone_without_ledger_log_or_staged_files(loaded_sample, tmp_path):
    shutil.copy(loaded_sample / "treasury.duckdb", tmp_path)
    with opened(tmp_path) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM positions_as_of(DATE '2026-06-18')").fetchall() == [(True,)]
    assert [path.name for path in loaded_sample.glob("*next*")] == []
    assert not (loaded_sample / "treasury.duckdb.wal").exists()


def test_parquet_and_the_database_hold_the_same_rows(loaded_sample, declarations):
    with opened(loaded_sample) as connection:
        for name, table in declarations.tables.items():
            path = loaded_sample / "parquet" / (f"{name}/*/data" if table.partition else name)
            parquet = f"read_parquet('{path}.parquet', hive_partitioning = false)"
            for left, right in ((name, parquet), (parquet, name)):
                assert connection.execute(f"FROM {left} EXCEPT ALL FROM {right}").fetchall() == [], name


def test_keys_are_unique_in_every_table(loaded_sample, declarations):
    with opened(loaded_sample) as connection:
        for name, table in declarations.tables.items():
            keys = ", ".join(table.key)
            twice = connection.execute(f"SELECT {keys} FROM {name} GROUP BY {keys} HAVING count(*) > 1").fetchall()
            assert twice == [], name


def test_no_total_is_ranked_among_countries(loaded_sample):
    with opened(loaded_sample) as connection:
        ranked = connection.execute(
            "SELECT holder FROM holder_months WHERE month = DATE '2026-04-01' AND position_usd_mn IS NOT NULL "
            "ORDER BY position_usd_mn DESC LIMIT 3"
        ).fetchall()
        mixed = connection.execute(
            "SELECT DISTINCT h.kind FROM holder_months JOIN holders h USING (holder_id) "
            "UNION ALL SELECT kind FROM aggregate_months WHERE kind = 'country'"
        ).fetchall()
    assert ranked == [("Japan",), ("United Kingdom",), ("China, Mainland",)]
    assert mixed == [("country",)]


def test_the_parts_add_up_to_the_change_in_every_month(loaded_sample):
    with opened(loaded_sample) as connection:
        (known, worst) = connection.execute(
            "SELECT count(other_usd_mn), "
            "max(abs(change_usd_mn - net_purchases_usd_mn - valuation_usd_mn - other_usd_mn)) "
            "FROM (SELECT * EXCLUDE (kind) FROM aggregate_months UNION ALL FROM holder_months)"
        ).fetchone()
    assert known > 1000
    assert worst == 0


def test_japan_in_2024_was_repriced_in_april_and_sold_in_may(loaded_sample):
    with opened(loaded_sample) as connection:
        flagged = connection.execute(
            "SELECT strftime(month, '%Y-%m'), verdict, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn, "
            "other_usd_mn, round(interventions_usd_mn) < -30000 "
            "FROM sell_offs WHERE holder = 'Japan' AND month BETWEEN '2024-01-01' AND '2024-12-01'"
        ).fetchall()
        runs = connection.execute(
            "SELECT rule, strftime(start_month, '%Y-%m'), strftime(end_month, '%Y-%m'), months, change_usd_mn, "
            "net_purchases_usd_mn, valuation_usd_mn FROM episodes "
            "WHERE holder = 'Japan' AND start_month = '2024-04-01' ORDER BY rule"
        ).fetchall()
    assert flagged == [
        ("2024-04", "repriced", -40_921, -11_830, -29_824, 733, True),
        ("2024-05", "sold", -20_141, -23_870, 7_252, -3_523, False),
        ("2024-06", "sold", -14_535, -24_639, 13_367, -3_263, None),
    ]
    assert runs == [
        ("fall", "2024-04", "2024-06", 3, -75_597, -60_339, -9_205),
        ("net_sale", "2024-04", "2024-09", 6, -71_517, -94_285, 26_164),
    ]


def test_the_sample_flags_no_month_whose_change_is_unknown_and_no_small_holder(loaded_sample):
    with opened(loaded_sample) as connection:
        (wrong,) = connection.execute(
            "SELECT count(*) FROM sell_offs s LEFT JOIN "
            "(FROM holder_months UNION ALL BY NAME FROM aggregate_months) m USING (holder_id, month) "
            "WHERE m.change_usd_mn IS NULL OR m.position_usd_mn IS NULL OR (s.rule <> 'exit' "
            "AND least(s.change_usd_mn, s.net_purchases_usd_mn, s.net_long_term_usd_mn) > -10000)"
        ).fetchone()
        (found,) = connection.execute("SELECT count(*) FROM sell_offs").fetchone()
    assert found > 20
    assert wrong == 0


@pytest.mark.parametrize(
    ("day", "figures"),
    [
        (date(2024, 6, 17), []),
        (date(2024, 6, 18), [1_187_800, 1_150_300]),
        (date(2024, 7, 18), [1_187_800, 1_150_300, 1_128_300]),
        (date(2024, 8, 15), [1_187_800, 1_150_300, 1_128_300, 1_117_700]),
    ],
)
def test_japan_as_it_was_known_in_2024(loaded_sample, day, figures):
    query = "SELECT total_usd_mn, evidence FROM positions_as_of(?) WHERE holder = 'Japan' ORDER BY month"
    assert japan(loaded_sample, query, day) == [(figure, "press") for figure in figures]


def test_japan_as_it_is_known_now(loaded_sample):
    query = (
        "SELECT total_usd_mn FROM positions_as_of(?) "
        "WHERE holder = 'Japan' AND month BETWEEN '2024-03-01' AND '2024-05-01' ORDER BY month"
    )
    assert japan(loaded_sample, query) == [(1_167_015,), (1_126_094,), (1_105_953,)]


def test_findings_as_of_august_2024_are_three_months_without_an_explanation(loaded_sample, declarations):
    with opened(loaded_sample) as connection:
        _, runs = findings_of(connection, declarations.rules, date(2024, 8, 15))
    (row,) = runs.to_dict("records")
    assert (row["holder"], row["rule"], row["months"], row["change_usd_mn"]) == ("Japan", "fall", 3, -70_100)
    assert row["verdict"] == "unexplained"


def test_the_same_findings_come_from_the_views_at_the_end_of_time(loaded_sample, declarations):
    with opened(loaded_sample) as connection:
        flagged, runs = findings_of(connection, declarations.rules)
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM sell_offs), (SELECT count(*) FROM episodes)"
        ).fetchone()
    assert (len(flagged), len(runs)) == counted


# ---------------------------------------------------------------------------------------- a new release, and refusals


def test_a_new_release_is_published_and_the_old_figures_stay_known(sample):
    load(sample, NEXT)
    query = "SELECT total_usd_mn, source FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-05-01'"
    assert japan(sample.home.root, query) == [(1_143_100, "slt_table5")]
    assert japan(sample.home.root, query, date(2026, 7, 13)) == []


def test_a_reader_with_the_old_file_open_keeps_reading_it(sample, tmp_path):
    query = "SELECT max(month) FROM positions"
    with opened(sample.home.root) as reader:
        load(sample, NEXT)
        assert reader.execute(query).fetchall() == [(date(2026, 4, 1),)]
        shutil.copy(sample.home.database, tmp_path / "treasury.duckdb")
        with opened(tmp_path) as newcomer:
            assert newcomer.execute(query).fetchall() == [(date(2026, 5, 1),)]


def test_the_first_gate_leaves_the_publication_byte_for_byte(sample):
    before = content(sample.home.root)
    with pytest.raises(ValidationBlocked):
        load(sample, NEXT.replace(b"9000.0", b"90000.0"))
    assert content(sample.home.root) == before
    assert last_run(sample)["outcome"] == "blocked"


def test_a_file_that_the_second_gate_stops_is_set_aside_and_poisons_nothing(sample):
    before = content(sample.home.root)
    wrong = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]), off=40.0)
    with sample.session("ingest", today=JULY.date()) as session:
        loaded = session.loader.load(IncomingFile(wrong, url="file:any.txt", retrieved=JULY))
        assert session.publish() is None  # what is left is published already
    assert content(sample.home.root) == before
    assert list(sample.home.root.glob("*next*")) == []
    [aside] = session.set_aside
    assert (aside.entry.source, aside.entry.sha256) == ("slt_table5", loaded.sha256)
    kept = sample.archive.find("slt_table5", loaded.sha256)
    assert "the newest month of Table 5 adds up" in str(kept.refused)
    assert sample.archive.body(kept) == wrong
    assert [entry.sha256 for entry in quarantined(sample.archive.entries())] == [loaded.sha256]
    load(sample, NEXT, datetime(2026, 7, 16, tzinfo=UTC))  # the mended file is the release, for the other never stood
    query = (
        "SELECT total_usd_mn, evidence, released FROM positions_as_of(?) "
        "WHERE holder_id = 'grand_total' AND month = '2026-05-01'"
    )
    assert japan(sample.home.root, query) == [(9_000_000, "release", date(2026, 7, 14))]
    assert quarantined(sample.archive.entries()) == []  # its address was read without fault since


def test_of_several_new_files_only_the_one_that_blocks_is_set_aside(sample):
    slipped = majors([1.2, 1209.9, 1191.6])  # a thousandth: no position moves so
    bad = table5(["2026-05", "2026-04", "2026-03"], slipped)
    with sample.session("ingest", today=JULY.date()) as session:  # it ended before it came to publish
        session.loader.load(IncomingFile(bad, url="file:bad.txt", retrieved=JULY))
    with sample.session("ingest", today=JULY.date()) as session:
        session.loader.load(IncomingFile(RATES, url="file:rates.csv", retrieved=JULY))
        assert session.publish() is not None
    assert [aside.entry.url for aside in session.set_aside] == ["file:bad.txt"]
    assert "no position moved by a factor near 1,000" in str(session.set_aside[0].problem)
    with opened(sample.home.root) as connection:
        assert connection.execute("SELECT max(date)::TEXT FROM fx_daily WHERE source = 'fred:DEXJPUS'").fetchall() == [
            ("2026-07-10",)
        ]
        assert connection.execute("SELECT max(month)::TEXT FROM positions").fetchall() == [("2026-04-01",)]
    assert last_run(sample)["outcome"] == "published"


def test_a_withdrawn_file_leaves_the_tables_with_its_reason_and_stays_out_until_that_is_undone(sample):
    load(sample, NEXT)
    newest = "SELECT max(month) FROM positions_as_of(?)"
    assert japan(sample.home.root, newest) == [(date(2026, 5, 1),)]
    entry = find_archived(sample.archive, hashlib.sha256(NEXT).hexdigest()[:10])
    with sample.session("withdraw", today=JULY.date()) as session:
        assert session.withdraw(entry, "served by mistake") == []
        session.publish()
    assert japan(sample.home.root, newest) == [(date(2026, 4, 1),)]
    stated = "SELECT released, withdrawn, last_month, changed_figures FROM releases WHERE withdrawn IS NOT NULL"
    with opened(sample.home.root) as connection:
        assert connection.execute(stated).fetchall() == [(date(2026, 7, 14), "served by mistake", None, None)]
        assert newest_figures(connection)["slt_table5"] == date(2026, 4, 1)
    assert sample.archive.body(entry) == NEXT
    with sample.session("ingest", today=JULY.date()) as session:
        again = session.loader.load(IncomingFile(NEXT, url="file:any.txt", retrieved=JULY))
        assert again.outcome == "withdrawn"
        assert f"withdrawn on {datetime.now(UTC):%Y-%m-%d}: served by mistake" in again.line()
        assert f"`treasury-watch withdraw {entry.sha256[:12]} --undo`" in again.line()
        assert session.is_published()
    sample.rebuild(today=JULY.date())
    assert japan(sample.home.root, newest) == [(date(2026, 4, 1),)]
    with sample.session("withdraw", today=JULY.date()) as session:
        session.undo_withdrawal(find_archived(sample.archive, entry.sha256))
        session.publish()
    assert japan(sample.home.root, newest) == [(date(2026, 5, 1),)]


def test_where_no_new_file_is_to_blame_all_stay_and_the_publication_is_held_back(sample, tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    path = tmp_path / "config" / "validation.toml"
    text = path.read_text(encoding="utf-8")
    wanted = 'name = "there are positions"\ntype = "expect_table_row_count_to_be_between"\nkwargs = { min_value = 1 }'
    path.write_text(text.replace(wanted, wanted.replace("= 1 }", "= 999999 }")), encoding="utf-8")
    strict = Warehouse(sample.home, Declarations(tmp_path / "config"))
    before = content(sample.home.root)
    with pytest.raises(ValidationBlocked, match="there are positions"):
        load(strict, NEXT)
    assert content(sample.home.root) == before
    assert last_run(sample)["outcome"] == "blocked"
    assert quarantined(sample.archive.entries()) == []
    load(sample, RATES)  # as soon as the check is mended, what was loaded is published
    assert japan(sample.home.root, "SELECT max(month) FROM positions_as_of(?)") == [(date(2026, 5, 1),)]


@pytest.mark.parametrize("place", [pytest.param("write_parquet", marks=pytest.mark.slow), "move_into_place"])
def test_a_crash_before_the_move_leaves_the_last_good_file_and_the_next_run_repairs(sample, monkeypatch, place):
    before = content(sample.home.root)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, place, crash)
        with pytest.raises(KeyboardInterrupt):
            load(sample, NEXT)
    after = content(sample.home.root)
    if place == "move_into_place":  # of the database, which comes last
        before, after = (found.get("treasury.duckdb") for found in (before, after))
    assert after == before
    assert last_run(sample)["outcome"] == "failed"
    load(sample, NEXT)  # the same bytes again: nothing new to load, yet not published
    query = "SELECT total_usd_mn FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-05-01'"
    assert japan(sample.home.root, query) == [(1_143_100,)]
    parquet = f"read_parquet('{sample.home.parquet}/positions.parquet')"
    assert duckdb.sql(f"SELECT max(month) FROM {parquet}").fetchall() == [(date(2026, 5, 1),)]
    assert list(sample.home.root.glob("*next*")) == []


def test_an_interruption_within_a_statement_ends_the_run_as_such_and_the_next_one_publishes(sample, monkeypatch):
    before = content(sample.home.root)

    def interrupted(_: Builder, connection: duckdb.DuckDBPyConnection, *__: object) -> None:
        connection.execute("BEGIN")  # as when what stands between BEGIN and COMMIT is interrupted
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "reconciled", interrupted)
        with sample.session("ingest", today=TODAY) as session:
            for _ in range(2):
                with pytest.raises(KeyboardInterrupt):
                    session.publish()
    assert content(sample.home.root) == before
    load(sample, NEXT)
    assert "parquet/revisions.parquet" in content(sample.home.root)


@pytest.mark.slow
def test_every_step_declares_all_that_it_needs(sample):
    """Each step is carried out in a database of its own, after those alone that it needs or that these need."""
    with sample.session("test", today=TODAY) as session:
        connection, publisher = session.ledger.connection, session.publisher
        builder = Builder("ledger", publisher.declarations, sample.archive)
        gate = SecondGate(connection, publisher.declarations, session.gates, TODAY)
        steps = {step.name: step for step in publisher.steps(builder, gate, session.run_id)}

        def needed(name: str) -> set[str]:
            return {name}.union(*map(needed, (*steps[name].takes, *steps[name].needs)))

        for name in steps:
            connection.execute("ATTACH ':memory:' AS alone")
            connection.execute("USE alone")
            with connection.cursor() as second:
                second.execute("USE alone")
                carry_out([steps[each] for each in needed(name)], {FRAMES: connection, QUERIES: second})
            connection.execute("USE ledger")
            connection.execute("DETACH alone")


def test_what_a_crash_left_among_the_published_files_is_removed(sample):
    sample.home.root.joinpath("parquet.next").mkdir()
    left = [sample.home.root / "parquet.next" / "positions.parquet", sample.home.parquet / ".runs.parquet.next"]
    for path in left:
        path.write_bytes(b"half")
    load(sample, NEXT)
    assert not any(path.exists() for path in left)
    assert list(sample.home.root.glob("*next*")) == []


def test_nothing_new_is_not_published_again(sample):
    with sample.session("run", today=TODAY) as session:
        assert session.is_published()
    sample.home.database.unlink()
    with sample.session("run", today=TODAY) as session:
        assert not session.is_published()


def test_a_changed_declaration_asks_for_publication(sample, tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    with (tmp_path / "config" / "alert_rules.toml").open("a", encoding="utf-8") as rules:
        rules.write("# stricter\n")
    changed = Warehouse(sample.home, Declarations(tmp_path / "config"))
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


# ------------------------------------------------------------------------------------------------ runs, locks, rebuild


def test_operations_are_brought_up_to_date_and_all_else_stays(sample, declarations):
    figures = content(sample.home.root, operations=False)
    sample.publisher(TODAY).refresh_operations()
    with opened(sample.home.root) as connection:
        runs = connection.execute("SELECT command, outcome, finished IS NOT NULL FROM runs").fetchall()
        comments = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        macro = connection.execute("SELECT count(*) FROM positions_as_of(DATE '2024-07-18')").fetchall()
    assert runs == [("run", "published", True)]
    assert comments == {name: table.description for name, table in declarations.tables.items()}
    assert macro == [(4,)]
    assert int.from_bytes(sample.home.database.read_bytes()[12:20], "little") == 64
    assert content(sample.home.root, operations=False) == figures


def test_operations_wait_for_the_writer(sample, monkeypatch):
    """A copy of the publication from before the run must not replace the run's own."""
    monkeypatch.setattr(publishing, "LOCK_WAIT_SECONDS", 0.05)
    with sample.session("run"), pytest.raises(Busy):
        sample.publisher(TODAY).refresh_operations()


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


@pytest.mark.slow
def test_a_rebuild_gives_the_bytes_of_the_incremental_load(sample):
    """Another release is slotted in first, so that the incremental ledger is not simply the archive's order."""
    load(sample, NEXT)
    load(sample, table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0])))
    before = content(sample.home.root, operations=False)
    sample.rebuild(today=JULY.date())
    assert content(sample.home.root, operations=False) == before
    assert last_run(sample)["outcome"] == "published"
    with sample.session("run", today=JULY.date()) as session:
        assert session.is_published()


@pytest.mark.slow
def test_two_rebuilds_give_the_same_bytes(sample):
    contents = []
    for _ in range(2):
        sample.rebuild(today=TODAY)
        contents.append(content(sample.home.root, operations=False))
    assert contents[0] == contents[1]


def test_a_rebuild_stopped_by_damage_keeps_ledger_and_publication(sample):
    before = content(sample.home.root)
    (entry,) = sample.archive.entries("slt_table3")
    sample.archive.path(entry).write_bytes(b"rot")
    with pytest.raises(ArchiveDamaged, match=entry.sha256):
        sample.rebuild(today=TODAY)
    assert content(sample.home.root) == before
    assert last_run(sample)["outcome"] == "failed"
    with sample.session("run", today=TODAY) as session:
        assert session.is_published()
        assert session.ledger.newest("slt_table3") == date(2026, 6, 18)


@pytest.mark.slow
def test_a_rebuild_makes_a_ledger_of_another_version_anew(sample):
    with duckdb.connect(str(sample.home.ledger)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    sample.rebuild(today=TODAY)
    with sample.session("run", today=TODAY) as session:
        assert session.ledger.newest("slt_table5") == date(2026, 6, 18)
