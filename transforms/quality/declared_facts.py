"""What is declared of a source and can be seen in its figures: how often they come, the direction of a rate.

Also zeros in the place of billions. Tables that the gates judge: each states what was found, config/validation.toml says
what must hold.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from treasury_watch.transforms.model import Source

# The days between two figures, by the name of the rhythm that has such steps; what fits none is told in days.
STEPS = {
    **{"daily": (1, 5), "weekly": (6, 9), "monthly": (26, 35), "quarterly": (80, 100), "yearly": (350, 380)},
    "every day": (1, 1),  # weekends and holidays too, as a rate that is in force on each day
}
LONG_HOLIDAYS = 14  # days that may lie between the only two or three figures of a daily series
FEW_STEPS = 3
RECENT_STEPS = 12

FAR_PCT = 20.0  # no two markets quote one currency so differently; a rate upside down or of another unit is
BILLION_USD_MN = 1_000.0
ZERO_MEASURES = ("total_position", "long_term_position")  # bills do fall to nothing


def rhythm(days: pd.Series, source: str, declared: str) -> pd.DataFrame:
    """One row: is the rhythm of the figures on these days the declared one? Empty where `declared` says nothing of it.

    Columns source, declared, found (the rhythm in a word, or the usual step in days), days, weekend_days (of a daily
    series: the publishers of rates rest on Saturday and Sunday), first_weekend_day, on_weekdays and as_declared. Looked
    at are all steps and the last 12: a series can change its rhythm. A single figure has any rhythm.
    """
    columns = ["source", "declared", "found", "days", "weekend_days", "first_weekend_day", "on_weekdays", "as_declared"]
    if declared not in STEPS:
        return pd.DataFrame(columns=columns)
    stated = pd.Series(np.sort(days.dropna().unique()))
    steps = stated.diff().dt.days.dropna()
    found = declared
    for part in (steps, steps.tail(RECENT_STEPS)):
        if len(part) and not _fits(part, declared):
            found = _named(part)
    weekend = stated[stated.dt.day_of_week >= 5] if declared == "daily" else stated.head(0)
    first = weekend.iloc[0].strftime("%Y-%m-%d") if len(weekend) else ""
    row = (source, declared, found, len(stated), len(weekend), first, not len(weekend), found == declared)
    return pd.DataFrame([row], columns=columns)


def in_bounds(table: pd.DataFrame, value: str, source: Source) -> pd.DataFrame:
    """The figures of a source's series outside of their declared bounds, and of series that are not declared.

    Columns source, series_id, date, value, low, high, line, declared and within; `value` names the table's column. Empty where
    all is as declared, so that a file of thousands of figures costs the gate nothing. What is outside is in another unit
    (dollars for millions, basis points for percent) or a slip.
    """
    columns = ["source", "series_id", "date", "value", "low", "high", "line", "declared", "within"]
    bounds = pd.DataFrame(
        [(one.series_id, one.low, one.high) for one in source.stated_series], columns=["series_id", "low", "high"]
    )
    figures = table.rename(columns={value: "value"}).merge(bounds, on="series_id", how="left")
    figures = figures.assign(source=source.id, declared=figures["low"].notna())
    figures["within"] = figures["value"].between(figures["low"], figures["high"]) | ~figures["declared"]
    return figures.loc[~(figures["within"] & figures["declared"]), columns].reset_index(drop=True)


def _fits(steps: pd.Series, declared: str) -> bool:
    low, high = STEPS[declared]
    if declared == "daily" and len(steps) < FEW_STEPS:
        high = LONG_HOLIDAYS
    return bool(low <= steps.median() <= high)


def _named(steps: pd.Series) -> str:
    median = steps.median()
    return next((name for name, (low, high) in STEPS.items() if low <= median <= high), f"every {median:g} days")


def against_second_source(rates: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The rates of one file against what other sources state of the same days, one row per currency and other source.

    Both have currency, date and per_usd, `others` also source. Columns currency, compared_with, compared (days), apart
    (days over 20% apart), first_apart, per_usd and other_per_usd of that day, upside_down (the days that are apart agree
    once one of the two is turned over), some_apart and mostly_apart. Empty where no day is stated twice.
    """
    columns = ["currency", "compared_with", "compared", "apart", "first_apart", "per_usd", "other_per_usd",
               "upside_down", "some_apart", "mostly_apart"]  # fmt: skip
    key = ["currency", "date"]
    both = rates[[*key, "per_usd"]].merge(others[[*key, "per_usd", "source"]], on=key, suffixes=("", "_other"))
    both = both[(both["per_usd"] > 0) & (both["per_usd_other"] > 0)].sort_values(["source", *key])
    rows = []
    for (currency, source), pair in both.groupby(["currency", "source"], observed=True):
        far = pair[_far(pair["per_usd"] / pair["per_usd_other"])]
        shown = (far if len(far) else pair).iloc[0]
        turned = bool(len(far) and not _far(far["per_usd"] * far["per_usd_other"]).any())
        first = shown["date"].strftime("%Y-%m-%d") if len(far) else ""
        rows.append(
            (currency, source, len(pair), len(far), first, shown["per_usd"], shown["per_usd_other"], turned,
             bool(len(far)), 2 * len(far) > len(pair))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _far(ratio: pd.Series) -> pd.Series:
    limit = 1 + FAR_PCT / 100
    return (ratio > limit) | (ratio < 1 / limit)


def zeros_for_billions(table: pd.DataFrame, known: pd.DataFrame, source: str) -> pd.DataFrame:
    """Zeros in a file where a holder of a billion dollars or more stood: in the month before, or in the figure replaced.

    `table` is the file's figures, `known` what its source states so far (perhaps nothing). One row per holder, measure and
    month: source, holder_id, measure, month, value_usd_mn, stood_usd_mn, where_it_stood, holders (how many have such a
    zero in that month), stands (False: every row is one to look at) and few. Holders sold billions before, but never all
    of it in a month: a zero is mostly a missing value. Positions in all or in bonds and notes; bills do end.
    """
    key = ["holder_id", "measure", "series"]
    columns = ["source", "holder_id", "measure", "month", "value_usd_mn", "stood_usd_mn", "where_it_stood", "holders",
               "stands", "few"]  # fmt: skip
    mine, stood = (
        frame.loc[frame["measure"].isin(ZERO_MEASURES) & frame["value_usd_mn"].notna(), [*key, "month", "value_usd_mn"]]
        for frame in (table, known)
    )
    with_billions = [
        frame.loc[frame["value_usd_mn"] >= BILLION_USD_MN, "holder_id"].unique() for frame in (mine, stood)
    ]
    with_zeros = mine.loc[mine["value_usd_mn"] == 0, "holder_id"].unique()
    holders = set(with_zeros) & set().union(*with_billions)  # few: the others need no look at each month
    if not holders:
        return pd.DataFrame(columns=columns)
    months = mine.loc[(mine["value_usd_mn"] == 0) & mine["holder_id"].isin(holders), "month"].unique()
    near = {*months, *(month - pd.offsets.MonthBegin(1) for month in months)}
    mine, stood = (
        frame[frame["holder_id"].isin(holders) & frame["month"].isin(near)].astype(dict.fromkeys(key, "str"))
        for frame in (mine, stood)
    )
    zeros = mine[mine["value_usd_mn"] == 0]
    before = pd.concat([mine, stood]).drop_duplicates([*key, "month"])
    before = before.assign(month=before["month"] + pd.offsets.MonthBegin(1), where_it_stood="the month before")
    replaced = stood.assign(where_it_stood="the replaced figure")
    billions = pd.concat([replaced, before]).rename(columns={"value_usd_mn": "stood_usd_mn"})
    billions = billions[billions["stood_usd_mn"] >= BILLION_USD_MN]
    found = zeros.merge(billions, on=[*key, "month"]).drop_duplicates([*key, "month"])
    found["holders"] = found.groupby("month")["holder_id"].transform("nunique")
    found = found.assign(source=source, stands=False, few=found["holders"] <= 3)
    return found.sort_values(["month", "holder_id", "measure"], ignore_index=True)[columns]
