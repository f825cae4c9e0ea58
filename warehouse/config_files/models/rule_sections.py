"""The TOML files of config/ that say how figures are judged: rules, backtest, nowcast, studies, checks. Their sections and keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from treasury_watch.warehouse.config_files.models.sections import Identifier
from treasury_watch.warehouse.config_files.models.values import (
    AboveZero,
    Amount,
    Count,
    CountAboveZero,
    Entry,
    Holder,
    Number,
    Percent,
    Share,
    Text,
    named,
)

Severity = Literal["notice", "warning", "critical"]
Flagged = Annotated[str, named("amounts")]
SeriesOfSignals = Annotated[str, named("signals")]
Currencies = Annotated[tuple[Annotated[str, named("currencies")], ...], Field(strict=False)]
Holders = Annotated[tuple[Holder, ...], Field(strict=False, min_length=1)]


def section(name: str, **keys: Any) -> Any:
    """A section whose keys all have to be there."""
    fields: dict[str, Any] = {key: (kind, ...) for key, kind in keys.items()}
    return create_model(name, __base__=Entry, **fields)


def _wrong(key: str, words: str) -> PydanticCustomError:
    return PydanticCustomError("value_error", "", {"error": words, "key": key})


class AmountWords(Entry):
    """[amounts.*]."""

    headline: Text
    since: Text
    run: Text


class Thresholds(Entry):
    """What a severity asks for."""

    minimum_usd_mn: Amount
    minimum_share_pct: Amount


class Severities(Entry):
    """[severity]."""

    notice: Thresholds
    warning: Thresholds
    critical: Thresholds


class MonthRule(Entry):
    """[rules.*]."""

    of: Flagged
    share_of: Literal["position_usd_mn", "long_term_usd_mn", "short_term_usd_mn"]
    scope: Literal["countries", "official"]
    sentence: Text
    minimum_usd_mn: Amount
    minimum_share_pct: Amount
    maximum_score: Number
    name: Text | None = None
    severity: Severities | None = None
    least_severity: Severity | None = None
    below_peak: Share | None = None
    minimum_peak_usd_mn: Amount | None = None


class EpisodeRule(Entry):
    """[episodes.*]."""

    of: Flagged
    sentence: Text
    minimum_months: CountAboveZero
    minimum_usd_mn: Amount
    minimum_share_pct: Amount
    tolerated_interruptions: Count
    name: Text | None = None
    direction: Literal["fall", "rise"] | None = None
    holders: Literal["all", "custodial"] | None = None
    maximum_severity: Severity | None = None


class EarlyRule(Entry):
    """[early_signals.*]."""

    severity: Literal["notice", "warning"]  # what is not yet known alarms no louder
    sentence: Text
    minimum_usd_mn: AboveZero | None = None
    minimum_jpy_mn: AboveZero | None = None


class EarlyRules(Entry):
    """[early_signals]."""

    official_holdings: EarlyRule | None = None
    official_net_purchases: EarlyRule | None = None
    japan_reserves: EarlyRule | None = None
    japan_interventions: EarlyRule | None = None


class Pair(Entry):
    """[pairs.*]."""

    name: Text
    members: Holders
    reason: Text
    owners: Holders | None = None
    kept: Text | None = None

    @model_validator(mode="after")
    def _owners_are_members(self) -> Pair:
        if wrong := [name for name in self.owners or () if name not in self.members]:
            raise _wrong("owners", f"one of {', '.join(self.members)} (not {wrong[0]})")
        return self


PricePart = section("PricePart", maturity_years=AboveZero, share=Share)
Seasons: Any = section(
    "Seasons", periods_months=Annotated[tuple[CountAboveZero, ...], Field(strict=False, min_length=1)],
    windows_months=Annotated[tuple[CountAboveZero, ...], Field(strict=False, min_length=1)], minimum_months=CountAboveZero,
    minimum_times=CountAboveZero, minimum_usd_mn=Amount, maximum_p_value=Share, last=CountAboveZero, minimum_part=Share,
)  # fmt: skip


class AlertRulesFile(Entry):
    """alert_rules.toml."""

    amounts: dict[Identifier, AmountWords]
    score: section("Score", window_months=CountAboveZero, minimum_months=CountAboveZero, scale_floor_usd_mn=Amount)  # type: ignore[valid-type]
    rules: dict[Identifier, MonthRule]
    episodes: dict[Identifier, EpisodeRule]
    early_signals: EarlyRules = EarlyRules.model_construct()
    severity: Severities
    severity_caps: section(  # type: ignore[valid-type]
        "SeverityCaps", **dict.fromkeys(
            ("moved", "repriced", "mixed", "unexplained", "contradicted", "absorbed", "pattern", "custodial"), Severity
        )
    )  # fmt: skip
    verdict: section(  # type: ignore[valid-type]
        "Verdict", dominant=Share, moved=Share, instrument=Share, shift=Share, negligible=Share, credible_from_usd_mn=Amount,
        credible_valuation_pct=Percent, offset=Share, agreeing=AboveZero, bills_told_usd_mn=Amount,
    )  # fmt: skip
    price_return: section(  # type: ignore[valid-type]
        "PriceReturn", parts=Annotated[dict[SeriesOfSignals, PricePart], Field(min_length=1)], error_pct=Amount, error_grows=Share
    )  # fmt: skip
    implied_duration: section(  # type: ignore[valid-type]
        "ImpliedDuration", long_yield=SeriesOfSignals, short_yield=SeriesOfSignals, minimum_held_usd_mn=Amount,
        minimum_months=CountAboveZero, credible_pct=Percent, error_factor=AboveZero,
    )  # fmt: skip
    reversals: section(  # type: ignore[valid-type]
        "Reversals", months=CountAboveZero, minimum_usd_mn=Amount, bought_back=Share, recurring_share_pct=Percent,
        minimum_times=CountAboveZero, severity_cap=Severity,
    )  # fmt: skip
    seasons: Seasons
    dollars: section(  # type: ignore[valid-type]
        "Dollars", minimum_usd_mn=Amount, stayed=Share, partly_stayed=Share, nothing=Share, told=Share, told_minimum_usd_mn=Amount
    )  # fmt: skip
    newer_positions: section("NewerPositions", minimum_usd_mn=Amount)  # type: ignore[valid-type]
    unsettled: section(  # type: ignore[valid-type]
        "Unsettled", window_months=CountAboveZero, minimum_months=CountAboveZero, factor=AboveZero, minimum_usd_mn=Amount
    )  # fmt: skip
    mirror: section(  # type: ignore[valid-type]
        "Mirror", minimum_usd_mn=Amount, tolerance=Share, minimum_score=Amount, moved_tolerance=Share,
        moved_minimum_usd_mn=Amount, moved_score=Amount, moved_share=Share,
    )  # fmt: skip
    absorption: section(  # type: ignore[valid-type]
        "Absorption", share=Share, minimum_usd_mn=Amount, other_share=Share, month_score=Amount, run_score=Amount,
        run_score_unpublished=Amount, window_months=CountAboveZero, minimum_months=CountAboveZero, scale_floor_usd_mn=Amount,
        source_share=Share,
    )  # fmt: skip
    pairs: dict[Identifier, Pair] = Field(default_factory=dict)
    revision_sizes: section(  # type: ignore[valid-type]
        "RevisionSizes", minimum_figures=CountAboveZero, told_age_months=Literal[1, 3, 12], sentence=Text
    )  # fmt: skip
    currency: section(  # type: ignore[valid-type]
        "CurrencyContext", months_next_to=Count, banded=Currencies,
        minimum_history_months=CountAboveZero, extreme_percentile=Percent, extreme_years=AboveZero, extreme_long_years=AboveZero,
        trend_record_share=Share, defence_minimum_usd_mn=Amount, defence_minimum_weakening_pct=Percent,
    )  # fmt: skip

    @model_validator(mode="after")
    def _minimum_of_each_early_rule(self) -> AlertRulesFile:
        for name in EarlyRules.model_fields:
            rule = getattr(self.early_signals, name, None)
            asked = "minimum_jpy_mn" if name == "japan_interventions" else "minimum_usd_mn"
            if rule is not None and rule.model_fields_set & {"minimum_jpy_mn", "minimum_usd_mn"} != {asked}:
                raise _wrong("early_signals", f"{asked}, and no other minimum, in [early_signals.{name}]")
        return self
