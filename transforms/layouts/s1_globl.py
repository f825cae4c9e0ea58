"""Form S: gross purchases and sales of long-term securities by country since 1977. Tab-separated, USD millions."""

from __future__ import annotations

import re

from transforms.errors import LayoutError
from transforms.layouts.reading import figure, month_of, observations, records, text_of
from transforms.model import Parsed, Source

# Of the twelve numbered columns only the Treasury bonds and notes are read: [1] purchases, [7] sales.
MEASURES = {"[1]": "long_term_gross_purchases", "[7]": "long_term_gross_sales"}
NUMBERS = [f"[{n}]" for n in range(1, 13)]


def recognise(body: bytes) -> bool:
    """Whether the content is the Form S country file."""
    start = body[:4096]
    return b"Gross purchases by foreigners" in start and b"[12]" in start


def parse(body: bytes, source: Source) -> Parsed:
    """Gross purchases and sales of Treasury bonds and notes by holder and month. Raises LayoutError."""
    text = text_of(body, source.id)
    rows: list[tuple] = []
    columns: dict[str, int] = {}
    heading = ""
    for line, cells in records(text, "\t", quoted=True):
        if not columns:
            heading += " ".join(cells) + "\n"
            if "[1]" in [cell.strip() for cell in cells]:
                columns = _columns(cells, line, heading, source.id)
            continue
        if set("".join(cells).strip()) <= {"-", " "}:
            continue
        if len(cells) < 15:
            raise LayoutError(source.id, f"line {line}", "15 cells", f"{len(cells)}: {' '.join(cells)}")
        month = month_of(cells[2])
        if month is None:
            raise LayoutError(source.id, f"line {line}, column 3", "a month such as 2023-01", cells[2])
        for name, measure in MEASURES.items():
            place = f"line {line}, column {name}"
            cell = cells[columns[name]]
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], cells[1].strip(), month, measure, source.series, value, line))
    if not columns:
        raise LayoutError(source.id, "header", "a row that numbers the columns [1] to [12]", "none")
    table = observations(rows, source.id, at_least=48)
    if "Grand Total" not in set(table["label"].str.strip()):
        raise LayoutError(source.id, "whole file", "a Grand Total", "none", "the file looks truncated; fetch it again")
    return Parsed(source.layout, "observations", table)


def _columns(cells: list[str], line: int, heading: str, source: str) -> dict[str, int]:
    if "millions of dollars" not in heading.lower():
        raise LayoutError(source, "header", "'millions of dollars'", "another unit or none", "the unit may have changed")
    found = {cell.strip(): index for index, cell in enumerate(cells) if re.fullmatch(r"\[\d+\]", cell.strip())}
    if list(found) != NUMBERS:
        raise LayoutError(source, f"line {line}", "columns numbered [1] to [12] in order", " ".join(found))
    return found
