"""The TOML files of config/: their sections and keys, and what each may be."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from pydantic import ConfigDict, Field, RootModel, StringConstraints, create_model, model_validator
from pydantic_core import PydanticCustomError

from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.config_files.models.values import (
    Amount,
    BaseAddress,
    Count,
    CountAboveZero,
    Cron,
    Entry,
    Holder,
    Measure,
    Month,
    Number,
    RelativePath,
    ServerFolder,
    SourceName,
    Text,
    Timezone,
    named,
    named_or_nothing,
)

COLUMN_TYPES = ("text", "month", "date", "timestamp", "integer", "boolean", "usd_mn", "pct", "number", "texts")
Base = Annotated[str, named("bases")]
Bounds = Annotated[tuple[Number, Number], Field(strict=False)]
Texts = Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
SeriesName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$")]


class Magnitude(Entry):
    """Between which values a total of the source is."""

    holder: Holder
    measure: Measure
    low_usd_mn: Amount
    high_usd_mn: Amount


class State(Entry):
    """One of several series that a source states."""

    meaning: Text
    plausible: Bounds
    unit: Text | None = None


Rhythm = Literal[
    "monthly", "frozen", "daily", "every day", "weekly", "quarterly", "yearly", "with revisions", "as added", "as held"
]
OF_SOURCE: dict[str, Any] = {
    "layout": Annotated[str, named("layouts")],
    "holds": Annotated[str, named("kinds")],
    "rhythm": Rhythm,
    "precedence": CountAboveZero,
    "scale_to_usd_mn": CountAboveZero,
    "decimals": Count,
    "statements": Literal["full", "rolling"],
    "stale_after_days": CountAboveZero | None,
    "pages": Count,
    "magnitude": Magnitude,
    "currency": Annotated[str, named_or_nothing("currencies")],
    "per": Literal["usd", "unit", ""],
    "long_yield_of": Annotated[str, named_or_nothing("holders_or_currencies")],
    "reserves_of": Annotated[str, named_or_nothing("holders")],
    "known_from": Annotated[str, named_or_nothing("publication_rules")],
    "plausible": Bounds,
    "states": dict[SeriesName, State],
    "poll": Annotated[str, named_or_nothing("polls")],
}  # fmt: skip
NOT_DECLARED = ("id", "url", "series_breaks", "holds")


def _of_source(required: tuple[str, ...], without: tuple[str, ...]) -> dict[str, Any]:
    """The keys of `Source`, as fields of a model."""
    hints = get_type_hints(Source)
    found: dict[str, Any] = {}
    for field in fields(Source):
        if field.name not in without:
            kind = OF_SOURCE.get(field.name, Text if field.name in required else hints[field.name])
            make: Any = field.default_factory
            default = field.default if make is MISSING else make()
            default = None if default is MISSING else default
            found[field.name] = (kind, ... if field.name in required else default)
    return found


def _bounds_in_order(entry: Any) -> Any:
    for low, high, key in (
        (*entry.plausible, "plausible") if getattr(entry, "plausible", None) else (0, 1, ""),
        (entry.magnitude.low_usd_mn, entry.magnitude.high_usd_mn, "magnitude")
        if getattr(entry, "magnitude", None)
        else (0, 1, ""),
    ):
        if not low < high:
            raise PydanticCustomError("value_error", "", {"error": "a low bound below the high one", "key": key})
    return entry


REQUIRED = ("title", "publisher", "layout", "unit", "rhythm", "precedence")


class _Checked(Entry):
    _in_order = model_validator(mode="after")(_bounds_in_order)


ADDRESS: dict[str, Any] = {"base": (Base, ...), "path": (RelativePath, ...), "holds": (OF_SOURCE["holds"], ...)}
SourceEntry: Any = create_model("SourceEntry", __base__=_Checked, **ADDRESS, **_of_source(REQUIRED, NOT_DECLARED))
FredSeries: Any = create_model("FredSeries", __base__=_Checked, **_of_source((), NOT_DECLARED))
FredOfKind = dict[SeriesName, FredSeries]


class Fred(Entry):
    """[fred]: what holds for all series, and a section for each kind of figure."""

    publisher: Text
    base: Base
    path: RelativePath
    layout: Annotated[str, named("layouts")]
    rhythm: Rhythm
    precedence: CountAboveZero
    stale_after_days: CountAboveZero | None = None
    unit: Text | None = None
    __pydantic_extra__: dict[Annotated[str, named("kinds")], FredOfKind]
    OTHERS: ClassVar[Any] = FredOfKind  # what other keys hold, for messages
    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _each_series_says_what_it_is(self) -> Fred:
        for kind, series in (self.__pydantic_extra__ or {}).items():
            needed = ("currency",) if kind == "fx" else ("title",) if self.unit else ("title", "unit")
            for name, entry in series.items():
                for key in needed:
                    if not getattr(entry, key):
                        words = f"a {key} for each series ({name} has none)"
                        raise PydanticCustomError("value_error", "", {"error": words, "key": kind})
        return self


class Page(Entry):
    """[release_dates]."""

    title: Text
    publisher: Text
    base: Base
    path: RelativePath


class PublicationRule(Entry):
    """A rule by which figures are public."""

    rule: Literal["same_day", "business_days_after", "weekday_after", "day_of_later_month"]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    number: Count | None = None
    period_days: CountAboveZero | None = None
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday"] | None = None
    months: Count | None = None
    day: Annotated[int, Field(ge=1, le=31)] | None = None
    business_day: CountAboveZero | None = None

    @model_validator(mode="after")
    def _keys_of_the_rule(self) -> PublicationRule:
        asked = {"same_day": set(), "business_days_after": {"country", "number"}, "weekday_after": {"country", "weekday"},
                 "day_of_later_month": {"country", "months", "day"}}[self.rule]  # fmt: skip
        extra = {"business_days_after": {"period_days"}, "day_of_later_month": {"business_day"}}.get(self.rule, set())
        given = self.model_fields_set - {"rule"}
        if wrong := sorted((asked - given) | (given - asked - extra)):
            words = f"the keys {', '.join(sorted(asked)) or 'of no other rule'} for the rule {self.rule}"
            raise PydanticCustomError("value_error", "", {"error": words, "key": wrong[0]})
        return self


class PollEntry(Entry):
    """A schedule on which some sources are asked."""

    cron: Cron
    timezone: Timezone


class ArchiveOfReleases(Entry):
    """[release_archive]."""

    base: Base
    path: RelativePath
    files: Base
    folder: ServerFolder
    members: Texts


class SourcesFile(Entry):
    """sources.toml."""

    bases: dict[Identifier, BaseAddress]
    release_dates: Page | None = None
    publication_rules: dict[Identifier, PublicationRule]
    polls: dict[Identifier, PollEntry] = Field(default_factory=dict)
    sources: dict[Identifier, SourceEntry]  # type: ignore[valid-type]
    release_archive: ArchiveOfReleases
    fred_ended: dict[SeriesName, SeriesName] = Field(default_factory=dict)
    fred: Fred


class ColumnEntry(Entry):
    """A column of a published table."""

    type: Literal[COLUMN_TYPES]  # type: ignore[valid-type]
    description: Text


ColumnNames = Annotated[tuple[Annotated[str, named("columns")], ...], Field(strict=False, min_length=1)]


class TableEntry(Entry):
    """A published table."""

    description: Text
    key: ColumnNames
    columns: ColumnNames
    partition: Annotated[str, named("columns")] | None = None

    @model_validator(mode="after")
    def _once(self) -> TableEntry:
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            raise PydanticCustomError(
                "value_error", "", {"error": f"each column once ({twice[0]} is there twice)", "key": "columns"}
            )
        if missing := [name for name in (*self.key, *filter(None, [self.partition])) if name not in self.columns]:
            raise PydanticCustomError(
                "value_error", "", {"error": f"columns of the table ({missing[0]} is none)", "key": "key"}
            )
        return self


class TablesFile(Entry):
    """tables.toml."""

    columns: dict[Identifier, ColumnEntry]
    tables: dict[Identifier, TableEntry]


class MeasureEntry(Entry):
    """A measure."""

    kind: Literal["stock", "flow"]
    description: Text


class Correction(Entry):
    """A known error of a publisher."""

    source: SourceName
    holder_id: Holder
    month: Month
    measure: Measure
    expect: Number
    corrected: Number
    since: date
    status: Text
    reason: Text


HolderNames = Annotated[tuple[Holder, ...], Field(strict=False)]


class ComparedPair(Entry):
    """Two sources that state the same."""

    source: SourceName
    other: SourceName
    description: Text
    leave_out: HolderNames = ()
    only: HolderNames = ()
    same_vintage: bool = True


class Whole(Entry):
    """A sum and its parts: measures of one holder."""

    whole: Measure
    parts: Annotated[tuple[Measure, ...], Field(strict=False, min_length=1)]


class WholeOfHolders(Entry):
    """A sum and its parts: holders of one measure."""

    whole: Holder
    parts: Annotated[HolderNames, Field(min_length=1)]


class Parts(Entry):
    """Parts against the whole, of one source."""

    description: Text
    measures: Whole | None = None
    holders: WholeOfHolders | None = None

    @model_validator(mode="after")
    def _one(self) -> Parts:
        if (self.measures is None) == (self.holders is None):
            raise PydanticCustomError(
                "value_error", "", {"error": "either measures or holders, a whole with its parts", "key": "measures"}
            )
        return self


class ReconciliationFile(Entry):
    """reconciliation.toml."""

    pairs: dict[Identifier, ComparedPair]
    parts: dict[Identifier, Parts]


class SampleFile(Entry):
    """A file of the embedded sample."""

    source: SourceName
    path: RelativePath
    released: date | None = None


class SampleManifest(Entry):
    """sample/manifest.toml."""

    files: list[SampleFile]


MeasuresFile = RootModel[dict[Identifier, MeasureEntry]]
CorrectionsFile = RootModel[dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")], Correction]]
