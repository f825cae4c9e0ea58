"""Table 5: the current major holders. Tab-separated, one column a month (newest first), USD billions."""

from __future__ import annotations

import pandas as pd

from transforms.errors import LayoutError
from transforms.layouts.reading import figure, month_of, observations, records, text_of
from transforms.model import Parsed, Source

MEASURE = "total_position"


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 5."""
    return body.lstrip()[:8].lower() == b"table 5:"


def parse(body: bytes, source: Source) -> Parsed:
    """Every holder's position for the months named in the header row. Raises LayoutError."""
    text = text_of(body, source.id)
    rows: list[tuple] = []
    months: list[pd.Timestamp] = []
    ended = False
    units = False
    for line, cells in records(text, "\t", quoted=False):
        cells = [cell.strip('"') for cell in cells]
        label = cells[0].strip()
        if not months:
            units = units or label.lower() == "billions of dollars"
            if label == "Country":
                months = _months(cells, line, source.id)
            continue
        if not any(cell.strip() for cell in cells[1:]):
            ended = ended or label.startswith("Notes")
            if not ended and label:
                raise LayoutError(source.id, f"line {line}", f"{label}: {len(months)} figures", "none; the line is cut")
            continue
        if ended:
            continue
        figures = cells[1 : len(months) + 1]
        if len(figures) < len(months) or any(cell.strip() for cell in cells[len(months) + 1 :]):
            raise LayoutError(source.id, f"line {line}", f"{label} with {len(months)} figures", f"{len(cells) - 1} cells")
        for month, cell in zip(months, figures, strict=True):
            place = f"line {line}, column {month:%Y-%m}"
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], "", month, MEASURE, source.series, value, line))
    if not months:
        raise LayoutError(source.id, "header", "a row that starts with Country and names months", "none")
    if not units:
        raise LayoutError(source.id, "header", "'Billions of dollars'", "another unit or none", "the unit may have changed")
    table = observations(rows, source.id, at_least=len(months) * 5)
    if "Grand Total" not in set(table["label"].str.strip()):
        raise LayoutError(source.id, "whole file", "a Grand Total row", "none", "the file looks truncated; fetch it again")
    return Parsed(source.layout, "observations", table)


def _months(cells: list[str], line: int, source: str) -> list[pd.Timestamp]:
    named = [cell for cell in cells[1:] if cell.strip()]
    months = [month_of(cell) for cell in named]
    for cell, month in zip(named, months, strict=True):
        if month is None:
            raise LayoutError(source, f"line {line}", "months such as 2026-04", cell)
    found = [month for month in months if month is not None]
    if not found:
        raise LayoutError(source, f"line {line}", "months such as 2026-04", "none")
    if found != sorted(set(found), reverse=True):
        raise LayoutError(source, f"line {line}", "months newest first, each once", ", ".join(named))
    return found
