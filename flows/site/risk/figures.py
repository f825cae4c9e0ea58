"""A figure of the risk section: what it shows in one sentence, its chart, its colours with their last values, its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from treasury_watch.flows.site.charts import Document
from treasury_watch.flows.site.risk.charts import Line
from treasury_watch.transforms.months import months_between
from treasury_watch.transforms.wording import joined, month_name

LATE_MONTHS = 2  # series of yields and prices come so many months after the holdings at most, where they still come
Points = Sequence[tuple[date, float | None]]


@dataclass(frozen=True)
class Key:
    """A colour of the chart with the name of what it shows; `last` is its last value in words, empty where it has none,
    `until` the month of a series that goes on."""

    name: str
    colour: str
    last: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Figure:
    """What the template draws. `headline` is a sentence from the figures, `units` says what the axis counts, `described`
    is the chart in words, `source` names the statistics and the scope of what is shown, `until` is the month that all of it is
    of.
    """

    name: str
    headline: str
    units: str
    document: Document
    described: str
    source: str
    keys: Sequence[Key] = field(default_factory=tuple)
    until: date | None = None

    def late(self, newest: date) -> str:
        """What of it ends well before the newest month of holdings, in a sentence; empty where nothing does."""
        ends = [(key.until, key.name) for key in self.keys] or [(self.until, "")]
        late: dict[date, list[str]] = {}
        for until, name in ends:
            if until and months_between(until, newest) > LATE_MONTHS:
                late.setdefault(until, []).append(name)
        whole = sum(map(len, late.values())) == len(ends)
        return " ".join(
            f"Read here only to {month_name(until)}{'' if whole and len(late) == 1 else f': {joined(names)}'}."
            for until, names in late.items()
        )


def peak_of(points: Points) -> tuple[date, float]:
    """The point with the largest value. Raises ValueError where there is none."""
    return max(((day, value) for day, value in points if value is not None), key=lambda point: point[1])


def last_known(points: Points) -> tuple[date, float] | None:
    """The newest point with a value."""
    return next(((day, value) for day, value in reversed(points) if value is not None), None)


def first_known(points: Points) -> tuple[date, float] | None:
    """The oldest point with a value."""
    return next(((day, value) for day, value in points if value is not None), None)


def key_of(line: Line, unit: str, digits: int = 1) -> Key:
    """The key of a line, with its last value and month."""
    last = last_known(line.points)
    if not last:
        return Key(line.name, line.colour)
    return Key(line.name, line.colour, f"{last[1]:,.{digits}f}{unit} in {month_name(last[0])}", last[0])


def described(drawn: Sequence[Line], unit: str, digits: int = 1) -> str:
    """The lines in words: from where to where each went."""
    words = []
    for line in drawn:
        first, last = first_known(line.points), last_known(line.points)
        if first and last:
            words.append(
                f"{line.name}: {first[1]:,.{digits}f}{unit} in {month_name(first[0])}, "
                f"{last[1]:,.{digits}f}{unit} in {month_name(last[0])}."
            )
    return " ".join(words)
