"""The kinds of figure that sources hold, each declared once.

The ledger's tables, loading, the first gate, publication and freshness follow from these declarations.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of figure; its `name` is what `holds` says in config/sources.toml and the name of its ledger table.

    `keys` identify a figure, `value` is its value, `extras` are kept with it. `dated_by` is the key that dates it, `month`,
    `date`, or of a period its last day.
    `published` is the table it fills (config/tables.toml). `in_releases`: it comes in the releases of the
    statistics and is dated by them; a file of any other kind is a snapshot of the day on which it was retrieved.
    `replaced_by_later_prints`: a later statement of the same keys takes a figure's place; not where the keys name the print.
    `published_as_stated`: every figure that stands is a row of the table; the others have a step of their own that makes
    it. `of_events`: a figure comes when something happens, at no rhythm that its days could be checked against.
    """

    name: str
    keys: tuple[str, ...]
    value: str
    published: str
    extras: tuple[str, ...] = ("line",)
    dated_by: str = "date"
    in_releases: bool = False
    published_as_stated: bool = True
    of_events: bool = False
    replaced_by_later_prints: bool = True

    @property
    def columns(self) -> list[str]:
        """Everything that is kept of a figure."""
        return [*self.keys, self.value, *self.extras]

    @property
    def of_holders(self) -> bool:
        """Whether its figures are holders', whom the labels of a file have to be matched with."""
        return "holder_id" in self.keys


DECLARED = (
    Kind(
        "observations",
        keys=("holder_id", "month", "measure", "series"),
        value="value_usd_mn",
        published="observations",
        dated_by="month",
        in_releases=True,
        published_as_stated=False,
    ),
    # What holders have of other U.S. securities, and Table 1's bonds and notes, which only Table 3 is compared with.
    Kind(
        "securities",
        keys=("holder_id", "month", "measure", "series"),
        value="value_usd_mn",
        published="securities_observations",
        dated_by="month",
        in_releases=True,
        published_as_stated=False,
    ),
    # Once a year, of nearly all countries, more than the monthly statistics name: by code, whoever is a holder.
    Kind(
        "surveys",
        keys=("country_code", "month", "measure"),
        value="value_usd_mn",
        published="survey_positions",
        extras=("country", "line"),
        dated_by="month",
        published_as_stated=False,
    ),
    Kind("fx", keys=("currency", "date"), value="per_usd", published="fx_daily", published_as_stated=False),
    Kind("market_series", keys=("series_id", "date"), value="value", published="market_series"),
    Kind("fed_custody", keys=("series_id", "date"), value="value_usd_mn", published="fed_custody"),
    # Early signals that are read for themselves alone: no other table follows from them (transforms/signals).
    Kind("signal_series", keys=("series_id", "date"), value="value", published="signals", published_as_stated=False),
    Kind(
        "official_flows",
        keys=("month", "press_release", "measure"),
        value="value_usd_mn",
        published="official_flows",
        extras=("page_day", "line"),
        dated_by="month",
        published_as_stated=False,
        replaced_by_later_prints=False,
    ),
    Kind(
        "interventions",
        keys=("country", "date", "pair"),
        value="amount_jpy_mn",
        published="interventions",
        extras=("direction", "line"),
        of_events=True,
    ),
    Kind(
        "intervention_periods",
        keys=("country", "start_date", "end_date"),
        value="amount_jpy_mn",
        published="intervention_periods",
        dated_by="end_date",
        published_as_stated=False,
        of_events=True,
    ),
)
KINDS = {kind.name: kind for kind in DECLARED}
