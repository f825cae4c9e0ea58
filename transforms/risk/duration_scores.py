"""How well implied durations foretell later ones, with naive rivals beside them, and how often intervals hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from treasury_watch.transforms.risk.durations import INTERVAL, implied_durations, regressions

RIVALS = {
    "shrunk": "implied_duration_years",
    "own slope": "own_duration_years",
    "sector": "sector_duration_years",
}


def scores(
    returns: pd.DataFrame,
    changes: pd.DataFrame,
    sectors: Mapping[str, str],
    declared: Mapping[str, Any],
    until: pd.Timestamp,
) -> pd.DataFrame:
    """Durations by the months up to `until` against the slopes of the months after it: a row each for RIVALS.

    `holders` are those with `minimum_months` on both sides; `median_years` and `rms_years` are of the distance to the later
    slope. `held_pct`, of the first row alone, says how many later slopes lie in the 80% interval of the difference: that
    of the duration with the later slope's own error, which is widened by the same factor.
    """
    before = returns.loc[:until]
    found = implied_durations(before, changes, sectors, declared)
    found = found[(found["month"] == before.index.max()) & found["holder_id"].isin(sectors)].set_index("holder_id")
    later = returns.loc[returns.index > until]
    known = [name for name in found.index if later[name].notna().sum() >= declared["minimum_months"]]
    slopes, errors = [], []
    for name in known:
        own = later[name].dropna()
        fitted = regressions(own.to_numpy()[:, None], changes.loc[own.index, ["long", "short"]].to_numpy())
        slopes.append(fitted.years[0])
        errors.append(declared["error_factor"] * fitted.errors[0])
    at, truth = found.loc[known], np.array(slopes)
    reach = ndtri((1 + INTERVAL) / 2)
    # The interval ends at 0 where it would go below: its upper half says how wide it is.
    spread = (at["duration_high_years"] - at["implied_duration_years"]).to_numpy() / reach
    away = np.abs(at["implied_duration_years"].to_numpy() - truth) / np.sqrt(spread**2 + np.array(errors) ** 2)
    rows = []
    for rival, column in RIVALS.items():
        distance = np.abs(at[column].to_numpy() - truth)
        rows.append(
            {
                "estimate": rival,
                "holders": len(known),
                "median_years": float(np.median(distance)),
                "rms_years": float(np.sqrt(np.mean(distance**2))),
                "held_pct": 100 * float(np.mean(away <= reach)) if rival == "shrunk" else np.nan,
            }
        )
    return pd.DataFrame(rows)
