"""Tables that the validation gates judge: each states what was found, config/validation.toml says what must hold.

Everything here takes observations with the columns source, holder_id, month, measure, series, value_usd_mn
(one row per figure, the current one; NaN where the source says n.a.) unless said otherwise. Amounts in USD millions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.model import MAIN_SOURCE, Source
from treasury_watch.transforms.months import numbers_of, shifted

FIGURE = ["source", "holder_id", "measure", "series"]
NEVER_NEGATIVE = ("_position", "_gross_purchases", "_gross_sales")

# A factor of 1,000 is a slip of units, whatever the holder did. Real figures do leap: Russia's bills fell from 1,186
# to 1 and rose to 5,801 within two months of 2018, El Salvador's position rose 77-fold in March 2025. Hence a window
# around 1,000 and a floor under the larger figure, well above what the official history shows inside the window.
LEAP_RATIO = (300.0, 3000.0)
LEAP_FLOOR_USD_MN = 10_000.0

TENTH_OF_A_BILLION = 100.0


def prepare_parsed_observations(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with two derived columns; each is left out where the column it needs is missing.

    `month_is_first`: month is a date at midnight of a first day of a month. `unsigned_usd_mn`: the figure where its
    measure can never be negative (positions, gross purchases and sales), NaN for net purchases and valuation.
    """
    prepared = frame.copy()
    if "month" in frame:
        if pd.api.types.is_datetime64_any_dtype(frame["month"]):
            month = frame["month"].dt
            prepared["month_is_first"] = (month.day == 1) & (month.normalize() == frame["month"])
        else:
            prepared["month_is_first"] = False
    if {"measure", "value_usd_mn"} <= set(frame.columns):
        prepared["unsigned_usd_mn"] = frame["value_usd_mn"].where(
            frame["measure"].str.endswith(NEVER_NEGATIVE, na=False)
        )
    return prepared


def coverage(frame: pd.DataFrame, absent: Iterable[pd.Timestamp] = ()) -> pd.DataFrame:
    """How complete the months of each holder, measure and series are; an n.a. counts as stated.

    One row per source, holder_id, measure and series: first_month, last_month, months_present, months_expected (every
    month between the two, less those of `absent` that the frame states of no holder for the measure) and gap, the months
    missing.
    """
    absent = {pd.Timestamp(month) for month in absent}
    stated = {measure: set(months.unique()) for measure, months in frame.groupby("measure")["month"]} if absent else {}
    found = (
        frame.groupby(FIGURE, sort=True)["month"]
        .agg(first_month="min", last_month="max", months_present="nunique")
        .reset_index()
    )
    first, last = found["first_month"], found["last_month"]
    expected = pd.Series(numbers_of(last) - numbers_of(first) + 1, index=found.index)
    for month in absent:
        unstated = ~found["measure"].map(lambda measure, month=month: month in stated[measure])
        expected = expected - ((first < month) & (month < last) & unstated).astype("int64")
    found["months_expected"] = expected.astype("int64")
    found["gap"] = found["months_expected"] - found["months_present"]
    return found


def magnitude(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    """One row: is the newest figure that the source declares for this purpose of the declared size?

    Columns source, holder_id, measure, month, value_usd_mn, low, high, within. A file without the figure is not within.
    Raises ConfigurationError where the source declares no magnitude.
    """
    try:
        holder, measure = source.magnitude["holder"], source.magnitude["measure"]
        low, high = float(source.magnitude["low_usd_mn"]), float(source.magnitude["high_usd_mn"])
    except KeyError as problem:
        raise ConfigurationError(
            f"sources.toml, {source.id}: magnitude has no {problem}; declare holder, measure, "
            "low_usd_mn and high_usd_mn"
        ) from problem
    known = frame[frame["holder_id"].eq(holder) & frame["measure"].eq(measure) & frame["value_usd_mn"].notna()]
    newest = known.sort_values("month", kind="stable").tail(1)
    value = float(newest["value_usd_mn"].iloc[0]) if len(newest) else float("nan")
    return pd.DataFrame(
        {
            "source": [source.id],
            "holder_id": [holder],
            "measure": [measure],
            "month": [newest["month"].iloc[0] if len(newest) else pd.NaT],
            "value_usd_mn": [value],
            "low": [low],
            "high": [high],
            "within": [low <= value <= high],
        }
    )


OLD_AFTER_YEARS = 2


def against_known(
    table: pd.DataFrame, known: pd.DataFrame, source: str, day: date, newest: date | None
) -> pd.DataFrame:
    """One row on a file before it enters the ledger, against what its source (`known`, non-empty) states so far.

    Columns source, released, newest_release, older (the file is older than the newest release), dropped (holders with a
    figure in the newest known month that the file does not name at all), dropped_holders, old_compared and old_changed_pct:
    figures for months more than two years before the file's last that both state, and how many of them differ.
    """
    last = table["month"].max()
    current = known.loc[(known["month"] == known["month"].max()) & known["value_usd_mn"].notna(), "holder_id"].unique()
    dropped = sorted(set(current) - set(table["holder_id"].unique())) if last >= known["month"].max() else []
    key = ["holder_id", "month", "measure", "series"]
    past = table.loc[table["month"] < shifted(last, -12 * OLD_AFTER_YEARS), [*key, "value_usd_mn"]]
    past = past.assign(**{name: _alike(past[name], known[name].dtype) for name in key})
    both = past.merge(known[[*key, "value_usd_mn"]], on=key, suffixes=("", "_known")).dropna()
    changed = int((both["value_usd_mn"] != both["value_usd_mn_known"]).sum())
    return pd.DataFrame(
        {
            "source": [source],
            "released": [day.isoformat()],
            "newest_release": [newest.isoformat() if newest else ""],
            "older": [bool(newest and day < newest)],
            "dropped": [len(dropped)],
            "dropped_holders": [", ".join(dropped[:5])],
            "old_compared": [len(both)],
            "old_changed_pct": [100 * changed / len(both) if len(both) else 0.0],
        }
    )


def _alike(texts: pd.Series, kind: object) -> pd.Series:
    """The texts as the categories of `kind`, one it does not have as NaN; as they are where `kind` is no such type.

    Categories are compared fast, but only with their like.
    """
    if not isinstance(kind, pd.CategoricalDtype):
        return texts
    codes = kind.categories.get_indexer(pd.Index(texts))
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind), index=texts.index)


def totals(observations: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Named holders plus All Other against the Grand Total, for the sources that state All Other.

    One row per source, series and month: parts (figures added), sum_usd_mn, grand_total_usd_mn, difference_usd_mn (sum
    less total), tolerance_usd_mn, agrees, newest (the source's newest month), one_vintage (all lines of the month are of one
    release, where the observations have `released`; where they do not they are of one file). Only holders whose kind (`kinds`, by
    holder_id) is country or group are added: sums, sectors and memo lines would count twice. The tolerance is half a
    tenth of a billion for every figure that was rounded. A month without a Grand Total or without All Other disagrees.
    """
    positions = observations[observations["measure"].eq("total_position")]
    residual = positions["holder_id"].eq("all_other")
    positions = positions[positions["source"].isin(positions.loc[residual, "source"].unique())]
    residual = positions["holder_id"].eq("all_other")
    key = ["source", "series", "month"]
    table = positions[key].drop_duplicates().sort_values(key).set_index(key)
    addends = positions[positions["holder_id"].map(kinds).isin(["country", "group"]) | residual].groupby(key)[
        "value_usd_mn"
    ]
    table["parts"] = addends.count()
    table["parts"] = table["parts"].fillna(0).astype("int64")
    table["sum_usd_mn"] = addends.sum()
    table["grand_total_usd_mn"] = (
        positions[positions["holder_id"].eq("grand_total")].groupby(key)["value_usd_mn"].first()
    )
    has_residual = positions[residual & positions["value_usd_mn"].notna()].groupby(key).size()
    # Sums of decimals carry binary dust; a thousandth of a million is far below any published digit.
    table["difference_usd_mn"] = (table["sum_usd_mn"] - table["grand_total_usd_mn"]).round(3)
    table["tolerance_usd_mn"] = (table["parts"] + 1) * (TENTH_OF_A_BILLION / 2)
    table["agrees"] = (table["difference_usd_mn"].abs() <= table["tolerance_usd_mn"]) & table.index.isin(
        has_residual.index
    )
    vintages = positions.groupby(key)["released"].nunique() if "released" in positions else 1
    table["one_vintage"] = vintages == 1
    table = table.reset_index()
    table["newest"] = table["month"].eq(table.groupby("source")["month"].transform("max"))
    return table


def table3_against_table5(observations: pd.DataFrame) -> pd.DataFrame:
    """The positions that Table 3 and Table 5 both state, one row per holder, month and measure.

    Columns holder_id, month, measure, series, table3_usd_mn (rounded to a tenth of a billion, halves up), other_usd_mn,
    difference_usd_mn (Table 3 less Table 5) and same_release: both tables end with the same month. One fetched before a
    release and one after it differ by the revisions, which is no error.
    """
    return _against_table3(observations, "slt_table5")


def table3_against_history(observations: pd.DataFrame) -> pd.DataFrame:
    """The positions that Table 3 and the history file both state, with the columns of `table3_against_table5`."""
    return _against_table3(observations, "mfhhis01")


def _against_table3(observations: pd.DataFrame, coarse: str) -> pd.DataFrame:
    key = ["holder_id", "month", "measure", "series"]
    positions = observations[observations["measure"].str.endswith("_position") & observations["value_usd_mn"].notna()]
    fine = positions[positions["source"].eq(MAIN_SOURCE)]
    rough = positions[positions["source"].eq(coarse)]
    joined = fine[[*key, "value_usd_mn"]].merge(rough[[*key, "value_usd_mn"]], on=key, suffixes=("_fine", "_rough"))
    joined = joined.sort_values(key, ignore_index=True)
    table = joined[key].copy()
    table["table3_usd_mn"] = np.floor(joined["value_usd_mn_fine"] / TENTH_OF_A_BILLION + 0.5) * TENTH_OF_A_BILLION
    table["other_usd_mn"] = joined["value_usd_mn_rough"]
    table["difference_usd_mn"] = (table["table3_usd_mn"] - table["other_usd_mn"]).round(3)
    table["same_release"] = bool(fine["month"].max() == rough["month"].max())
    return table


def leaps(observations: pd.DataFrame, replaced: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every position compared with the same holder's month before and, where given, with the figure it replaces.

    `replaced` has the columns of the observations. One row per comparison whose larger figure reaches
    LEAP_FLOOR_USD_MN: source, holder_id, measure, series, month, value_usd_mn, compared_with ("the month before" or
    "the replaced figure"), other_usd_mn, ratio (larger to smaller) and leap: the ratio is within LEAP_RATIO.
    The month before is the last one stated on the same survey basis.
    """
    positions = _positions(observations)
    keys = [pd.factorize(positions[name], sort=True)[0] for name in [*FIGURE, "month"]]
    order = np.lexsort(keys[::-1])  # what comes in order, as standing figures do, is sorted at once
    positions = positions.iloc[order].reset_index(drop=True)
    another = np.any([np.diff(key[order], prepend=-1) != 0 for key in keys[:-1]], axis=0)
    stated_before = positions["value_usd_mn"].shift().mask(another)
    before = positions.assign(other_usd_mn=stated_before, compared_with="the month before")
    comparisons = [before]
    if replaced is not None:
        old = _positions(replaced).rename(columns={"value_usd_mn": "other_usd_mn"})
        comparisons.append(
            positions.merge(old, on=[*FIGURE, "month"]).assign(compared_with="the replaced figure")[before.columns]
        )
    table = pd.concat(comparisons, ignore_index=True).dropna(subset=["other_usd_mn"])
    pair = table[["value_usd_mn", "other_usd_mn"]].abs()
    larger, smaller = pair.max(axis=1), pair.min(axis=1)
    table["ratio"] = larger / smaller.where(smaller > 0)
    table["leap"] = table["ratio"].between(*LEAP_RATIO)
    return table[larger >= LEAP_FLOOR_USD_MN].reset_index(drop=True)


def _positions(observations: pd.DataFrame) -> pd.DataFrame:
    wanted = observations["measure"].str.endswith("_position") & observations["value_usd_mn"].notna()
    return observations.loc[wanted, [*FIGURE, "month", "value_usd_mn"]]


def decomposition(holder_months: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The table holder_months with `kind` (by holder_id; NaN if unknown) and `residual_usd_mn`.

    The residual is the change less net purchases, valuation and other changes; NaN where one of them is not known.
    """
    explained = holder_months[["net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]].sum(axis=1, skipna=False)
    return holder_months.assign(
        kind=holder_months["holder_id"].map(kinds), residual_usd_mn=holder_months["change_usd_mn"] - explained
    )
