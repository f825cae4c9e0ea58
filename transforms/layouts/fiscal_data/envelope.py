"""The envelope of the Treasury's Fiscal Data service: `data`, `meta` and `links`; every value is a text, absent is "null".

No answer as served is at hand: the layout is known from descriptions and from figures in its form.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.layouts.cells import is_plausible
from treasury_watch.transforms.layouts.file_kinds import is_html, kind_of
from treasury_watch.transforms.model import Source

START = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"data"\s*:\s*\[')
NULL = "null"
NUMBER = re.compile(r"-?\d{1,16}(?:\.\d{1,12})?", re.ASCII)
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
ALL = "the whole table in one page: raise page[size] in its path in config/sources.toml, or narrow its filter"


def has_fields(body: bytes, *fields: str) -> bool:
    """Whether the content is an envelope whose first record has these fields."""
    start = body[:8192]
    return START.match(start) is not None and all(f'"{field}"'.encode() in start for field in fields)


def records_of(body: bytes, source: Source, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """Every record, each with these fields as text. Raises LayoutError for an answer that is not whole, or is no answer.

    An answer that does not say how many pages there are could be the first of several: it is refused.
    """
    if not body.strip():
        raise LayoutError(source.id, "whole file", "an answer of Fiscal Data", "an empty file", "fetch it again")
    if is_html(body):
        kind = kind_of(body)
        found, step = (kind.name, kind.next_step) if kind else ("a web page", "open the address in a browser")
        raise LayoutError(source.id, "line 1", "an answer of Fiscal Data in JSON", found, step)
    try:
        answer = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as problem:
        raise LayoutError(source.id, "whole file", "JSON", shorten(str(problem)), "fetch it again") from problem
    data, meta = (answer.get(key) if isinstance(answer, dict) else None for key in ("data", "meta"))
    if not isinstance(data, list) or not isinstance(meta, dict):
        found = ", ".join(map(str, answer)) if isinstance(answer, dict) else type(answer).__name__
        raise LayoutError(source.id, "envelope", "data and meta", shorten(found) or "nothing")
    _check_pages(meta, len(data), source.id)
    if not data:
        raise LayoutError(source.id, "data", "at least one record", "none", "see the filter in config/sources.toml")
    for number, record in enumerate(data, start=1):
        for field in fields:
            value = record.get(field) if isinstance(record, dict) else None
            if not isinstance(value, str):
                stated = "no such field" if value is None else _told(value)
                raise LayoutError(source.id, f"record {number}, {field}", "a text", stated, _as_declared(source))
    return data


def _told(value: object) -> str:
    """A value of JSON in a message; of one that holds others its type, for they may lie thousands deep."""
    return type(value).__name__ if isinstance(value, (dict, list)) else repr(value)


def _as_declared(source: Source) -> str:
    return f"compare the fields of {source.id} in config/sources.toml with the service's own page on the table"


def _check_pages(meta: dict[str, Any], stated: int, source: str) -> None:
    pages, total = meta.get("total-pages"), meta.get("total-count")
    if type(pages) is not int or type(total) is not int:  # true is an int as well
        lacking = "total-count" if type(pages) is int else "total-pages"
        raise LayoutError(source, f"meta, {lacking}", "a number", _told(meta.get(lacking)), "fetch it again")
    if pages > 1 or total != stated:
        raise LayoutError(source, "meta", f"{total:,} records on one page", f"{stated:,}, page 1 of {pages}", ALL)


def day(text: str, place: str, source: str) -> date:
    """A day as the service writes it. Raises LayoutError."""
    try:
        found = date.fromisoformat(text) if ISO_DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not is_plausible(found):
        raise LayoutError(source, place, "a day such as 2026-07-27", repr(text))
    return found


def number(text: str, place: str, source: str) -> Decimal | None:
    """A decimal number, exactly; None for the text "null". Raises LayoutError."""
    if text == NULL:
        return None
    if not NUMBER.fullmatch(text):
        raise LayoutError(source, place, 'a number or "null"', repr(text))
    return Decimal(text)
