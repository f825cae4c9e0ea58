"""The annual survey of foreign holdings, history by country: one row a country, ten columns a survey, USD millions.

Of each survey the Treasuries are read, long-term and short-term by original maturity. Separated by tabs; each heading is
three lines: the date over every column, its maturity, its security.
"""

from __future__ import annotations

import math
import re

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import (
    MONTH_NAMES,
    TRUNCATED,
    check_unit,
    figure,
    lines,
    printed_date,
    text_of,
)
from treasury_watch.transforms.model import Parsed, Source

TITLE = "Foreign Holdings of U.S. Securities at the end of the period shown"
CODE, COUNTRY, UNIT = "Country code", "Countries and Regions", "Millions of dollars."
TREASURY = "treasury debt"
MEASURES = {"long-term": "long_term_position", "short-term": "short_term_position"}
TOTAL_CODE = "99996"  # the last row
SURVEY = re.compile(r"([A-Z][a-z]{2})-(\d{2})", re.ASCII)
RELEASED = re.compile(r"For release ([A-Z][a-z]+ \d{1,2}, \d{4})", re.ASCII)
FOOTNOTES = re.compile(r"\s*\(\d+\)(?:,\s*\(\d+\))*\s*$", re.ASCII)
FIRST_CENTURY_YEAR = 60  # the first survey is of 1974: 74 is 1974, 25 is 2025
COLUMNS = ["country_code", "country", "month", "measure", "value_usd_mn", "line"]
ROUNDING_USD_MN = 0.5


def recognise(body: bytes) -> bool:
    """Whether the content is the history of the annual survey."""
    return TITLE.encode() in body[:512] and CODE.encode() in body[:16_384]


def parse(body: bytes, source: Source) -> Parsed:
    """Treasuries by country code, survey month and measure; `n.a.` is left out, `*` (less than half a million) is 0.

    Dated by the day that the file prints. A total that is not the sum of its countries is noted. Raises LayoutError for
    another heading, a figure that is none, a country given twice, and a file that does not end with the total.
    """
    stated = lines(text_of(body, source.id))
    heading = next((n for n, line in enumerate(stated) if line.startswith(f"{CODE}\t{COUNTRY}")), None)
    if heading is None or heading < 2:
        raise LayoutError(source.id, "header", f"'{CODE}' and '{COUNTRY}' under dates and maturities", "none")
    dates, maturities, securities = (_cells(stated[n]) for n in (heading - 2, heading - 1, heading))
    check_unit(UNIT in maturities, UNIT, source.id)
    if len({len(dates), len(maturities), len(securities)}) > 1:
        found_cells = f"{len(dates)}, {len(maturities)} and {len(securities)}"
        raise LayoutError(source.id, "header", "three lines of as many cells", found_cells, TRUNCATED)
    columns = _columns(dates, maturities, securities, source.id)
    rows: list[tuple] = []
    seen: set[str] = set()
    for number, line in enumerate(stated[heading + 1 :], start=heading + 2):
        cells = _cells(line)
        if not cells[0].isdigit():
            break
        if len(cells) != len(securities):
            raise LayoutError(source.id, f"line {number}", f"{len(securities)} cells", f"{len(cells)}", TRUNCATED)
        code, country = cells[0], FOOTNOTES.sub("", cells[1])
        if code in seen:
            raise LayoutError(source.id, f"line {number}", "each country once", f"{code} {country} a second time")
        seen.add(code)
        for place, (month, measure) in columns.items():
            where = f"line {number}, {country} {month:%Y-%m} {measure}"
            value = figure(cells[place], source.id, where, scale=source.scale_to_usd_mn, decimals=source.decimals)
            if not math.isnan(value):
                rows.append((code, country, month, measure, value, number))
    if TOTAL_CODE not in seen:
        raise LayoutError(source.id, "whole file", f"countries down to the total, {TOTAL_CODE}", "none", TRUNCATED)
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"month": "datetime64[us]"})
    found = RELEASED.search("\n".join(stated[:heading]))
    dated = printed_date(found[1], source.id, "release date") if found else None
    return Parsed(source.layout, "surveys", table, dated, notes=_unlike_their_countries(table))


def _cells(line: str) -> list[str]:
    """Every cell on its own: a quote in a note above the table is never closed."""
    return [cell.strip().strip('"').strip() for cell in line.split("\t")]


def _columns(
    dates: list[str], maturities: list[str], securities: list[str], source: str
) -> dict[int, tuple[pd.Timestamp, str]]:
    """The columns of Treasuries: survey month and measure by place. Surveys before December 1994 tell none apart."""
    found = {}
    for place, (when, maturity, security) in enumerate(zip(dates, maturities, securities, strict=True)):
        if security.lower() != TREASURY:
            continue
        if maturity.lower() not in MEASURES:
            raise LayoutError(source, f"header, column {place + 1}", f"one of {', '.join(MEASURES)}", repr(maturity))
        found[place] = (_survey_month(when, source), MEASURES[maturity.lower()])
    if not found:
        raise LayoutError(source, "header", f"columns of '{TREASURY}'", "none")
    if len(set(found.values())) < len(found):
        raise LayoutError(source, "header", "each survey and maturity once", "one of them twice")
    return found


def _survey_month(text: str, source: str) -> pd.Timestamp:
    stated = SURVEY.fullmatch(text)
    if stated is None or stated[1] not in MONTH_NAMES:
        raise LayoutError(source, "header, dates", "a survey's month such as Jun-25", repr(text))
    year = int(stated[2])
    year += 1900 if year >= FIRST_CENTURY_YEAR else 2000
    return pd.Timestamp(year, MONTH_NAMES.index(stated[1]) + 1, 1)


def _unlike_their_countries(table: pd.DataFrame) -> tuple[str, ...]:
    """A note on the totals that their countries do not add up to, each rounded to a million."""
    is_total = table["country_code"] == TOTAL_CODE
    keys = ["month", "measure"]
    parts = (
        table[~is_total].groupby(keys, as_index=False).agg(parts=("value_usd_mn", "sum"), countries=("line", "size"))
    )
    sides = parts.merge(table[is_total], on=keys).assign(over=lambda both: both["value_usd_mn"] - both["parts"])
    off = sides[sides["over"].abs() > ROUNDING_USD_MN * (sides["countries"] + 1)]
    return tuple(
        f"total {row['measure']} of {row['month']:%Y-%m}, differs from the sum of its countries by {row['over']:,.0f} USD mn"
        for row in off.to_dict("records")
    )
