"""What changed a holder's Treasuries, month by month: the parts, their colours, and the chart in words."""

from __future__ import annotations

import pandas as pd

from treasury_watch.transforms.amounts import MINUS, billions_cell
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
MONTHS_SHOWN = 24


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
