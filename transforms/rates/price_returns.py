"""The price return of foreigners' Treasury bonds and notes in a month, estimated from yields.

An estimate, never a fact: it stands where no source states a valuation, and its error is measured against those that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ["month", "price_return_pct"]
LAST_DAYS = 7  # a month's last yield is one of its last days: a month that is not over has none


def modified_duration(maturity_years: float, yield_pct: pd.Series) -> pd.Series:
    """Modified duration in years of a bond at par, at these yields in percent.

    D = (1 - (1 + y/2)^(-2n)) / y for half-yearly coupons (Fabozzi, "Bond Markets, Analysis, and Strategies", chapter on
    price volatility); n is its limit as y goes to 0.
    """
    half = yield_pct / 200
    known = half.where(half.abs() > 1e-9)
    return ((1 - (1 + known) ** (-2 * maturity_years)) / (2 * known)).fillna(maturity_years).where(yield_pct.notna())


def convexity(maturity_years: float, yield_pct: pd.Series) -> pd.Series:
    """Convexity in years squared of a bond at par, at these yields in percent; the second derivative of its price.

    From the price as a sum over half-years: C = sum of t (t + 1) c_t / (1 + y/2)^(t+2) / 4.
    """
    half = yield_pct / 200
    periods = int(2 * maturity_years)
    total = pd.Series(0.0, index=yield_pct.index)
    for period in range(1, periods + 1):
        paid = half + (1.0 if period == periods else 0.0)
        total += period * (period + 1) * paid / (1 + half) ** (period + 2)
    return total / 4


def price_returns(yields: pd.DataFrame, declared: Mapping[str, Any]) -> pd.DataFrame:
    """Estimated price return in percent of each month whose yields are known, and those of the month before.

    `yields` has series_id, date and value (percent, constant maturity: a bond at par); `declared` is [price_return] of
    config/alert_rules.toml: for each series its maturity in years and the part of the holdings that moves with it. What is
    in none of them has no duration. Return of a series: -D dy + C dy^2 / 2, at the yield of the month before.
    """
    parts = declared["parts"]
    ends = month_ends(yields[yields["series_id"].isin(parts)])
    returns = pd.Series(0.0, index=ends.index)
    for series, part in parts.items():
        if series not in ends:
            return pd.DataFrame(
                {"month": pd.Series(dtype="datetime64[us]"), "price_return_pct": pd.Series(dtype=float)}
            )
        before, step = ends[series].shift(), ends[series].diff() / 100
        years = part["maturity_years"]
        moved = -modified_duration(years, before) * step + convexity(years, before) * step**2 / 2
        returns += part["share"] * 100 * moved
    found = returns.dropna()
    return pd.DataFrame({"month": found.index.astype("datetime64[us]"), "price_return_pct": found.to_numpy()})


def month_ends(yields: pd.DataFrame) -> pd.DataFrame:
    """The last yield of each month that is over, one column a series and every month in between a row; NaN where there is none."""
    known = yields.dropna(subset=["value"]).sort_values("date")
    days = pd.to_datetime(known["date"])
    late = days.dt.days_in_month - days.dt.day < LAST_DAYS
    known, days = known[late], days[late]
    months = days.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
    ends = known.assign(month=months).groupby(["month", "series_id"])["value"].last().unstack()
    if ends.empty:
        return ends
    return ends.reindex(pd.date_range(ends.index.min(), ends.index.max(), freq="MS"))


def estimation_errors(months: pd.DataFrame, returns: pd.DataFrame, minimum_usd_mn: float) -> pd.DataFrame:
    """How far the estimate was from each published valuation: holder_id, month, published_pct, estimated_pct, error_pct.

    Percent of the bonds and notes held before. Only months whose valuation a source states (basis slt or cslt), of holders
    of at least `minimum_usd_mn` of bonds and notes.
    """
    held = months["long_term_usd_mn"] - months["change_long_term_usd_mn"]
    stated = months["basis"].isin(["slt", "cslt"]) & months["valuation_usd_mn"].notna() & (held >= minimum_usd_mn)
    known = months.loc[stated, ["holder_id", "month"]].assign(
        published_pct=100 * months["valuation_usd_mn"][stated] / held[stated]
    )
    known["month"] = known["month"].astype("datetime64[us]")
    joined = known.merge(returns, on="month").rename(columns={"price_return_pct": "estimated_pct"})
    return joined.assign(error_pct=joined["published_pct"] - joined["estimated_pct"]).reset_index(drop=True)


def error_summary(errors: pd.DataFrame) -> dict[str, float]:
    """Count, median and 90th percentile of the absolute error, in percent of the bonds and notes held."""
    size = errors["error_pct"].abs().to_numpy()
    return {
        "months": float(len(size)),
        "median_pct": float(np.median(size)),
        "p90_pct": float(np.quantile(size, 0.9)),
    }
