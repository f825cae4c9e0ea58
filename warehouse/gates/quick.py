"""Expectations of the commonest types, told without Great Expectations, whose import alone takes seconds.

What is told here is what Great Expectations would find, as the tests see of every declared expectation, held and not held.
One of another type or with other words it judges itself, and so every one that keeps a file from being loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.warehouse.gates.suites import Expectation
from treasury_watch.warehouse.gates.wording import EXAMPLES

Outcome = dict[str, Any]
LIMITS = ("min_value", "max_value", "strict_min", "strict_max")


def outcomes(expectations: Sequence[Expectation], frame: pd.DataFrame) -> dict[str, Outcome]:
    """What Great Expectations would find, by name, for those that it need not be asked: `success` and the result's details."""
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
    return {"success": low <= len(rows) <= high, "observed_value": len(rows)} if known else None


def _known(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    return _checked(rows, rows[kwargs["column"]].isna()) if set(kwargs) == {"column"} else None


def _as_many(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    alike = len(rows) == kwargs["value"]
    return {"success": alike, "observed_value": len(rows)} if set(kwargs) == {"value"} else None


def _unknown(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    return _checked(rows, rows[kwargs["column"]].notna()) if set(kwargs) == {"column"} else None


def _in_set(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    if set(kwargs) != {"column", "value_set"}:
        return None
    column = rows[kwargs["column"]]
    strange = [value for value in column.dropna().unique() if value not in kwargs["value_set"]]
    return _checked(rows, column.isin(strange))


def _between(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    column = rows[kwargs["column"]]
    if set(kwargs) - {"column", *LIMITS} or not pd.api.types.is_numeric_dtype(column):
        return None
    low, high = kwargs.get("min_value", -np.inf), kwargs.get("max_value", np.inf)
    above = column > low if kwargs.get("strict_min") else column >= low
    below = column < high if kwargs.get("strict_max") else column <= high
    return _checked(rows, column.notna() & ~(above & below))


def _unique(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    columns = kwargs["column_list"]
    if set(kwargs) != {"column_list"} or rows[columns].isna().any(axis=None):
        return None
    return _checked(rows, rows.duplicated(columns, keep=False))


def _of_type(kwargs: Mapping[str, Any], rows: pd.DataFrame) -> Outcome | None:
    kind = rows[kwargs["column"]].dtype
    if set(kwargs) != {"column", "type_"} or not isinstance(kind, np.dtype):
        return None
    alike = kind.type.__name__ == kwargs["type_"]
    return {"success": True, "observed_value": kind.type.__name__} if alike else None


def _checked(rows: pd.DataFrame, wrong: pd.Series) -> Outcome:
    """The rows, and which are not as expected."""
    places = rows.index[wrong.to_numpy(dtype=bool)].tolist()
    return {
        "success": not places,
        "element_count": len(rows),
        "unexpected_count": len(places),
        "partial_unexpected_index_list": places[:EXAMPLES],
    }


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
