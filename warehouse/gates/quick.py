"""Expectations that plainly hold, told without Great Expectations, which takes a second a file to say so.

Only the commonest types are known here, and only that they hold is ever said: one that may not hold, or is of another
kind, Great Expectations judges, and says what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.warehouse.gates.suites import Expectation

Outcome = dict[str, Any]


def outcomes(expectations: Sequence[Expectation], frame: pd.DataFrame) -> dict[str, Outcome]:
    """What Great Expectations would find, by name, for those that plainly hold."""
    found = {expectation.name: _outcome(expectation, frame) for expectation in expectations}
    return {name: outcome for name, outcome in found.items() if outcome is not None}


def _outcome(expectation: Expectation, frame: pd.DataFrame) -> Outcome | None:
    holds = HOLDS.get(expectation.type)
    if holds is None or not set(expectation.columns) <= set(frame.columns):
        return None
    rows = frame
    for column, operator, *value in expectation.rows:
        kept = _kept(rows[column], operator, *value)
        if kept is None:
            return None
        rows = rows[kept]
    return holds(expectation.kwargs, rows)


def _kept(column: pd.Series, operator: str, value: Any = None) -> pd.Series | None:
    """The rows that a condition keeps; None for an operator or a comparison with missing values, which others judge."""
    if operator == "known":
        return column.notna()
    if column.isna().any():
        return None
    if operator in ("==", "!="):
        return column.eq(value) if operator == "==" else column.ne(value)
    return column.isin(value) if operator == "in" else ~column.isin(value)


def _counted(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    low, high = kwargs.get("min_value", 0), kwargs.get("max_value", float("inf"))
    known = set(kwargs) <= {"min_value", "max_value"}
    return {"observed_value": len(rows)} if known and low <= len(rows) <= high else None


def _known(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    return _checked(rows) if set(kwargs) == {"column"} and rows[kwargs["column"]].notna().all() else None


def _as_many(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    return {"observed_value": len(rows)} if set(kwargs) == {"value"} and len(rows) == kwargs["value"] else None


def _unknown(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    return _checked(rows) if set(kwargs) == {"column"} and rows[kwargs["column"]].isna().all() else None


def _in_set(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    if set(kwargs) != {"column", "value_set"}:
        return None
    stated = rows[kwargs["column"]].dropna().unique()
    allowed = kwargs["value_set"]
    return _checked(rows) if all(value in allowed for value in stated) else None


def _between(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    column = rows[kwargs["column"]]
    if set(kwargs) - {"column", "min_value", "max_value"} or not pd.api.types.is_numeric_dtype(column):
        return None
    low, high = kwargs.get("min_value", -np.inf), kwargs.get("max_value", np.inf)
    return _checked(rows) if column.dropna().between(low, high).all() else None


def _unique(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    columns = kwargs["column_list"]
    if set(kwargs) != {"column_list"} or rows[columns].isna().any(axis=None) or rows.duplicated(columns).any():
        return None
    return _checked(rows)


def _of_type(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    kind = rows[kwargs["column"]].dtype
    if set(kwargs) != {"column", "type_"} or not isinstance(kind, np.dtype):
        return None
    return {"observed_value": kind.type.__name__} if kind.type.__name__ == kwargs["type_"] else None


def _checked(rows: pd.DataFrame) -> Outcome:
    """All rows as expected."""
    return {"element_count": len(rows), "unexpected_count": 0}


HOLDS: dict[str, Callable[[Mapping[str, Any], pd.DataFrame], Outcome | None]] = {
    "expect_table_row_count_to_be_between": _counted,
    "expect_table_row_count_to_equal": _as_many,
    "expect_column_values_to_not_be_null": _known,
    "expect_column_values_to_be_null": _unknown,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_be_between": _between,
    "expect_compound_columns_to_be_unique": _unique,
    "expect_column_values_to_be_of_type": _of_type,
}
