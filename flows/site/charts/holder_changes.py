"""The chart of what changed a holder's Treasuries, month by month. As a picture in mails."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from treasury_watch.flows.site.charts.documents import Document
from treasury_watch.flows.site.charts.grammar import axis, colours, field, layer, panel_title, read
from treasury_watch.transforms.amounts import MINUS, billions_cell, is_known
from treasury_watch.transforms.months import months_from
from treasury_watch.transforms.wording import counted, joined, month_name

# Each colour keeps a contrast of at least 3 to a white and to a near-black ground, and the four stay apart without
# red and green: two blues of different lightness for what was traded, orange for prices, grey for the rest.
PARTS = {
    "net_long_term_usd_mn": ("Net purchases: bonds and notes", "#2b66b5"),
    "net_short_term_usd_mn": ("Net purchases: bills", "#3d9ad6"),
    "valuation_usd_mn": ("Valuation", "#d9791f"),
    "other_usd_mn": ("Other", "#8b8f98"),
}
HOLDINGS = "#2f79c6"
HEIGHTS = (140, 180)
MONTHS_SHOWN = 24
WIDTH = 460  # small enough that its lettering is read on a phone
AXIS_WIDTH = 50  # the same in both panels, so that the months stand below one another
QUARTERS = ("01", "04", "07", "10")
AMOUNT = ",.12~g"  # 1,150 and 0.5, never 1.15e+3

# What differs from chart to chart: the names of the data, and in the place of two lists the word for what they list.
LINE, BARS, MARKS, ZERO = "holdings", "parts", "changes", "zero"
SHOWN, LABELLED = ["months shown"], ["months labelled"]


def holder_chart(months: pd.DataFrame, title: str, months_shown: int = MONTHS_SHOWN) -> Document:
    """Holdings as a line, below it each month's change as stacked bars of its parts. USD billions.

    `months` are the rows of holder_months of one holder (any order, more months than shown are cut off); `title` may be
    empty. A month without a decomposition has no bars; its change is still marked.
    Returns a Vega-Lite document with its data, for the functions of documents.py.
    """
    shown = months.sort_values("month").tail(months_shown)
    names = _month_names(shown)
    lists = {SHOWN[0]: names, LABELLED[0]: [name for name in names if name[5:7] in QUARTERS]}
    chart = _filled(_without_data(), lists) | {
        "datasets": _data(shown),
        "description": description(shown, title, months_shown),
    }
    return chart | ({"title": {"text": title, "anchor": "start", "fontSize": 17, "offset": 10}} if title else {})


@cache
def _without_data() -> Document:
    """The chart of any holder."""
    return {"vconcat": [_holdings(), _changes()], "spacing": 12}


def _filled(node: Any, lists: dict[str, list[str]]) -> Any:
    """A copy with the lists in the places of the words for them."""
    if isinstance(node, dict):
        return {key: _filled(value, lists) for key, value in node.items()}
    if node in (SHOWN, LABELLED):
        return lists[node[0]]
    return [_filled(value, lists) for value in node] if isinstance(node, list) else node


def _data(months: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The chart's data by name: a month as text for the axis, `when` for reading; an unknown amount is left out."""
    line, bars, marks = [], [], []
    for row in months.to_dict("records"):
        at = {"month": f"{row['month']:%Y-%m-%d}", "when": month_name(row["month"])}
        line.append({**at, **_amount(row["position_usd_mn"], signed=False)})
        for place, (column, (name, _)) in enumerate(PARTS.items()):
            if is_known(row[column]):
                bars.append({**at, "part": name, **_amount(row[column]), "place": place})
        if is_known(row["change_usd_mn"]):
            marks.append({**at, **_amount(row["change_usd_mn"])})
    return {LINE: line, BARS: bars, MARKS: marks, ZERO: [{"zero": 0}]}


def _amount(usd_mn: float, *, signed: bool = True) -> dict[str, Any]:
    """An amount to be drawn, and as it is read: rounded as everywhere."""
    drawn = float(usd_mn) / 1000 if is_known(usd_mn) else None
    return {"billions": drawn, "shown": billions_cell(usd_mn, signed=signed, minus=MINUS)}


def description(months: pd.DataFrame, title: str, months_shown: int = MONTHS_SHOWN) -> str:
    """What the chart of these months shows, in words and figures, for those who do not see it: of `months` the last
    `months_shown`, as in the chart."""
    months = months.sort_values("month").tail(months_shown)
    held = months.dropna(subset=["position_usd_mn"])
    if held.empty:
        words, after = "No holdings are known for these months.", months
    else:
        first, last = held.iloc[0], held.iloc[-1]
        words = (
            f"Holdings went from {_billions_words(first['position_usd_mn'])} dollars in {month_name(first['month'])} "
            f"to {_billions_words(last['position_usd_mn'])} in {month_name(last['month'])}."
        )
        after = months[months["month"] > first["month"]]
    words += _parts_words(after.dropna(subset=["net_purchases_usd_mn", "valuation_usd_mn"]))
    return f"{title}: {words}" if title else words


def _parts_words(known: pd.DataFrame) -> str:
    """What the parts of these months' changes come to; the other changes only where they are known of all of them."""
    if known.empty:
        return " No decomposition is published for these months."
    sums = [("net purchases", "net_purchases_usd_mn"), ("valuation changes", "valuation_usd_mn")]
    if known["other_usd_mn"].notna().all():
        sums.append(("other changes", "other_usd_mn"))
    told = joined([f"{name} sum to {_signed(known[column].sum())} billion" for name, column in sums])
    return (
        f" In the {counted(len(known), 'month')} from {month_name(known['month'].min())} to "
        f"{month_name(known['month'].max())} that have a decomposition {told}."
    )


def _signed(usd_mn: float) -> str:
    return billions_cell(usd_mn, minus=MINUS)


def _billions_words(usd_mn: float) -> str:
    return f"{billions_cell(usd_mn, signed=False)} billion"


def _month_names(months: pd.DataFrame) -> list[str]:
    """Every month from the first to the last as text, with those that have no row."""
    if months.empty:
        return []
    return [f"{month:%Y-%m-%d}" for month in months_from(months["month"].min(), months["month"].max())]


def _x(*, labels: bool = True) -> Document:
    """Months side by side, the first of each quarter labelled; a date without a time is UTC to Vega."""
    named = axis(
        values=LABELLED,
        labelExpr="utcFormat(toDate(datum.value), '%b %Y')",
        labelAngle=0,
        labelOverlap="greedy",
        labels=labels,
        ticks=labels,
    )
    scale = {"domain": SHOWN, "paddingInner": 0.14, "paddingOuter": 0.07, "type": "band"}
    return field("month:O", scale=scale, axis=named)


def _amount_axis() -> Document:
    return axis(minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, format=AMOUNT, ticks=False)


def _holdings() -> Document:
    encoding = {
        "x": _x(labels=False),
        "y": field("billions:Q", scale={"nice": True, "zero": False}, axis=_amount_axis()),
        "tooltip": read(("when:N", "Month"), ("shown:N", "Holdings, USD bn")),
    }
    point = {"color": HOLDINGS, "filled": True, "size": 30}
    line = layer("line", encoding, LINE, color=HOLDINGS, strokeWidth=2, point=point)
    title = panel_title("Holdings, USD bn (not from zero)")
    return {**line, "height": HEIGHTS[0], "title": title, "width": WIDTH}


def _changes() -> Document:
    stacked = {
        "x": _x(),
        "y": field("billions:Q", axis=_amount_axis(), stack="zero"),
        "color": field("part:N", **colours(dict(PARTS.values()), legend=True)),
        "order": field("place:Q"),
        "tooltip": read(("when:N", "Month"), ("part:N", "Part"), ("shown:N", "USD bn")),
    }
    change = {
        "x": _x(),
        "y": field("billions:Q"),
        "tooltip": read(("when:N", "Month"), ("shown:N", "Change in holdings, USD bn")),
    }
    diamond: Document = {
        "shape": "diamond",
        "filled": True,
        "size": 70,
        "opacity": 1,
        "stroke": "white",
        "strokeWidth": 1,
    }
    layers = [
        layer("bar", stacked, BARS),
        layer("rule", {"y": field("zero:Q")}, ZERO, strokeWidth=1),
        layer("point", change, MARKS, **diamond),
    ]
    title = panel_title("Parts of each month's change, USD bn (diamond: the change)")
    return {"layer": layers, "height": HEIGHTS[1], "title": title, "width": WIDTH}
