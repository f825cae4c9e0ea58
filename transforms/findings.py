"""From holders' months to findings: flagged months and episodes with verdict, explanation and currency context."""

from __future__ import annotations

from typing import Any

import pandas as pd

from transforms import fx
from transforms.episodes import episodes
from transforms.explanations import explain_episodes, explain_months
from transforms.sell_offs import sell_offs

CONTEXT = ["fx_per_usd_average", "fx_change_month_pct", "fx_change_quarter_pct"]


def findings(
    months: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    interventions_usd: pd.DataFrame,
    rules: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sell_offs, episodes) with the columns declared in config/tables.toml.

    `months` are holder_months, `interventions_usd` has country, month and interventions_usd_mn.
    """
    flagged = sell_offs(months, rules)
    flagged = flagged.merge(holders[["holder_id", "currency"]], on="holder_id", how="left", validate="many_to_one")
    rates = dict(iter(fx_monthly[fx_monthly["currency"] != "USD"].groupby("currency")))
    none = fx_monthly.head(0)  # the dollar does not move against itself
    places = zip(flagged["currency"], flagged["month"], strict=True)
    context = [fx.context(rates.get(currency, none), currency, month) for currency, month in places]
    for column in CONTEXT:
        flagged[column] = pd.Series([found[column] for found in context], index=flagged.index, dtype="float64")
    flagged = flagged.merge(
        interventions_usd.rename(columns={"country": "holder"}),
        on=["holder", "month"],
        how="left",
        validate="many_to_one",
    )
    flagged["explanation"] = explain_months(flagged)
    runs = episodes(months, rules)
    runs["explanation"] = explain_episodes(runs)
    return flagged, runs


def interventions_in_usd(interventions: pd.DataFrame, fx_daily: pd.DataFrame) -> pd.DataFrame:
    """Interventions by country and month in USD millions: dollars sold are negative.

    A day without a rate takes the last one before it within a week: interventions fall on holidays too. A month with
    a day that has no such rate is left out: a part of its amount is not its amount.
    """
    columns = ["country", "month", "interventions_usd_mn"]
    if interventions.empty:
        return pd.DataFrame(columns=columns).astype({"month": "datetime64[us]", "interventions_usd_mn": "float64"})
    yen = fx_daily.loc[fx_daily["currency"] == "JPY", ["date", "per_usd"]].sort_values("date")
    dollar = interventions[interventions["pair"].isin(["USD/JPY", "JPY/USD"])].sort_values("date")
    joined = pd.merge_asof(dollar, yen, on="date", tolerance=pd.Timedelta(days=7))
    sign = joined["direction"].map({"sell USD": -1.0, "buy USD": 1.0})
    joined["interventions_usd_mn"] = sign * joined["amount_jpy_mn"] / joined["per_usd"]
    joined["month"] = joined["date"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    sums = joined.groupby(["country", "month"])["interventions_usd_mn"].sum(skipna=False)
    return sums.dropna().reset_index()[columns]
