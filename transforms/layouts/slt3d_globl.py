"""Table 3D: holdings of all countries, frozen in March 2023. Quoted CSV with thousands commas, USD millions."""

from __future__ import annotations

import re

from transforms.errors import LayoutError
from transforms.layouts.reading import figure, month_of, observations, records, text_of
from transforms.model import Parsed, Source

# Columns 4 to 6, in the file's order; the headings are split over three lines.
MEASURES = ("total_position", "long_term_position", "short_term_position")


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3D. Its title is cut into cells, so cells are joined first."""
    start = body[:1024].decode("latin-1").replace('","', "").replace('"', "")
    return re.search(r"TABLE\s+3D:", start) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Positions by holder and month. Raises LayoutError."""
    text = text_of(body, source.id)
    rows: list[tuple] = []
    heading = ""
    started = ended = False
    for line, cells in records(text, ",", quoted=True):
        month = month_of(cells[2]) if len(cells) > 2 else None
        if month is None:
            if started and len(cells) == 6 and cells[1].strip().isdigit():
                raise LayoutError(source.id, f"line {line}, column 3", "a month such as 2023-01", cells[2])
            if not started:
                heading += "".join(cells) + "\n"
            ended = started
            continue
        if not started:
            _check_heading(heading, source.id)
        if ended:
            raise LayoutError(source.id, f"line {line}", "notes only after the last row", ",".join(cells))
        started = True
        if len(cells) != 6:
            raise LayoutError(source.id, f"line {line}", "6 cells", f"{len(cells)}: {','.join(cells)}")
        for measure, cell in zip(MEASURES, cells[3:6], strict=True):
            place = f"line {line}, column {measure}"
            value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
            rows.append((cells[0], cells[1].strip(), month, measure, source.series, value, line))
    table = observations(rows, source.id, at_least=36)
    if "Grand Total" not in set(table["label"].str.strip()):
        raise LayoutError(source.id, "whole file", "a Grand Total", "none", "the file looks truncated; fetch it again")
    return Parsed(source.layout, "observations", table)


def _check_heading(heading: str, source: str) -> None:
    flat = heading.lower()
    if "millions of dollars" not in flat:
        raise LayoutError(source, "header", "'Millions of dollars'", "another unit or none", "the unit may have changed")
    positions = [flat.find(word) for word in ("total u.s.", "long-term", "short-term")]
    if -1 in positions or positions != sorted(positions):
        raise LayoutError(source, "header", "columns Total, Long-term, Short-term", heading, "the columns may have changed")
