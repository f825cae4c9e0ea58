"""Totals of interventions over periods of about a month, set beside the days that are published a quarter later."""

from __future__ import annotations

import pandas as pd

LAST_DIGIT_JPY_MN = 100  # of a day and of a total: 100 million yen
MEASURED = ["days_jpy_mn", "known_until", "difference_jpy_mn", "outstanding_jpy_mn", "agrees"]


def with_days(periods: pd.DataFrame, interventions: pd.DataFrame) -> pd.DataFrame:
    """The periods with the sum of the days inside, the last day on which days are known, the total less that sum, what of
    it has no known day yet, and whether the two agree.

    `periods` has country, start_date, end_date and amount_jpy_mn, `interventions` country, date and amount_jpy_mn of every
    pair. Days are published by the quarter, so they are known to the end of the quarter of the last one at least: what a
    total has more than its days is outstanding until then, and a disagreement after it. Days that add up to more than their
    total always are one. Total and days are rounded one by one.
    """
    rows = []
    quarter_end = interventions.groupby("country")["date"].max() + pd.offsets.QuarterEnd(0)
    for period in periods.to_dict("records"):
        own = interventions[interventions["country"] == period["country"]]
        inside = own[own["date"].between(period["start_date"], period["end_date"])]
        known_until = quarter_end.get(period["country"], pd.NaT)
        difference = period["amount_jpy_mn"] - inside["amount_jpy_mn"].sum()
        rounding = LAST_DIGIT_JPY_MN * (len(inside) + 1) / 2
        complete = bool(period["end_date"] <= known_until)
        outstanding = 0.0 if complete or difference <= rounding else difference
        agrees = abs(difference) <= rounding or outstanding > 0
        rows.append((inside["amount_jpy_mn"].sum(), known_until, difference, outstanding, agrees))
    measured = pd.DataFrame(rows, columns=MEASURED, index=periods.index)
    return pd.concat([periods, measured.astype({"known_until": "datetime64[us]"})], axis=1)
