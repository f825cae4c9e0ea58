"""Charts of the risk section: lines through time, intervals and bars by name, parts of each month. Words stand beside them.

A chart fills the width that the page gives it. Its title, its colours' names and its last values are text of the page,
so that they are read at any width and without the chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt

from treasury_watch.flows.site.charts.documents import BLUE, GREY, ORANGE, Document

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
    days = [day for line in drawn for day, _ in line.points]
    dates = "%Y" if days and (max(days) - min(days)).days > LONG_SPAN_DAYS else "%b %Y"
    layers: list[alt.Chart] = []
    data = {ROWS: rows}
    if window:
        data["window"] = [{"from": f"{window[0]:%Y-%m-%d}", "to": f"{window[1]:%Y-%m-%d}"}]
        layers.append(
            alt.Chart(alt.NamedData("window")).mark_rect(color=GREY, opacity=0.16).encode(x="from:T", x2="to:T")
        )
    if marks:
        data["marks"] = [{"day": f"{mark.day:%Y-%m-%d}", "words": mark.words} for mark in marks]
        layers.append(
            alt.Chart(alt.NamedData("marks"))
            .mark_rule(color=ORANGE, strokeWidth=2)
            .encode(x="day:T", tooltip=[alt.Tooltip("words:N", title="Day")])
        )
    colour = alt.Color(
        "name:N", legend=None,
        scale=alt.Scale(domain=[line.name for line in drawn], range=[line.colour for line in drawn]),
    )  # fmt: skip
    layers.append(
        alt.Chart(alt.NamedData(ROWS))
        .mark_line(strokeWidth=2, invalid="break-paths-show-domains")
        .encode(
            x=alt.X("day:T", axis=alt.Axis(title=None, format=dates, labelFlush=True, tickCount=5, grid=False)),
            y=alt.Y(
                "value:Q", scale=alt.Scale(zero=zero, nice=True, padding=8),
                axis=alt.Axis(title=None, tickCount=5, format=NUMBERS, ticks=False),
            ),
            color=colour,
            tooltip=[
                alt.Tooltip("day:T", title="Date", format="%d %b %Y"),
                alt.Tooltip("name:N", title="Series"),
                alt.Tooltip("value:Q", title="Value", format=",.2f"),
            ],
        )
    )  # fmt: skip
    return _filling(alt.layer(*layers), HEIGHT, data)


def intervals(rows: Sequence[Row]) -> Document:
    """A dot with its interval for each name, in the order given: rows of `name`, `low`, `middle`, `high`, `label`."""
    names = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=names, axis=_name_axis())
    data = alt.NamedData(ROWS)
    x_axis = alt.Axis(title=None, tickCount=5, format=NUMBERS, ticks=False)
    bar = alt.Chart(data).mark_rule(color=BLUE, strokeWidth=5, opacity=0.45).encode(y=y, x="low:Q", x2="high:Q")
    dot = (
        alt.Chart(data)
        .mark_point(color=BLUE, filled=True, size=90, opacity=1)
        .encode(
            y=y,
            x=alt.X("middle:Q", axis=x_axis, scale=alt.Scale(zero=True, nice=True)),
            tooltip=[alt.Tooltip("name:N", title="Holder"), alt.Tooltip("label:N", title="Loss")],
        )
    )
    return _filling(alt.layer(bar, dot), ROW_HEIGHT * len(rows) + 30, {ROWS: list(rows)})


def bars(rows: Sequence[Row]) -> Document:
    """One bar for each name, to the left of zero where it is below: rows of `name`, `value`, `label`."""
    names = [row["name"] for row in rows]
    data = alt.NamedData(ROWS)
    y = alt.Y("name:N", sort=names, axis=_name_axis())
    largest = max((abs(row["value"]) for row in rows), default=1.0) or 1.0
    lowest = min((row["value"] for row in rows), default=0.0)
    # Room for the labels at the ends of the bars.
    span = [min(0.0, lowest) - 0.3 * largest * (lowest < 0), max(0.0, *(row["value"] for row in rows)) + 0.3 * largest]
    bar = (
        alt.Chart(data)
        .mark_bar(height=16)
        .encode(
            y=y,
            x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=span, nice=False)),
            color=alt.condition("datum.value < 0", alt.value(ORANGE), alt.value(BLUE)),
            tooltip=[alt.Tooltip("name:N", title="Security"), alt.Tooltip("label:N", title="USD bn")],
        )
    )
    text: dict[str, Any] = {"fontSize": 14, "baseline": "middle", "fontWeight": 600}
    right = alt.Chart(data).mark_text(align="left", dx=5, **text).encode(y=y, x="value:Q", text="label:N")
    left = alt.Chart(data).mark_text(align="right", dx=-5, **text).encode(y=y, x="value:Q", text="label:N")
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(strokeWidth=1).encode(x="zero:Q")
    return _filling(
        alt.layer(bar, zero, right.transform_filter("datum.value >= 0"), left.transform_filter("datum.value < 0")),
        (ROW_HEIGHT + 8) * len(rows),
        {ROWS: list(rows), "zero": ZERO},
    )


def parts(rows: Sequence[Row], colours: Mapping[str, str]) -> Document:
    """Each month's change as stacked bars, its sum as a diamond: rows of `month`, `name`, `value`, `label`, and one of each
    month with the name `change`.
    """
    months = list(dict.fromkeys(row["month"] for row in rows))
    x = alt.X("month:O", sort=months, axis=alt.Axis(title=None, labelAngle=0, ticks=False))
    stacked = [row for row in rows if row["name"] != "change"]
    shown = [row for row in rows if row["name"] == "change"]
    names = list(colours)
    order = {name: place for place, name in enumerate(names)}
    bar = (
        alt.Chart(alt.NamedData(ROWS))
        .mark_bar(size=26)
        .encode(
            x=x,
            y=alt.Y("value:Q", stack="zero", axis=alt.Axis(title=None, tickCount=6, format=NUMBERS, ticks=False)),
            color=alt.Color("name:N", legend=None, scale=alt.Scale(domain=names, range=list(colours.values()))),
            order="place:Q",
            tooltip=[
                alt.Tooltip("month:N", title="Month"), alt.Tooltip("name:N", title="Part"),
                alt.Tooltip("label:N", title="USD bn"),
            ],
        )
    )  # fmt: skip
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(strokeWidth=1).encode(y="zero:Q")
    diamond = (
        alt.Chart(alt.NamedData("shown"))
        .mark_point(shape="diamond", filled=True, size=90, opacity=1, stroke="white", strokeWidth=1)
        .encode(
            x=x, y="value:Q",
            tooltip=[alt.Tooltip("month:N", title="Month"), alt.Tooltip("label:N", title="Change, USD bn")],
        )
    )  # fmt: skip
    placed = [{**row, "place": order[row["name"]]} for row in stacked]
    return _filling(alt.layer(bar, zero, diamond), 260, {ROWS: placed, "shown": shown, "zero": ZERO})


def _name_axis() -> alt.Axis:
    return alt.Axis(title=None, ticks=False, domain=False, labelPadding=8, grid=False)


def _filling(chart: alt.LayerChart | alt.FacetChart, height: int, data: Mapping[str, list[Row]]) -> Document:
    """The chart with its data by name: Altair would check every row of data that it is given."""
    document = chart.properties(width=WIDTH, height=height).to_dict(validate=False)
    kept = {key: value for key, value in document.items() if key not in ("$schema", "config", "datasets")}
    return {**kept, "autosize": {"type": "fit", "contains": "padding"}, "datasets": dict(data)}
