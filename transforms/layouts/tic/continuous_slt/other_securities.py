"""Agency bonds, corporate bonds and equities in the Continuous SLT, as a table that takes little memory: its texts repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.layouts.cells import OBSERVATION_COLUMNS
from treasury_watch.transforms.model import Parsed, Source, security_measure

SERIES = re.compile(rb"for_lt_(agcy|corp|eqty)_(pos|net|valchg)_(\d+)")
SECURITIES = {b"agcy": "agency", b"corp": "corporate", b"eqty": "equity"}
AMOUNTS = {b"pos": "position", b"net": "net", b"valchg": "valuation"}
TEXTS = ("label", "code", "measure", "series")
# What one series says: label, code, measure, months and values.
Figures = tuple[str, str, str, np.ndarray, np.ndarray]


def measure_of(identifier: bytes) -> tuple[str, str] | None:
    """The measure and the code of a series on other securities, None for any other series."""
    named = SERIES.fullmatch(identifier)
    return (security_measure(SECURITIES[named[1]], AMOUNTS[named[2]]), named[3].decode()) if named else None


def parsed(found: Sequence[Figures], source: Source, ended_groups: tuple[tuple[str, str], ...]) -> Parsed | None:
    """The series as figures of the kind `securities`, texts as categories; None where there is no figure."""
    lengths = [len(months) for *_, months, _ in found]
    if not sum(lengths):
        return None
    stated = {
        "label": [label for label, *_ in found],
        "code": [code for _, code, *_ in found],
        "measure": [measure for _, _, measure, *_ in found],
        "series": [source.series] * len(found),
    }
    columns: dict[str, Any] = {name: pd.Categorical(values).repeat(lengths) for name, values in stated.items()}
    columns["month"] = np.concatenate([months for *_, months, _ in found])
    columns["value_usd_mn"] = np.concatenate([values for *_, values in found]) * source.scale_to_usd_mn + 0.0  # -0 is 0
    columns["line"] = pd.array([pd.NA], dtype="Int32").repeat(sum(lengths))
    return Parsed(source.layout, "securities", pd.DataFrame(columns)[OBSERVATION_COLUMNS], ended_groups=ended_groups)


def left_out(problems: Sequence[str]) -> tuple[str, ...]:
    """A note on the series that could not be read, if any."""
    if not problems:
        return ()
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    return (f"series of other securities are left out: {problems[0]}{more}",)


def with_holders(besides: Parsed, labels: list[dict[str, str]]) -> tuple[Parsed | None, tuple[str, ...]]:
    """The figures with `holder_id`, by their codes, and what was left out, a line each: codes that are not declared.

    None where nothing is left. Ended groups among these are not told, as those of Treasuries are. Raises LayoutError where
    two codes state one holder's figure.
    """
    known = {row["code"] for row in labels}
    stated = besides.table.drop_duplicates("code").astype(dict.fromkeys(TEXTS, "str")).reset_index(drop=True)
    unknown = stated[~stated["code"].isin(known)]
    ended = {code for code, _ in besides.ended_groups}
    told = [f"{row.code} ({row.label})" for row in unknown.itertuples() if row.code not in ended]
    notes = (f"other securities under unknown codes are left out: {', '.join(told)}",) if told else ()
    table = besides.table[~besides.table["code"].isin(unknown["code"])]
    if table.empty:
        return None, notes
    found = identified(stated[stated["code"].isin(known)], besides.layout, labels)
    holders = dict(zip(found["code"], found["holder_id"], strict=True))
    table = table.assign(holder_id=table["code"].map(holders).astype("category")).reset_index(drop=True)
    twice = table[table.duplicated(["holder_id", "month", "measure", "series"])]
    if len(twice):
        row = twice.iloc[0]
        place = f"one figure for {row['holder_id']} {row['month']:%Y-%m} {row['measure']}"
        raise LayoutError(besides.layout, f"code {row['code']}", place, "another one")
    return Parsed(besides.layout, besides.holds, table), notes
