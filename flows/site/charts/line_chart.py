"""Lines through the months, each labelled at its end with its last value: the form of every chart of holdings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from markupsafe import Markup

from treasury_watch.flows.site.charts import documents
from treasury_watch.flows.site.charts.documents import Document
from treasury_watch.transforms.months import month_of, number_of
from treasury_watch.transforms.wording import joined, month_name

FONT_SIZE, LABEL_LEADING = 13, 15
TOP, BOTTOM = 12, 24  # pixels around the plot; left of it stand the axis' figures, right of it the labels of the ends
LETTER, DIGIT = 8.2, 7.2  # pixels that a letter of an end's label takes at most on average, and one of the axis
FROM_ZERO = 0.6  # an axis begins at zero unless all values lie above this part of the largest
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
YEARS_APART = (1, 2, 5, 10)


@dataclass(frozen=True)
class Size:
    """Width and height of the whole chart in its own pixels; a page may draw it wider or narrower."""

    width: int
    height: int


NARROW = Size(380, 250)  # its lettering is read on a phone
WIDE = Size(820, 340)


@dataclass(frozen=True)
class Line:
    """One line: by month its value and how this is written; `breaks` are months in which a new survey basis starts.

    `label` is what stands at its end, above the last value: the name, in lines short enough for the margin.
    """

    name: str
    colour: str
    values: Mapping[date, tuple[float, str]]
    label: Sequence[str] = ()
    breaks: frozenset[date] = frozenset()
    last_shown: str = ""  # how the last value is written at the end; as elsewhere where empty

    def since(self, first: date) -> Line:
        """The line from this month on."""
        kept = {month: value for month, value in self.values.items() if month >= first}
        return Line(self.name, self.colour, kept, self.label, self.breaks, self.last_shown)


@dataclass(frozen=True)
class DrawnChart:
    """A chart as a page needs it: `svg` to show, `document` for a PNG, `alt` in words, `hover` for the page's script.

    `left` and `right` are the edges of its plot as parts of its width; `from_zero`: whether the vertical axis begins there.
    """

    svg: Markup
    document: Document
    alt: str
    hover: str
    left: float
    right: float
    from_zero: bool


@dataclass(frozen=True)
class _Plot:
    width: float
    height: float
    left: float
    right: float
    months: tuple[int, int]
    ticks: list[float] = field(default_factory=list)

    @property
    def per_pixel(self) -> float:
        return (self.ticks[-1] - self.ticks[0]) / self.height


def draw(lines: Sequence[Line], size: Size = NARROW) -> DrawnChart | None:
    """The chart of these lines, None where none has a value. Gaps and new survey bases interrupt a line."""
    known = [line for line in lines if line.values]
    if not known:
        return None
    plot = _plot(known, size)
    document = _document(known, plot)
    whole = plot.left + plot.width + plot.right
    return DrawnChart(
        svg=documents.svg(document),
        document=document,
        alt=described(known),
        hover=_hover(known, plot),
        left=round(plot.left / whole, 4),
        right=round((plot.left + plot.width) / whole, 4),
        from_zero=plot.ticks[0] <= 0,
    )


def described(lines: Sequence[Line]) -> str:
    """The lines in words: where each began and ended, and its highest and lowest month."""
    return " ".join(_described(line) for line in lines if line.values)


def _described(line: Line) -> str:
    first, last = min(line.values), max(line.values)
    if first == last:
        return f"{line.name}: {line.values[last][1]} in {month_name(last)}."
    high = max(line.values, key=lambda month: line.values[month][0])
    low = min(line.values, key=lambda month: line.values[month][0])
    told = [f"{line.values[first][1]} in {month_name(first)}", f"{line.values[last][1]} in {month_name(last)}"]
    between = [
        f"{word} {line.values[month][1]} in {month_name(month)}"
        for word, month in (("highest", high), ("lowest", low))
        if month not in (first, last)
    ]
    return f"{line.name}: from {told[0]} to {told[1]}{'; ' + joined(between) if between else ''}."


def _plot(lines: Sequence[Line], size: Size) -> _Plot:
    values = [value for line in lines for value, _ in line.values.values()]
    months = [number_of(month) for line in lines for month in line.values]
    first, last = min(months), max(months)
    longest = max(len(text) for line in lines for text in _end_label(line))
    right = 12 + LETTER * longest
    shown = ticks(min(values), max(values))
    left = 8 + DIGIT * max(len(f"{tick:,.12g}") for tick in shown)
    return _Plot(
        width=size.width - left - right,
        height=size.height - TOP - BOTTOM,
        left=left,
        right=right,
        months=(first, max(last, first + 1)),
        ticks=shown,
    )


def ticks(lowest: float, highest: float, wanted: int = 4) -> list[float]:
    """Round values that enclose both, about so many steps apart; from zero unless that would flatten the chart."""
    low = min(lowest, 0.0) if lowest <= FROM_ZERO * highest or lowest < 0 else lowest
    span = (highest - low) or abs(highest) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(magnitude * factor for factor in STEPS if magnitude * factor * wanted >= span * 0.999)
    start, end = math.floor(low / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [round(step * place, 10) for place in range(start, max(end, start + 1) + 1)]


def _end_label(line: Line) -> list[str]:
    last = max(line.values)
    return [*line.label, line.last_shown or line.values[last][1]]


def _document(lines: Sequence[Line], plot: _Plot) -> Document:
    """The chart in Vega-Lite. Months are their numbers: dates as text would take longer to read than to draw."""
    rows, ends = [], []
    for place, line in enumerate(lines):
        run, before = 0, None
        for month in sorted(line.values):
            number = number_of(month)
            if before is not None and (number - before > 1 or month in line.breaks):
                run += 1
            before = number
            rows.append({"m": number, "v": line.values[month][0], "name": line.name, "run": f"{place}.{run}"})
        last = max(line.values)
        ends.append({"m": number_of(last), "v": line.values[last][0], "name": line.name, "text": _end_label(line)})
    _keep_apart(ends, plot)
    colour = {
        "field": "name", "type": "nominal", "legend": None,
        "scale": {"domain": [line.name for line in lines], "range": [line.colour for line in lines]},
    }  # fmt: skip
    x = {"field": "m", "type": "quantitative", "scale": {"domain": list(plot.months), "nice": False, "zero": False}}
    y = {"field": "v", "type": "quantitative", "scale": {"domain": [plot.ticks[0], plot.ticks[-1]], "nice": False}}
    return {
        "width": plot.width,
        "height": plot.height,
        "autosize": {"type": "none"},
        "padding": {"left": plot.left, "right": plot.right, "top": TOP, "bottom": BOTTOM},
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "line", "strokeWidth": 2.25, "strokeJoin": "round", "strokeCap": "round"},
                "encoding": {
                    "x": x | {"axis": _month_axis(plot)},
                    "y": y | {"axis": _value_axis(plot)},
                    "color": colour,
                    "detail": {"field": "run"},
                },
            },
            {
                "data": {"values": ends},
                "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "data": {"values": ends},
                "mark": {
                    "type": "text", "align": "left", "dx": 9, "baseline": "middle", "fontSize": FONT_SIZE,
                    "fontWeight": 600, "lineHeight": LABEL_LEADING,
                },
                "encoding": {"x": x, "y": y | {"field": "at"}, "text": {"field": "text"}, "color": colour},
            },
        ],
    }  # fmt: skip


def _keep_apart(ends: list[dict[str, Any]], plot: _Plot) -> None:
    """Give each label the place `at` which it stands: at its line's end, or as near as leaves every label readable.

    A label of several lines is drawn downwards from its first one.
    """
    floor = plot.ticks[0]
    highest_free = plot.height + TOP
    for end in sorted(ends, key=lambda end: -end["v"]):
        height = LABEL_LEADING * len(end["text"])
        wanted = (end["v"] - floor) / plot.per_pixel + height / 2
        top = min(max(wanted, height), highest_free)
        end["at"] = floor + (top - LABEL_LEADING / 2) * plot.per_pixel
        highest_free = top - height - 3
    lowest_free = -BOTTOM / 2
    for end in sorted(ends, key=lambda end: end["at"]):
        height = LABEL_LEADING * len(end["text"])
        bottom = (end["at"] - floor) / plot.per_pixel + LABEL_LEADING / 2 - height
        if bottom < lowest_free:
            end["at"] += (lowest_free - bottom) * plot.per_pixel
            bottom = lowest_free
        lowest_free = bottom + height + 3


def _month_axis(plot: _Plot) -> dict[str, Any]:
    first, last = plot.months
    common = {
        "title": None,
        "grid": False,
        "labelFlush": False,
        "tickSize": 5,
        "labelPadding": 4,
        "labelOverlap": False,
    }
    if last - first > 48:
        room = plot.width / 44  # labels of a year that fit beside one another
        years = next((y for y in YEARS_APART if (last - first) / (12 * y) <= room), YEARS_APART[-1])
        values = [n for n in range(first, last + 1) if n % 12 == 0 and (n // 12) % years == 0]
        words = "format(floor(datum.value / 12), 'd')"
    else:
        apart = next((m for m in (3, 6, 12) if (last - first) / m <= plot.width / 72), 12)
        values = [n for n in range(first, last + 1) if n % apart == 0]
        words = "utcFormat(utc(floor(datum.value / 12), datum.value % 12, 1), '%b %Y')"
    return common | {"values": values or [first], "labelExpr": words}


def _value_axis(plot: _Plot) -> dict[str, Any]:
    return {
        "title": None,
        "values": plot.ticks,
        "format": ",.12~g",
        "ticks": False,
        "labelPadding": 6,
        "labelFontSize": 12,
    }


def _hover(lines: Sequence[Line], plot: _Plot) -> str:
    """What the page's script tells of the month that is pointed at: JSON of the values as written."""
    first, last = plot.months
    months = [month_of(number) for number in range(first, last + 1)]
    series = [
        {
            "name": line.name,
            "colour": line.colour,
            "shown": [line.values[m][1] if m in line.values else "" for m in months],
        }
        for line in lines
    ]
    return json.dumps({"first": first, "series": series}, ensure_ascii=False, separators=(",", ":"))
