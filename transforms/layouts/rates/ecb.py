"""The European Central Bank's euro reference rates since 1999: a zipped CSV, newest day first, units per euro."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import ZIP_DAMAGES, is_plausible, within_length
from treasury_watch.transforms.model import Parsed, Source

MEMBER = "eurofxref-hist.csv"
LARGEST_BYTES = 16 * 1024 * 1024  # the whole history is 2 MB; as a list of cells it takes fifteen times its size
ZIP_START = b"PK\x03\x04"
MISSING = "N/A"
CURRENCY = re.compile(r"[A-Z]{3}")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NUMBER = r"^(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$"


def recognise(body: bytes) -> bool:
    """Whether the content is a zip that holds the ECB's file, or that CSV itself."""
    if body.startswith(ZIP_START):
        # The member is named in the zip's first and last bytes; looking there also knows a truncated archive.
        return MEMBER.encode() in body[:512] or MEMBER.encode() in body[-4096:]
    header = body[:2048].decode("utf-8-sig", errors="replace").split("\n", 1)[0]
    cells = [cell.strip() for cell in header.split(",")]
    codes = [cell for cell in cells[1:] if cell]
    return cells[0] == "Date" and "USD" in codes and all(CURRENCY.fullmatch(code) for code in codes)


def parse(body: bytes, source: Source) -> Parsed:
    """Every currency of the file per dollar: currency, date, per_usd, line, by currency and day.

    The file counts units per euro; a rate per dollar is (units per euro) / (dollars per euro), and the euro's own is
    1 / (dollars per euro). The dollar itself is left out, as are days without a rate. Raises LayoutError.
    """
    content = _member(body, source.id) if body.startswith(ZIP_START) else body
    if len(content) > LARGEST_BYTES:
        raise LayoutError(source.id, "whole file", f"at most {LARGEST_BYTES:,} bytes", f"{len(content):,}")
    codes, lines, rows = _rows(content, source.id)
    days = _days([row[0].strip() for row in rows], lines, source.id)
    per_euro = _rates(rows, codes, lines, source.id)
    dollars = per_euro[:, codes.index("USD")]
    others = [position for position, code in enumerate(codes) if code != "USD"]
    names = np.array([*(codes[position] for position in others), "EUR"])
    per_usd = np.column_stack([per_euro[:, others], np.ones(len(rows))]) / dollars[:, None]

    by_name, by_day = np.argsort(names), np.argsort(days)
    per_usd = per_usd[by_day][:, by_name].T.ravel()
    kept = ~np.isnan(per_usd)
    if not kept.any():
        raise LayoutError(source.id, "whole file", "at least one rate against the dollar", "none")
    table = pd.DataFrame(
        {
            "currency": pd.Series(np.repeat(names[by_name], len(rows))[kept], dtype="str"),
            "date": np.tile(days[by_day], len(names))[kept],
            "per_usd": per_usd[kept],
            "line": np.tile(np.array(lines)[by_day], len(names))[kept],
        }
    )
    return Parsed(source.layout, "fx", table)


def _member(body: bytes, source: str) -> bytes:
    """The CSV out of the zip. The size is checked as declared and again while expanding: headers can lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            found = [entry for entry in archive.infolist() if entry.filename == MEMBER]
            if len(found) != 1:
                names = ", ".join(archive.namelist()[:5]) or "an empty archive"
                raise LayoutError(source, "zip archive", f"one member {MEMBER}", names)
            _check_size(found[0].file_size, source)
            with archive.open(found[0]) as member:
                content = member.read(LARGEST_BYTES + 1)
            _check_size(len(content), source)
            return content
    except ZIP_DAMAGES as problem:
        raise LayoutError(
            source, "zip archive", "a whole zip archive", str(problem) or type(problem).__name__, "fetch it again"
        ) from problem


def _check_size(size: int, source: str) -> None:
    if size > LARGEST_BYTES:
        raise LayoutError(
            source, f"member {MEMBER}", f"at most {LARGEST_BYTES:,} bytes", f"{size:,} bytes uncompressed"
        )


def _rows(content: bytes, source: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Currency codes of the header, and line number and cells of every row below it, all of the header's width."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise LayoutError(source, f"line {line}", "UTF-8 text", f"byte 0x{content[problem.start]:02x}") from problem
    reader = csv.reader(io.StringIO(text.rstrip("\r\n "), newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        header = [cell.strip() for cell in within_length(next(reader, []))]
        for cells in reader:
            lines.append(reader.line_num)
            rows.append(within_length(cells))
    except csv.Error as problem:
        raise LayoutError(source, f"line {reader.line_num}", "comma-separated text", str(problem)) from problem
    width = len(header)
    trailing = width > 1 and header[-1] == ""
    codes = header[1:-1] if trailing else header[1:]
    if header[:1] != ["Date"] or "USD" not in codes:
        raise LayoutError(source, "line 1", "a header with Date and USD", repr(",".join(header)))
    if len(set(codes)) != len(codes) or not all(CURRENCY.fullmatch(code) for code in codes):
        raise LayoutError(source, "line 1", "each currency once, as a code of three letters", ",".join(codes))
    if not rows:
        raise LayoutError(source, "whole file", "at least one day", "a header alone")
    for line, cells in zip(lines, rows, strict=True):
        if len(cells) != width:
            raise LayoutError(
                source, f"line {line}", f"{width} cells, as in the header", f"{len(cells)}: {','.join(cells)}"
            )
        if trailing and cells[-1].strip():
            raise LayoutError(source, f"line {line}", "an empty last column", repr(cells[-1]))
    return codes, lines, rows


def _days(texts: list[str], lines: list[int], source: str) -> np.ndarray:
    seen: dict[date, int] = {}
    for text, line in zip(texts, lines, strict=True):
        try:
            day = date.fromisoformat(text) if ISO_DATE.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not is_plausible(day):
            raise LayoutError(source, f"line {line}, Date", "a date such as 2024-04-29", repr(text))
        if day in seen:
            raise LayoutError(source, f"line {line}, Date", "each date once", f"{day}, as in line {seen[day]}")
        seen[day] = line
    return np.array(list(seen), dtype="datetime64[us]")


def _rates(rows: list[list[str]], codes: list[str], lines: list[int], source: str) -> np.ndarray:
    """Units per euro as a matrix of days and currencies, NaN for N/A."""
    flat = [cell for row in rows for cell in row[1 : len(codes) + 1]]
    cells = pc.ascii_trim_whitespace(pa.array(flat, type=pa.string()))
    missing = pc.equal(cells, MISSING)
    bad = pc.invert(pc.or_(missing, pc.match_substring_regex(cells, NUMBER)))
    if pc.any(bad).as_py():
        raise _bad_cell(bad.to_numpy(zero_copy_only=False), flat, codes, lines, source, "a number or N/A")
    figures = pc.cast(pc.if_else(missing, pa.scalar(None, pa.string()), cells), pa.float64())
    rates = figures.to_numpy(zero_copy_only=False)
    if (rates <= 0).any():
        raise _bad_cell(rates <= 0, flat, codes, lines, source, "a positive exchange rate")
    return rates.reshape(len(rows), len(codes))


def _bad_cell(
    bad: np.ndarray, flat: list[str], codes: list[str], lines: list[int], source: str, expected: str
) -> LayoutError:
    position = int(np.argmax(bad))
    row, column = divmod(position, len(codes))
    return LayoutError(source, f"line {lines[row]}, {codes[column]}", expected, repr(flat[position]))
