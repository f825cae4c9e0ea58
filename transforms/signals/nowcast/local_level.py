"""The model: a level that moves slowly, and terms with constant coefficients, by the Kalman filter of statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd

LEVEL = "level"


def states(target: pd.Series, terms: pd.DataFrame, level_variance: float) -> pd.DataFrame:
    """Level and coefficients, month by month, each from the months **before** it alone; one month more than `terms` has.

        target(m) = level(m) + sum of coefficient * term(m) + error,    level(m) = level(m-1) + step

    The variance of a step is `level_variance` times that of an error; the coefficients are constant and nothing is assumed
    of them (Harvey, "Forecasting, Structural Time Series Models and the Kalman Filter", 1989, on regression in state
    space). With a variance of 0 this is least squares over all months before. A month whose target or terms are NaN teaches
    nothing. Until there are a few more months than terms the values are without meaning.
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # takes half a second

    known = target.notna() & terms.notna().all(axis=1)
    model = UnobservedComponents(
        target.where(known).to_numpy(float),
        level="local level",
        exog=terms.fillna(0.0).to_numpy(float),
        mle_regression=False,
    )
    found = model.filter([1.0, level_variance]).predicted_state
    index = pd.period_range(terms.index[0], periods=len(terms) + 1, freq="M")
    return pd.DataFrame(np.asarray(found).T, index=index, columns=[LEVEL, *terms.columns])
