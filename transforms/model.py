"""The shapes that the layers hand to one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Holds = Literal["observations", "fx", "interventions", "market_series"]


MAIN_SOURCE = "slt_table3"  # whose releases are the statistics' own


@dataclass(frozen=True)
class Source:
    """One declared source (config/sources.toml). `id` is its name everywhere, `layout` the parser that reads it."""

    id: str
    title: str
    publisher: str
    url: str
    layout: str
    holds: Holds
    unit: str
    rhythm: str
    precedence: int
    series: str = ""
    scale_to_usd_mn: int = 1
    decimals: int = 0
    statements: str = "full"
    stale_after_days: int | None = None
    frozen_on: date | None = None
    fetch: bool = True
    magnitude: dict = field(default_factory=dict)
    currency: str = ""
    per: str = ""
    covers: str = ""

    @property
    def last_digit_usd_mn(self) -> float:
        """The weight of the last digit that the source publishes: 100 for billions with one decimal."""
        return self.scale_to_usd_mn / 10**self.decimals


@dataclass(frozen=True)
class Parsed:
    """What one file says. `table` has the columns of its kind, one row per figure:

    observations   label, code, month, measure, series, value_usd_mn, line
    fx             currency, date, per_usd, line
    interventions  country, date, amount_jpy_mn, pair, direction, line
    market_series  series_id, date, value, line

    `dated` is the release date printed in the file, where it prints one.
    """

    layout: str
    holds: Holds
    table: pd.DataFrame
    dated: date | None = None

    @property
    def first(self) -> pd.Timestamp:
        """First month or day that the file states."""
        return self.table["month" if self.holds == "observations" else "date"].min()

    @property
    def last(self) -> pd.Timestamp:
        """Last month or day that the file states."""
        return self.table["month" if self.holds == "observations" else "date"].max()
