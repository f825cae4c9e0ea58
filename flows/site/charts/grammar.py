"""Words of Vega-Lite as plain dictionaries: a library that says them takes half a second to load. The tests hold every
document against Vega-Lite's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treasury_watch.flows.site.charts.documents import Document

KINDS = {"Q": "quantitative", "N": "nominal", "O": "ordinal", "T": "temporal"}


def field(name: str, **said: Any) -> Document:
    """A channel of the data's field, `month:O`, with what else is said of it."""
    column, _, kind = name.partition(":")
    return _in_order({"field": column, "type": KINDS[kind], **said})


def read(*fields: tuple[str, str] | tuple[str, str, str]) -> list[Document]:
    """What is read where a mark is pointed at: fields, their titles, and how they are written."""
    return [field(name, title=title, **({"format": form[0]} if form else {})) for name, title, *form in fields]


def axis(**said: Any) -> Document:
    """An axis without a title: the panel's says what it counts."""
    return _in_order({"title": None, **said})


def panel_title(text: str) -> Document:
    """The heading of a panel, from its left edge."""
    return {"text": text, "anchor": "start", "fontSize": 14, "fontWeight": 400, "frame": "bounds", "offset": 8}


def colours(shades: Mapping[str, str], *, legend: bool) -> Document:
    """The scale from names to colours, with or without a legend below."""
    named = {"direction": "horizontal", "orient": "bottom", "symbolType": "square", "title": None}
    scale = {"domain": list(shades), "range": list(shades.values())}
    return {"legend": named if legend else None, "scale": scale}


def layer(
    kind: str, encoding: Mapping[str, Any], data: str | None = None, where: str | None = None, **said: Any
) -> Document:
    """A layer of marks of the data of that name, of all rows or those for which `where` holds."""
    made: Document = {"data": {"name": data}} if data else {}
    made |= {"mark": {"type": kind, **_in_order(said)}, "encoding": _in_order(encoding)}
    return made | ({"transform": [{"filter": where}]} if where else {})


def _in_order(said: Mapping[str, Any]) -> Document:
    return dict(sorted(said.items()))
