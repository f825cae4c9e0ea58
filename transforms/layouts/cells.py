"""What the layouts share: decoding, figures and months, each with an error that names source, line and column."""

from __future__ import annotations

import calendar
import codecs
import csv
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.months import shifted

NOT_AVAILABLE = {"n.a.", "n.a", "na"}
# Not `str.splitlines`: that splits at form feeds, U+0085 and U+2028 too, which stand within a cell.
LINE_BREAK = re.compile(r"\r\n|\n|\r")
MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
FIGURE = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1900, 2200  # a year outside of these is a slip or damage
LONGEST_FIGURE = 20  # characters; the largest figure in USD millions has 7 digits
LONGEST_CELL = (
    131_072  # characters; what the standard reader takes at most, whatever another library in the process has set
)
TRUNCATED = "the file looks truncated; fetch it again"
HEAD_CHARACTERS = 16_000  # within which a table begins
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# zipfile has no common base for what damaged input raises: RuntimeError also covers encryption and unknown methods,
# MemoryError a member that asks for gigabytes to be expanded.
ZIP_DAMAGES = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError, MemoryError,
)  # fmt: skip
OBSERVATION_COLUMNS = ["label", "code", "month", "measure", "series", "value_usd_mn", "line"]


def text_of(body: bytes, source: str) -> str:
    """The file as text. TIC files are ASCII with the odd Latin-1 character; NUL bytes mean that it is not text.

    Raises LayoutError for an empty body, a web page and anything that is not text.
    """
    if not body.strip():
        raise LayoutError(source, "whole file", "a table", "an empty body", "fetch it again")
    start = body[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        raise LayoutError(
            source,
            "line 1",
            "a table",
            f"a web page: {start[:80].decode('latin-1')}",
            "the address may have moved; open it in a browser",
        )
    if b"\0" in body:
        raise LayoutError(source, "whole file", "text", "NUL bytes", "the file is damaged or not text; fetch it again")
    return body.decode("utf-8-sig") if _is_utf8(body) else body.decode("latin-1")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def lines(text: str) -> list[str]:
    """The text's lines, without their ends. Where the last line has an end of its own, an empty one follows it."""
    return LINE_BREAK.split(text)


def records(text: str, delimiter: str, source: str, first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Lines as (line number, cells), numbered from `first` on. Blank lines are passed over.

    Each line is read on its own: no layout has a cell over several lines, and an unclosed quote must not swallow rows.
    Raises LayoutError for a line that is no delimited text.
    """
    for number, content in enumerate(lines(text), start=first):
        if not content.strip():
            continue
        if '"' not in content and delimiter.isspace():
            yield number, content.split(delimiter)  # what is left of a line without its blanks is in some cell
            continue
        try:
            cells = next(csv.reader([content], delimiter=delimiter)) if '"' in content else content.split(delimiter)
            _ = within_length(cells) if len(content) > LONGEST_CELL else cells
        except csv.Error as problem:
            raise LayoutError(source, f"line {number}", "delimited text", str(problem)) from problem
        if any(cell.strip() for cell in cells):
            yield number, cells


def within_length(cells: list[str]) -> list[str]:
    """The cells as they are. Raises csv.Error for one of more than LONGEST_CELL characters: the standard reader's own limit
    holds for a whole process, and another library in it may have raised that."""
    if any(len(cell) > LONGEST_CELL for cell in cells):
        raise csv.Error(f"a cell of more than {LONGEST_CELL:,} characters")
    return cells


def delimiter_of(text: str, fewest_cells: int) -> str:
    """What separates the cells: a tab where a row among the first has at least so many cells by it, else a comma."""
    return "\t" if any(line.count("\t") >= fewest_cells - 1 for line in lines(text[:HEAD_CHARACTERS])) else ","


def check_row_ends(text: str, line: int, source: str) -> None:
    """Refuse a table whose last row (on `line`) has no line end: a figure cut short looks like a smaller figure."""
    if line == len(lines(text)):
        raise LayoutError(source, f"line {line}", "a line end after the last row", "the end of the file", TRUNCATED)


class Blocks:
    """The order of a table with one row per holder and month: holder after holder, each with its months newest first.

    `months` is every holder's months by bare label, in the order of the file.
    """

    def __init__(self, source: str):
        self.source = source
        self.months: dict[str, list[pd.Timestamp]] = {}
        self.last = ""

    def take(self, label: str, month: pd.Timestamp, line: int) -> None:
        """Note the row on `line`. Raises LayoutError where it repeats a month or holder or breaks the order."""
        name = bare(label)
        if not name:
            raise LayoutError(self.source, f"line {line}", "a holder", "a blank label")
        if name != self.last and name in self.months:
            raise LayoutError(self.source, f"line {line}", "each holder's rows together", f"{name} a second time")
        self.last = name
        months = self.months.setdefault(name, [])
        if months and month >= months[-1]:
            expected = "each holder and month once" if month in months else "months newest first"
            found = "a second time" if month in months else f"after {months[-1]:%Y-%m}"
            raise LayoutError(self.source, f"line {line}", expected, f"{name} {month:%Y-%m} {found}")
        months.append(month)

    def check_grand_total(self) -> None:
        """Refuse a table whose Grand Total is absent or lacks a month that another holder has."""
        if "Grand Total" not in self.months:
            raise LayoutError(self.source, "whole file", "a Grand Total", "none", TRUNCATED)
        total = set(self.months["Grand Total"])
        for name, months in self.months.items():
            if missing := set(months) - total:
                raise LayoutError(
                    self.source,
                    "Grand Total",
                    f"{max(missing):%Y-%m}, which {shorten(name, 60)} has",
                    "no such month",
                    TRUNCATED,
                )


def check_consecutive(months: list[pd.Timestamp], source: str, place: str) -> None:
    """Refuse months that are not newest first, each the one before its neighbour."""
    for newer, older in pairwise(months):
        if older != shifted(newer, -1):
            raise LayoutError(source, place, f"{shifted(newer, -1):%Y-%m} after {newer:%Y-%m}", f"{older:%Y-%m}")


def is_plausible(day: date) -> bool:
    """Whether a day is of the time that the sources can be about: some libraries read any text of digits as a day."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def check_unit(found: bool, unit: str, source: str) -> None:
    """Refuse a file whose head does not state the declared unit."""
    if not found:
        raise LayoutError(source, "header", f"'{unit}'", "another unit or none", "the unit may have changed")


def month_of(text: str) -> pd.Timestamp | None:
    """`2026-04` as the first day of that month; None where the text is no month."""
    stated = text.strip()
    # Of another length it is none, and a remembered text is kept: damaged files must not fill the memory.
    return _month(stated) if len(stated) == len("2026-04") else None


@lru_cache(maxsize=4096)
def _month(stated: str) -> pd.Timestamp | None:
    found = MONTH.fullmatch(stated)
    if not found or not 1 <= int(found[2]) <= 12 or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        return None
    return pd.Timestamp(int(found[1]), int(found[2]), 1)


def figures(
    cells: list[str], columns: Iterable[object], source: str, line: int, *, scale: int, decimals: int
) -> list[float]:
    """The published figures of one line, as `figure` reads them. `columns` name the cells in an error."""
    found = [stated_figure(cell, scale, decimals) for cell in cells]
    if None in found:
        for cell, column in zip(cells, columns, strict=True):
            figure(cell, source, f"line {line}, column {column}", scale=scale, decimals=decimals)
    return [value for value in found if value is not None]


def figure(text: str, source: str, place: str, *, scale: int, decimals: int) -> float:
    """A published figure in USD millions; NaN for `n.a.`, 0 for `*` (less than half of the last digit).

    Raises LayoutError at `place` for anything else; an empty cell is a missing figure, not an n.a.

    A figure finer than the source's declared `decimals` is refused: it is in another unit than declared.
    """
    value = stated_figure(text, scale, decimals)
    if value is not None:
        return value
    stated = text.strip()
    if not _is_figure(stated):
        raise LayoutError(source, place, "a figure or n.a.", repr(text) if stated else "nothing")
    raise LayoutError(
        source,
        place,
        f"at most {decimals} decimals",
        stated,
        "the unit may have changed; compare with config/sources.toml",
    )


def stated_figure(text: str, scale: int, decimals: int) -> float | None:
    """The figure, or None where `figure` would refuse it. Releases state most figures again: remembered ones are free.

    Scaled in decimal arithmetic, so that 1209.9 billion is 1209900 exactly.
    """
    stated = text.strip()
    return _remembered(stated, scale, decimals) if len(stated) <= LONGEST_FIGURE else None


@lru_cache(maxsize=1 << 17)
def _remembered(stated: str, scale: int, decimals: int) -> float | None:
    if stated.lower() in NOT_AVAILABLE:
        return float("nan")
    if stated in {"*", "-*"}:
        return 0.0
    if not _is_figure(stated):
        return None
    value = Decimal(stated.replace(",", ""))
    if value != round(value, decimals):
        return None
    return float(value * scale) or 0.0  # -0 is 0


def _is_figure(stated: str) -> bool:
    return len(stated) <= LONGEST_FIGURE and FIGURE.fullmatch(stated) is not None


def observations(rows: list[tuple], source: str, *, at_least: int) -> pd.DataFrame:
    """The rows as an observation table. Raises LayoutError for too few of them and for a figure stated twice."""
    if len(rows) < at_least:
        raise LayoutError(source, "whole file", f"at least {at_least} figures", f"{len(rows)}", TRUNCATED)
    table = pd.DataFrame(rows, columns=OBSERVATION_COLUMNS)
    table["month"] = table["month"].astype("datetime64[us]")
    names = table["label"].map({label: bare(label) for label in table["label"].unique()})
    twice = table[table.assign(label=names).duplicated(["label", "code", "month", "measure", "series"])]
    if len(twice):
        first = twice.iloc[0]
        raise LayoutError(
            source,
            f"line {first['line']}",
            "each holder and month once",
            f"{first['label'].strip()} {first['month']:%Y-%m} {first['measure']} a second time",
        )
    return table


def printed_date(text: str, source: str, place: str) -> date | None:
    """A release date as the files print it: `March 15, 2023`, `5/18/2026` or `3/18/26`; None where the text is no date.

    A year of two digits is of this century: no release that is on the web was before it.
    Raises LayoutError for a day that the calendar does not have.
    """
    stated = text.strip()
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/((?:19|20)?\d{2})", stated, re.ASCII):
        month, day, year = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"([A-Z][a-z]+) (\d{1,2}), ((?:19|20)?\d{2})", stated, re.ASCII):
        if found[1] not in calendar.month_name:
            return None
        month, day, year = list(calendar.month_name).index(found[1]), int(found[2]), int(found[3])
    else:
        return None
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError as problem:
        raise LayoutError(source, place, "a date", stated) from problem
