"""The TOML files of config/ that score and check: backtest, nowcast, price impact, validation."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from treasury_watch.warehouse.config_files.models.rule_sections import SeriesOfSignals, section
from treasury_watch.warehouse.config_files.models.sections import Identifier, SeriesName
from treasury_watch.warehouse.config_files.models.values import (
    AboveZero,
    Amount,
    Count,
    CountAboveZero,
    Entry,
    Holder,
    Month,
    Percent,
    Share,
    SourceName,
    Text,
)

Recorded = dict[Identifier, dict[Identifier, dict[Identifier, Share]]]


class BacktestFile(Entry):
    """backtest.toml."""

    scored: section("Scored", first_month=date, last_month=date, test_from=date, unflagged_falls=Count)  # type: ignore[valid-type]
    labels: section(  # type: ignore[valid-type]
        "Labels", minimum_usd_mn=Amount, dominant=Share, bought_back=Share, recurred=CountAboveZero, absorbed=Share,
        absorbed_at_most=AboveZero, undone=Share, price_tolerance_pct=Percent, price_tolerance_usd_mn=Amount,
        mirror_minimum_usd_mn=Amount, mirror_score=Amount, mirror_tolerance=Share,
        partners=dict[Holder, Annotated[list[Annotated[list[Holder], Field(min_length=1)]], Field(min_length=1)]],
    )  # fmt: skip
    limits: section("Limits", events_a_year=Amount, critical_events_a_year=Amount, critical_sales_pct=Percent)  # type: ignore[valid-type]
    recorded: Recorded


Terms = Annotated[
    tuple[
        Literal[
            "custody", "custody_before", "price", "dollar", "turn_of_year", "unexplained_before", "reserves_flow", "reserves_change"
        ], ...
    ], Field(strict=False, min_length=1),
]  # fmt: skip


class TargetEntry(Entry):
    """[targets.*] of the nowcast."""

    holder: Holder
    of: Literal["change_usd_mn", "net_purchases_usd_mn"]
    from_: Annotated[Month, Field(alias="from")]
    terms: Terms
    without_price: Terms | None = None
    level_variance: Amount
    custody_days: Count | None = None
    claims_from_usd_mn: Amount | None = None


class NowcastFile(Entry):
    """nowcast.toml."""

    signals: section(  # type: ignore[valid-type]
        "NowcastSignals", custody=SeriesOfSignals, dollar=SeriesOfSignals, reserves=SeriesOfSignals, reach_days=Count
    )  # fmt: skip
    interval: section("Interval", share_pct=Annotated[float, Field(gt=0, lt=100)], minimum_errors=CountAboveZero)  # type: ignore[valid-type]
    replay: section("Replay", since=Month)  # type: ignore[valid-type]
    targets: Annotated[dict[Identifier, TargetEntry], Field(min_length=1)]


Figure = create_model(
    "Figure", __base__=Entry, **{"yield": (Text, ...)}, horizon=(Text, ...), applies_to=(Literal["month", "total"], ...),
    low_bp=(AboveZero, ...), high_bp=(AboveZero | None, None), amount_usd_bn=(AboveZero | None, None),
)  # type: ignore[call-overload] # fmt: skip


class Study(Entry):
    """[studies.*]."""

    authors: Text
    year: Annotated[int, Field(ge=1900, le=2200)]
    title: Text
    published_in: Text
    read_again: bool
    period: Text
    flow: Text
    instrument: Literal["bonds"]
    source_url: Text | None = None
    debt_usd_bn: AboveZero | None = None
    debt_basis: Text | None = None
    figures: Annotated[dict[Identifier, Figure], Field(min_length=1)]  # type: ignore[valid-type]


DebtOutstanding: Any = section(
    "DebtOutstanding", month=Month, usd_bn=AboveZero, series_id=SeriesName, source_url=Text
)  # of the series the newest is taken where it is loaded: it need not be


class StudiesFile(Entry):
    """price_impact_studies.toml."""

    debt_outstanding: DebtOutstanding
    studies: dict[Identifier, Study]


class Expected(Entry):
    """One expectation of validation.toml."""

    name: Text
    type: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    blocking: bool
    why: Text
    kwargs: dict[str, Any]
    rows: list[Annotated[list[Any], Field(min_length=2, max_length=3)]] | None = None


class Suite(Entry):
    """[<gate>.<subject>] of validation.toml."""

    description: Text | None = None
    key: tuple[Text, ...] = Field((), strict=False)
    show: tuple[Text, ...] = Field((), strict=False)
    expect: Annotated[list[Expected], Field(min_length=1)]


class ValidationFile(Entry):
    """validation.toml."""

    absent_months: dict[SourceName, list[Month]] = Field(default_factory=dict)
    parsed: dict[Identifier, Suite] = Field(default_factory=dict)
    publish: dict[Identifier, Suite] = Field(default_factory=dict)
