"""Answers of DuckDB as pandas frames with categories."""

from __future__ import annotations

import duckdb
import pandas as pd

from treasury_watch.warehouse.categorical_frames import with_categories

FIGURES = """
SELECT * FROM (VALUES ('slt_table5', DATE '2026-04-01', 1.5), ('mfhhis01', DATE '2026-03-01', NULL), (NULL, NULL, 2.0))
    AS figures(source, month, value_usd_mn)
"""


def test_texts_are_categories_in_the_order_of_the_alphabet_and_dates_are_dates():
    with duckdb.connect() as connection:
        frame = with_categories(connection.sql(FIGURES))
    assert frame["source"].cat.categories.tolist() == ["mfhhis01", "slt_table5"]
    assert frame.sort_values("source")["source"].tolist()[:2] == ["mfhhis01", "slt_table5"]
    assert frame["month"].tolist()[:2] == [pd.Timestamp("2026-04-01"), pd.Timestamp("2026-03-01")]


def test_null_is_unknown_whatever_the_type():
    with duckdb.connect() as connection:
        frame = with_categories(connection.sql(FIGURES))
    assert frame.isna().to_numpy().tolist() == [[False, False, False], [False, False, True], [True, True, False]]


def test_an_empty_answer_has_the_columns():
    with duckdb.connect() as connection:
        frame = with_categories(connection.sql(FIGURES + " WHERE source = 'ecb'"))
    assert frame.columns.tolist() == ["source", "month", "value_usd_mn"]
    assert len(frame) == 0
