"""The CSV files of config/: their columns, what a cell may be, and which columns together may stand once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StringConstraints

from treasury_watch.warehouse.config_files.models.values import (
    Day,
    DayOrNothing,
    Entry,
    Holder,
    Measure,
    Month,
    MonthOrNothing,
    NumberOrNothing,
    NumberText,
    SourceName,
    Text,
    named,
    named_or_nothing,
    or_nothing,
)

YesNo = Literal["true", "false"]
CurrencyOrNothing = Annotated[str, named_or_nothing("currencies")]


def _form(pattern: str, words: str) -> Any:
    import re

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(words)
        return text

    return check


def _above_zero(text: str) -> str:
    if not float(text) > 0:
        raise ValueError("a number above 0")
    return text


_address = _form(r"https://[^\s/]+/?\S*", "an address that begins with https://")
_expected = _form(r"(sold|repriced|moved|mixed|none|unexplained)(\|(sold|repriced|moved|mixed|none|unexplained))*",
                  "verdicts (sold, repriced, moved, mixed, unexplained) or none, separated by |")  # fmt: skip


class HolderRow(Entry):
    """holders.csv."""

    holder_id: Annotated[str, AfterValidator(_form(r"[a-z0-9_]+", "an identifier of small letters, digits and _"))]
    holder: Text
    iso3: Annotated[str, AfterValidator(or_nothing(_form("[A-Z]{3}", "three capitals of ISO 3166, or nothing")))]
    currency: CurrencyOrNothing
    kind: Literal["country", "aggregate", "group", "memo"]
    custodial_centre: YesNo
    note: str


class LabelRow(Entry):
    """holder_labels.csv."""

    layout: Annotated[str, named("layouts")]
    label: str
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]*$")]
    holder_id: Holder
    measure: Annotated[str, named_or_nothing("measures")]
    series: Annotated[str, named_or_nothing("survey_series", several=True)]


class AliasRow(Entry):
    """holder_aliases.csv."""

    alias: Text
    holder_id: Holder


class ScopeRow(Entry):
    """holder_scopes.csv."""

    holder_id: Holder
    source: SourceName
    first_month: MonthOrNothing
    last_month: MonthOrNothing
    scope: Text


class CurrencyRow(Entry):
    """currencies.csv."""

    currency: Annotated[str, AfterValidator(_form("[A-Z]{3}", "three capitals of ISO 4217"))]
    name: Text
    peg: Annotated[str, AfterValidator(or_nothing(_form("[A-Z]{3}", "the three capitals of a currency")))]
    peg_rate: Annotated[NumberOrNothing, AfterValidator(or_nothing(_above_zero))]
    peg_since: MonthOrNothing
    note: str


class EventRow(Entry):
    """events.csv."""

    date: Day
    end_date: DayOrNothing
    kind: Literal["debt_limit", "sanctions", "tariff", "fx_policy", "us_agency"]
    country: Text
    holder_id: Annotated[str, named_or_nothing("holders")]
    what: Text
    source_url: Annotated[str, AfterValidator(_address)]
    end_source_url: Annotated[str, AfterValidator(or_nothing(_address))]


class BreakRow(Entry):
    """series_breaks.csv."""

    month: Month
    old_series: Text
    new_series: Text
    both_published: YesNo
    named_in_files: YesNo
    in_releases_from: DayOrNothing
    note: str


class ReleaseRow(Entry):
    """release_calendar.csv."""

    released: Day
    month: Month
    basis: Literal["published", "estimated"]
    archive: Annotated[str, AfterValidator(or_nothing(_form(r"[\w.-]+\.zip", "the name of a zip, or nothing")))]
    note: str


class PressRow(Entry):
    """press_figures.csv."""

    holder_id: Holder
    month: Month
    measure: Measure
    value_usd_bn: NumberText
    released: Day
    citation: Text


class PressReleaseRow(Entry):
    """tic_press_releases.csv."""

    released: Day
    press_release: Text
    page_day: DayOrNothing
    month: Month
    net_long_term_private_usd_bn: NumberOrNothing
    net_long_term_official_usd_bn: NumberOrNothing
    net_short_term_usd_bn: NumberOrNothing
    net_short_term_private_usd_bn: NumberOrNothing
    net_short_term_official_usd_bn: NumberOrNothing


class LabelledRow(Entry):
    """labelled_months.csv."""

    holder_id: Holder
    start_month: Month
    end_month: Month
    label: Literal["sale", "price", "move", "pattern", "small", "unknown"]
    set: Literal["calibration", "test"]
    listed_for: Text
    decided_by: Literal["figures", "hand"]
    evidence: Text


class EpisodeRow(Entry):
    """known_episodes.csv."""

    name: Text
    holder_id: Holder
    start: Month
    end: Month
    expected: Annotated[str, AfterValidator(_expected)]
    citation: Text
    checked: Text
    note: str


# By file: the model of a row, and what may stand once.
SHEETS: dict[str, tuple[type[Entry], list[tuple[str, ...]]]] = {
    "holders.csv": (HolderRow, [("holder_id",), ("holder",), ("iso3",)]),
    "holder_labels.csv": (LabelRow, [("layout", "label", "code", "series")]),
    "holder_aliases.csv": (AliasRow, [("alias",)]),
    "holder_scopes.csv": (ScopeRow, [("holder_id", "source", "first_month")]),
    "currencies.csv": (CurrencyRow, [("currency",)]),
    "events.csv": (EventRow, [("date", "kind", "country", "what")]),
    "series_breaks.csv": (BreakRow, [("month",), ("new_series",)]),
    "release_calendar.csv": (ReleaseRow, [("released", "month"), ("archive", "month")]),
    "press_figures.csv": (PressRow, [("holder_id", "month", "measure", "released")]),
    "tic_press_releases.csv": (PressReleaseRow, [("press_release", "month", "released")]),
    "labelled_months.csv": (LabelledRow, [("holder_id", "start_month", "end_month")]),
    "known_episodes.csv": (EpisodeRow, [("name",)]),
}
# Columns of a row of which the first may not be later than the second.
IN_ORDER = {
    "events.csv": ("date", "end_date"), "labelled_months.csv": ("start_month", "end_month"),
    "known_episodes.csv": ("start", "end"), "holder_scopes.csv": ("first_month", "last_month"),
    "release_calendar.csv": ("month", "released"), "press_figures.csv": ("month", "released"),
    "tic_press_releases.csv": ("month", "released"), "series_breaks.csv": ("month", "in_releases_from"),
}  # fmt: skip
