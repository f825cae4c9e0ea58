"""Yields around the largest months of net sales: how often they rose, against all other months.

Months are too coarse to tell which came first: a rise of yields may make holders sell as well as the reverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.months import starts_of
from treasury_watch.transforms.rates.price_returns import month_ends

LARGEST = 24  # months of net sales looked at
FEWEST = 12  # of either kind, for a row
CONFIDENCE = 0.9
YIELDS = ("DGS10", "DGS2")
WINDOWS = {"month": 0, "month after": -1}
COLUMNS = [
    *(
        "holder_id",
        "holder",
        "series_id",
        "measured_over",
        "sales_months",
        "smallest_sale_pct",
        "rose_pct",
        "rose_low_pct",
    ),
    *("rose_high_pct", "mean_change_bp", "other_months", "other_rose_pct", "other_mean_change_bp", "difference_bp"),
    *("difference_low_bp", "difference_high_bp", "first_month", "last_month", "months_of_sales"),
]


def event_study(months: pd.DataFrame, yields: pd.DataFrame, largest: int = LARGEST) -> pd.DataFrame:
    """The table `price_impact_record`: one row per holder, yield and window.

    `months` has holder_id, holder, month, net_long_term_usd_mn, long_term_usd_mn and change_long_term_usd_mn of the holders
    asked about; `yields` series_id, date and value (percent). Net sales of bonds and notes are ranked by their percent of the
    bonds and notes held before. Interval of a share: Wilson (1927), of the difference of two means: Welch (1947), both 90%.
    """
    ends = month_ends(yields[yields["series_id"].isin(YIELDS)])
    rows = []
    for (holder_id, holder), own in months.groupby(["holder_id", "holder"], sort=True):
        sales = net_sales_pct(own)
        for series in (name for name in YIELDS if name in ends):
            steps = 100 * ends[series].diff()  # basis points
            for window, shift in WINDOWS.items():
                row = _compared(sales, steps.shift(shift), largest)
                if row:
                    rows.append(
                        {"holder_id": holder_id, "holder": holder, "series_id": series, "measured_over": window, **row}
                    )
    return pd.DataFrame(rows, columns=COLUMNS)


def net_sales_pct(months: pd.DataFrame) -> pd.Series:
    """By month the net sales of bonds and notes in percent of those held before; negative where the holder bought."""
    held = (months["long_term_usd_mn"] - months["change_long_term_usd_mn"]).where(lambda before: before > 0)
    sales = -100 * months["net_long_term_usd_mn"] / held
    return pd.Series(sales.to_numpy(), index=pd.DatetimeIndex(starts_of(months["month"]))).dropna().sort_index()


def _compared(sales: pd.Series, steps: pd.Series, largest: int) -> dict[str, Any] | None:
    """The months of the largest net sales against all others whose change of the yield is known."""
    joined = pd.DataFrame({"sales": sales, "step": steps}).dropna()
    top = joined[joined["sales"] > 0].nlargest(largest, "sales").sort_index()
    rest = joined.drop(top.index)
    if len(top) < FEWEST or len(rest) < FEWEST:
        return None
    from scipy import stats  # a second to import: only where there is something to compare

    rose = int((top["step"] > 0).sum())
    share = stats.binomtest(rose, len(top)).proportion_ci(CONFIDENCE, "wilson")
    welch = stats.ttest_ind(top["step"], rest["step"], equal_var=False)
    apart = welch.confidence_interval(CONFIDENCE)
    return {
        "sales_months": len(top),
        "smallest_sale_pct": float(top["sales"].min()),
        "rose_pct": 100 * rose / len(top),
        "rose_low_pct": 100 * share.low,
        "rose_high_pct": 100 * share.high,
        "mean_change_bp": float(top["step"].mean()),
        "other_months": len(rest),
        "other_rose_pct": 100 * float(np.mean(rest["step"] > 0)),
        "other_mean_change_bp": float(rest["step"].mean()),
        "difference_bp": float(top["step"].mean() - rest["step"].mean()),
        "difference_low_bp": float(apart.low),
        "difference_high_bp": float(apart.high),
        "first_month": joined.index.min(),
        "last_month": joined.index.max(),
        "months_of_sales": [f"{month:%Y-%m}" for month in top.index],
    }
