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
    figures = values.to_numpy(dtype="float64")
    padded = np.concatenate([np.full(window, np.nan), figures[:-1]]) if len(figures) else figures
    if not len(padded):
        return pd.Series(np.array([]), index=values.index, dtype="float64")
    past = np.lib.stride_tricks.sliding_window_view(padded, window)
    enough = np.count_nonzero(~np.isnan(past), axis=1) >= max(minimum, 1)
    score = np.full(len(figures), np.nan)
    median = np.nanmedian(past[enough], axis=1, keepdims=True)
    spread = np.nanmedian(np.abs(past[enough] - median), axis=1)
    score[enough] = (figures[enough] - median[:, 0]) / np.maximum(MAD_TO_SIGMA * spread, floor)
    return pd.Series(score, index=values.index)
