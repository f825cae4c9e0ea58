"""The chart of a holder's months on page and site and in messengers' previews: holdings, and what changed them.

Drawn as plain SVG: a chart by Vega takes 35 to 70 milliseconds, and the site has a thousand of them. It needs no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from treasury_watch.transforms.amounts import MINUS, billions_cell
from treasury_watch.transforms.months import months_from
from treasury_watch.transforms.wording import month_name

PARTS = {
    "net_purchases_usd_mn": ("Net purchases", "bought"),
    "valuation_usd_mn": ("Valuation", "price"),
    "other_usd_mn": ("Other changes", "rest"),
}
CHANGE = ("Change in holdings", "bought")
LABELS = 5  # at most so many months are named below the chart
YEARS_FROM, ROUND_YEARS = 60, (1, 2, 5, 10, 20, 50)  # months from which years alone are named, and which ones
READ_MONTHS = 120  # a chart of more months has no figures to point at: its bars are too thin

Row = Mapping[str, Any]
Parts = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Box:
    """Where a panel stands in the drawing, in its units."""

    left: float
    top: float
    width: float
    height: float


LINE, BARS = Box(56, 28, 574, 150), Box(56, 216, 574, 140)  # in a drawing of 640 by 394


@dataclass(frozen=True)
class Drawing:
    """A chart as shapes: runs of points of the holdings' line, bars of what changed them, ticks and months. `mark` is where
    the finding's months begin and how wide they are, `last` the newest point, the height of its label, and its label,
    `dashed` the middles of months with an event, `from_zero` whether the axis of the holdings begins at zero.
    """

    runs: list[str]
    last: tuple[float, float, float, str] | None
    ticks: list[tuple[float, str]]
    bars: list[tuple[float, float, float, float, str]]
    changes: list[tuple[float, float, float]]
    zero: float | None
    bar_ticks: list[tuple[float, str]]
    months: list[tuple[float, str]]
    mark: tuple[float, float] | None
    parts: list[tuple[str, str]]
    readings: list[tuple[float, float, str]]
    dashed: list[float]
    from_zero: bool


def drawing(
    months: Sequence[Row],
    line: Box = LINE,
    bars: Box = BARS,
    marked: Iterable[date] = (),
    names: int = LABELS,
    *,
    parts: Parts = PARTS,
    dashed: Iterable[date] = (),
    readings: bool = True,
) -> Drawing:
    """Holdings and, below them, the parts of each month's change; `months` are a holder's rows in order, USD millions.

    A month without a row keeps its place; it and a new survey basis interrupt the line. Where no month has a decomposition
    the change itself is drawn. Months of `marked` are shaded, those of `dashed` named in the drawing, at most `names`
    months have their name below. `parts` are the columns to stack, with a name and a style for each. `readings`: what
    each month's figures are, for a drawing in which they can be pointed at.
    """
    months = every_month(months)
    step = line.width / max(len(months), 1)
    at = [line.left + step * (place + 0.5) for place in range(len(months))]
    runs, last, ticks, from_zero = _line(months, at, line)
    shapes, changes, zero, bar_ticks, shown_parts = _bars(months, at, step * 0.78, bars, parts)
    chosen, with_event = set(marked), set(dashed)
    shaded = [place for place, row in enumerate(months) if row["month"] in chosen]
    mark = (line.left + step * shaded[0], step * (shaded[-1] - shaded[0] + 1)) if shaded else None
    named = _named(months, at, names)
    pointed_at = zip(months, at, strict=True) if readings and len(months) <= READ_MONTHS else ()
    read = [(round(x - step / 2, 1), round(step, 1), reading(row)) for row, x in pointed_at]
    events = [x for row, x in zip(months, at, strict=True) if row["month"] in with_event]
    return Drawing(
        runs, last, ticks, shapes, changes, zero, bar_ticks, named, mark, shown_parts, read, events, from_zero
    )


def _named(months: Sequence[Row], at: Sequence[float], names: int) -> list[tuple[float, str]]:
    """Where a month's name stands, and the name: over many years those of round years, at January."""
    if len(months) <= YEARS_FROM:
        every = max(1, -(-len(months) // names))
        return [(at[n], f"{months[n]['month']:%b %Y}") for n in range(len(months) - 1, -1, -every)][::-1]
    januaries = [(x, row["month"].year) for row, x in zip(months, at, strict=True) if row["month"].month == 1]
    step = next(years for years in ROUND_YEARS if len(januaries) <= years * names)
    return [(x, str(year)) for x, year in januaries if year % step == 0]


def every_month(months: Sequence[Row]) -> list[Row]:
    """The rows with an empty one for each month between them that has none."""
    if not months:
        return []
    known = {row["month"]: row for row in months}
    nothing = dict.fromkeys(months[0])
    return [
        known.get(month, {**nothing, "month": month}) for month in months_from(months[0]["month"], months[-1]["month"])
    ]


def reading(row: Row) -> str:
    """A month's figures in words, USD billions; what is not known is left out."""
    named = {"position_usd_mn": "holdings", "change_usd_mn": "change", **{c: n.lower() for c, (n, _) in PARTS.items()}}
    known = [
        f"{name} {billions_cell(row[column], signed=column != 'position_usd_mn', minus=MINUS)}"
        for column, name in named.items()
        if row[column] is not None
    ]
    return f"{month_name(row['month'])}, USD bn: {', '.join(known) or 'nothing is published'}"


def _line(
    months: Sequence[Row], at: list[float], box: Box
) -> tuple[list[str], tuple[float, float, float, str] | None, list[tuple[float, str]], bool]:
    known = [row["position_usd_mn"] for row in months if row["position_usd_mn"] is not None]
    if not known:
        return [], None, [], False
    low, high = min(known), max(known)
    room = (high - low) * 0.08 or max(abs(high) * 0.05, 1.0)
    low, high = max(low - room, min(low, 0.0)), high + room

    def height(value: float) -> float:
        return round(box.top + box.height * (1 - (value - low) / (high - low)), 1)

    runs: list[list[str]] = [[]]
    last, before = None, None
    for row, x in zip(months, at, strict=True):
        value = row["position_usd_mn"]
        if value is None or row.get("series_break"):
            runs.append([])
        if value is None:
            continue
        runs[-1].append(f"{x:.1f},{height(value)}")
        falling = before is not None and before > value
        beside = height(value) + (20 if falling else -9)  # the label stands clear of the line
        last, before = (round(x, 1), height(value), round(beside, 1), billions_cell(value, signed=False)), value
    ticks = [(height(value), _tick(value)) for value in steps(low, high)]
    return [" ".join(run) for run in runs if run], last, ticks, low <= 0


def _bars(
    months: Sequence[Row], at: list[float], width: float, box: Box, named: Parts
) -> tuple[Any, Any, float | None, Any, Any]:
    """Bars of the parts, or of the change where there are none; the change of each month as a mark on them."""
    columns = [name for name in named if any(row[name] is not None for row in months)]
    stacked = bool(columns)
    columns = columns or ["change_usd_mn"]
    stacks = [[(name, row[name]) for name in columns if row[name]] for row in months]
    totals = [row["change_usd_mn"] for row in months if row["change_usd_mn"] is not None]
    tops = [sum(value for _, value in stack if value > 0) for stack in stacks]
    bottoms = [sum(value for _, value in stack if value < 0) for stack in stacks]
    high, low = max([*tops, *totals, 0.0]), min([*bottoms, *totals, 0.0])
    if high == low:
        return [], [], None, [], []
    room = (high - low) * 0.06
    high, low = high + room, low - room

    def height(value: float) -> float:
        return round(box.top + box.height * (1 - (value - low) / (high - low)), 1)

    parts = [named.get(name, CHANGE) for name in columns]
    styles = dict(zip(columns, (style for _, style in parts), strict=True))
    shapes = []
    for stack, x in zip(stacks, at, strict=True):
        above = below = 0.0
        for name, value in stack:
            base = above if value > 0 else below
            ends = sorted((height(base), height(base + value)))
            shapes.append(
                (round(x - width / 2, 1), ends[0], round(width, 1), round(ends[1] - ends[0], 1), styles[name])
            )
            if value > 0:
                above += value
            else:
                below += value
    changes = [
        (round(x - width / 2, 1), round(x + width / 2, 1), height(row["change_usd_mn"]))
        for row, x in zip(months, at, strict=True)
        if stacked and row["change_usd_mn"] is not None
    ]
    return shapes, changes, height(0.0), [(height(value), _tick(value)) for value in steps(low, high)], parts


def steps(low: float, high: float, count: int = 5) -> list[float]:
    """Round values between two, about `count` of them: 1, 2, 2.5 or 5 times a power of ten apart."""
    span = high - low
    power = 10.0 ** (len(str(int(max(span / count, 1)))) - 1)
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= span / count)
    first = int(low // step) + 1
    return [step * number for number in range(first, int(high // step) + 1)]


def _tick(usd_mn: float) -> str:
    """The label of a tick, USD billions, without needless decimals."""
    text = billions_cell(usd_mn, signed=False, minus=MINUS)
    return text.removesuffix(".0")
