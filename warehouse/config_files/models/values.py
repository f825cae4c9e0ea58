"""Kinds of value that declarations have: days, months, names out of other files. A wrong one raises ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from datetime import date, datetime
from itertools import islice
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from treasury_watch.warehouse.config_files.problems import nearest

DAY, MONTH = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{4}-[0-9]{2}")
PATH = re.compile(r"[A-Za-z0-9_{][A-Za-z0-9_.,%+{}-]*(/[A-Za-z0-9_{][A-Za-z0-9_.,%+{}-]*)*/?(\?[\w=&{}.,:%+\[\]-]*)?")
NO_CRON_HERE = re.compile(
    r"L|W|#6", re.IGNORECASE
)  # what the scheduler under `serve` does not read, or reads otherwise


class Names(Protocol):
    """What the other files declare, by what it is called: holders, measures, sources, ..."""

    def names(self, of: str) -> Iterable[str]:
        """The declared names."""
        ...


class Entry(BaseModel):
    """Keys with their types; any other key is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


def _day(text: str) -> str:
    return _dated(text, DAY, text, "a day written year first, such as 2026-10-19")


def _month(text: str) -> str:
    return _dated(text, MONTH, f"{text}-01", "a month written as 2026-10")


def _dated(text: str, form: re.Pattern[str], day: str, words: str) -> str:
    try:
        if not form.fullmatch(text) or not 1700 <= date.fromisoformat(day).year <= 2200:
            raise ValueError
    except ValueError:
        raise ValueError(words) from None
    return text


def _text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("one line of text")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise ValueError("a number with a decimal point and no separator of thousands")
    return text


def or_nothing(check: Callable[[str], str]) -> Callable[[str], str]:
    """The check, where the cell is not empty."""
    return lambda text: text and check(text)


def _path(text: str) -> str:
    if ".." in text or not PATH.fullmatch(text):
        raise ValueError("a path below its base: no leading /, no .. and no address")
    return text


def _folder(text: str) -> str:
    if ".." in text or not text.startswith("/") or not text.endswith("/") or not text.isprintable():
        raise ValueError("a folder of a server, from / to /")
    return text


def is_base_address(text: str) -> bool:
    """Whether a base address is one of the web with a host."""
    return re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is not None and text.isprintable()


def _base_address(text: str) -> str:
    if text and not is_base_address(text):
        raise ValueError("an address that begins with https:// (or nothing, for config/ itself)")
    return text


def cron_fields(text: str) -> str:
    """Five cron fields as they stand. Raises ValueError where they name no time, or one that the scheduler would not read."""
    from cronsim import CronSim, CronSimError

    words = "five cron fields such as '30 17 * * 1-5'"
    try:
        if (
            not text.isprintable()
            or len(text.split()) != 5
            or NO_CRON_HERE.search(re.sub("jul|wed", "", text, flags=re.I))
        ):
            raise ValueError(words)
        next(CronSim(text, datetime(2026, 1, 1)))
    except StopIteration:
        raise ValueError(f"{words}, of a day that comes") from None
    except CronSimError:
        raise ValueError(words) from None
    return text


def timezone(text: str) -> str:
    """A time zone's name as it stands. Raises ValueError."""
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("a time zone such as America/New_York") from None
    return text


WHERE = {
    "holders": "a holder_id of holders.csv", "measures": "a measure of measures.toml", "sources": "a source of sources.toml",
    "currencies": "a currency of currencies.csv", "bases": "a name of [bases]", "columns": "a column of [columns]",
    "publication_rules": "a name of [publication_rules]", "polls": "a name of [polls]", "layouts": "a layout that is read",
    "kinds": "a kind of figure (transforms/kinds.py)", "amounts": "an amount of [amounts]", "signals": "a series of sources.toml",
    "holders_or_currencies": "a holder_id of holders.csv or a currency", "survey_series": "a series of series_breaks.csv",
}  # fmt: skip


def named(of: str, *, several: bool = False) -> AfterValidator:
    """A name that another declaration has; with `several`, names separated by spaces."""

    def check(text: str, info: ValidationInfo) -> str:
        if info.context is None:
            return text
        known: Container[str] = info.context.names(of)
        for name in text.split() if several else [text]:
            if name not in known:
                every = info.context.names(of)
                raise ValueError(f"{WHERE[of]} ({nearest(name, every, 'such as ' + ', '.join(islice(every, 12)))})")
        return text

    return AfterValidator(check)


def named_or_nothing(of: str, *, several: bool = False) -> AfterValidator:
    """The same, or an empty text."""
    check: Any = named(of, several=several).func
    return AfterValidator(lambda text, info: text and check(text, info))


Text = Annotated[str, AfterValidator(_text)]
Day = Annotated[str, AfterValidator(_day)]
Month = Annotated[str, AfterValidator(_month)]
DayOrNothing = Annotated[str, AfterValidator(or_nothing(_day))]
MonthOrNothing = Annotated[str, AfterValidator(or_nothing(_month))]
NumberText = Annotated[str, AfterValidator(_number)]
NumberOrNothing = Annotated[str, AfterValidator(or_nothing(_number))]
RelativePath = Annotated[str, AfterValidator(_path)]
ServerFolder = Annotated[str, AfterValidator(_folder)]
BaseAddress = Annotated[str, AfterValidator(_base_address)]
Cron = Annotated[str, AfterValidator(cron_fields)]
Timezone = Annotated[str, AfterValidator(timezone)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(allow_inf_nan=False, ge=0)]
AboveZero = Annotated[float, Field(allow_inf_nan=False, gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
CountAboveZero = Annotated[int, Field(gt=0)]
Holder = Annotated[str, named("holders")]
Measure = Annotated[str, named("measures")]
SourceName = Annotated[str, named("sources")]
