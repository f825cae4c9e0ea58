"""Figures reported by the press: the project's own small CSV, each row with its release date and citation.

holder_id,month,measure,value_usd_bn,released,citation
japan,2024-04,total_position,1150.3,2024-06-18,Press on the TIC release of 18 June 2024
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import figure, month_of, text_of, within_length
from treasury_watch.transforms.model import Parsed, Source

HEADER = ["holder_id", "month", "measure", "value_usd_bn", "released", "citation"]
DECIMALS = 3


def recognise(body: bytes) -> bool:
    """Whether the content is a file of press figures."""
    return body.lstrip(b"\xef\xbb\xbf").lstrip().startswith(",".join(HEADER).encode())


def parse(body: bytes, source: Source) -> Parsed:
    """Every figure with its release and citation; a file of nothing but the header states none.

    The table has holder_id, released and citation besides. Raises LayoutError.
    """
    lines = lines_of(text_of(body, source.id), source.id)
    if next(lines, (1, []))[1] != HEADER:
        raise LayoutError(source.id, "line 1", ",".join(HEADER), "another header")
    rows = []
    for line, cells in lines:
        place = f"line {line}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(HEADER):
            raise LayoutError(source.id, place, f"{len(HEADER)} cells", str(len(cells)))
        holder, month_text, measure, value_text, released_text, citation = (cell.strip() for cell in cells)
        month = month_of(month_text)
        if month is None:
            raise LayoutError(source.id, f"{place}, column month", "a month such as 2024-04", month_text)
        try:
            released = date.fromisoformat(released_text)
        except ValueError as problem:
            raise LayoutError(
                source.id, f"{place}, column released", "a day such as 2024-06-18", released_text
            ) from problem
        if pd.Timestamp(released) < month + pd.offsets.MonthEnd(1):
            raise LayoutError(source.id, f"{place}, column released", "a day after the month's end", released_text)
        if not citation:
            raise LayoutError(source.id, f"{place}, column citation", "who reported the figure", "nothing")
        value = figure(
            value_text, source.id, f"{place}, column value_usd_bn", scale=source.scale_to_usd_mn, decimals=DECIMALS
        )
        if pd.isna(value):
            raise LayoutError(source.id, f"{place}, column value_usd_bn", "a figure", value_text or "nothing")
        rows.append((holder, month, measure, source.series, value, released, citation, line))
    names = ["holder_id", "month", "measure", "series", "value_usd_mn", "released", "citation", "line"]
    table = pd.DataFrame(rows, columns=names)
    table["month"] = table["month"].astype("datetime64[us]")
    table["value_usd_mn"] = table["value_usd_mn"].astype("float64")
    twice = table[table.duplicated(["holder_id", "month", "measure", "released"])]
    if len(twice):
        first = twice.iloc[0]
        raise LayoutError(
            source.id,
            f"line {first['line']}",
            "each figure once",
            f"{first['holder_id']} {first['month']:%Y-%m} a second time",
        )
    return Parsed(source.layout, "observations", table)


def lines_of(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every record; a cell in quotes may go over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for cells in reader:
            yield reader.line_num, within_length(cells)
    except csv.Error as problem:
        raise LayoutError(source, f"line {reader.line_num}", "comma-separated text", str(problem)) from problem
