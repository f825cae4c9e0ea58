"""Official interventions in the currency market, by month and in dollars."""

from __future__ import annotations

import pandas as pd

from treasury_watch.transforms.months import starts_of


def interventions_in_usd(interventions: pd.DataFrame, fx_daily: pd.DataFrame) -> pd.DataFrame:
    """Interventions by country and month in USD and JPY millions: dollars sold are negative, in both.

    A day without a rate takes the last one before it within a week: interventions fall on holidays too. A month with
    a day that has no such rate is left out: a part of its amount is not its amount.
    """
    amounts = ["interventions_usd_mn", "interventions_jpy_mn"]
    columns = ["country", "month", *amounts]
    if interventions.empty:
        return pd.DataFrame(columns=columns).astype({"month": "datetime64[us]", **dict.fromkeys(amounts, "float64")})
    yen = fx_daily.loc[fx_daily["currency"] == "JPY", ["date", "per_usd"]].sort_values("date")
    dollar = interventions[interventions["pair"].isin(["USD/JPY", "JPY/USD"])].sort_values("date")
    joined = pd.merge_asof(dollar, yen, on="date", tolerance=pd.Timedelta(days=7))
    sign = joined["direction"].map({"sell USD": -1.0, "buy USD": 1.0})
    joined["interventions_jpy_mn"] = sign * joined["amount_jpy_mn"]
    joined["interventions_usd_mn"] = joined["interventions_jpy_mn"] / joined["per_usd"]
    joined["month"] = starts_of(joined["date"])
    sums = joined.groupby(["country", "month"])[amounts].sum(skipna=False)
    return sums.dropna().reset_index()[columns]
