"""Table 5: the current major holders. One column a month (newest first), USD billions: tab- or comma-separated, or HTML."""

from __future__ import annotations

import codecs

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.layouts.cells import (
    TRUNCATED,
    check_unit,
    figure,
    month_of,
    observations,
)
from treasury_watch.transforms.layouts.tables import line_of, table_of
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.months import shifted

MEASURE = "total_position"
LAST_ROW = "Of Which: Foreign Official T-Bonds & Notes"


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 5."""
    return body.removeprefix(codecs.BOM_UTF8).lstrip(b' \t\r\n"')[:8].lower() == b"table 5:"


def parse(body: bytes, source: Source) -> Parsed:
    """Every holder's position for the months named in the header row.

    Raises LayoutError, also for a table that may have been cut: the file must go on with notes or end with the last
    row of the official holders.
    """
    table = table_of(body, source.id, "Country")
    rows: list[tuple] = []
    months: list[pd.Timestamp] = []
    units = notes = False
    last_row, last_label = 0, ""
    for line, cells in table.rows:
        label = bare(cells[0])
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not months:
            units = units or filled == ["Billions of dollars"]
            if label == "Country":
                months = _months(cells, line, source.id)
            elif len(filled) > 1:
                raise LayoutError(source.id, f"line {line}", "the row of months above all figures", " ".join(filled))
            continue
        if len(filled) == 1 and (notes or label.startswith("Note") or last_label == LAST_ROW):
            notes = True
            continue
        if notes:
            raise LayoutError(source.id, f"line {line}", "notes only after the last row", " ".join(filled))
        figures = cells[1 : len(months) + 1]
        if not label or len(figures) < len(months) or any(cell.strip() for cell in cells[len(months) + 1 :]):
            place, expected = f"line {line}", f"{shorten(label, 60) or 'a holder'} with {len(months)} figures"
            raise LayoutError(source.id, place, expected, f"{len(filled) - bool(label)}: {' '.join(filled)}")
        for index, (month, cell) in enumerate(zip(months, figures, strict=True), start=1):
            place = f"line {line}, column {month:%Y-%m}"
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], "", month, MEASURE, source.series, value, line_of(cells, index, line)))
        last_row, last_label = line, label
    if not months:
        raise LayoutError(source.id, "header", "a row that starts with Country and names months", "none")
    check_unit(units, "Billions of dollars", source.id)
    table.check_row_ends(last_row)
    observed = observations(rows, source.id, at_least=len(months) * 5)
    if "Grand Total" not in set(observed["label"].map(bare)):
        raise LayoutError(source.id, "whole file", "a Grand Total row", "none", TRUNCATED)
    if not notes and last_label != LAST_ROW:
        raise LayoutError(source.id, f"line {last_row}", f"{LAST_ROW} or notes as the end", last_label, TRUNCATED)
    return Parsed(source.layout, "observations", observed)


def _months(cells: list[str], line: int, source: str) -> list[pd.Timestamp]:
    """The months of cells 1 to n: newest first, without a gap, nothing between them and nothing but blanks after."""
    named = [cell.strip() for cell in cells[1:]]
    while named and not named[-1]:
        named.pop()
    months: list[pd.Timestamp] = []
    for cell in named:
        month = month_of(cell)
        if month is None:
            raise LayoutError(source, f"line {line}", "months such as 2026-04", cell or "a blank cell")
        if months and month != shifted(months[-1], -1):
            raise LayoutError(source, f"line {line}", f"months newest first, {months[-1]:%Y-%m} before its next", cell)
        months.append(month)
    if not months:
        raise LayoutError(source, f"line {line}", "months such as 2026-04", "none")
    return months
