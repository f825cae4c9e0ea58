"""The duration that a holder's published valuation changes imply: an estimate, with its interval.

No source states by country when the bonds mature. What prices did to them is stated, and the yields are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.rates.price_returns import month_ends

COLUMNS = [
    "holder_id", "month", "regressed_months", "own_duration_years", "own_error_years", "fit_pct", "sector_duration_years",
    "sector_spread_years", "own_weight_pct", "implied_duration_years", "duration_low_years", "duration_high_years",
]  # fmt: skip
PUBLISHED = ("slt", "cslt")  # bases whose valuation is stated; an estimated one would give back the estimate's duration
INTERVAL = 0.8
Columns = dict[str, np.ndarray]
NO_SECTOR = (0.0, 0.0, 1e9)  # a spread so wide that nothing is shrunk


@dataclass(frozen=True)
class Regressions:
    """Slope on a parallel shift of yields, its standard error and the share of variance explained, of each holder."""

    years: np.ndarray
    errors: np.ndarray
    fits: np.ndarray


def durations_of(
    months: pd.DataFrame, yields: pd.DataFrame, holders: pd.DataFrame, declared: Mapping[str, Any]
) -> pd.DataFrame:
    """The rows of implied_durations: COLUMNS with holder and kind.

    `months` are rows of holder_months and aggregate_months; `holders` has holder_id, holder, kind and custodial_centre.
    Countries are shrunk towards their sector, which is custodial centres or others; aggregates are not.
    """
    countries = holders[holders["kind"] == "country"]
    centre = countries["custodial_centre"].astype(bool).map({True: "custodial centres", False: "others"})
    found = implied_durations(
        published_returns(months, declared), yield_changes(yields, declared),
        dict(zip(countries["holder_id"], centre, strict=True)), declared,
    )  # fmt: skip
    return found.merge(holders[["holder_id", "holder", "kind"]], on="holder_id", how="left")


def yield_changes(yields: pd.DataFrame, declared: Mapping[str, Any]) -> pd.DataFrame:
    """Change of the month-end yields over each month, in percentage points: columns `long` and `short`, index month.

    `yields` has series_id, date and value in percent; `declared` is [implied_duration] of config/alert_rules.toml. Empty
    where a series is missing.
    """
    names = {declared["long_yield"]: "long", declared["short_yield"]: "short"}
    ends = month_ends(yields[yields["series_id"].isin(names)]).rename(columns=names)
    return ends.reindex(columns=["long", "short"]).diff().dropna()


def published_returns(months: pd.DataFrame, declared: Mapping[str, Any]) -> pd.DataFrame:
    """Published valuation change in percent of the bonds and notes held a month before: one column a holder, a row a month.

    `months` are rows of holder_months or aggregate_months. Left out are estimated valuations, months in which less than
    `minimum_held_usd_mn` was held, and returns beyond `credible_pct` of either sign, which no change of prices is.
    """
    held = months["long_term_usd_mn"] - months["change_long_term_usd_mn"]
    returns = 100 * months["valuation_usd_mn"] / held
    used = months["basis"].isin(PUBLISHED) & (held >= declared["minimum_held_usd_mn"])
    used &= returns.abs() <= declared["credible_pct"]
    kept = months.loc[used, ["holder_id", "month"]].assign(returns=returns[used])
    kept["month"] = kept["month"].astype("datetime64[us]")
    return kept.pivot(index="month", columns="holder_id", values="returns")


def regressions(returns: np.ndarray, changes: np.ndarray) -> Regressions:
    """Ordinary least squares of returns (months by holders, percent) on changes of yields (months by [long, short], points).

        return = a - D * d(long) - s * d(short - long) + error

    Written so, D is the sum of the two key rate durations: the percent lost by a parallel rise of one point (Ho, "Key Rate
    Durations: Measures of Interest Rate Risks", Journal of Fixed Income, 1992). `a` is what a month adds without any change
    of yields, above all the pull to par. The error of D is the usual one, s^2 (X'X)^-1 with n - 3 degrees of freedom.
    """
    shift, twist = -changes[:, 0], changes[:, 0] - changes[:, 1]
    design = np.column_stack([np.ones(len(changes)), shift, twist])
    found, *_ = np.linalg.lstsq(design, returns, rcond=None)
    left = ((returns - design @ found) ** 2).sum(axis=0)
    whole = ((returns - returns.mean(axis=0)) ** 2).sum(axis=0)
    spread = np.linalg.inv(design.T @ design)[1, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = np.where(whole > 0, 100 * (1 - left / whole), np.nan)
    return Regressions(found[1], np.sqrt(spread * left / (len(changes) - design.shape[1])), fits)


def sector_mean(years: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """Mean of a sector's durations, its own error, and how far holders lie apart beyond their errors: mu, error, tau.

    The moment estimate of a random-effects model (DerSimonian and Laird, "Meta-Analysis in Clinical Trials", Controlled
    Clinical Trials 7, 1986): tau^2 = (Q - (k - 1)) / (sum w - sum w^2 / sum w) with w = 1 / error^2 and Q the weighted
    squared distance from the weighted mean, not below 0; mu is weighted by 1 / (error^2 + tau^2).
    """
    weights = 1 / errors**2
    fixed = np.sum(weights * years) / np.sum(weights)
    distance = np.sum(weights * (years - fixed) ** 2)
    scale = np.sum(weights) - np.sum(weights**2) / np.sum(weights)
    spread = max(0.0, (distance - (len(years) - 1)) / scale) if scale > 0 else 0.0
    both = 1 / (errors**2 + spread)
    return float(np.sum(both * years) / np.sum(both)), float(1 / np.sqrt(np.sum(both))), float(np.sqrt(spread))


def shrunk(
    years: np.ndarray, errors: np.ndarray, mean: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weight of a holder's own slope, duration, and the two ends of its 80% interval, in years.

    Empirical Bayes (Efron and Morris, "Data Analysis Using Stein's Estimator and Its Generalizations", JASA 70, 1975):
    w = tau^2 / (tau^2 + error^2), D = w * own + (1 - w) * mu, variance = w * error^2 + (1 - w)^2 * error of mu^2. Bonds
    without options have no negative duration: what falls below 0 is 0.
    """
    mu, mu_error, tau = mean
    weights = tau**2 / (tau**2 + errors**2)
    duration = weights * years + (1 - weights) * mu
    reach = NormalDist().inv_cdf((1 + INTERVAL) / 2) * np.sqrt(weights * errors**2 + (1 - weights) ** 2 * mu_error**2)
    return weights, *(np.maximum(0.0, end) for end in (duration, duration - reach, duration + reach))


def implied_durations(
    returns: pd.DataFrame, changes: pd.DataFrame, sectors: Mapping[str, str], declared: Mapping[str, Any]
) -> pd.DataFrame:
    """Implied duration of every holder at every month, from its months up to then: COLUMNS, ordered by holder and month.

    `returns` as `published_returns`, `changes` as `yield_changes`; `sectors` names each holder's sector, and a holder
    without one keeps its own slope: aggregates are no sample of a sector. A holder has a row where its return of the month
    is known and it has `minimum_months` of them so far. Errors of slopes are multiplied by `error_factor`.
    """
    known = returns.index.intersection(changes.index).sort_values()
    stated, moved = returns.loc[known].to_numpy(), changes.loc[known, ["long", "short"]].to_numpy()
    sector = np.array([sectors.get(name, "") for name in returns.columns], dtype=object)
    parts: list[Columns] = []
    for place in range(declared["minimum_months"] - 1, len(known)):
        own = _slopes(stated[: place + 1], moved[: place + 1], declared)
        for name in sorted(set(sector[own["holder"]])):
            kept = sector[own["holder"]] == name
            members = {column: values[kept] for column, values in own.items()}
            parts.append(_shrunk(members, in_sector=bool(name)) | {"place": np.full(kept.sum(), place)})
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    found = pd.DataFrame({column: np.concatenate([part[column] for part in parts]) for column in parts[0]})
    found = found.assign(holder_id=returns.columns[found["holder"]], month=known[found["place"]])
    return found[COLUMNS].sort_values(["holder_id", "month"], ignore_index=True)


def _slopes(returns: np.ndarray, changes: np.ndarray, declared: Mapping[str, Any]) -> Columns:
    """Each holder's own slope at the last of these months; holders known in the same months are regressed together.

    `holder` is the column of `returns`. A return that never moves says nothing of its error, and has no slope.
    """
    known = ~np.isnan(returns)
    enough = np.flatnonzero((known.sum(axis=0) >= declared["minimum_months"]) & known[-1])
    alike: dict[bytes, list[int]] = {}
    for holder in enough:
        alike.setdefault(known[:, holder].tobytes(), []).append(int(holder))
    parts: list[Columns] = []
    for holders in alike.values():
        used = known[:, holders[0]]
        own = regressions(returns[used][:, holders], changes[used])
        kept = own.errors > 0
        parts.append(
            {
                "holder": np.array(holders)[kept],
                "regressed_months": np.full(kept.sum(), used.sum()),
                "own_duration_years": own.years[kept],
                "own_error_years": declared["error_factor"] * own.errors[kept],
                "fit_pct": own.fits[kept],
            }
        )
    if not parts:
        return {"holder": np.array([], dtype=int)}
    return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def _shrunk(own: Columns, *, in_sector: bool) -> Columns:
    """Holders of one sector with their shrunk durations; those without a sector with their own."""
    years, errors = own["own_duration_years"], own["own_error_years"]
    mean = sector_mean(years, errors) if in_sector else NO_SECTOR
    weights, duration, low, high = shrunk(years, errors, mean)
    return own | {
        "sector_duration_years": np.full(len(years), mean[0] if in_sector else np.nan),
        "sector_spread_years": np.full(len(years), mean[2] if in_sector else np.nan),
        "own_weight_pct": 100 * weights,
        "implied_duration_years": duration,
        "duration_low_years": low,
        "duration_high_years": high,
    }
