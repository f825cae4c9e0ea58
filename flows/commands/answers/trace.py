"""What `trace` prints: a figure, the line it was read from, and every other print of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from treasury_watch.transforms.amounts import millions_cell
from treasury_watch.transforms.wording import month_name, one_line
from treasury_watch.warehouse.tables.tracing import Part, Print, Trace

DATED_BY = {
    "file": "printed in the file",
    "calendar": "by the release calendar",
    "retrieval": "day of the download; the day of release is not known",
    "user": "given when the file was loaded",
}
BASIS = re.compile(r"[IVX]+")  # of holdings; transactions name their form or release instead
SIGNED = ("change", "net_purchases", "net_long_term", "net_short_term", "valuation", "other")


def lines(found: Trace) -> Iterator[str]:
    """The trace as text."""
    when = f", as known on {found.as_of}" if found.as_of else ""
    value = _amount(found.value_usd_mn, signed=found.measure in SIGNED)
    basis = f" (basis: {found.basis})" if found.basis and found.measure not in ("change", "position") else ""
    yield f"{found.holder}, {month_name(found.month)}, {_words(found.measure)}: {value} USD mn{when}{basis}"
    if len(found.parts) > 1:
        yield "  made of " + " ".join(_term(part, first=not n) for n, part in enumerate(found.parts))
    yield from (f"  note: {note}" for note in found.notes)
    for part in found.parts:
        yield ""
        yield from _part(part)


def as_json(found: Trace) -> str:
    """The trace as one JSON document."""
    return json.dumps(asdict(found), indent=1, default=str, ensure_ascii=False)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _amount(value: float | None, *, signed: bool = False) -> str:
    return millions_cell(value, signed=signed)


def _term(part: Part, *, first: bool) -> str:
    sign = part.sign or ("" if first else "+")
    value = f"{_words(part.name)} of {part.month:%Y-%m} ({_amount(part.stands.value_usd_mn)})"
    return f"{sign} {value}".strip()


def _part(part: Part) -> Iterator[str]:
    stands, place = part.stands, part.place
    yield f"{_words(part.name)}, {part.month:%Y-%m}: {_amount(stands.value_usd_mn)} USD mn"
    rows: list[tuple[str, Any]] = [
        ("source", f"{stands.source}: {part.title}"),
        ("released", f"{stands.released} ({DATED_BY.get(part.dated_by or '', 'not recorded how that is known')})"),
        ("evidence", stands.evidence if stands.evidence != "release" else None),
        ("address", place.url),
        ("file", place.path),
        ("sha256", stands.sha256),
        ("member", place.member),
        (f"line {stands.line}" if stands.line is not None else "text", place.text),
        ("note", place.note),
    ]
    for label, value in rows:
        if value is not None:
            yield f"  {label:<10}  {one_line(value)}"
    if not part.prints:
        yield "  no other print of this figure is known"
        return
    yield "  other prints, oldest first (USD mn):"
    for one in part.prints:
        yield "    " + _print(one)


def _print(one: Print) -> str:
    until = f", until {one.superseded}" if one.superseded else ""
    evidence = f", {one.evidence}" if one.evidence != "release" else ""
    line = f", line {one.line}" if one.line is not None else ""
    basis = (
        f", survey basis {one.series}" if BASIS.fullmatch(one.series or "") else f" {one.series}" if one.series else ""
    )
    return f"{one.released}  {_amount(one.value_usd_mn):>12}  {one.source}{basis}{line}{evidence}{until}"
