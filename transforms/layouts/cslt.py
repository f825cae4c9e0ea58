"""The Continuous SLT archive: cslt.zip with one member cslt.json of about 120 MB and 4,260 series, USD millions.

    {"series": [{"source_id": "for_lt_treas_net_42609", "metadata": {..., "units": "Millions of Dollars"},
                 "observations": [["2026-04-01", "14705.0"], ...]}, ...]}    newest first, values are strings

Nine tenths of the bytes belong to other securities. The member is inflated piece by piece and cut into series at their
`source_id`; only the Treasury series are parsed as JSON, so memory stays at the size of the figures kept.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import orjson
import pandas as pd

from transforms.errors import LayoutError
from transforms.layouts.reading import OBSERVATION_COLUMNS
from transforms.model import Parsed, Source

MEMBER = "cslt.json"
MAX_MEMBER_BYTES = 512 * 1024 * 1024
MAX_SERIES_BYTES = 16 * 1024 * 1024
PIECE = 1024 * 1024
MARK = b'"source_id"'
IDENTIFIER = re.compile(rb'\s*:\s*"([^"\\]*)"')
TRANSMITTED = re.compile(rb'"transmissionDt"\s*:\s*"(\d{4}-\d{2}-\d{2})')
TREASURY = re.compile(rb"for_(lt|st)_treas_(pos|net|valchg)_(\d+)")
MEASURES = {
    ("lt", "pos"): "long_term_position",
    ("lt", "net"): "long_term_net",
    ("lt", "valchg"): "long_term_valuation",
    ("st", "pos"): "short_term_position",
    ("st", "net"): "short_term_net",
}
MISSING = {"", ".", "n.a.", "NA", "ND"}


def recognise(body: bytes) -> bool:
    """Whether the content is a zip whose first member is the archive's."""
    return body[:4] == b"PK\x03\x04" and MEMBER.encode() in body[:256]


def parse(body: bytes, source: Source) -> Parsed:
    """Positions, net purchases and valuation change of the Treasury series. Raises LayoutError."""
    tables = []
    seen: set[str] = set()
    count = 0
    dated: date | None = None
    for identifier, text in _series(body, source.id):
        if not identifier:
            dated = _transmitted(text, source.id)
            continue
        count += 1
        named = TREASURY.fullmatch(identifier)
        if named is None:
            continue
        name = identifier.decode()
        if name in seen:
            raise LayoutError(source.id, f"series {name}", "each series once", "a second one")
        seen.add(name)
        measure = MEASURES.get((named[1].decode(), named[2].decode()))
        if measure is None:
            raise LayoutError(
                source.id, f"series {name}", "a known measure", name, "declare it in transforms/layouts/cslt.py"
            )
        tables.append(_figures(_loaded(text, name, source.id), name, named[3].decode(), measure, source))
    if not tables:
        raise LayoutError(source.id, MEMBER, "Treasury series such as for_lt_treas_pos_42609", f"none among {count}")
    return Parsed(source.layout, "observations", pd.concat(tables, ignore_index=True)[OBSERVATION_COLUMNS], dated)


def _transmitted(head: bytes, source: str) -> date | None:
    """The day of `transmissionDt`, which is the release; None where the head does not name it."""
    found = TRANSMITTED.search(head)
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1].decode())
    except ValueError as problem:
        raise LayoutError(source, "transmissionDt", "a day", found[1].decode()) from problem


def _inflated(body: bytes, source: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if archive.namelist() != [MEMBER]:
                raise LayoutError(source, "archive", f"one member {MEMBER}", ", ".join(archive.namelist()) or "none")
            size = archive.getinfo(MEMBER).file_size
            if size > MAX_MEMBER_BYTES:
                raise LayoutError(source, MEMBER, f"at most {MAX_MEMBER_BYTES:,} bytes", f"{size:,}")
            with archive.open(MEMBER) as member:
                while piece := member.read(PIECE):
                    yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as problem:
        raise LayoutError(source, "archive", "a whole zip file", str(problem), "fetch it again") from problem


def _series(body: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    """What stands before the first series, with no identifier; then each series' identifier and its text from `{` on.

    What follows the object may hang on at the text's end.
    """
    buffer = b""
    offset = 0  # of the buffer within the member
    started = False

    def cut(keep: int) -> Iterator[tuple[bytes, bytes]]:
        nonlocal buffer, offset, started
        while 0 <= (mark := _next_mark(buffer, started)) <= len(buffer) - keep:
            begin = _brace_before(buffer, mark, source, offset)
            yield _identified(buffer[:begin], source, offset) if started else (b"", buffer[:begin])
            buffer, offset, started = buffer[begin:], offset + begin, True

    for piece in _inflated(body, source):
        buffer += piece
        yield from cut(keep=512)  # an identifier cut in two waits for the next piece
        if len(buffer) > MAX_SERIES_BYTES:
            raise LayoutError(
                source, f"byte {offset:,}", f"series of at most {MAX_SERIES_BYTES:,} bytes", "a longer one"
            )
    yield from cut(keep=0)
    ending = buffer.rstrip()
    if not started or not ending.endswith(b"]}"):
        found = ending[-20:].decode("latin-1")
        raise LayoutError(source, "end", "a list of series that closes with ]}", found, "the file looks truncated")
    yield _identified(ending, source, offset)


def _next_mark(buffer: bytes, started: bool) -> int:
    """Where the next series' `"source_id"` stands, as a key and not as text within a string; -1 where there is none.

    With `started` the buffer begins with a series, whose own mark is passed over.
    """
    mark = buffer.find(MARK, buffer.find(MARK) + 1 if started else 0)
    while mark > 0 and buffer[mark - 1 : mark] == b"\\":
        mark = buffer.find(MARK, mark + 1)
    return mark


def _brace_before(buffer: bytes, mark: int, source: str, offset: int) -> int:
    before = buffer[:mark].rstrip() if mark < 64 else buffer[mark - 64 : mark].rstrip()
    if not before.endswith(b"{"):
        raise LayoutError(
            source, f"byte {offset + mark:,}", "series that begin with source_id", before[-20:].decode("latin-1")
        )
    return buffer.rfind(b"{", 0, mark)


def _identified(text: bytes, source: str, offset: int) -> tuple[bytes, bytes]:
    found = IDENTIFIER.match(text, text.find(MARK) + len(MARK))
    if found is None:
        raise LayoutError(source, f"byte {offset:,}", "a text after source_id", text[:60].decode("latin-1"))
    return found[1], text


def _loaded(text: bytes, name: str, source: str) -> dict[str, Any]:
    """The series' object. Its text may end with the comma before the next, or with the end of the list."""
    bare = text.rstrip().rstrip(b",").rstrip()
    for ending in (bare, bare.removesuffix(b"}").rstrip().removesuffix(b"]")):
        try:
            found = orjson.loads(ending)
        except orjson.JSONDecodeError as problem:
            error = problem
            continue
        if isinstance(found, dict):
            return found
    raise LayoutError(source, f"series {name}", "a JSON object", str(error), "the file is damaged; fetch it again")


def _figures(series: dict[str, Any], name: str, code: str, measure: str, source: Source) -> pd.DataFrame:
    metadata, observations = series.get("metadata"), series.get("observations")
    units = metadata.get("units") if isinstance(metadata, dict) else None
    if units != "Millions of Dollars":
        raise LayoutError(
            source.id, f"series {name}", "units 'Millions of Dollars'", str(units), "the unit may have changed"
        )
    if not isinstance(observations, list) or not all(isinstance(o, list) and len(o) == 2 for o in observations):
        raise LayoutError(source.id, f"series {name}", "observations as pairs of day and value", str(observations)[:60])
    try:
        days = np.array([day for day, _ in observations], dtype="datetime64[D]")
        values = np.array([np.nan if v is None or v in MISSING else float(v) for _, v in observations], dtype="float64")
    except (ValueError, TypeError) as problem:
        raise LayoutError(source.id, f"series {name}", "days such as 2026-04-01 and figures", str(problem)) from problem
    if (days != days.astype("datetime64[M]")).any() or np.isnat(days).any():
        raise LayoutError(source.id, f"series {name}", "first days of months", str(days[:3]))
    if len(days) and (np.diff(days.astype("int64")) >= 0).any():
        raise LayoutError(source.id, f"series {name}", "months newest first, each once", "another order")
    if np.isinf(values).any():
        raise LayoutError(source.id, f"series {name}", "finite figures", "an infinite one")
    title = metadata.get("title") if isinstance(metadata, dict) else None
    return pd.DataFrame(
        {
            "label": str(title or name),
            "code": code,
            "month": days.astype("datetime64[us]"),
            "measure": measure,
            "series": source.series,
            "value_usd_mn": values * source.scale_to_usd_mn,
            "line": pd.Series(pd.NA, index=range(len(days)), dtype="Int32"),
        }
    )
