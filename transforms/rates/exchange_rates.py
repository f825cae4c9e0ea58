"""Exchange rates: the best source per day, monthly averages, a cross-check of the sources, a month in context.

Every rate is in units of the currency per dollar: a rise is a weaker currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.months import starts_of

DAILY_COLUMNS = ["currency", "date", "per_usd", "source", "sha256"]
H10_PREFIX = "fred:"
ECB = "ecb"


class ConflictingRatesError(TreasuryWatchError):
    """One source states two rates for one currency and day, so that neither can be preferred."""


def best_daily(fx: pd.DataFrame, precedence: dict[str, int]) -> pd.DataFrame:
    """One rate per currency and day: the source of lowest precedence that has one; days without a rate stay out.

    `fx` has currency, date, per_usd, source, sha256, and so has the result, by currency and date. Raises
    ConfigurationError for a source without a precedence, ConflictingRatesError for two rates of one source and day.
    """
    unknown = sorted(set(fx["source"].unique()) - set(precedence))
    if unknown:
        raise ConfigurationError(
            f"exchange rates: no precedence for {', '.join(unknown)}; known: {', '.join(sorted(precedence))}; "
            "declare the source in config/sources.toml"
        )
    stated = _stated(fx)
    ranked = stated.assign(rank=stated["source"].map(precedence).astype("int64")).sort_values(
        ["currency", "date", "rank", "source"]
    )
    return ranked.drop_duplicates(["currency", "date"])[DAILY_COLUMNS].reset_index(drop=True)


def monthly(daily: pd.DataFrame) -> pd.DataFrame:
    """Rates by month: currency, month (its first day), average, end_of_month, days, source.

    `average` is the mean of the days with a rate, `end_of_month` the last of them, `days` how many there are, `source`
    the sources used, joined by "+". `daily` has one row per currency and date, as from `best_daily`.
    """
    ordered = daily.sort_values(["currency", "date"])
    ordered = ordered.assign(month=starts_of(ordered["date"]))
    months = ordered.groupby(["currency", "month"], sort=True)
    table = months.agg(average=("per_usd", "mean"), end_of_month=("per_usd", "last"), days=("per_usd", "size"))
    key = ["currency", "month"]
    used = ordered[[*key, "source"]].drop_duplicates().astype({"source": "str"}).sort_values([*key, "source"])
    several = used.duplicated(key, keep=False)
    joined = used[several].groupby(key)["source"].agg("+".join)
    table["source"] = pd.concat([used[~several].set_index(key)["source"], joined]).astype("str")
    return table.reset_index()


def cross_check(fx: pd.DataFrame, tolerance_pct: float = 1.0) -> pd.DataFrame:
    """Days on which H.10 and the ECB differ by more than `tolerance_pct` percent of the H.10 rate.

    Columns: currency, date, h10_per_usd, ecb_per_usd, difference_pct (positive: the ECB has more units per dollar).
    Raises ConflictingRatesError for two rates of one source and day.
    """
    stated = _stated(fx)
    keys = ["currency", "date"]
    h10 = stated[stated["source"].str.startswith(H10_PREFIX)][[*keys, "per_usd"]].rename(
        columns={"per_usd": "h10_per_usd"}
    )
    ecb = stated[stated["source"] == ECB][[*keys, "per_usd"]].rename(columns={"per_usd": "ecb_per_usd"})
    both = h10.merge(ecb, on=keys, how="inner")
    both["difference_pct"] = (both["ecb_per_usd"] - both["h10_per_usd"]) / both["h10_per_usd"] * 100
    apart = both[both["difference_pct"].abs() > tolerance_pct]
    return apart.sort_values(keys).reset_index(drop=True)


@dataclass(frozen=True)
class Averages:
    """A currency's monthly averages in units per dollar: ascending months (datetime64[M]) and, beside them, the averages."""

    months: np.ndarray
    per_usd: np.ndarray

    def __len__(self) -> int:
        return len(self.months)

    def at(self, month: np.datetime64) -> float:
        """The average of a month, NaN where it has none."""
        place = int(self.months.searchsorted(month))
        known = place < len(self.months) and self.months[place] == month
        return float(self.per_usd[place]) if known else float("nan")

    def until(self, month: np.datetime64) -> Averages:
        """The record as it stood at the end of a month."""
        end = int(self.months.searchsorted(month, side="right"))
        return Averages(self.months[:end], self.per_usd[:end])


NO_AVERAGES = Averages(np.array([], dtype="datetime64[M]"), np.array([], dtype="float64"))


def averages_of(monthly: pd.DataFrame, currency: str) -> Averages:
    """A currency's monthly averages; empty for a currency without rates."""
    rows = monthly[(monthly["currency"] == currency) & monthly["average"].notna()].sort_values("month")
    return Averages(rows["month"].to_numpy().astype("datetime64[M]"), rows["average"].to_numpy(dtype="float64"))


def month_of(day: pd.Timestamp | date | str) -> np.datetime64:
    """The month that a day is in, for reckoning in months."""
    return np.datetime64(pd.Timestamp(day), "M")


def context(averages: Averages, month: pd.Timestamp | date | str) -> dict[str, Any]:
    """What a currency did in a month: fx_per_usd_average, fx_change_month_pct, fx_change_quarter_pct, weakest_since.

    `averages` are as from `averages_of`. Changes are in percent against the month before and three months before;
    positive is weaker; NaN where a figure is unknown. `weakest_since` is the last earlier month with a weaker average,
    None where every earlier month was stronger or the month itself is unknown.
    """
    this = month_of(month)
    average = averages.at(this)
    earlier = averages.until(this - 1)
    weaker = np.flatnonzero(earlier.per_usd > average)
    return {
        "fx_per_usd_average": average,
        "fx_change_month_pct": _change_pct(average, averages.at(this - 1)),
        "fx_change_quarter_pct": _change_pct(average, averages.at(this - 3)),
        "weakest_since": pd.Timestamp(earlier.months[weaker[-1]]) if len(weaker) else None,
    }


def own_change_pct(units_change_pct: float) -> float:
    """What a currency's price in dollars changed by, in percent, where its units per dollar changed by this; -2.6 for 2.7."""
    return -100 * units_change_pct / (100 + units_change_pct)


def _stated(fx: pd.DataFrame) -> pd.DataFrame:
    """The rows with a rate, each source once per currency and day."""
    stated, key = fx[fx["per_usd"].notna()], ["currency", "date", "source"]
    again = stated.duplicated(key)
    if not again.any():
        return stated
    stated = stated.drop_duplicates([*key, "per_usd"])
    twice = stated[stated.duplicated(key)]
    if len(twice):
        row = twice.iloc[0]
        raise ConflictingRatesError(
            f"exchange rates of {row['source']}, {row['currency']} {row['date']:%Y-%m-%d}: expected one rate, found "
            "several; pass the rates of one file per source"
        )
    return stated


def _change_pct(now: float, before: float) -> float:
    return (now / before - 1) * 100
