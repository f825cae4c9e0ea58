"""The shapes that the layers hand to one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from treasury_watch.transforms.kinds import KINDS

if TYPE_CHECKING:
    import pandas as pd


MAIN_SOURCE = "slt_table3"  # whose releases are the statistics' own
OFFICIAL = "foreign_official"  # the total of foreign official institutions
# The long-term U.S. securities that the statistics tell apart, and what they state of each.
TREASURY, OTHER_SECURITIES = "treasury", ("agency", "corporate", "equity")
SECURITIES = (TREASURY, *OTHER_SECURITIES)
SECURITY_AMOUNTS = ("position", "net", "valuation")
RELEASE_DATES = "release_dates"  # the page that announces the coming releases: what is fetched beside the sources


def security_measure(security: str, amount: str) -> str:
    """The measure (config/measures.toml) that states an amount of a security: `agency_net`."""
    return f"{security}_{amount}"


@dataclass(frozen=True)
class SeriesBreak:
    """A change of the survey basis (config/series_breaks.csv): from `month` on the figures are of the new series.

    Releases before `in_releases_from` still state those months on the old one; None where that day is not known.
    """

    month: date
    old_series: str
    new_series: str
    in_releases_from: date | None = None


@dataclass(frozen=True)
class StatedSeries:
    """One series that a source states: its unit, what its level means, and between which values a figure is plausible."""

    series_id: str
    unit: str
    meaning: str
    low: float
    high: float


@dataclass(frozen=True)
class Source:
    """One declared source (config/sources.toml). `id` is its name everywhere, `layout` the parser that reads it, `holds` the
    kind of its figures (transforms/kinds.py). A zero dated before `zero_is_missing_before` stands for no figure.
    `long_yield_of` and `reserves_of` name the holder whose series it is (a long yield's may be a currency).
    With `pages` the address is that of a list, of whose newest pages so many are kept.
    `series` is the survey basis of all its figures; a source of holders' figures that leaves it empty states several, which
    follow from what a file prints and from `series_breaks`.
    `known_from` names the rule by which its figures were public (config/sources.toml, [publication_rules]); what has one is
    a signal. `plausible` are the bounds of its figures, `meaning` is what their level means; a source of several series has
    both, and perhaps a `unit`, for each in `states`. `poll` names the schedule on which it is asked besides the daily one.
    """

    id: str
    title: str
    publisher: str
    url: str
    layout: str
    holds: str
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
    pages: int = 0
    magnitude: dict = field(default_factory=dict)
    currency: str = ""
    per: str = ""
    covers: str = ""
    long_yield_of: str = ""
    reserves_of: str = ""
    zero_is_missing_before: date | None = None
    series_breaks: tuple[SeriesBreak, ...] = ()
    known_from: str = ""
    meaning: str = ""
    plausible: tuple[float, ...] = ()
    states: dict = field(default_factory=dict)
    poll: str = ""

    @property
    def stated_series(self) -> tuple[StatedSeries, ...]:
        """The series that it states, for which bounds are declared."""
        own = {"unit": self.unit, "meaning": self.meaning or self.title, "plausible": self.plausible}
        stated = self.states or ({self.id.removeprefix("fred:"): own} if self.plausible else {})
        return tuple(
            StatedSeries(name, entry.get("unit", self.unit), entry["meaning"], *map(float, entry["plausible"]))
            for name, entry in stated.items()
        )

    @property
    def last_digit_usd_mn(self) -> float:
        """The weight of the last digit that the source publishes: 100 for billions with one decimal."""
        return self.scale_to_usd_mn / 10**self.decimals

    @property
    def is_page(self) -> bool:
        """Whether the source is a page of HTML, which of a source of figures would be a notice of maintenance or a block."""
        return self.layout == "release_dates" or self.pages > 0

    @property
    def judged_by(self) -> Literal["calendar", "age", None]:
        """What tells whether the source is stale; the one place that says what its rhythm means for that.

        Monthly statistics are due on the days of the release calendar. Of any other source the newest figure may be
        `stale_after_days` old; without that number nothing is due. Nothing is due either of a source that has ended
        (`frozen_on`) or that no run fetches.
        """
        if self.frozen_on is not None or not self.fetch:
            return None
        if self.rhythm == "monthly" and KINDS[self.holds].in_releases:
            return "calendar"
        return "age" if self.stale_after_days else None


@dataclass(frozen=True)
class Parsed:
    """What one file says. `table` has the columns of its kind, one row per figure; those of a holder have `label` and
    `code`, as the file names the holder, until it is identified. `dated` is the release date printed in the file, where
    it prints one; `notes` are what was read all the same although it is not as declared, a line each.
    `ended_groups` are the codes of lines for several countries that the publisher has ended, with their names. `besides` is
    what the file states of another kind of figure, where it states two.
    """

    layout: str
    holds: str
    table: pd.DataFrame
    dated: date | None = None
    notes: tuple[str, ...] = ()
    ended_groups: tuple[tuple[str, str], ...] = ()
    besides: Parsed | None = None

    @property
    def figures(self) -> int:
        """How many figures the file states, of both kinds where it states two."""
        return len(self.table) + (len(self.besides.table) if self.besides else 0)

    @property
    def first(self) -> pd.Timestamp:
        """First month or day that the file states."""
        return self.table[KINDS[self.holds].dated_by].min()

    @property
    def last(self) -> pd.Timestamp:
        """Last month or day that the file states."""
        return self.table[KINDS[self.holds].dated_by].max()
