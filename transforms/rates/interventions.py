"""Official interventions in the currency market, by day and in dollars, with the month in which each was paid for."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from treasury_watch.transforms.months import starts_of
from treasury_watch.transforms.rates.settlement import settlement_day

AMOUNTS = ["interventions_usd_mn", "interventions_jpy_mn"]
COLUMNS = ["country", "date", "month", "settled", "settled_month", *AMOUNTS]
# ISO 3166 codes of the countries whose operations are read, for their business days.
CALENDARS: Mapping[str, str] = {"Japan": "JP"}


def interventions_in_usd(interventions: pd.DataFrame, fx_daily: pd.DataFrame) -> pd.DataFrame:
    """Every intervention in USD and JPY millions: dollars sold are negative, in both. One row a day of trade.

    `month` is that of the trade, `settled` the day of payment and `settled_month` its month. A day without a rate takes
    the last one before it within a week: interventions fall on holidays too. A month of trade or of payment with a day
    that has no such rate is left out: a part of its amount is not its amount.
    """
    if interventions.empty:
        days = ["date", "month", "settled", "settled_month"]
        types = {**dict.fromkeys(days, "datetime64[us]"), **dict.fromkeys(AMOUNTS, "float64")}
        return pd.DataFrame(columns=COLUMNS).astype(types)
    yen = fx_daily.loc[fx_daily["currency"] == "JPY", ["date", "per_usd"]].sort_values("date")
    dollar = interventions[interventions["pair"].isin(["USD/JPY", "JPY/USD"])].sort_values("date")
    joined = pd.merge_asof(dollar, yen, on="date", tolerance=pd.Timedelta(days=7))
    sign = joined["direction"].map({"sell USD": -1.0, "buy USD": 1.0})
    joined["interventions_jpy_mn"] = sign * joined["amount_jpy_mn"]
    joined["interventions_usd_mn"] = joined["interventions_jpy_mn"] / joined["per_usd"]
    joined["month"] = starts_of(joined["date"])
    settled = [
        settlement_day(day.date(), CALENDARS[country])
        for day, country in zip(joined["date"], joined["country"], strict=True)
    ]
    joined["settled"] = pd.to_datetime(pd.Series(settled, index=joined.index)).astype("datetime64[us]")
    joined["settled_month"] = starts_of(joined["settled"])
    unrated = joined["interventions_usd_mn"].isna()
    for month in ("month", "settled_month"):
        incomplete = pd.MultiIndex.from_frame(joined.loc[unrated, ["country", month]])
        joined = joined[~pd.MultiIndex.from_frame(joined[["country", month]]).isin(incomplete)]
        unrated = unrated.loc[joined.index]
    return joined[COLUMNS].reset_index(drop=True)
