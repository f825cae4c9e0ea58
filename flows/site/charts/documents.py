"""A chart as a Vega-Lite document and the static SVG for a page that becomes of it; a drawing as PNG for a mail or a preview."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import vl_convert
from markupsafe import Markup

from treasury_watch.flows.site.charts.chart_cache import drawn_once

AS_DRAWN = f"vega {vl_convert.get_vega_version()}, 1"  # another number where what is made of its drawing changes
Document = dict[str, Any]  # Vega-Lite, its data within

# Each keeps a contrast of at least 3 to a white and to a near-black ground, and they stay apart without red and green.
BLUE, ORANGE, GREY, LIGHT = "#2f79c6", "#d9791f", "#8b8f98", "#3d9ad6"
INK = "currentColor"  # the colour of the text around a chart
SECONDS_PER_PNG = 0.02  # about
# The page's font is the reader's own: room is left for the widest of the usual ones.
WIDEST = "DejaVu Sans, Verdana, sans-serif"
# What Vega writes for its own renderer and for readers of a chart without words: the page has words beside each chart.
UNNEEDED = re.compile(
    r' (?:role|aria-[a-z]+|font-family|xmlns|xmlns:xlink|version|pointer-events|stroke-miterlimit)="[^"]*"| opacity="1"'
    r'|<path (?:class="(?:background|foreground)")[^>]*/>'
)
LONG_NUMBER = re.compile(r"(?<![\d.])([1-9]\d*\.\d|0\.\d\d)\d+")


def spec(chart: Document) -> Document:
    """The chart for a page: ink and grid are the surrounding text's colour.

    The address of the schema is left out; embed it with mode `vega-lite` and the SVG renderer.
    """
    return {**_inked(chart, ink=INK, grid_opacity=0.18), "background": "transparent"}


def svg(chart: Document) -> Markup:
    """The chart as an SVG element that can stand in a page: it fills the width it is given and takes the page's font and ink.

    It is hidden from readers of the screen: the page states in words what it shows. Nothing is read from a network.
    """
    document = spec(chart)
    document["config"] = {**document["config"], "aria": False, "font": WIDEST}
    return Markup(drawn_once(json.dumps([AS_DRAWN, document], sort_keys=True), partial(_drawn, document)))


def _drawn(document: Document) -> str:
    drawn = vl_convert.vegalite_to_svg(document, allowed_base_urls=[])
    drawn = re.sub(r' width="[\d.]+" height="[\d.]+" viewBox', " viewBox", drawn, count=1)
    drawn = LONG_NUMBER.sub(r"\1", UNNEEDED.sub("", drawn))
    return drawn.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def png_of(svg: str) -> bytes:
    """A drawing as PNG in its own size."""
    return bytes(vl_convert.svg_to_png(svg, scale=1))


def _inked(chart: Document, ink: str, grid_opacity: float) -> Document:
    # Without limits of length: looking whether a label keeps to one takes a third of the time of drawing.
    config = {
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink,
            "labelFontSize": 13,
            "labelLimit": 0,
            "domain": False,
            "tickColor": ink,
            "tickOpacity": 0.4,
            "gridColor": ink,
            "gridOpacity": grid_opacity,
        },
        "title": {"color": ink, "limit": 0},
        "legend": {"labelColor": ink, "labelFontSize": 13, "labelLimit": 260, "columns": 2, "symbolStrokeWidth": 0},
        "rule": {"color": ink},
        "point": {"color": ink},
        "text": {"color": ink, "limit": 0},
    }
    return {**chart, "config": config}
