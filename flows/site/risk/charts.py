"""Charts of the risk section: lines through time, intervals and bars by name, parts of each month. Words stand beside them.

A chart fills the width that the page gives it. Its title, its colours' names and its last values are text of the page,
so that they are read at any width and without the chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from treasury_watch.flows.site.charts.documents import BLUE, GREY, ORANGE, Document
from treasury_watch.flows.site.charts.grammar import axis, colours, field, layer, read

WIDTH, HEIGHT = 440, 230
ROW_HEIGHT = 30
LONG_SPAN_DAYS = 1500  # from which an axis names years alone
NUMBERS = ",.12~g"
ROWS = "rows"
ZERO = [{"zero": 0}]

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, its colour, and its points; a point without a value is a gap."""

    name: str
    colour: str
    points: Sequence[tuple[date, float | None]]


@dataclass(frozen=True)
class Mark:
    """A day that is drawn as a rule across the chart, with a word beside it."""

    day: date
    words: str


def lines(
    drawn: Sequence[Line], *, zero: bool, window: tuple[date, date] | None = None, marks: Sequence[Mark] = ()
) -> Document:
    """Lines over time. `zero`: the axis begins there; `window`: the months shaded; `marks`: days with a rule."""
    rows = [
        {"day": f"{day:%Y-%m-%d}", "value": value, "name": line.name} for line in drawn for day, value in line.points
    ]
    every = [day for line in drawn for day, _ in line.points]
    dates = "%Y" if every and (max(every) - min(every)).days > LONG_SPAN_DAYS else "%b %Y"
    layers: list[Document] = []
    data: dict[str, list[Row]] = {ROWS: rows}
    if window:
        data["window"] = [{"from": f"{window[0]:%Y-%m-%d}", "to": f"{window[1]:%Y-%m-%d}"}]
        shaded = {"x": field("from:T"), "x2": {"field": "to"}}
        layers.append(layer("rect", shaded, "window", color=GREY, opacity=0.16))
    if marks:
        data["marks"] = [{"day": f"{mark.day:%Y-%m-%d}", "words": mark.words} for mark in marks]
        ruled = {"x": field("day:T"), "tooltip": read(("words:N", "Day"))}
        layers.append(layer("rule", ruled, "marks", color=ORANGE, strokeWidth=2))
    encoding = {
        "x": field("day:T", axis=axis(format=dates, labelFlush=True, tickCount=5, grid=False)),
        "y": field(
            "value:Q",
            scale={"nice": True, "padding": 8, "zero": zero},
            axis=axis(tickCount=5, format=NUMBERS, ticks=False),
        ),
        "color": field("name:N", **colours({line.name: line.colour for line in drawn}, legend=False)),
        "tooltip": read(("day:T", "Date", "%d %b %Y"), ("name:N", "Series"), ("value:Q", "Value", ",.2f")),
    }
    layers.append(layer("line", encoding, ROWS, strokeWidth=2, invalid="break-paths-show-domains"))
    return _filling({"layer": layers}, HEIGHT, data)


def intervals(rows: Sequence[Row]) -> Document:
    """A dot with its interval for each name, in the order given: rows of `name`, `low`, `middle`, `high`, `label`."""
    y = _names(rows)
    amounts = axis(tickCount=5, format=NUMBERS, ticks=False)
    bar = {"y": y, "x": field("low:Q"), "x2": {"field": "high"}}
    dot = {
        "y": y,
        "x": field("middle:Q", axis=amounts, scale={"nice": True, "zero": True}),
        "tooltip": read(("name:N", "Holder"), ("label:N", "Loss")),
    }
    layers = [
        layer("rule", bar, color=BLUE, strokeWidth=5, opacity=0.45),
        layer("point", dot, color=BLUE, filled=True, size=90, opacity=1),
    ]
    return _filling({"layer": layers, "data": {"name": ROWS}}, ROW_HEIGHT * len(rows) + 30, {ROWS: list(rows)})


def bars(rows: Sequence[Row]) -> Document:
    """One bar for each name, to the left of zero where it is below: rows of `name`, `value`, `label`."""
    y = _names(rows)
    largest = max((abs(row["value"]) for row in rows), default=1.0) or 1.0
    lowest = min((row["value"] for row in rows), default=0.0)
    # Room for the labels at the ends of the bars.
    span = [min(0.0, lowest) - 0.3 * largest * (lowest < 0), max(0.0, *(row["value"] for row in rows)) + 0.3 * largest]
    bar = {
        "y": y,
        "x": field("value:Q", axis=None, scale={"domain": span, "nice": False}),
        "color": {"condition": {"test": "datum.value < 0", "value": ORANGE}, "value": BLUE},
        "tooltip": read(("name:N", "Security"), ("label:N", "USD bn")),
    }
    text: dict[str, Any] = {"fontSize": 14, "baseline": "middle", "fontWeight": 600}
    label = {"y": y, "x": field("value:Q"), "text": field("label:N")}
    layers = [
        layer("bar", bar, ROWS, height=16),
        layer("rule", {"x": field("zero:Q")}, "zero", strokeWidth=1),
        layer("text", label, ROWS, "datum.value >= 0", align="left", dx=5, **text),
        layer("text", label, ROWS, "datum.value < 0", align="right", dx=-5, **text),
    ]
    return _filling({"layer": layers}, (ROW_HEIGHT + 8) * len(rows), {ROWS: list(rows), "zero": ZERO})


def parts(rows: Sequence[Row], shades: Mapping[str, str]) -> Document:
    """Each month's change as stacked bars, its sum as a diamond: rows of `month`, `name`, `value`, `label`, and one of each
    month with the name `change`. `shades` are the colours of the parts.
    """
    months = list(dict.fromkeys(row["month"] for row in rows))
    x = field("month:O", sort=months, axis=axis(labelAngle=0, ticks=False))
    stacked = [row for row in rows if row["name"] != "change"]
    shown = [row for row in rows if row["name"] == "change"]
    order = {name: place for place, name in enumerate(shades)}
    bar = {
        "x": x,
        "y": field("value:Q", stack="zero", axis=axis(tickCount=6, format=NUMBERS, ticks=False)),
        "color": field("name:N", **colours(shades, legend=False)),
        "order": field("place:Q"),
        "tooltip": read(("month:N", "Month"), ("name:N", "Part"), ("label:N", "USD bn")),
    }
    change = {
        "x": x,
        "y": field("value:Q"),
        "tooltip": read(("month:N", "Month"), ("label:N", "Change, USD bn")),
    }
    diamond: Document = {
        "shape": "diamond",
        "filled": True,
        "size": 90,
        "opacity": 1,
        "stroke": "white",
        "strokeWidth": 1,
    }
    layers = [
        layer("bar", bar, ROWS, size=26),
        layer("rule", {"y": field("zero:Q")}, "zero", strokeWidth=1),
        layer("point", change, "shown", **diamond),
    ]
    placed = [{**row, "place": order[row["name"]]} for row in stacked]
    return _filling({"layer": layers}, 260, {ROWS: placed, "shown": shown, "zero": ZERO})


def _names(rows: Sequence[Row]) -> Document:
    """The rows below one another, each with its name."""
    named = axis(ticks=False, domain=False, labelPadding=8, grid=False)
    return field("name:N", sort=[row["name"] for row in rows], axis=named)


def _filling(chart: Document, height: int, data: Mapping[str, list[Row]]) -> Document:
    """The chart at its size, with its data by name."""
    size = {"height": height, "width": WIDTH, "autosize": {"type": "fit", "contains": "padding"}}
    return {**chart, **size, "datasets": dict(data)}
