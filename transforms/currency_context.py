"""What a holder's currency and its authorities did around a finding, from rates and operations up to its last month.

Nothing here says why anyone sold. "Consistent with currency defence" is written under one declared condition only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from transforms import fx
from transforms.explanations import billions, month_name

CONTEXT = [
    "fx_per_usd_average", "fx_change_month_pct", "fx_change_quarter_pct", "fx_change_period_pct", "fx_weakest_since",
    "fx_percentile_pct", "interventions_usd_mn", "interventions_near_usd_mn", "interventions_near_jpy_mn", "context",
]  # fmt: skip


def with_context(
    rows: pd.DataFrame, holders: pd.DataFrame, fx_monthly: pd.DataFrame, operations: pd.DataFrame, rules: dict[str, Any]
) -> pd.DataFrame:
    """The findings with currency and the columns of CONTEXT; NaN or None where nothing is known.

    `rows` are flagged months or episodes, `operations` has country, month, interventions_usd_mn and
    interventions_jpy_mn. A holder whose currency is the dollar, or that has none, has no rates. The dollar does not move
    against itself.
    """
    table = rows.merge(holders[["holder_id", "currency"]], on="holder_id", how="left", validate="many_to_one")
    used = [currency for currency in table["currency"].dropna().unique() if currency != "USD"]
    rates = {currency: fx.averages_of(fx_monthly, currency) for currency in used}
    none = pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    pegs = fx_monthly[fx_monthly["source"] == "peg"]
    pegged = set(zip(pegs["currency"], pegs["month"], strict=True))
    by_country = dict(iter(operations.groupby("country")))
    found = [
        _context(row, rates.get(row["currency"], none), by_country.get(row["holder"]), rules["currency"], pegged)
        for row in table.to_dict("records")
    ]
    context = pd.DataFrame(found, columns=CONTEXT, index=table.index)
    texts = {"context": "object", "fx_weakest_since": "datetime64[us]"}
    return pd.concat([table, context.astype({name: texts.get(name, "float64") for name in CONTEXT})], axis=1)


def _context(
    row: dict[Any, Any],
    rates: pd.Series,
    operations: pd.DataFrame | None,
    limits: dict[str, Any],
    pegged: set[tuple[str, pd.Timestamp]],
) -> dict[str, Any]:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    found = fx.context(rates, last) if len(rates) else {}
    found["fx_weakest_since"] = found.pop("weakest_since", None)
    past = rates[: rates.index.searchsorted(last, side="right")].dropna()
    found["fx_percentile_pct"] = _percentile(past, last, limits["minimum_history_months"])
    before = past.get(first - pd.DateOffset(months=1))
    if before is not None:
        found["fx_change_period_pct"] = 100 * (found["fx_per_usd_average"] / before - 1)
    for name, reach in (("interventions", 0), ("interventions_near", limits["months_next_to"])):
        dollars, yen = _operations(operations, first - pd.DateOffset(months=reach), last + pd.DateOffset(months=reach))
        found[f"{name}_usd_mn"] = dollars
        found[f"{name}_jpy_mn"] = yen
    rated = (row["currency"], last) not in pegged
    words = _rate_words(row["currency"], found, past, last, limits) if rated else []
    found["context"] = " ".join([*words, *_operation_words(row, found, first, last, limits)]) or None
    return {name: found.get(name) for name in CONTEXT}


def _percentile(past: pd.Series, month: pd.Timestamp, minimum: int) -> float:
    """Share of the months up to `month` in which the currency was as strong or stronger, in percent."""
    if len(past) < minimum or past.index[-1] != month:
        return float("nan")
    averages = past.to_numpy()
    return float(100 * np.mean(averages <= averages[-1]))


def _operations(done: pd.DataFrame | None, first: pd.Timestamp, last: pd.Timestamp) -> tuple[float, float]:
    inside = done[done["month"].between(first, last)] if done is not None else None
    if inside is None or inside.empty:
        return float("nan"), float("nan")
    return float(inside["interventions_usd_mn"].sum()), float(inside["interventions_jpy_mn"].sum())


def _operation_words(
    row: dict[Any, Any], found: dict[str, Any], first: pd.Timestamp, last: pd.Timestamp, limits: dict[str, Any]
) -> list[str]:
    dollars, yen = found["interventions_near_usd_mn"], found["interventions_near_jpy_mn"]
    if dollars != dollars or not dollars:
        return []
    done = "sold" if dollars < 0 else "bought"
    reach = pd.DateOffset(months=limits["months_next_to"])
    span = f"{month_name(first - reach)} to {month_name(last + reach)}"
    words = [
        f"Official interventions from {span} {done} {billions(abs(dollars), signed=False)} "
        f"({abs(yen) / 1e6:,.2f} trillion yen)."
    ]
    if _defence(row, found, limits):
        words.append("The net sales are consistent with currency defence; the figures do not show the motive.")
    return words


def _rate_words(
    currency: str, found: dict[str, Any], past: pd.Series, last: pd.Timestamp, limits: dict[str, Any]
) -> list[str]:
    month, quarter = found.get("fx_change_month_pct", np.nan), found.get("fx_change_quarter_pct", np.nan)
    if np.isnan(month):
        return []
    text = f"{currency} {_moved(month)} against the dollar in {month_name(last)}"
    if not np.isnan(quarter):
        turned = month * quarter < 0
        text += f"{', but' if turned else ' and'} {_moved(quarter)} over three months"
    words = [f"{text} (monthly averages)."]
    extreme = found["fx_percentile_pct"]
    if extreme == extreme and extreme >= limits["extreme_percentile"]:
        since = found["fx_weakest_since"]
        if since is None:
            words.append(f"It was the weakest in the record, which starts in {month_name(past.index[0])}.")
        elif (last - since).days >= 365 * limits["extreme_years"]:
            words.append(f"It was the weakest since {month_name(since)}.")
    return words


def _moved(pct: float) -> str:
    if abs(pct) < 0.05:
        return "hardly moved"
    return f"{'weakened' if pct > 0 else 'strengthened'} {abs(pct):.1f}%"


def _defence(row: dict[Any, Any], found: dict[str, Any], limits: dict[str, Any]) -> bool:
    """Declared in config/alert_rules.toml, [currency]: dollars sold, a weakening currency, and net sales."""
    weaker = np.nanmax([0.0, found.get("fx_change_quarter_pct", np.nan), found.get("fx_change_period_pct", np.nan)])
    return bool(
        found["interventions_near_usd_mn"] <= -limits["defence_minimum_usd_mn"]
        and weaker >= limits["defence_minimum_weakening_pct"]
        and row["net_purchases_usd_mn"] < 0
        and row["verdict"] != "moved"
    )
