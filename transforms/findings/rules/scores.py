"""How unusual a month is in the holder's own history."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Scales the median absolute deviation to the standard deviation of a normal distribution
# (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88, 1993).
MAD_TO_SIGMA = 1.4826


def robust_score(
    values: pd.Series, groups: pd.Series | None = None, *, window: int, minimum: int, floor: float
) -> pd.Series:
    """(value - median) / (1.4826 * MAD) against the `window` values before it; NaN with fewer than `minimum` of them.

    `values` is one holder's column in month order; with `groups` the columns of several, one after the other. The scale
    is at least `floor` (in the column's unit), so that a holder that hardly ever moves does not score every move as a
    record.
    """
    figures = values.to_numpy(dtype="float64")
    past = before(figures, np.zeros(len(figures)) if groups is None else pd.factorize(groups)[0], window)
    enough = np.count_nonzero(~np.isnan(past), axis=1) >= max(minimum, 1)
    past = past[enough]
    score = np.full(len(figures), np.nan)
    usual = _median(past)
    spread = _median(np.abs(past - usual[:, None]))
    score[enough] = (figures[enough] - usual) / np.maximum(MAD_TO_SIGMA * spread, floor)
    return pd.Series(score, index=values.index)


def before(figures: np.ndarray, groups: np.ndarray, window: int) -> np.ndarray:
    """For every figure the `window` ones before it in its group, a row each; NaN where there are none.

    A group's figures stand one after the other.
    """
    count = len(figures)
    if not count:
        return np.empty((0, window))
    padded = np.concatenate([np.full(window, np.nan), figures[:-1]])
    places = np.arange(count)
    starts = np.maximum.accumulate(np.where(np.diff(groups, prepend=groups[0] - 1) != 0, places, 0))
    own = places[:, None] - np.arange(window, 0, -1) >= starts[:, None]
    return np.where(own, np.lib.stride_tricks.sliding_window_view(padded, window), np.nan)


def _median(rows: np.ndarray) -> np.ndarray:
    """The median of what is known of each row; every row knows something. numpy's own takes the rows one by one."""
    ordered = np.sort(rows, axis=1)  # the unknown last
    known = np.count_nonzero(~np.isnan(rows), axis=1)[:, None]
    low, high = (np.take_along_axis(ordered, place, axis=1)[:, 0] for place in ((known - 1) // 2, known // 2))
    return (low + high) / 2
