"""FRED's CSV of one series: exchange rates of the H.10, or any figures that a series and a day identify."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import date

import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError, LayoutError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.cells import is_plausible, within_length
from treasury_watch.transforms.model import Parsed, Source

DATE_HEADINGS = {"date", "observation_date"}
SERIES_KEYS = ("series_id", "date")
MISSING = {"", "."}
SERIES_ID = re.compile(r"[A-Z0-9_]+")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)", re.ASCII)


def recognise(body: bytes) -> bool:
    """Whether the first line is a date heading and one series id."""
    return _header_series(body) is not None


def series_of(body: bytes) -> str:
    """The series id in the header, e.g. `DEXJPUS`. Raises LayoutError when the content is not FRED's."""
    series = _header_series(body)
    if series is None:
        raise LayoutError("fred", "line 1", "a header such as observation_date,DEXJPUS", repr(_first_line(body)))
    return series


def parse(body: bytes, source: Source) -> Parsed:
    """The series as a table: currency, date, per_usd, line for `fx`; else series_id, date, the value of the kind, line.

    Exchange rates leave in units of the currency per dollar whichever way the source quotes them (`source.per`).
    Days without a figure are left out. Raises LayoutError with the line, ConfigurationError for a wrong declaration.
    """
    kind = KINDS[source.holds]
    if kind.name != "fx" and kind.keys != SERIES_KEYS:
        raise ConfigurationError(
            f"{source.id}: layout fred holds fx or a kind identified by {' and '.join(SERIES_KEYS)}, "
            f"not {source.holds!r}; see config/sources.toml"
        )
    if source.holds == "fx" and (source.per not in ("usd", "unit") or not source.currency):
        raise ConfigurationError(
            f"{source.id}: expected a currency and per = 'usd' or 'unit', found {source.currency!r} and {source.per!r}"
            "; see [fred.fx] in config/sources.toml"
        )
    series = source.id.removeprefix("fred:")
    lines = _lines(body, source.id)
    _check_header(next(lines, (1, [])), series, source.id)
    days, values, numbers = [], [], []
    previous: date | None = None
    for line, cells in lines:
        if len(cells) != 2:
            raise LayoutError(source.id, f"line {line}", "2 cells: date and value", f"{len(cells)}: {','.join(cells)}")
        day = _day(cells[0].strip(), f"line {line}, date", source.id)
        if previous is not None and day <= previous:
            expected = "each date once" if day == previous else f"a date after {previous}"
            raise LayoutError(source.id, f"line {line}, date", expected, f"{day}{' again' if day == previous else ''}")
        previous = day
        text = cells[1].strip()
        if text in MISSING:
            continue
        value = _number(text, f"line {line}, {series}", source.id)
        if source.holds == "fx":
            value = _per_usd(value, source.per, text, f"line {line}, {series}", source.id)
        days.append(day)
        values.append(value)
        numbers.append(line)
    if not days:
        raise LayoutError(
            source.id, "whole file", "at least one dated value", "none", "fetch it again; nothing was loaded"
        )
    key, date_column = kind.keys
    table = pd.DataFrame(
        {
            key: source.currency if source.holds == "fx" else series,
            date_column: pd.Series(days).astype("datetime64[us]"),
            kind.value: values,
            "line": numbers,
        }
    )
    return Parsed(source.layout, source.holds, table)


def _lines(body: bytes, source: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line; blank lines are allowed at the end only."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = body.count(b"\n", 0, problem.start) + 1
        raise LayoutError(source, f"line {line}", "UTF-8 text", f"byte 0x{body[problem.start]:02x}") from problem
    reader = csv.reader(io.StringIO(text.rstrip(), newline=""), strict=True)
    while True:
        try:
            cells = within_length(next(reader))
        except StopIteration:
            return
        except csv.Error as problem:
            raise LayoutError(source, f"line {reader.line_num}", "comma-separated text", str(problem)) from problem
        yield reader.line_num, cells


def _check_header(first: tuple[int, list[str]], series: str, source: str) -> None:
    cells = [cell.strip() for cell in first[1]]
    if len(cells) != 2 or cells[0].lower() not in DATE_HEADINGS:
        raise LayoutError(source, "line 1", f"a header such as observation_date,{series}", repr(",".join(cells)))
    if cells[1] != series:
        raise LayoutError(
            source,
            "line 1",
            f"series {series}",
            cells[1] or "none",
            "the file is of another series; nothing was loaded",
        )


def _day(text: str, place: str, source: str) -> date:
    if ISO_DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError as problem:
            raise LayoutError(source, place, "a day of the calendar", repr(text)) from problem
        if is_plausible(day):
            return day
    raise LayoutError(source, place, "a date such as 2024-04-29", repr(text))


def _number(text: str, place: str, source: str) -> float:
    """A plain decimal; Python's own reading would also take nan, 1_000 and 1e3, which FRED does not write."""
    value = float(text) + 0.0 if NUMBER.fullmatch(text) else math.nan  # -0 is 0
    if not math.isfinite(value):
        raise LayoutError(source, place, "a decimal number, '.' or nothing", repr(text))
    return value


def _per_usd(rate: float, per: str, text: str, place: str, source: str) -> float:
    """Units per dollar: the one place where the direction of an H.10 rate is settled."""
    if rate <= 0:
        raise LayoutError(source, place, "a positive exchange rate", repr(text))
    value = 1 / rate if per == "unit" else rate
    if not math.isfinite(value):
        raise LayoutError(source, place, "an exchange rate of usual size", repr(text))
    return value


def _first_line(body: bytes) -> str:
    return body[:200].decode("utf-8-sig", errors="replace").split("\n", 1)[0]


def _header_series(body: bytes) -> str | None:
    cells = [cell.strip().strip('"') for cell in _first_line(body).split(",")]
    if len(cells) == 2 and cells[0].lower() in DATE_HEADINGS and SERIES_ID.fullmatch(cells[1]):
        return cells[1]
    return None
