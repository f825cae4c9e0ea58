"""Declared tables as Arrow and Parquet: types, descriptions, and the same bytes for the same content."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.config_files.models.sections import COLUMN_TYPES
from treasury_watch.warehouse.declarations import Column, Table
from treasury_watch.warehouse.tables.declared_tables import (
    ARROW,
    SQL,
    TypeMismatch,
    fill,
    place_parquet,
    schema,
    typed,
    write_parquet,
)

TABLE = Table(
    "figures",
    "Figures of a test",
    ("source", "month"),
    (
        Column("source", "text", "Where from"),
        Column("month", "month", "First day of the month"),
        Column("value_usd_mn", "usd_mn", "The figure"),
        Column("line", "integer", "Line"),
        Column("wrong", "boolean", "Whether it is"),
        Column("seen", "timestamp", "When"),
    ),
)
PARTS = Table(TABLE.name, TABLE.description, TABLE.key, TABLE.columns, "source")


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "line": [4, None],
            "source": ["slt_table5", "fred:DGS2"],
            "month": pd.to_datetime(["2026-04-01", "2026-03-01"]),
            "value_usd_mn": [1209900.0, float("nan")],
            "wrong": [True, None],
            "seen": [pd.Timestamp("2026-07-01 12:00"), pd.NaT],
            "undeclared": "x",
        }
    )


def test_a_query_without_a_declared_column_is_named_with_its_table_and_what_to_add():
    with pytest.raises(
        ConfigurationError, match=r"tables.toml, figures: its query lacks .*\"month\".*warehouse/tables"
    ):
        fill(duckdb.connect(), TABLE, "SELECT 'mfh' AS source")


def test_a_frame_becomes_its_declared_columns_in_order_with_nan_as_null():
    content = typed(frame(), TABLE)
    assert content.schema.equals(schema(TABLE))
    assert content.to_pylist() == [
        {
            "source": "slt_table5", "month": date(2026, 4, 1), "value_usd_mn": 1209900.0, "line": 4, "wrong": True,
            "seen": datetime(2026, 7, 1, 12),
        },
        {
            "source": "fred:DGS2", "month": date(2026, 3, 1), "value_usd_mn": None, "line": None, "wrong": None,
            "seen": None,
        },
    ]  # fmt: skip


def test_a_column_that_is_nothing_but_null_keeps_its_declared_type():
    content = typed(frame().assign(month=pd.NaT, value_usd_mn=None, source=None), TABLE)
    assert content.schema.equals(schema(TABLE))
    assert content.column("month").null_count == 2


def test_an_empty_frame_keeps_the_declared_types():
    assert typed(pd.DataFrame(columns=TABLE.column_names), TABLE).schema.equals(schema(TABLE))


def test_a_declared_column_that_was_not_made_is_named():
    with pytest.raises(TypeMismatch, match=r"table figures: columns line, wrong are declared"):
        typed(frame().drop(columns=["line", "wrong"]), TABLE)


@pytest.mark.parametrize(
    ("column", "values"),
    [("value_usd_mn", ["n.a.", "1"]), ("line", [1.5, 2.0]), ("month", ["April", "March"])],
)
def test_a_value_of_another_type_names_table_and_column(column, values):
    with pytest.raises(TypeMismatch, match=f"table figures, column {column}"):
        typed(frame().assign(**{column: values}), TABLE)


def test_every_declared_type_has_an_arrow_and_a_database_type(declarations):
    types = {column.type for table in declarations.tables.values() for column in table.columns}
    assert types <= set(COLUMN_TYPES)
    assert set(COLUMN_TYPES) == set(ARROW) == set(SQL)


def published(content: pd.DataFrame, table: Table, folder: Path) -> None:
    """Written aside and moved into `folder`, of which nothing stays aside."""
    staged = folder.parent / "staged"
    write_parquet(typed(content, table), table, staged)
    place_parquet(staged, table, folder)
    assert [path for path in staged.rglob("*") if path.is_file()] == []


def test_parquet_carries_descriptions_and_units(tmp_path):
    write_parquet(typed(frame(), TABLE), TABLE, tmp_path)
    stored = pq.read_schema(tmp_path / "figures.parquet")
    assert stored.metadata[b"description"] == b"Figures of a test"
    field = stored.field("value_usd_mn")
    assert (field.metadata[b"description"], field.metadata[b"unit"]) == (b"The figure", b"USD millions")


def test_the_same_content_gives_the_same_bytes_and_leaves_the_file_alone(tmp_path):
    path = tmp_path / "parquet" / "figures.parquet"
    published(frame(), TABLE, path.parent)
    before = path.stat()
    body = path.read_bytes()
    published(frame(), TABLE, path.parent)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    published(frame(), TABLE, tmp_path / "other")
    assert (tmp_path / "other" / "figures.parquet").read_bytes() == body


def test_changed_content_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "parquet" / "figures.parquet"
    published(frame(), TABLE, path.parent)
    body = path.read_bytes()
    published(frame().assign(line=9), TABLE, path.parent)
    assert path.read_bytes() != body
    assert [p.name for p in path.parent.iterdir()] == ["figures.parquet"]


def test_a_partitioned_table_has_one_file_a_value_and_loses_those_that_are_gone(tmp_path):
    folder = tmp_path / "parquet"
    published(frame(), PARTS, folder)
    assert sorted(p.name for p in (folder / "figures").iterdir()) == ["source=fred_DGS2", "source=slt_table5"]
    found = duckdb.sql(
        f"SELECT source, value_usd_mn FROM read_parquet('{folder}/figures/*/*.parquet', hive_partitioning = false) "
        "ORDER BY source"
    ).fetchall()
    assert found == [("fred:DGS2", None), ("slt_table5", 1209900.0)]
    published(frame().iloc[:1], PARTS, folder)
    assert [p.name for p in (folder / "figures").iterdir()] == ["source=slt_table5"]
    published(frame().iloc[:0], PARTS, folder)
    assert list((folder / "figures").iterdir()) == []


def test_a_partitioned_table_whose_rows_are_not_in_the_order_of_its_parts_is_refused(tmp_path):
    mixed = pd.concat([frame(), frame().iloc[:1]], ignore_index=True)
    with pytest.raises(ValueError, match="not in order of source"):
        write_parquet(typed(mixed, PARTS), PARTS, tmp_path)
