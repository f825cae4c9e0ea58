"""What an expectation found, in words for a reader who does not see the frame."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import shorten
from treasury_watch.warehouse.gates.suites import Expectation, Suite

EXAMPLES = 5


def found_in_words(suite: Suite, expectation: Expectation, result: Mapping[str, Any], frame: pd.DataFrame) -> str:
    """What an expectation found, in a few words."""
    if "unexpected_count" not in result:
        value = result.get("observed_value", "nothing")
        if expectation.type == "expect_table_row_count_to_equal":
            return f"{value:,} rows, expected {_text(expectation.kwargs['value'])}"
        return f"observed {shorten(_text(value), 200)}"
    rows, unexpected = result.get("element_count", 0), result["unexpected_count"]
    if not unexpected:
        return f"{rows:,} row{'' if rows == 1 else 's'} checked"
    wanted = [c for c in dict.fromkeys([*suite.key, *suite.show, *expectation.columns]) if c in frame.columns]
    flags = [c for c in expectation.columns if c in frame.columns and frame[c].dtype == bool]
    wanted = [column for column in wanted if column not in flags]  # alike in all unexpected rows
    examples = []
    for position in result.get("partial_unexpected_index_list", [])[:EXAMPLES]:
        row = frame.iloc[position]
        named = " ".join(_text(row[column], column) for column in wanted if column in suite.key)
        shown = ", ".join(f"{column} {_text(row[column], column)}" for column in wanted if column not in suite.key)
        examples.append(shorten(": ".join(filter(None, [named, shown])), 160))
    more = f"; and {unexpected - len(examples):,} more" if unexpected > len(examples) else ""
    return f"{unexpected:,} of {rows:,} row{'' if rows == 1 else 's'} unexpected ({'; '.join(examples)}{more})"


def _text(value: Any, column: str = "") -> str:
    """One value for a reader: dates without a time, numbers with thousands commas, nothing known as NULL."""
    if isinstance(value, (list, dict, set, tuple)):
        return str(value)
    if pd.isna(value):
        return "NULL"
    if isinstance(value, date):  # a datetime is one as well
        return value.strftime("%Y-%m" if "month" in column else "%Y-%m-%d")
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return str(value)
