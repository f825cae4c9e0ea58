"""The chart on a holder's card of the page and in a mail: holdings, and below them what changed them, bonds and bills apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from treasury_watch.flows.site.charts.documents import png_of
from treasury_watch.flows.site.charts.holder_changes import HOLDINGS, MONTHS_SHOWN, PARTS
from treasury_watch.flows.site.charts.holder_months import CHANGE, Box, drawing

WIDTH, HEIGHT = 530, 426
LINE, BARS = Box(50, 28, 424, 140), Box(50, 216, 424, 180)  # right of the line stands its last value
LABELS = 4  # of months; more do not fit on a phone
HOLDINGS_TITLE, NOT_FROM_ZERO = "Holdings, USD bn", " (not from zero)"
PARTS_TITLE = "Parts of each month's change, USD bn (diamond: the change)"
# In a mail a title stands above the chart and the names of the colours below it; ink and ground are its own.
MARGIN, TITLE_HEIGHT, KEY_HEIGHT = 14, 34, 52
LETTERS, PICTURE_LETTERS = 13, 16  # pixels; a mail on a phone shows its picture at two thirds of its width
SHADE = "#dfe7f1"
INK, GROUND, FONTS = "#2b2f36", "#ffffff", "Liberation Sans, DejaVu Sans, Arial, Helvetica, sans-serif"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Card:
    """A chart to show, and the edges of its plot as parts of its width, for the page's script."""

    svg: Markup
    left: float = round(LINE.left / WIDTH, 4)
    right: float = round((LINE.left + LINE.width) / WIDTH, 4)


def holder_card(months: Sequence[Row], events: Iterable[date] = ()) -> Card:
    """The chart of these rows of holder_months, in order, USD millions; months of `events` have a dashed line.

    It is hidden from readers of the screen: the page says in words what it shows.
    """
    return Card(
        Markup(
            f'<svg aria-hidden="true" focusable="false" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="{LETTERS}px" fill="currentColor">'
            f"{_shapes(months, events, LETTERS)}</svg>"
        )
    )


def holder_picture(months: Sequence[Row], title: str, scale: float = 2, marked: Iterable[date] = ()) -> bytes:
    """The chart of the last MONTHS_SHOWN of these rows for a mail: a PNG. The same rows give the same bytes."""
    return png_of(picture_drawing(months, title, scale, marked))


def picture_drawing(months: Sequence[Row], title: str, scale: float, marked: Iterable[date] = ()) -> str:
    """The chart as an image of its own: on white, with its title and the names of its colours; `marked` months are shaded."""
    width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN + TITLE_HEIGHT + KEY_HEIGHT
    key = [
        f'<g transform="translate({place % 2 * WIDTH // 2},{HEIGHT + TITLE_HEIGHT + 18 + place // 2 * 24})">'
        f'<rect width="12" height="12" fill="{colour}"/><text x="18" y="11">{name}</text></g>'
        for place, (name, colour) in enumerate(PARTS.values())
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:g}" height="{height * scale:g}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" font-family="{FONTS}" '
        f'color="{INK}" fill="{INK}" font-size="{PICTURE_LETTERS - 1}px">'
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height}" fill="{GROUND}"/>'
        f'<text x="0" y="16" font-size="19px" font-weight="700">{escape(title)}</text>'
        f'<g transform="translate(0,{TITLE_HEIGHT})" font-size="{PICTURE_LETTERS}px">'
        f"{_shapes(months[-MONTHS_SHOWN:], (), PICTURE_LETTERS, marked)}</g>"
        f"{''.join(key)}</svg>"
    )


def _shapes(months: Sequence[Row], events: Iterable[date], letters: int, marked: Iterable[date] = ()) -> str:
    """Lines and bars, then the words, in the ink of what stands around them."""
    drawn = drawing(months, LINE, BARS, marked, names=LABELS, parts=PARTS, dashed=events, readings=False)
    right = f"{LINE.left + LINE.width:g}"
    bottom = BARS.top + BARS.height
    titles = (HOLDINGS_TITLE + ("" if drawn.from_zero else NOT_FROM_ZERO), PARTS_TITLE)
    ticks = [*drawn.ticks, *drawn.bar_ticks]
    bars = [(*bar[:4], HOLDINGS if bar[4] == CHANGE[1] else bar[4]) for bar in drawn.bars]
    shown = [
        *(
            f'<text x="0" y="{y}" font-size="{letters + 1}px">{escape(words)}</text>'
            for words, y in zip(titles, (14, 204), strict=True)
        ),
        f'<path stroke-opacity="0.18" d="{"".join(f"M{LINE.left:g} {y}H{right}" for y, _ in ticks)}"/>',
        *(f'<text x="{LINE.left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{words}</text>' for y, words in ticks),
        *(
            f'<path stroke-opacity="0.55" stroke-dasharray="3,3" stroke-width="1.5" d="M{x:.1f} {box.top:g}v{box.height:g}"/>'
            for x in drawn.dashed
            for box in (LINE, BARS)
        ),
        *(f'<polyline fill="none" stroke="{HOLDINGS}" stroke-width="2" points="{run}"/>' for run in drawn.runs),
        *(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}" stroke="none"/>'
            for x, y, width, height, colour in bars
        ),
        f'<path d="M{LINE.left:g} {drawn.zero}H{right}"/>' if drawn.zero is not None else "",
        *(
            f'<path d="M{(left + end) / 2:.1f} {y - 6:.1f}l5 6l-5 6l-5-6z" stroke="white"/>'
            for left, end, y in drawn.changes
        ),
        *(
            f'<text x="{x:.1f}" y="{bottom + 20:g}" text-anchor="{anchor(x)}">{words}</text>' for x, words in drawn.months
        ),
    ]  # fmt: skip
    if drawn.last:
        x, y, _, words = drawn.last
        shown.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{HOLDINGS}" stroke="none"/>')
        shown.append(f'<text x="{x + 6:.1f}" y="{y + 4.5:.1f}" font-weight="600">{words}</text>')
    # A text has no outline of its own: only shapes are stroked.
    texts = "".join(part for part in shown if part.startswith("<text"))
    shapes = "".join(part for part in shown if not part.startswith("<text"))
    shade = ""
    if drawn.mark:
        x, width = drawn.mark
        shade = f'<path fill="{SHADE}" d="M{x:.1f} {LINE.top:g}h{width:.1f}V{bottom:g}h{-width:.1f}z"/>'
    return f'{shade}<g stroke="currentColor">{shapes}</g>{texts}'


def anchor(x: float) -> str:
    """Where a month's name stands to its month: within the drawing at its edges."""
    return "end" if x > WIDTH - 40 else "start" if x < LINE.left + 20 else "middle"
