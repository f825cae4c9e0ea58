"""What is published of the embedded sample: tables, columns, files, and Japan in 2024."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from tests.warehouse.publication.published_home import (
    japan,
    opened,
)
from treasury_watch.warehouse.tables.findings_as_known import findings_of


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
            "WHERE m.change_usd_mn IS NULL OR m.position_usd_mn IS NULL OR (s.rules <> ['exit'] "
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
