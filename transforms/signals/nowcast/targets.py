"""What is estimated, and of what it is estimated: the targets of config/nowcast.toml and their terms, in USD billions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError

# Which inputs a term is made of; each has the column `..._known` beside it.
INPUTS_OF = {
    "custody": ("custody",),
    "custody_before": ("custody",),
    "price": ("price",),
    "dollar": ("dollar",),
    "turn_of_year": (),
    "unexplained_before": (),
    "reserves_flow": ("reserves", "price"),
    "reserves_change": ("reserves",),
}


@dataclass(frozen=True)
class Target:
    """One target: what of which holder, from which month on the model learns, and its terms."""

    id: str
    holder: str
    of: str
    first: pd.Period
    terms: tuple[str, ...]
    without_price: tuple[str, ...]
    level_variance: float
    custody_days: int
    claims_from_usd_mn: float


def targets(document: Mapping[str, Any]) -> list[Target]:
    """The targets of config/nowcast.toml. Raises ConfigurationError for a term that is none."""
    found = []
    for name, entry in document["targets"].items():
        terms, other = tuple(entry["terms"]), tuple(entry.get("without_price", ()))
        if unknown := sorted({*terms, *other} - set(INPUTS_OF)):
            raise ConfigurationError(
                f"nowcast.toml, targets.{name}: expected terms among {', '.join(INPUTS_OF)}, found {', '.join(unknown)}; "
                "correct the name, or add the term to transforms/signals/nowcast/targets.py"
            )
        found.append(
            Target(
                name, entry["holder"], entry["of"], pd.Period(entry["from"], "M"), terms, other,
                entry["level_variance"], entry.get("custody_days", 0), entry.get("claims_from_usd_mn", 0.0),
            )
        )  # fmt: skip
    return found


def held_before(holdings: pd.DataFrame, months: pd.Index, by: int = 1) -> pd.DataFrame:
    """What the holder held so many months before each month: the columns of `holdings`, each with `_before`."""
    earlier = pd.PeriodIndex(months).shift(-by)
    return holdings.reindex(earlier).set_axis(months).add_suffix("_before")


def terms_of(names: Sequence[str], inputs: pd.DataFrame, held: pd.DataFrame, unexplained: pd.Series) -> pd.DataFrame:
    """The terms by month, USD billions (turn_of_year: 1 in January and February); NaN where an input is not known.

    `inputs` is of `monthly_inputs`; `held` has position_before and long_term_before in USD billions; `unexplained` is what
    the month before rose by beyond its price and custody.

    price: price return times bonds and notes held before. dollar: log change times the position before. reserves_change:
    securities in Japan's reserves; reserves_flow: the same less their price return, taken as that of foreigners' Treasuries.
    """
    before = inputs["reserves_usd_bn"].shift()
    every = {
        "custody": inputs["custody_usd_bn"],
        "custody_before": inputs["custody_usd_bn"].shift(),
        "price": inputs["price_pct"] / 100 * held["long_term_before"],
        "dollar": inputs["dollar_pct"] / 100 * held["position_before"],
        "turn_of_year": pd.Series([float(month.month <= 2) for month in inputs.index], inputs.index),
        "unexplained_before": unexplained.reindex(inputs.index),
        "reserves_change": inputs["reserves_usd_bn"] - before,
        "reserves_flow": inputs["reserves_usd_bn"] - before - inputs["price_pct"] / 100 * before,
    }
    return pd.DataFrame({name: every[name] for name in names}, index=inputs.index)


def unexplained_before(inputs: pd.DataFrame, held: pd.DataFrame, changes: pd.Series) -> pd.Series:
    """Change in holdings of the month before, less its price term and its custody; 0 where one of them is not known."""
    own = (
        changes.reindex(inputs.index) - inputs["price_pct"] / 100 * held["long_term_before"] - inputs["custody_usd_bn"]
    )
    return own.shift().fillna(0.0)


def inputs_known(names: Sequence[str], inputs: pd.DataFrame) -> pd.Series:
    """The day on which the last of these terms' inputs was public; NaT where one is not known."""
    columns = sorted({f"{name}_known" for term in names for name in INPUTS_OF[term]})
    known = inputs[columns]
    return known.max(axis=1).where(known.notna().all(axis=1))
