"""The old table of major holders, fixed width, USD billions: frozen on 15 March 2023 and still served.

It is read so that it can be told from the current table: it prints its own date, and that date is its release.
"""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from transforms.errors import LayoutError
from transforms.layouts.reading import MONTH_NAMES, figure, observations, printed_date, text_of
from transforms.model import Parsed, Source

MEASURE = "total_position"
CELL = re.compile(r"\S+")


def recognise(body: bytes) -> bool:
    """Whether the content is the fixed-width table of major holders."""
    start = body[:2048]
    return b"MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES" in start and start.count(b"\t") == 0


def parse(body: bytes, source: Source) -> Parsed:
    """Every holder's position for the months in the header, with the date the file prints. Raises LayoutError."""
    rows: list[tuple] = []
    names: list[re.Match[str]] = []
    months: list[pd.Timestamp] = []
    dated: date | None = None
    units = False
    for line, content in enumerate(text_of(body, source.id).splitlines(), start=1):
        cells = list(CELL.finditer(content))
        if not cells or dated is not None:
            continue
        units = units or "(in billions of dollars)" in content
        if all(cell[0] in MONTH_NAMES for cell in cells):
            names = cells
        elif cells[0][0] == "Country" and names:
            years = [cell[0] for cell in cells[1:]]
            if len(years) != len(names) or not all(re.fullmatch(r"(19|20)\d\d", year) for year in years):
                raise LayoutError(source.id, f"line {line}", f"{len(names)} years", " ".join(years))
            months = [
                pd.Timestamp(int(year), MONTH_NAMES.index(name[0]) + 1, 1) for name, year in zip(names, years, strict=True)
            ]
        elif (found := printed_date(content, source.id, f"line {line}")) is not None:
            dated = found
        elif months and not set(content.strip()) <= {"-", " "}:
            _row(content, months, line, source, rows)
    if not units:
        raise LayoutError(source.id, "header", "'(in billions of dollars)'", "another unit or none", "the unit may have changed")
    if dated is None:
        raise LayoutError(source.id, "end", "the release date, such as March 15, 2023", "none", "the file looks truncated; fetch it again")
    return Parsed(source.layout, "observations", observations(rows, source.id, at_least=60), dated)


def _row(content: str, months: list[pd.Timestamp], line: int, source: Source, rows: list[tuple]) -> None:
    if not re.search(r"\d", content):
        return  # `Of which:` and the publisher's name carry no figures
    label, figures = content[:30], content[30:].split()
    if len(figures) != len(months):
        raise LayoutError(source.id, f"line {line}", f"{label.strip()} with {len(months)} figures", f"{len(figures)}")
    for month, cell in zip(months, figures, strict=True):
        place = f"line {line}, column {month:%Y-%m}"
        value = figure(cell, source.id, place, scale=source.scale_to_usd_mn, decimals=source.decimals)
        rows.append((label, "", month, MEASURE, source.series, value, line))
