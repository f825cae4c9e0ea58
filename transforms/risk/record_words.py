"""What is said of yields around the largest months of net sales, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treasury_watch.transforms.amounts import percent, rounded
from treasury_watch.transforms.wording import month_name, plain_name

YIELDS = {"DGS10": "10-year", "DGS2": "2-year"}
WHO = {"grand_total": "All foreigners", "foreign_official": "Foreign officials"}
HEAD = [
    "whose net sales",
    "yield",
    "change over",
    "rose",
    "90% interval",
    "in others",
    "mean, bp",
    "in others, bp",
    "difference, bp",
]
CANNOT_SAY = (
    "The months are those of the largest net sales in percent of the bonds and notes held before; other months are all others "
    "whose net purchases and yields are known. Intervals are of 90%: Wilson for shares, Welch for differences of means.",
    "This cannot tell which came first: rising yields may make holders sell. Months are coarse, other news moved yields in the "
    "same months, and of a dozen intervals at 90% about one misses by chance; "
    "these dozen share their months, so chance misses come together.",
)


def who(row: Mapping[str, Any]) -> str:
    """The holder's name in the record."""
    return WHO.get(row["holder_id"]) or plain_name(row["holder"])


def record_row(row: Mapping[str, Any]) -> list[str]:
    """The cells of one row of `price_impact_record` under HEAD."""
    return [
        who(row),
        YIELDS.get(row["series_id"], row["series_id"]),
        "the month" if row["measured_over"] == "month" else "the month after",
        f"{percent(row['rose_pct'], 0)} of {row['sales_months']}",
        f"{percent(row['rose_low_pct'], 0)} to {percent(row['rose_high_pct'], 0)}",
        f"{percent(row['other_rose_pct'], 0)} of {row['other_months']}",
        _signed(row["mean_change_bp"]),
        _signed(row["other_mean_change_bp"]),
        f"{_signed(row['difference_bp'])} ({_signed(row['difference_low_bp'])} to {_signed(row['difference_high_bp'])})",
    ]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the record comes to: in how many rows the sign is the story's beyond chance, and the other one."""
    up = sum(row["difference_low_bp"] > 0 for row in rows)
    down = sum(row["difference_high_bp"] < 0 for row in rows)
    more = sum(row["rose_low_pct"] > row["other_rose_pct"] for row in rows)
    higher = sum(row["difference_bp"] > 0 for row in rows)
    return (
        f"The story says that yields rise when foreigners sell. They rose more than in other months in {higher or 'none'} of "
        f"{len(rows)} comparisons, clear of chance in {up or 'none'} of these, and less in {len(rows) - higher or 'none'}, clear "
        f"of chance in {down or 'none'}; they rose more often, clear of chance, in {more or 'none'}. Clear of chance: the 90% "
        "interval leaves no difference out. Where it is wide, an effect of its size cannot be excluded."
    )


def span_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """From when to when the record looked, holder by holder: `Looked at: Japan from January 2012 to April 2026.`"""
    spans = {who(row): f"{month_name(row['first_month'])} to {month_name(row['last_month'])}" for row in rows}
    return "Looked at: " + "; ".join(f"{name} from {span}" for name, span in spans.items()) + "."


def _signed(value: float) -> str:
    figure = rounded(value, 1)
    return f"+{figure}" if figure > 0 else str(figure)
