"""The Continuous SLT archive: cslt.zip with one member cslt.json of about 120 MB and 4,260 series, USD millions.

    {"series": [{"source_id": "for_lt_treas_net_42609", "metadata": {..., "units": "Millions of Dollars"},
                 "observations": [["2026-04-01", "14705.0"], ...]}, ...]}    newest first, values are strings

Most of the bytes belong to U.S. residents' holdings abroad and to notes. The member is inflated piece by piece and cut into
series at their key `source_id`, which comes first in each; only the series that are kept are parsed as JSON, so memory stays
at the size of the figures kept. The order of the other keys and the white space between tokens do not matter.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import OBSERVATION_COLUMNS, ZIP_DAMAGES, month_of
from treasury_watch.transforms.layouts.tic.continuous_slt import discontinued, other_securities
from treasury_watch.transforms.layouts.tic.continuous_slt.other_securities import Figures
from treasury_watch.transforms.model import Parsed, Source

MEMBER = "cslt.json"
MAX_MEMBER_BYTES = 512 * 1024 * 1024
MAX_SERIES_BYTES = 16 * 1024 * 1024
PIECE = 1024 * 1024
SPACE = b" \t\r\n"
MARK = b'"source_id"'
NOT_SPACE = re.compile(rb"[^ \t\r\n]")
IDENTIFIER = re.compile(rb'[ \t\r\n]*:[ \t\r\n]*"([^"\\]+)"')
TREASURY = re.compile(rb"for_(lt_treas_(?:pos|net|valchg)|(?:st_)?treas_(?:pos|net))_(\d+)")
FIRST_OF_MONTH = re.compile(r"(\d{4}-\d{2})-01", re.ASCII)
FIGURE = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# Bills have no valuation change in these statistics; should the archive carry one, it is passed over like other series.
MEASURES = {
    b"lt_treas_pos": "long_term_position",
    b"lt_treas_net": "long_term_net",
    b"lt_treas_valchg": "long_term_valuation",
    b"st_treas_pos": "short_term_position",
    b"st_treas_net": "short_term_net",
    b"treas_pos": "total_position",
    b"treas_net": "total_net",
}
# Totals stand only where a part is not stated: elsewhere they say the same again.
PARTS = {
    "total_position": ("long_term_position", "short_term_position"),
    "total_net": ("long_term_net", "short_term_net"),
}
MISSING = {"", ".", "n.a.", "NA", "ND"}
TRUNCATED = "the file looks truncated or damaged; fetch it again"


def recognise(body: bytes) -> bool:
    """Whether the content is a zip whose first member is the archive's."""
    return body[:4] == b"PK\x03\x04" and MEMBER.encode() in body[:256]


def parse(body: bytes, source: Source) -> Parsed:
    """Positions, net purchases and valuation change of the Treasury series; beside them those of agency bonds, corporate
    bonds and equities. Raises LayoutError.

    `transmissionDt` dates nothing: it is the day on which the archive was handed over, days before it was public.
    """
    found: list[Figures] = []
    others: list[Figures] = []
    ended: list[tuple[str, str, bool]] = []
    ended_others: list[tuple[str, str, bool]] = []
    unreadable: list[str] = []  # series of other securities: they keep no Treasuries from being read
    seen: set[str] = set()
    count = 0
    for identifier, text in _series(body, source.id):
        if identifier is None:
            _document(text, source.id)
            continue
        count += 1
        named = TREASURY.fullmatch(identifier)
        if named is None:
            if other := other_securities.measure_of(identifier):
                measure, code = other
                try:
                    series, figures = _read(text, identifier.decode(), code, measure, seen, source.id)
                except LayoutError as problem:
                    unreadable.append(str(problem))
                    continue
                others.append(figures)
                ended_others.append((code, figures[0], discontinued.has_ended(series)))
            continue
        series, figures = _read(text, identifier.decode(), named[2].decode(), MEASURES[named[1]], seen, source.id)
        found.append(figures)
        ended.append((figures[1], figures[0], discontinued.has_ended(series)))
    if not found:
        raise LayoutError(source.id, MEMBER, "Treasury series such as for_lt_treas_pos_42609", f"none among {count}")
    if not any(len(months) for *_, months, _ in found):
        raise LayoutError(source.id, MEMBER, "figures in the Treasury series", f"none in {len(found)} series")
    table = _table(_without_repeated_totals(found), source)
    besides = other_securities.parsed(others, source, discontinued.groups([*ended, *ended_others]))
    notes = other_securities.left_out(unreadable)
    return Parsed(source.layout, "observations", table, None, notes, discontinued.groups(ended), besides)


def _read(
    text: bytes, name: str, code: str, measure: str, seen: set[str], source: str
) -> tuple[dict[str, Any], Figures]:
    """One series as stated and what it says; `seen` are the names met so far."""
    if name in seen:
        raise LayoutError(source, f"series {name}", "each series once", "a second one")
    seen.add(name)
    series = _loaded(text, name, source)
    return series, _figures(series, name, code, measure, source)


def _without_repeated_totals(found: list[Figures]) -> list[Figures]:
    """The series; of the totals only the months of which a part is not stated, for a holder whose bills are not published."""
    stated = {(code, measure): months[~np.isnan(values)] for _, code, measure, months, values in found}
    none = np.array([], dtype="datetime64[us]")
    kept = []
    for label, code, measure, months, values in found:
        if parts := PARTS.get(measure):
            first, second = (stated.get((code, part), none) for part in parts)
            missing = ~(np.isin(months, first) & np.isin(months, second))
            months, values = months[missing], values[missing]
        kept.append((label, code, measure, months, values))
    return kept


def _table(found: list[Figures], source: Source) -> pd.DataFrame:
    labels, codes, measures, months, values = zip(*found, strict=True)
    lengths = [len(part) for part in months]
    values_usd_mn = np.concatenate(values) * source.scale_to_usd_mn + 0.0  # -0 is 0
    return pd.DataFrame(
        {
            "label": _repeated(labels, lengths),
            "code": _repeated(codes, lengths),
            "month": np.concatenate(months),
            "measure": _repeated(measures, lengths),
            "series": pd.Series([source.series], dtype="str").repeat(sum(lengths)).array,
            "value_usd_mn": values_usd_mn,
            "line": pd.array([pd.NA], dtype="Int32").repeat(sum(lengths)),
        }
    )[OBSERVATION_COLUMNS]


def _repeated(texts: tuple[str, ...], lengths: list[int]) -> Any:
    return pd.array(texts, dtype="str").repeat(lengths)


def _shown(stated: object) -> str:
    """What a document states, for a message. Lists within lists can be too deep for Python to write."""
    try:
        return str(stated)[:60]
    except RecursionError:
        return f"a {type(stated).__name__} of many levels"


def _document(text: bytes, source: str) -> dict[str, Any]:
    """The document without its series: of these at most one is left, as null. Raises LayoutError if it is no such thing."""
    try:
        document = orjson.loads(text.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as problem:
        raise LayoutError(source, MEMBER, "a JSON object with a list of series", str(problem), TRUNCATED) from problem
    series = document.get("series") if isinstance(document, dict) else None
    if series not in ([], [None]):
        raise LayoutError(source, MEMBER, "a JSON object with a list of series", _shown(document))
    return document


def _inflated(body: bytes, source: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if archive.namelist() != [MEMBER]:
                names = ", ".join(archive.namelist()[:5]) or "none"
                raise LayoutError(source, "archive", f"one member {MEMBER}", names)
            size = archive.getinfo(MEMBER).file_size
            if size > MAX_MEMBER_BYTES:
                raise LayoutError(source, MEMBER, f"at most {MAX_MEMBER_BYTES:,} bytes", f"{size:,}")
            with archive.open(MEMBER) as member:
                while piece := member.read(PIECE):
                    yield piece
    except ZIP_DAMAGES as problem:
        found = str(problem) or type(problem).__name__
        raise LayoutError(source, "archive", "a whole zip file", found, "fetch it again") from problem


def _series(body: bytes, source: str) -> Iterator[tuple[bytes | None, bytes]]:
    """Each series' identifier and its object; last None and the document with null for all its series.

    Raises LayoutError where series do not begin with `source_id` or do not follow one another.
    """
    buffer = b""
    offset = 0  # of the buffer within the member
    searched = 0  # how far in the buffer
    head: bytes | None = None  # what stands before the first series, with which the buffer begins from then on
    for piece in chain(_inflated(body, source), [b""]):
        buffer += piece
        start = 0
        while True:
            mark, searched = _next_key(buffer, searched)
            if mark < 0:
                break
            brace = buffer.rfind(b"{", start, mark)
            if brace < 0 or buffer[brace + 1 : mark].strip(SPACE):
                before = buffer[max(start, mark - 20) : mark].decode("latin-1")
                raise LayoutError(source, f"byte {offset + mark:,}", "series that begin with source_id", before)
            if head is None:
                head = buffer[:brace]
            else:
                yield _followed(buffer[start:brace], source, offset + start)
            start = brace
        buffer, offset, searched = buffer[start:], offset + start, searched - start
        if len(buffer) > MAX_SERIES_BYTES:
            raise LayoutError(
                source, f"byte {offset:,}", f"series of at most {MAX_SERIES_BYTES:,} bytes", "a longer one"
            )
    if head is None:
        yield None, buffer
        return
    last, tail = _last(buffer, source)
    yield _identifier(last, source, offset), last
    yield None, head + b"null" + tail


def _next_key(buffer: bytes, searched: int) -> tuple[int, int]:
    """Where the next key `"source_id"` stands, -1 where none does, and how far the buffer is searched.

    A quote after a backslash belongs to a text: a text's first quote has a comma, colon or bracket before it, and what
    follows its last one is no name. A text that reads source_id is a key if a colon follows.
    """
    while (mark := buffer.find(MARK, searched)) >= 0:
        after = mark + len(MARK)
        if buffer[mark - 1 : mark] != b"\\":
            following = NOT_SPACE.search(buffer, after)
            if following is None:
                return -1, mark  # what follows comes with the next piece
            if following[0] == b":":
                return mark, after
        searched = after
    return -1, max(searched, len(buffer) - len(MARK) + 1)


def _followed(text: bytes, source: str, offset: int) -> tuple[bytes, bytes]:
    """The identifier and the object of a series that another one follows."""
    stated = text.rstrip(SPACE)
    series = stated.removesuffix(b",").rstrip(SPACE)
    if not stated.endswith(b",") or not series.endswith(b"}"):
        found = stated[-20:].decode("latin-1")
        raise LayoutError(source, f"byte {offset + len(text):,}", "}, before the next series", found)
    return _identifier(series, source, offset), series


def _last(text: bytes, source: str) -> tuple[bytes, bytes]:
    """The object of the last series, and what follows it."""
    try:
        stated = text.decode()
        _, end = json.JSONDecoder().raw_decode(stated)
    except (ValueError, RecursionError) as problem:
        found = text[-20:].decode("latin-1")
        raise LayoutError(source, "end", "a whole last series", f"{problem}: {found}", TRUNCATED) from problem
    return stated[:end].encode(), stated[end:].encode()


def _identifier(series: bytes, source: str, offset: int) -> bytes:
    found = IDENTIFIER.match(series, series.find(MARK) + len(MARK))
    if found is None:
        raise LayoutError(source, f"byte {offset:,}", "a name after source_id", series[:60].decode("latin-1"))
    return found[1]


def _loaded(text: bytes, name: str, source: str) -> dict[str, Any]:
    try:
        series: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise LayoutError(source, f"series {name}", "a JSON object", str(problem), TRUNCATED) from problem
    return series


def _figures(series: dict[str, Any], name: str, code: str, measure: str, source: str) -> Figures:
    place = f"series {name}"
    metadata, observations = series.get("metadata"), series.get("observations")
    units = metadata.get("units") if isinstance(metadata, dict) else None
    if units != "Millions of Dollars":
        raise LayoutError(source, place, "units 'Millions of Dollars'", _shown(units), "the unit may have changed")
    if not isinstance(observations, list) or not all(isinstance(o, list) and len(o) == 2 for o in observations):
        raise LayoutError(source, place, "observations as pairs of day and value", _shown(observations))
    try:
        months = np.array([_month(day) for day, _ in observations], dtype="datetime64[us]")
        values = np.array([_value(value) for _, value in observations], dtype="float64")
    except (ValueError, TypeError, OverflowError) as problem:
        expected = "first days of months such as 2026-04-01, and figures"
        raise LayoutError(source, place, expected, str(problem)) from problem
    if (np.diff(months) >= np.timedelta64(0)).any():
        raise LayoutError(source, place, "months newest first, each once", "another order")
    if np.isinf(values).any():
        raise LayoutError(source, place, "finite figures", "an infinite one")
    title = metadata.get("title") if isinstance(metadata, dict) else None
    return title if isinstance(title, str) and title.strip() else name, code, measure, months, values


def _month(stated: object) -> np.datetime64:
    if not isinstance(stated, str) or len(stated) != len("2026-04-01"):
        raise ValueError(repr(_shown(stated)))
    return _remembered(stated)


@lru_cache(maxsize=2048)
def _remembered(stated: str) -> np.datetime64:
    found = FIRST_OF_MONTH.fullmatch(stated)
    month = month_of(found[1]) if found else None
    if month is None:
        raise ValueError(repr(stated))
    return np.datetime64(month, "us")


def _value(stated: object) -> float:
    """The figure, NaN where it is missing. Raises ValueError for what Python alone takes for a number: 1_0, nan."""
    if stated is None or (isinstance(stated, str) and stated in MISSING):
        return float("nan")
    if (isinstance(stated, str) and FIGURE.fullmatch(stated)) or type(stated) in (int, float):
        return float(stated)  # type: ignore[arg-type]
    raise ValueError(repr(_shown(stated)))


def statement(body: bytes, source: Source, codes: set[str], measure: str, month: date) -> tuple[str, str] | None:
    """The series that states a measure of one of the country codes for a month, and its text; None where none does."""
    day = re.compile(rb'\[\s*"%s"\s*,[^\]]*\]' % f"{month:%Y-%m-01}".encode())
    for identifier, text in _series(body, source.id):
        named = TREASURY.fullmatch(identifier or b"")
        if named is None or MEASURES[named[1]] != measure or named[2].decode() not in codes:
            continue
        if found := day.search(text):
            return named[0].decode(), found[0].decode()
    return None
