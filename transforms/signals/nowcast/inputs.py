"""What the signals say of each month: custody at its end, the dollar, prices, Japan's reserves; and when it was known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.rates.price_returns import price_returns

COLUMNS = [
    f"{name}{of}"
    for name, ofs in {
        "custody": ("_usd_bn", "_known"), "dollar": ("_pct", "_known"), "price": ("_pct", "_known"),
        "reserves": ("_usd_bn", "_known"),
    }.items()
    for of in ofs
]  # fmt: skip


def standing_on(signals: pd.DataFrame, day: date | pd.Timestamp) -> pd.DataFrame:
    """The rows of `signals` that were public at the end of `day` and not replaced by then."""
    known = signals["known_from"] <= pd.Timestamp(day)
    replaced = signals["superseded"].notna() & (signals["superseded"] <= pd.Timestamp(day))
    return signals[known & ~replaced]


def first_stated(signals: pd.DataFrame) -> pd.DataFrame:
    """Of each series and day the row that was public first: what a replay takes, whatever was corrected later."""
    return signals.sort_values("known_from", kind="stable").drop_duplicates(["series_id", "date"])


def monthly_inputs(signals: pd.DataFrame, declared: Mapping[str, Any], price_return: Mapping[str, Any]) -> pd.DataFrame:
    """Month by month (a PeriodIndex without gaps) what the signals say, from rows with one value a series and day.

    custody_usd_bn: change of custody, face value, between the days that follow the month's end and that of the month before
    by `days_after_month_end`; a level between two Wednesdays is interpolated. dollar_pct: log change of the dollar between
    the last days of two months. price_pct: `price_returns`. reserves_usd_bn: securities in Japan's reserves at the month's
    end. Each has a column `..._known`, the day on which its last ingredient was public. `declared` is [signals] of
    config/nowcast.toml with `days_after_month_end`, `price_return` [price_return] of config/alert_rules.toml.
    What is not known is NaN.
    """
    months = _months(signals)
    if months.empty:
        return pd.DataFrame(index=months, columns=COLUMNS)
    found = pd.DataFrame(index=months)
    levels = _levels(signals, declared["custody"], months, declared["days_after_month_end"], declared["reach_days"])
    found["custody_usd_bn"], found["custody_known"] = levels["value"].diff() / 1000, levels["known_from"]
    ends = _month_ends(signals[signals["series_id"] == declared["dollar"]], months)
    found["dollar_pct"], found["dollar_known"] = 100 * np.log(ends["value"]).diff(), ends["known_from"]
    yields = signals[signals["series_id"].isin(price_return["parts"])]
    returns = price_returns(yields, price_return)
    found["price_pct"] = pd.Series(
        returns["price_return_pct"].to_numpy(), pd.PeriodIndex(returns["month"], freq="M"), dtype=float
    ).reindex(months)
    found["price_known"] = _month_ends(yields, months)["known_from"]
    reserves = signals[signals["series_id"] == declared["reserves"]]
    stated = reserves.set_index(pd.PeriodIndex(reserves["date"], freq="M"))[["value", "known_from"]].reindex(months)
    found["reserves_usd_bn"], found["reserves_known"] = stated["value"] / 1000, stated["known_from"]
    return found


def _months(signals: pd.DataFrame) -> pd.PeriodIndex:
    days = signals["date"]
    if days.empty:
        return pd.PeriodIndex([], freq="M")
    return pd.period_range(days.min(), days.max(), freq="M")


def _levels(signals: pd.DataFrame, series: str, months: pd.PeriodIndex, after: int, reach: int) -> pd.DataFrame:
    """The level of a weekly series so many days after each month's end, and when the later of its two ends was public."""
    rows = signals[(signals["series_id"] == series) & signals["value"].notna()].sort_values("date")
    table = pd.DataFrame(index=months, columns=["value", "known_from"]).astype({"value": float})
    table["known_from"] = pd.Series(pd.NaT, index=months, dtype="datetime64[us]")
    if rows.empty or months.empty:
        return table
    days = rows["date"].to_numpy().astype("datetime64[D]")
    values, known = rows["value"].to_numpy(), rows["known_from"].to_numpy().astype("datetime64[us]")
    wanted = months.end_time.to_numpy().astype("datetime64[D]") + after
    later = np.searchsorted(days, wanted)  # the first Wednesday on or after the day
    earlier = np.searchsorted(days, wanted, side="right") - 1
    inside = (later < len(days)) & (earlier >= 0)
    later, earlier = later.clip(max=len(days) - 1), earlier.clip(min=0)
    gap, step = (days[later] - days[earlier]).astype(int), (wanted - days[earlier]).astype(int)
    inside &= gap <= reach
    share = np.where(gap > 0, step / np.where(gap > 0, gap, 1), 0.0)
    level = values[earlier] + share * (values[later] - values[earlier])
    table["value"] = np.where(inside, level, np.nan)
    table["known_from"] = np.where(inside, known[later], np.datetime64("NaT"))
    return table


def _month_ends(rows: pd.DataFrame, months: pd.PeriodIndex) -> pd.DataFrame:
    """The last value of each month that is over, and when it was public; a month whose last week has none is not over."""
    known = rows.dropna(subset=["value"]).sort_values("date")
    late = known["date"].dt.days_in_month - known["date"].dt.day < 7
    known = known[late]
    ends = known.groupby(pd.PeriodIndex(known["date"], freq="M"))[["value", "known_from"]].last()
    return ends.reindex(months)
