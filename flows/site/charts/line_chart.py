"""Lines through the months, each labelled at its end with its last value: the form of every chart of holdings.

Drawn as plain SVG, as holder_months.py does: a page has fifteen, and a chart by Vega takes 40 milliseconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from markupsafe import Markup, escape

from treasury_watch.transforms.months import month_of, number_of
from treasury_watch.transforms.wording import joined, month_name

FONT_SIZE, AXIS_FONT_SIZE, LABEL_LEADING = 13, 12, 15
LABELS_APART, NOTCH = 3, 5  # pixels between labels of ends, and down from the plot to a month's name
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
    """A chart as a page needs it: `svg` to show, `alt` in words, `hover` for the page's script.

    `left` and `right` are the edges of its plot as parts of its width; `from_zero`: whether the vertical axis begins there.
    """

    svg: Markup
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

    def x(self, month: int) -> float:
        """From the plot's left edge, of a month by its number."""
        return self.width * (month - self.months[0]) / (self.months[1] - self.months[0])

    def y(self, value: float) -> float:
        """From the plot's upper edge."""
        return self.height * (self.ticks[-1] - value) / (self.ticks[-1] - self.ticks[0])


@dataclass(frozen=True)
class _End:
    """Where a line ends, and its label: `first_line` is the middle of its first line's height."""

    x: float
    y: float
    colour: str
    label: list[str]
    first_line: float = 0.0


def draw(lines: Sequence[Line], size: Size = NARROW) -> DrawnChart | None:
    """The chart of these lines, None where none has a value. Gaps and new survey bases interrupt a line."""
    known = [line for line in lines if line.values]
    if not known:
        return None
    plot = _plot(known, size)
    return DrawnChart(
        svg=_svg(known, plot, size),
        alt=described(known),
        hover=_hover(known, plot),
        left=round(plot.left / size.width, 4),
        right=round((plot.left + plot.width) / size.width, 4),
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


def _svg(lines: Sequence[Line], plot: _Plot, size: Size) -> Markup:
    """The chart in the ink of the text around it; hidden from readers of the screen, who are told its words."""
    floor, right = f"{plot.height:.1f}", f"{plot.width:.1f}"
    months = _named_months(plot)
    grid = "".join(f"M0 {plot.y(tick):.1f}H{right}" for tick in plot.ticks)
    notches = "".join(f"M{plot.x(month):.1f} {floor}v{NOTCH}" for month, _ in months)
    drawn = [
        f'<path fill="none" stroke="currentColor" stroke-opacity="0.18" d="{grid}"/>',
        f'<path fill="none" stroke="currentColor" stroke-opacity="0.4" d="{notches}"/>',
        f'<g fill="currentColor" font-size="{AXIS_FONT_SIZE}px" text-anchor="end">',
        *(f'<text x="-6" y="{plot.y(tick) + 4:.1f}">{tick:,.12g}</text>' for tick in plot.ticks),
        f'</g><g fill="currentColor" font-size="{FONT_SIZE}px" text-anchor="middle">',
        *(
            f'<text x="{plot.x(month):.1f}" y="{plot.height + BOTTOM - 3:.1f}">{words}</text>'
            for month, words in months
        ),
        '</g><g fill="none" stroke-width="2.25" stroke-linejoin="round" stroke-linecap="round">',
        *(f'<path stroke="{line.colour}" d="{run}"/>' for line in lines for run in _runs(line, plot)),
        f'</g><g font-size="{FONT_SIZE}px" font-weight="600">',
        *map(_end_drawn, _apart(lines, plot)),
        "</g>",
    ]
    return Markup(
        f'<svg aria-hidden="true" focusable="false" viewBox="0 0 {size.width} {size.height}">'
        f'<g transform="translate({plot.left:.1f},{TOP})">{"".join(drawn)}</g></svg>'
    )


def _runs(line: Line, plot: _Plot) -> list[str]:
    """The line's pieces as SVG paths: a missing month and a new survey basis interrupt it. A month alone is a dot."""
    runs: list[list[str]] = []
    before = None
    for month in sorted(line.values):
        number = number_of(month)
        if before is None or number - before > 1 or month in line.breaks:
            runs.append([])
        before = number
        runs[-1].append(f"{plot.x(number):.1f},{plot.y(line.values[month][0]):.1f}")
    return [f"M{' '.join(run)}" + ("h0" if len(run) == 1 else "") for run in runs]


def _end_drawn(end: _End) -> str:
    label = "".join(
        f'<tspan x="{end.x + 9:.1f}" y="{end.first_line + LABEL_LEADING * place + 4.5:.1f}">{escape(text)}</tspan>'
        for place, text in enumerate(end.label)
    )
    return f'<circle cx="{end.x:.1f}" cy="{end.y:.1f}" r="3.7" fill="{end.colour}"/><text fill="{end.colour}">{label}</text>'


def _apart(lines: Sequence[Line], plot: _Plot) -> list[_End]:
    """The ends of the lines with the places of their labels: at the line's end, or as near as leaves each readable."""
    ends = [
        _End(plot.x(number_of(last)), plot.y(line.values[last][0]), line.colour, _end_label(line))
        for line in lines
        for last in [max(line.values)]
    ]
    highest_free = float(-TOP)
    placed = []
    for end in sorted(ends, key=lambda end: end.y):
        height = LABEL_LEADING * len(end.label)
        top = max(min(end.y - height / 2, plot.height - height), highest_free)
        placed.append((end, top, height))
        highest_free = top + height + LABELS_APART
    lowest_free = plot.height + BOTTOM / 2
    found = []
    for end, top, height in reversed(placed):
        raised = min(top, lowest_free - height)
        found.append(replace(end, first_line=raised + LABEL_LEADING / 2))
        lowest_free = raised - LABELS_APART
    return found


def _named_months(plot: _Plot) -> list[tuple[int, str]]:
    """The months named below the plot: years alone where it spans more than four."""
    first, last = plot.months
    if last - first > 48:
        room = plot.width / 44  # labels of a year that fit beside one another
        years = next((y for y in YEARS_APART if (last - first) / (12 * y) <= room), YEARS_APART[-1])
        apart, form = 12 * years, "%Y"
    else:
        apart = next((m for m in (3, 6, 12) if (last - first) / m <= plot.width / 72), 12)
        form = "%b %Y"
    named = [number for number in range(first, last + 1) if number % apart == 0] or [first]
    return [(number, f"{month_of(number):{form}}") for number in named]


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
