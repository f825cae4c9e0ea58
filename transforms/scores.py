"""How unusual a month is in the holder's own history."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Scales the median absolute deviation to the standard deviation of a normal distribution
# (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88, 1993).
MAD_TO_SIGMA = 1.4826


def robust_score(values: pd.Series, *, window: int, minimum: int, floor: float) -> pd.Series:
    """(value - median) / (1.4826 * MAD) against the `window` values before it; NaN with fewer than `minimum` of them.

    `values` is one holder's column in month order. The scale is at least `floor` (in the column's unit), so that a
    holder that hardly ever moves does not score every move as a record.
    """
    history = values.shift(1).rolling(window, min_periods=minimum)
    median = history.median()
    spread = history.apply(lambda past: np.nanmedian(np.abs(past - np.nanmedian(past))), raw=True)
    return (values - median) / (MAD_TO_SIGMA * spread).clip(lower=floor)
