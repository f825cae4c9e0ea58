"""Charts of one holder: what it holds, and what changed it. The same chart goes into the page and, as PNG, into mails."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import vl_convert

# Each colour keeps a contrast of at least 3 to a white and to a near-black ground, and the four stay apart without
# red and green: two blues of different lightness for what was traded, orange for prices, grey for the rest.
PARTS = {
    "net_long_term_usd_mn": ("Net purchases: bonds and notes", "#2b66b5"),
    "net_short_term_usd_mn": ("Net purchases: bills", "#3d9ad6"),
    "valuation_usd_mn": ("Valuation", "#d9791f"),
    "other_usd_mn": ("Other", "#8b8f98"),
}
INK = "#7a7f87"  # lines and labels: legible on white and on near-black
GRID = "#8b8f98"
HEIGHTS = (150, 170)
WIDTH = 560
AXIS_WIDTH = 44  # the same in both panels, so that the months stand below one another


def holder_chart(months: pd.DataFrame, title: str, months_shown: int = 24) -> alt.VConcatChart:
    """Holdings as a line, below it each month's change as stacked bars of its parts. USD billions.

    `months` are the rows of holder_months of one holder (any order, more months than shown are cut off); `title` may be
    empty. A month without a decomposition has no bars; its change is still marked.
    """
    shown = months.sort_values("month").tail(months_shown)
    scale = alt.Scale(type="utc", domain=_domain(shown))
    panels = _holdings(shown, scale), _changes(shown, scale)
    chart = alt.vconcat(*panels, spacing=14, description=description(shown, title))
    if title:
        chart = chart.properties(title=alt.TitleParams(title, anchor="start", fontSize=14, fontWeight=600))
    return (
        chart.configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, domain=False, tickColor=GRID, gridColor=GRID, gridOpacity=0.25, labelFontSize=11
        )
        .configure_title(color=INK)
        .configure_legend(labelColor=INK, labelFontSize=11, labelLimit=240)
    )


def description(months: pd.DataFrame, title: str) -> str:
    """What the chart shows, in words and figures, for those who do not see it."""
    held = months.dropna(subset=["position_usd_mn"])
    if held.empty:
        return f"{title}: no holdings are known for these months.".lstrip(": ")
    first, last = held.iloc[0], held.iloc[-1]
    words = (
        f"Holdings went from {first['position_usd_mn'] / 1000:,.1f} billion dollars in {first['month']:%B %Y} "
        f"to {last['position_usd_mn'] / 1000:,.1f} in {last['month']:%B %Y}."
    )
    if months["net_purchases_usd_mn"].notna().any():
        net, valuation = months["net_purchases_usd_mn"].sum() / 1000, months["valuation_usd_mn"].sum() / 1000
        words += f" Over the months shown, net purchases sum to {net:+,.1f} billion and valuation to {valuation:+,.1f}."
    else:
        words += " No decomposition is published for these months."
    return f"{title}: {words}" if title else words


def spec(chart: alt.VConcatChart) -> dict[str, Any]:
    """The chart as a Vega-Lite document with its data, without the address of its schema."""
    document = chart.to_dict()
    document.pop("$schema", None)
    return document


def png(chart: alt.VConcatChart, scale: float = 2) -> bytes:
    """The chart as a PNG on white. The same chart gives the same bytes; nothing is read from a network."""
    document = {**spec(chart), "background": "white", "padding": 12}
    return bytes(vl_convert.vegalite_to_png(document, scale=scale, allowed_base_urls=[]))


def _domain(months: pd.DataFrame) -> list[int]:
    """From the first month's start to the last month's end, in milliseconds as Vega counts them."""
    if months.empty:
        return [0, 1]
    ends = months["month"].min(), months["month"].max() + pd.DateOffset(months=1)
    return [int(pd.Timestamp(end).timestamp() * 1000) for end in ends]


def _axis(**more: Any) -> alt.Axis:
    return alt.Axis(format="%b %Y", title=None, grid=False, labelFlush=False, labelOverlap="greedy", tickCount=8, **more)


def _dated(months: pd.DataFrame) -> pd.DataFrame:
    """Months as text: a date without a time is read as UTC everywhere."""
    return months.assign(month=months["month"].dt.strftime("%Y-%m-%d"))


def _amount_axis() -> alt.Axis:
    return alt.Axis(title=None, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, format=",")


def _panel_title(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", fontSize=11, fontWeight=400, color=INK, offset=6)


def _holdings(months: pd.DataFrame, scale: alt.Scale) -> alt.Chart:
    rows = _dated(months[["month", "position_usd_mn"]]).assign(billions=months["position_usd_mn"] / 1000)
    return (
        alt.Chart(rows[["month", "billions"]])
        .mark_line(color=PARTS["net_long_term_usd_mn"][1], strokeWidth=2, point=alt.OverlayMarkDef(size=22, filled=True))
        .encode(
            x=alt.X("utcyearmonth(month):T", scale=scale, axis=_axis(labels=False, ticks=False), bandPosition=0.5),
            y=alt.Y("billions:Q", scale=alt.Scale(zero=False, nice=True), axis=_amount_axis()),
            tooltip=[
                alt.Tooltip("utcyearmonth(month):T", title="Month", format="%B %Y"),
                alt.Tooltip("billions:Q", title="Holdings, USD bn", format=",.1f"),
            ],
        )
        .properties(width=WIDTH, height=HEIGHTS[0], title=_panel_title("Holdings at the month's end, USD bn (axis not from zero)"))
    )


def _changes(months: pd.DataFrame, scale: alt.Scale) -> alt.LayerChart:
    named = months.rename(columns={column: name for column, (name, _) in PARTS.items()})
    names = [name for name, _ in PARTS.values()]
    bars = _dated(named[["month", *names]]).melt("month", var_name="part", value_name="usd_mn").dropna(subset=["usd_mn"])
    bars = bars.assign(billions=bars["usd_mn"].astype(float) / 1000, place=bars["part"].map(names.index))
    change = _dated(months[["month"]]).assign(billions=months["change_usd_mn"] / 1000).dropna(subset=["billions"])
    x = alt.X("utcyearmonth(month):T", scale=scale, axis=_axis())
    month = alt.Tooltip("utcyearmonth(month):T", title="Month", format="%B %Y")
    stacked = (
        alt.Chart(bars[["month", "part", "billions", "place"]])
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("billions:Q", axis=_amount_axis(), stack="zero"),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=names, range=[colour for _, colour in PARTS.values()]),
                legend=alt.Legend(title=None, orient="bottom", direction="horizontal", columns=2, symbolType="square"),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                month,
                alt.Tooltip("part:N", title="Part"),
                alt.Tooltip("billions:Q", title="USD bn", format="+,.1f"),
            ],
        )
    )
    marks = (
        alt.Chart(change)
        .mark_point(shape="diamond", filled=True, size=26, color=INK, opacity=1, stroke="white", strokeWidth=0.8)
        .encode(
            x=alt.X("utcyearmonth(month):T", scale=scale, axis=_axis(), bandPosition=0.5),
            y=alt.Y("billions:Q", axis=_amount_axis()),
            tooltip=[month, alt.Tooltip("billions:Q", title="Change in holdings, USD bn", format="+,.1f")],
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK, strokeWidth=1).encode(y="zero:Q")
    return alt.layer(stacked, zero, marks).properties(
        width=WIDTH, height=HEIGHTS[1], title=_panel_title("Parts of the month's change, USD bn (diamond: the change itself)")
    )
