"""What a holder's currency and its authorities did around a finding, from rates and operations up to its last month.

Nothing here says why anyone sold. "Consistent with currency defence" is written under one declared condition only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.amounts import percent, rounded
from treasury_watch.transforms.findings.explain.context import intervention_periods, interventions
from treasury_watch.transforms.months import months_between, months_from, shifted
from treasury_watch.transforms.rates import exchange_rates
from treasury_watch.transforms.wording import month_name

CONTEXT = [
    "fx_per_usd_average", "fx_change_month_pct", "fx_change_quarter_pct", "fx_change_period_pct", "fx_weakest_since",
    "fx_percentile_pct", "interventions_usd_mn", "interventions_near_usd_mn", "interventions_near_jpy_mn", "context",
]  # fmt: skip
LEAST_TURN_PCT = 1.0  # of a currency within a run: less of the other way is not told


def with_context(
    rows: pd.DataFrame,
    months: pd.DataFrame,
    holders: pd.DataFrame,
    fx_monthly: pd.DataFrame,
    operations: pd.DataFrame,
    rules: dict[str, Any],
    intervention_periods: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The findings with currency and the columns of CONTEXT; NaN or None where nothing is known.

    `rows` are flagged months or episodes, `months` the holder months, `holders` has each currency's name, `operations` as from
    `interventions_in_usd`, `intervention_periods` as from `with_days`. A holder whose currency is the dollar, or that has
    none, has no rates. The dollar does not move against itself.
    """
    table = rows.merge(holders[["holder_id", "currency"]], on="holder_id", how="left", validate="many_to_one")
    used = [currency for currency in table["currency"].dropna().unique() if currency != "USD"]
    stated = fx_monthly[fx_monthly["currency"].isin(used)].groupby("currency")
    rates = {str(currency): exchange_rates.averages_of(months, str(currency)) for currency, months in stated}
    names = dict(zip(holders["currency"], holders["currency_name"], strict=True))
    pegs = fx_monthly[fx_monthly["source"] == "peg"]
    pegged = set(zip(pegs["currency"], pegs["month"], strict=True))
    told = months[months["holder_id"].isin(table["holder_id"])]
    net_of: dict[str, dict[pd.Timestamp, float]] = {}
    for holder, month, net in zip(told["holder_id"], told["month"], told["net_purchases_usd_mn"], strict=True):
        net_of.setdefault(holder, {})[month] = net
    by_country = dict(iter(operations.groupby("country")))
    periods = {} if intervention_periods is None else dict(iter(intervention_periods.groupby("country")))
    by_country = {country: operations.iloc[:0] for country in periods} | by_country  # its statistics are read
    found = [
        _context(
            {**row, "currency_name": names.get(row["currency"])},
            rates.get(row["currency"], exchange_rates.NO_AVERAGES),
            by_country.get(row["holder"]),
            rules["currency"],
            pegged,
            net_of.get(row["holder_id"], {}),
            periods.get(row["holder"]),
        )
        for row in table.to_dict("records")
    ]
    context = pd.DataFrame(found, columns=CONTEXT, index=table.index)
    texts = {"context": "object", "fx_weakest_since": "datetime64[us]"}
    return pd.concat([table, context.astype({name: texts.get(name, "float64") for name in CONTEXT})], axis=1)


def _context(
    row: dict[Any, Any],
    rates: exchange_rates.Averages,
    operations: pd.DataFrame | None,
    limits: dict[str, Any],
    pegged: set[tuple[str, pd.Timestamp]],
    net_of: dict[pd.Timestamp, float],
    periods: pd.DataFrame | None,
) -> dict[str, Any]:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    found = exchange_rates.context(rates, last) if len(rates) else {}
    found["fx_weakest_since"] = found.pop("weakest_since", None)
    past = rates.until(exchange_rates.month_of(last))
    found["fx_percentile_pct"] = _percentile(past, last, limits["minimum_history_months"])
    before = past.at(exchange_rates.month_of(first) - 1)
    if not np.isnan(before):
        found["fx_change_period_pct"] = 100 * (found["fx_per_usd_average"] / before - 1)
    for name, reach in (("interventions", 0), ("interventions_near", limits["months_next_to"])):
        dollars, yen = _operations(operations, first, last, reach)
        found[f"{name}_usd_mn"] = dollars
        found[f"{name}_jpy_mn"] = yen
    rated = (row["currency"], last) not in pegged and row["currency"] not in limits["banded"]
    words = _rate_words(row["currency_name"], found, past, first, last, limits) if rated else []
    weakening = {month: _quarter_pct(past, month) for month in months_from(first, last)}
    totals = intervention_periods.near(row, periods)
    if words or operations is not None:  # that interventions are not read is told beside what the currency did
        words += interventions.words(row, operations, net_of, weakening, limits, totals=totals is not None)
    words += intervention_periods.words(row, totals)
    found["context"] = " ".join(words) or None
    return {name: found.get(name) for name in CONTEXT}


def _percentile(past: exchange_rates.Averages, month: pd.Timestamp, minimum: int) -> float:
    """Share of the months up to `month` in which the currency was as strong or stronger, in percent."""
    if len(past) < minimum or past.months[-1] != exchange_rates.month_of(month):
        return float("nan")
    return float(100 * np.mean(past.per_usd <= past.per_usd[-1]))


def _operations(done: pd.DataFrame | None, first: pd.Timestamp, last: pd.Timestamp, reach: int) -> tuple[float, float]:
    """Dollars and yen of the operations from `reach` months before the first to `reach` months after the last month."""
    if done is None:
        return float("nan"), float("nan")
    inside = done[done["month"].between(shifted(first, -reach), shifted(last, reach))]
    if inside.empty:
        return float("nan"), float("nan")
    return float(inside["interventions_usd_mn"].sum()), float(inside["interventions_jpy_mn"].sum())


def _rate_words(
    currency_name: str,
    found: dict[str, Any],
    past: exchange_rates.Averages,
    first: pd.Timestamp,
    last: pd.Timestamp,
    limits: dict[str, Any],
) -> list[str]:
    month, quarter = found.get("fx_change_month_pct", np.nan), found.get("fx_change_quarter_pct", np.nan)
    if np.isnan(month):
        return []
    text = f"The {currency_name} {moved(month)} against the dollar in {month_name(last)}"
    span, over = quarter, "three months"
    length = months_between(first, last) + 1
    if length > 3:
        span, over = found.get("fx_change_period_pct", np.nan), f"the {length} months of the episode"
    if not np.isnan(span):
        again = moved(span)
        alike = again.partition(" ")[0] == moved(month).partition(" ")[0] != "hardly"
        text += f"{', but' if month * span < 0 else ' and'} {again.partition(' ')[2] if alike else again} over {over}"
        text += _turn(past, first, last, span) if length > 3 else ""
    words = [f"{text} (monthly averages)."]
    since, extreme = found["fx_weakest_since"], found["fx_percentile_pct"]
    if since is None and trending(past, limits):
        return words  # a currency that keeps falling sets a record every few months: none of them is news
    ago = (last - since).days / 365.25 if since is not None else np.inf
    if extreme == extreme and (
        ago >= limits["extreme_long_years"]
        if extreme < limits["extreme_percentile"]
        else ago >= limits["extreme_years"]
    ):
        record = f"in the record (from {month_name(pd.Timestamp(past.months[0]))})"
        words.append(f"It was then the weakest {record if since is None else f'since {month_name(since)}'}.")
    return words


def _turn(past: exchange_rates.Averages, first: pd.Timestamp, last: pd.Timestamp, span_pct: float) -> str:
    """How far a currency had gone the other way within a run before it ended as it did; empty where that is a trifle."""
    begins, ends = exchange_rates.month_of(first), exchange_rates.month_of(last)
    before, inside = past.at(begins - 1), (past.months >= begins) & (past.months < ends)
    if np.isnan(before) or not inside.any():
        return ""
    changes = 100 * (past.per_usd[inside] / before - 1)
    place = int(np.argmax(changes if span_pct < 0 else -changes))
    if changes[place] * span_pct >= 0 or abs(changes[place]) < LEAST_TURN_PCT:
        return ""
    return f", after it had {moved(float(changes[place]))} by {month_name(pd.Timestamp(past.months[inside][place]))}"


def trending(past: exchange_rates.Averages, limits: dict[str, Any]) -> bool:
    """Whether the currency was the weakest in its record so often that it says nothing when it is again.

    As often as `trend_record_share` of the months since the first `minimum_history_months`.
    """
    least = limits["minimum_history_months"]
    if len(past) <= least:
        return True  # too short a record to speak of one
    records = past.per_usd[least:] >= np.maximum.accumulate(past.per_usd)[least - 1 : -1]
    return bool(records.mean() >= limits["trend_record_share"])


def moved(pct: float) -> str:
    """What the currency itself gained or lost in dollars, from the change of its units per dollar."""
    own = exchange_rates.own_change_pct(pct)
    if not rounded(own, 1):
        return "hardly moved"
    return f"{'weakened' if own < 0 else 'strengthened'} {percent(abs(own))}"


def _quarter_pct(past: exchange_rates.Averages, month: pd.Timestamp) -> float:
    return 100 * (past.at(exchange_rates.month_of(month)) / past.at(exchange_rates.month_of(month) - 3) - 1)
