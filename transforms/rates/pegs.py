"""Pegged currencies: monthly rates that follow from a declared peg, marked as such."""

from __future__ import annotations

import pandas as pd

PEGGED = "peg"
DOLLAR = "USD"


def pegged_months(
    currencies: pd.DataFrame, monthly: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """Monthly rates of the pegged currencies, with the columns of fx_monthly; days is 0 and source `peg`.

    `currencies` has currency, peg, peg_rate (units per unit of `peg`) and peg_since (first month). A peg to another
    currency takes that currency's months in `monthly`. Nothing is stated before a peg began, nor where `monthly` already
    has the currency's own rates.
    """
    dollar = pd.DataFrame({"month": pd.date_range(first, last, freq="MS"), "average": 1.0, "end_of_month": 1.0})
    rows = []
    for peg in currencies.dropna(subset=["peg"]).to_dict("records"):
        anchor = dollar if peg["peg"] == DOLLAR else monthly[monthly["currency"] == peg["peg"]]
        own = monthly.loc[monthly["currency"] == peg["currency"], "month"]
        held = anchor[(anchor["month"] >= peg["peg_since"]) & ~anchor["month"].isin(own)]
        rate = float(peg["peg_rate"])
        rows.append(
            pd.DataFrame(
                {
                    "currency": peg["currency"],
                    "month": held["month"],
                    "average": held["average"] * rate,
                    "end_of_month": held["end_of_month"] * rate,
                    "days": 0,
                    "source": PEGGED,
                }
            )
        )
    return pd.concat(rows, ignore_index=True) if rows else monthly.head(0)


def rate_sources(currencies: pd.DataFrame, daily: pd.DataFrame) -> pd.Series:
    """Where each currency's rates come from: h10, ecb, h10+ecb, peg or none. `daily` are the best daily rates."""
    used = daily[["currency", "source"]].drop_duplicates()
    kinds = used.assign(kind=used["source"].str.startswith("fred:").map({True: "h10", False: "ecb"}))
    found = {
        currency: "+".join(sorted(set(values), reverse=True)) for currency, values in kinds.groupby("currency")["kind"]
    }
    rows = zip(currencies["currency"], currencies["peg"].notna(), strict=True)
    return pd.Series([found.get(name, PEGGED if pegged else "none") for name, pegged in rows], index=currencies.index)
