"""What the tables of Japan's Ministry of Finance share: cp932 text, era years, figures, headings over several records."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.layouts.cells import MONTH_NAMES, TRUNCATED, is_plausible, within_length
from treasury_watch.transforms.layouts.file_kinds import is_html, kind_of

# An era's year n is the Gregorian year of its first year plus n - 1; the first is written 元.
ERAS = {"昭和": 1926, "平成": 1989, "令和": 2019}
ERA_YEAR = re.compile(r"([\u3400-\u9fff]{2})(元|\d{1,2})年", re.ASCII)
NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})", re.ASCII)
WAVES = str.maketrans({"\uff5e": "~", "\u301c": "~", "\u223c": "~"})  # cp932, shift_jis, and what fonts make of them
NAMES_UNIT = re.compile(r"(?:unit|単位)\s*:|\(us\$|million|billion|億円|百万ドル", re.IGNORECASE)
HUNDRED_MN_YEN = re.compile(r"100\s*mil(?:lion|\.)?\s*yen|億円", re.IGNORECASE)
USD_MN = re.compile(r"us\$\s*mil(?:lions?|\.)?|百万ドル", re.IGNORECASE)
UPDATED = re.compile(r"final update\s*([a-z]+)\.?\s*(\d{1,2})\s*,?\s*(\d{4})", re.IGNORECASE)
UPDATED_JA = re.compile(r"最終更新日\s*(\S+?年)\s*(\d{1,2})月\s*(\d{1,2})日")
MISSING = {"", "-"}  # not published, or of a month to come
FEW_FIGURES = 3
COLUMNS = ["series_id", "date", "value", "line"]

Record = tuple[int, list[str]]


def records_of(body: bytes, source: str) -> list[Record]:
    """(first line, tidy cells) of every record; a quoted cell may hold an end of line. Raises LayoutError."""
    if not body.strip():
        raise LayoutError(source, "whole file", "a table", "an empty file", "fetch it again; nothing was loaded")
    if is_html(body):
        kind = kind_of(body)
        what, step = (kind.name, kind.next_step) if kind else ("a web page", "open the address in a browser")
        raise LayoutError(source, "line 1", "a table in cp932", what, step)
    encoding = "utf-8-sig" if body.startswith(codecs.BOM_UTF8) else "cp932"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as problem:
        line, byte = body.count(b"\n", 0, problem.start) + 1, body[problem.start]
        raise LayoutError(
            source, f"line {line}", "Shift_JIS (cp932) text", f"byte 0x{byte:02x}", TRUNCATED
        ) from problem
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[Record] = []
    before = 0
    try:
        for cells in reader:
            found.append((before + 1, [tidy(cell) for cell in within_length(cells)]))
            before = reader.line_num
    except csv.Error as problem:
        raise LayoutError(source, f"line {before + 1}", "comma-separated text", str(problem), TRUNCATED) from problem
    return found


def tidy(text: str) -> str:
    """A cell in plain characters: full-width digits, stops and letters as ASCII, any wave mark as `~`, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(WAVES)).split())


def era_year(text: str) -> int | None:
    """The Gregorian year of `平成12年` or `令和元年`; None where the text is no year of a known era."""
    found = ERA_YEAR.search(text)
    if found is None or found[1] not in ERAS:
        return None
    return ERAS[found[1]] + (1 if found[2] == "元" else int(found[2])) - 1


def checked_era(text: str, year: int, line: int, source: str) -> None:
    """Refuse an era year that is another than `year`; text that names no era year says nothing. Raises LayoutError."""
    for era, _ in ERA_YEAR.findall(text):
        stated = era_year(text)
        if era not in ERAS:
            raise LayoutError(
                source, f"line {line}, year", f"a year of a known era ({', '.join(ERAS)})", repr(text),
                "a new era is added to ERAS in transforms/layouts/japan/ministry_tables.py; nothing was loaded",
            )  # fmt: skip
        if stated != year:
            raise LayoutError(
                source, f"line {line}, year", f"{year}, the year of the rows before", f"{text} ({stated})"
            )


def check_unit(heading: Sequence[Record], unit: re.Pattern[str], words: str, source: str) -> None:
    """Refuse a table whose heading names another unit than declared, or none. Raises LayoutError."""
    named = [(line, cell) for line, cells in heading for cell in cells if cell and NAMES_UNIT.search(cell)]
    named = [(line, cell) for line, cell in named if len(cell) < 60]  # a unit stands alone; titles are longer
    other = [(line, cell) for line, cell in named if not unit.search(cell) and re.search(r"unit|単位|us\$", cell, re.I)]
    if other or not named:
        line, cell = other[0] if other else (heading[0][0] if heading else 1, "no unit")
        raise LayoutError(
            source, f"line {line}, unit", words, repr(cell), "the unit may have changed; nothing was loaded"
        )


def printed_update(heading: Sequence[Record], source: str) -> date:
    """The day of the final update, which the heading prints in English and in Japanese. Raises LayoutError."""
    found: list[tuple[int, str, date]] = []
    for line, cells in heading:
        for cell in cells:
            if english := UPDATED.search(cell):
                month = _month_number(english[1])
                found.append((line, cell, _day(int(english[3]), month, int(english[2]), cell, line, source)))
            elif japanese := UPDATED_JA.search(cell):
                year = era_year(japanese[1]) or 0
                found.append((line, cell, _day(year, int(japanese[2]), int(japanese[3]), cell, line, source)))
    if not found:
        raise LayoutError(source, "heading", "a day such as Final Update August 14, 2026", "none")
    if len({day for _, _, day in found}) > 1:
        line, cell, _ = found[1]
        raise LayoutError(source, f"line {line}, final update", f"{found[0][2]}, as in {found[0][1]!r}", repr(cell))
    return found[0][2]


def _month_number(name: str) -> int:
    short = name[:3].title()
    return MONTH_NAMES.index(short) + 1 if short in MONTH_NAMES else 0


def _day(year: int, month: int, day: int, cell: str, line: int, source: str) -> date:
    try:
        found = date(year, month, day)
    except ValueError as problem:
        raise LayoutError(source, f"line {line}, final update", "a day of the calendar", repr(cell)) from problem
    if not is_plausible(found):
        raise LayoutError(source, f"line {line}, final update", "a day of this time", repr(cell))
    return found


def has_figures(cells: Sequence[str]) -> bool:
    """Whether a record has figures as those of a period do, and is no title or note."""
    return sum(NUMBER.fullmatch(cell) is not None for cell in cells) >= FEW_FIGURES


def figure(text: str, line: int, column: str, source: str) -> int | None:
    """A whole number of the file's unit; None where nothing is published. Raises LayoutError."""
    if text in MISSING:
        return None
    if not NUMBER.fullmatch(text):
        raise LayoutError(source, f"line {line}, {column}", "a whole number such as 1,689", repr(text))
    return int(text.replace(",", ""))


@dataclass(frozen=True)
class Triplet:
    """Where a heading has acquisition, disposition and net of one thing."""

    name: str
    first: int

    def read(self, cells: list[str], line: int, source: str, tolerance: int = 1) -> tuple[int, int, int] | None:
        """The three figures, None where none of them is published; net is acquisition less disposition, but for rounding.

        Raises LayoutError.
        """
        names = ("acquisition", "disposition", "net")
        found = [
            figure(cells[self.first + n], line, f"{names[n]} of {self.name}", source) if self.first + n < len(cells) else None
            for n in range(3)
        ]  # fmt: skip
        if found == [None, None, None]:
            return None
        acquired, disposed, net = found
        if acquired is None or disposed is None or net is None:
            lacking = names[found.index(None)]
            raise LayoutError(
                source, f"line {line}, {self.name}", "all three figures or none", f"no {lacking}", TRUNCATED
            )
        if abs(acquired - disposed - net) > tolerance:
            stated = f"{acquired:,} - {disposed:,} = {net:,}"
            raise LayoutError(source, f"line {line}, {self.name}", "acquisition - disposition = net", stated)
        return acquired, disposed, net


def checked_sum(parts: Iterable[int], total: int, line: int, name: str, source: str, tolerance: int = 1) -> None:
    """Refuse a total that is not the sum of its parts, but for rounding. Raises LayoutError."""
    parts = list(parts)
    if abs(sum(parts) - total) > tolerance:
        stated = f"{total:,} beside {' + '.join(f'{part:,}' for part in parts)}"
        raise LayoutError(source, f"line {line}, {name}", "the sum of its parts", stated)


def check_triplet(kinds: Record, first: int, name: str, source: str) -> Triplet:
    """The triplet that begins in this column, if the record of Acquisition, Disposition, Net says so there."""
    line, cells = kinds
    stated = [cell.lower() for cell in cells[first : first + 3]]
    if stated != ["acquisition", "disposition", "net"]:
        raise LayoutError(
            source, f"line {line}, {name}", "the headings Acquisition, Disposition, Net", shorten(", ".join(stated))
        )
    return Triplet(name, first)


def kinds_record(heading: Sequence[Record], source: str) -> Record:
    """The record of the heading that names what each column is: Acquisition, Disposition, Net."""
    for record in heading:
        if "acquisition" in (cell.lower() for cell in record[1]):
            return record
    raise LayoutError(source, "heading", "a record that names Acquisition, Disposition and Net", "none")


def table_of(rows: list[tuple[str, date, float, int]], source: str) -> pd.DataFrame:
    """The rows as a table of series. Raises LayoutError where there is none."""
    if not rows:
        raise LayoutError(source, "whole file", "at least one figure", "none", TRUNCATED)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["date"] = table["date"].astype("datetime64[us]")
    return table.sort_values(["series_id", "date"], ignore_index=True)


def filled(values: Mapping[str, object], line: int, source: str, period: str, known_empty: str | None) -> bool:
    """Whether a period has figures. One without is still to come; after it there can be none with figures."""
    if all(value is None for value in values.values()):
        return False
    if known_empty is not None:
        raise LayoutError(
            source, f"line {line}", f"no figures after {known_empty}, which has none", f"figures of {period}"
        )
    return True
