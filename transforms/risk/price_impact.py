"""What a sale of Treasuries would do to yields by published studies: always a range, each figure with its scope.

No study read covers bills, and none says how fast the effect of one month's flow fades; neither is made up here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import is_known
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.rates.price_returns import convexity, modified_duration

STUDIES_FILE = "price_impact_studies.toml"
BONDS, BILLS = "bonds", "bills"
MONTH, TOTAL = "month", "total"  # which amount a figure is for
STUDY_COLUMNS = [
    *("study", "estimate", "authors", "year", "citation", "source_url", "read_again", "period", "flow", "instrument"),
    *("yield_of", "horizon", "applies_to", "amount_usd_bn", "low_bp", "high_bp", "debt_usd_bn", "debt_basis"),
]
OF_STUDY = ("authors", "year", "title", "published_in", "read_again", "period", "flow", "instrument")
OF_FIGURE = ("yield", "horizon", "applies_to", "low_bp")


class NoSuchSale(TreasuryWatchError):
    """A sale that cannot be: nothing, or more than there is."""


@dataclass(frozen=True)
class Debt:
    """Marketable Treasury debt outstanding in USD billions at the end of `month`; `source` names the figure, `basis` says how it
    is valued: `par` or `market value`.
    """

    month: pd.Timestamp
    usd_bn: float
    source: str
    basis: str = "market value"


@dataclass(frozen=True)
class Book:
    """How a price moves with yields: modified duration in years and convexity in years squared, and where they come from."""

    duration_years: float
    convexity_years2: float
    basis: str

    def loss_pct(self, rise_bp: float) -> float:
        """The part of its value, in percent, that the book loses where all yields rise by so many basis points.

        100 (D dy - C dy^2 / 2), to the second order (Fabozzi, "Bond Markets, Analysis, and Strategies", on price volatility).
        """
        rise = rise_bp / 1e4
        return 100 * (self.duration_years * rise - self.convexity_years2 * rise**2 / 2)


@dataclass(frozen=True)
class Impact:
    """One figure of a study on one sale, in basis points; `high` and `scaled_high` NaN where the study says only "more than".

    `applied_usd_bn` is the amount that it was applied to. All NaN where the study's figure is for a flow of no stated amount.
    """

    row: Mapping[Any, Any]
    applied_usd_bn: float
    low_bp: float
    high_bp: float
    scaled_low_bp: float
    scaled_high_bp: float


@dataclass(frozen=True)
class Range:
    """From the lowest to the highest of several figures, in basis points; `open_end` where one of them is "more than"."""

    low_bp: float
    high_bp: float
    open_end: bool


def study_table(document: Mapping[str, Any]) -> pd.DataFrame:
    """The table `price_impact_studies`: one row per figure of config/price_impact_studies.toml.

    Raises ConfigurationError that names the study, the figure and what is wrong.
    """
    rows = []
    for study, entry in document.get("studies", {}).items():
        _asked(entry, (*OF_STUDY, "figures"), f"[studies.{study}]")
        for figure, stated in entry["figures"].items():
            place = f"[studies.{study}.figures.{figure}]"
            _asked(stated, OF_FIGURE, place)
            _sound(entry, stated, place)
            rows.append(
                {
                    name: entry.get(name)
                    for name in ("authors", "year", "source_url", "read_again", "period", "flow", "instrument")
                }
                | {name: entry.get(name) for name in ("debt_usd_bn", "debt_basis")}
                | {name: stated.get(name) for name in ("horizon", "applies_to", "amount_usd_bn", "low_bp", "high_bp")}
                | {"study": study, "estimate": figure, "yield_of": stated["yield"]}
                | {"citation": f"{entry['authors']} ({entry['year']}), {entry['title']}; {entry['published_in']}"}
            )
    table = pd.DataFrame(rows, columns=STUDY_COLUMNS)
    numbers = ["amount_usd_bn", "low_bp", "high_bp", "debt_usd_bn"]
    return table.astype(dict.fromkeys(numbers, "float64")).sort_values(["study", "estimate"], ignore_index=True)


def _asked(entry: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    if missing := [name for name in names if name not in entry]:
        raise ConfigurationError(
            f"{STUDIES_FILE}, {place}: expected {', '.join(missing)}, found none; add what is missing"
        )


def _sound(entry: Mapping[str, Any], stated: Mapping[str, Any], place: str) -> None:
    if entry["instrument"] != BONDS:
        raise ConfigurationError(
            f"{STUDIES_FILE}, {place}: instrument {entry['instrument']!r}; only {BONDS!r} is read so far"
        )
    if stated["applies_to"] not in (MONTH, TOTAL):
        raise ConfigurationError(
            f"{STUDIES_FILE}, {place}: applies_to {stated['applies_to']!r}; write {MONTH!r} or {TOTAL!r}"
        )
    if stated["low_bp"] <= 0 or stated.get("high_bp", math.inf) < stated["low_bp"]:
        raise ConfigurationError(
            f"{STUDIES_FILE}, {place}: low_bp must be above 0 and high_bp not below it; correct them"
        )
    if "amount_usd_bn" in stated and "debt_usd_bn" not in entry:
        raise ConfigurationError(f"{STUDIES_FILE}, {place}: an amount without debt_usd_bn cannot be scaled; add it")


def declared_debt(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """[debt_outstanding] of config/price_impact_studies.toml. Raises ConfigurationError where a part of it is missing."""
    entry: Mapping[str, Any] = document.get("debt_outstanding", {})
    _asked(entry, ("series_id", "month", "usd_bn"), "[debt_outstanding]")
    return entry


def newest_debt(debts: pd.DataFrame, declared: Mapping[str, Any]) -> Debt:
    """The newest month of `debts` (the table marketable_debt, USD millions), else the one declared in the studies' file.

    `declared` is [debt_outstanding] of config/price_impact_studies.toml, in USD billions.
    """
    known = debts[debts["outstanding_usd_mn"].notna()].sort_values("month")
    if known.empty:
        month = pd.Timestamp(f"{declared['month']}-01")
        return Debt(month, float(declared["usd_bn"]), f"{declared['series_id']}, as it came with the program")
    last = known.iloc[-1]
    return Debt(
        pd.Timestamp(last["month"]),
        float(last["outstanding_usd_mn"]) / 1000,
        str(last["source"]),
        str(last["debt_basis"]),
    )


def impacts(
    studies: pd.DataFrame, total_usd_bn: float, months: int, debt: Debt, instrument: str = BONDS
) -> list[Impact]:
    """What each figure says of a sale of `total_usd_bn` (USD billions) spread evenly over `months`.

    bp = stated * amount / study's amount, scaled by debt outstanding then / now: a sale is weighed by its share of the market.
    A figure for what a month's flow does at once is applied to one month's amount, one for what is left to all of it. A sale
    of bills takes no figure of a study on bonds: the list is empty. Raises NoSuchSale.
    """
    if not (math.isfinite(total_usd_bn) and total_usd_bn > 0 and months >= 1):
        raise NoSuchSale(f"a sale of {total_usd_bn:g} USD bn over {months} months is none; give an amount above 0")
    if total_usd_bn > debt.usd_bn:
        raise NoSuchSale(
            f"a sale of {total_usd_bn:,.1f} USD bn is more than all marketable debt ({debt.usd_bn:,.1f} in {debt.month:%Y-%m}); "
            "the amount is in billions"
        )
    found = []
    for row in studies[studies["instrument"] == instrument].to_dict("records"):
        applied = total_usd_bn / months if row["applies_to"] == MONTH else total_usd_bn
        times = applied / row["amount_usd_bn"]  # NaN where the study states no amount
        then = row["debt_usd_bn"] / debt.usd_bn
        low, high = row["low_bp"] * times, row["high_bp"] * times
        found.append(Impact(row, applied if is_known(times) else math.nan, low, high, low * then, high * then))
    return found


def spread(found: list[Impact], *, scaled: bool) -> Range | None:
    """From the lowest to the highest of the figures that can be applied; None where none can."""
    pairs = [(i.scaled_low_bp, i.scaled_high_bp) if scaled else (i.low_bp, i.high_bp) for i in found]
    pairs = [pair for pair in pairs if is_known(pair[0])]
    if not pairs:
        return None
    top = max(max(low, high) if is_known(high) else low for low, high in pairs)
    return Range(min(low for low, _ in pairs), top, any(not is_known(high) for _, high in pairs))


def implied_book(durations: Mapping[Any, Any], foreigners: Book) -> Book:
    """A holder's own book from a row of implied_durations; its convexity is the foreigners', as the square of the duration."""
    own = durations["implied_duration_years"]
    low, high = durations["duration_low_years"], durations["duration_high_years"]
    words = f"its own, as its published valuations imply it (80%: {low:.1f} to {high:.1f})"
    return Book(own, foreigners.convexity_years2 * (own / foreigners.duration_years) ** 2, words)


def foreigners_book(yields: Mapping[str, float], parts: Mapping[str, Mapping[str, float]]) -> Book | None:
    """The book of foreigners' bonds and notes as the price return has it, at these yields (percent); None where one is missing.

    `parts` is [price_return] parts of config/alert_rules.toml. Of all foreigners together: one holder may be longer or shorter.
    """
    duration = curvature = 0.0
    for series, part in parts.items():
        if not is_known(yields.get(series)):
            return None
        at = pd.Series([float(yields[series])])
        duration += part["share"] * float(modified_duration(part["maturity_years"], at).iloc[0])
        curvature += part["share"] * float(convexity(part["maturity_years"], at).iloc[0])
    return Book(duration, curvature, "that of all foreigners' bonds and notes, as estimated in docs/methodology.md")


@dataclass(frozen=True)
class Scenario:
    """A holder sells a share of its bonds and notes (or bills) over some months. Amounts in USD billions.

    `kept_usd_bn` is what it keeps of its bonds and notes; `losses` what that loses at the two ends of `scaled`, None where no
    figure applies or no duration is known. `debt_growth_usd_bn`: how much the debt's market value grew in the twelve months to
    `debt.month`, issuance and price together; NaN where not known.
    """

    holder: str
    month: pd.Timestamp
    instrument: str
    share: float
    months: int
    held_usd_bn: float
    sold_usd_bn: float
    kept_usd_bn: float
    debt: Debt
    debt_growth_usd_bn: float
    impacts: list[Impact]
    stated: Range | None
    scaled: Range | None
    book: Book | None
    losses_usd_bn: tuple[float, float] | None

    @property
    def a_month_usd_bn(self) -> float:
        """What it sells in each month."""
        return self.sold_usd_bn / self.months

    @property
    def share_of_debt_pct(self) -> float:
        """What it sells in percent of the debt outstanding."""
        return 100 * self.sold_usd_bn / self.debt.usd_bn

    @property
    def share_of_growth_pct(self) -> float:
        """What it sells in a year at this pace, in percent of the debt's growth in a year; NaN where that is not known."""
        grown = self.debt_growth_usd_bn
        return 100 * 12 * self.a_month_usd_bn / grown if is_known(grown) and grown > 0 else math.nan


def scenario(
    holder: str,
    held: Mapping[str, Any],
    studies: pd.DataFrame,
    debt: Debt,
    *,
    share: float,
    months: int,
    instrument: str = BONDS,
    book: Book | None = None,
    debt_growth_usd_bn: float = math.nan,
) -> Scenario:
    """The holder sells `share` (0 to 1) of what it holds of the instrument, in equal parts over `months`.

    `held` has month, long_term_usd_mn and short_term_usd_mn; `book` moves the bonds and notes that it keeps: the figures of a
    holder of its own can stand for those of all foreigners. Raises NoSuchSale.
    """
    amount = held["long_term_usd_mn" if instrument == BONDS else "short_term_usd_mn"]
    if not 0 < share <= 1:
        raise NoSuchSale(f"a share of {share:g} cannot be sold; give one above 0 and up to 1, such as 0.33")
    if amount is None or not is_known(amount) or amount <= 0:
        raise NoSuchSale(f"{holder} holds no {instrument} that could be sold, as far as the statistics state")
    held_bn, bonds_bn = amount / 1000, held["long_term_usd_mn"] / 1000
    sold = share * held_bn
    kept = bonds_bn - sold if instrument == BONDS else bonds_bn
    found = impacts(studies, sold, months, debt, instrument)
    scaled = spread(found, scaled=True)
    losses = None
    if book is not None and scaled is not None:
        losses = (kept * book.loss_pct(scaled.low_bp) / 100, kept * book.loss_pct(scaled.high_bp) / 100)
    return Scenario(
        *(
            holder,
            pd.Timestamp(held["month"]),
            instrument,
            share,
            months,
            held_bn,
            sold,
            kept,
            debt,
            debt_growth_usd_bn,
        ),
        *(found, spread(found, scaled=False), scaled, book, losses),
    )
