"""Builds every published table but the operational ones, from the ledger and the declarations, in a staged database.

Every step takes the connection that it is done on: while one of them asks the database, another works on frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.transforms.findings.detection import verdicts_on
from treasury_watch.transforms.findings.revision import COLUMNS as REVISED
from treasury_watch.transforms.findings.revision import revised_findings
from treasury_watch.transforms.findings.rule_hits import rule_hits
from treasury_watch.transforms.findings.rules.custody import paired_months
from treasury_watch.transforms.kinds import Kind
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.quality.reconciliation import guards, reconciliation
from treasury_watch.transforms.rates import exchange_rates
from treasury_watch.transforms.rates.pegs import pegged_months, rate_sources
from treasury_watch.transforms.rates.price_returns import price_returns
from treasury_watch.transforms.risk.durations import durations_of
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.press_figures import press_frame
from treasury_watch.warehouse.categorical_frames import with_categories
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.declared_tables import create, fill
from treasury_watch.warehouse.tables.early.signals import signals
from treasury_watch.warehouse.tables.findings_as_known import CURRENT, findings_of, months_of
from treasury_watch.warehouse.tables.price_impact import events_frame, record_frame, studies_frame

VIEWS = Path(__file__).parent / "views"
FINDINGS = ("sell_offs", "rule_hits", "episodes", "paired_months", "revised_findings")
DECLARED = ("holders", "sources", "series_breaks", "holder_scopes", "press_figures")
STANDING = "superseded IS NULL"
UNSHRUNK = ["grand_total", "foreign_official", "foreign_non_official"]  # whose durations stand beside countries'
CODES = ["country_code", "holder_id"]
STATED_ORDER = "source, holder_id, measure, series, month, released"
# What press releases last printed of each month, as figures of the lines that Table 3 has for the two sectors.
LAST_PRINTS = """
SELECT source, holder_id, month, measure, 'XIII' AS series, value_usd_mn
FROM (
    SELECT source, month, unnest([
        {'holder_id': 'foreign_official', 'measure': 'long_term_net', 'value_usd_mn': net_long_term_official_usd_mn},
        {'holder_id': 'foreign_non_official', 'measure': 'long_term_net', 'value_usd_mn': net_long_term_private_usd_mn},
        {'holder_id': 'foreign_official', 'measure': 'short_term_net', 'value_usd_mn': net_short_term_official_usd_mn},
        {'holder_id': 'foreign_non_official', 'measure': 'short_term_net', 'value_usd_mn': net_short_term_private_usd_mn}
    ], recursive := true)
    FROM official_flows
    QUALIFY row_number() OVER (PARTITION BY month ORDER BY released DESC, press_release DESC) = 1
)
WHERE value_usd_mn IS NOT NULL
ORDER BY ALL
"""
# The bonds and notes that Table 1 states beside other securities, as figures of the lines that Table 3 has for them.
OF_TABLE1 = """
SELECT source, holder_id, month, replace(measure, 'treasury_', 'long_term_') AS measure, series, value_usd_mn
FROM securities_observations
WHERE superseded IS NULL AND starts_with(measure, 'treasury_') AND value_usd_mn IS NOT NULL
ORDER BY ALL
"""


@dataclass(frozen=True)
class BeforeNewestRelease:
    """The newest release of the main source, and what `months_of` gave for the day before: None for a first release."""

    released: date | None
    known: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | None


@dataclass(frozen=True)
class Builder:
    """Builds into the database that the connections use; `ledger` is the ledger's name as attached to them."""

    ledger: str
    declarations: Declarations
    archive: Archive

    def observations(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Every figure that any release stated."""
        dated = (
            f"SELECT o.*, released_basis AS dated_by FROM {self.ledger}.observations AS o "
            f"LEFT JOIN {self.ledger}.vintages USING (source, released, sha256)"
        )
        self._fill(connection, "observations", f"FROM ({dated}) ORDER BY {STATED_ORDER}")

    def securities(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Every figure that any release stated of long-term securities beside Table 3, and the others as of a day."""
        dated = (
            f"SELECT s.*, released_basis AS dated_by FROM {self.ledger}.securities AS s "
            f"LEFT JOIN {self.ledger}.vintages USING (source, released, sha256)"
        )
        self._fill(connection, "securities_observations", f"FROM ({dated}) ORDER BY {STATED_ORDER}")
        connection.execute(_sql("other_securities_as_of"))

    def securities_months(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Every holder's long-term securities side by side."""
        self._fill(connection, "securities_months", _sql("securities_months"), CURRENT)

    def reference(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What is declared: holders, sources, series breaks, the scopes of holders' lines; and press figures."""
        holders = pd.DataFrame(self.declarations.holders).replace("", None)
        holders["custodial_centre"] = holders["custodial_centre"] == "true"
        self._create(connection, "holders", holders.sort_values("holder_id"))
        sources = pd.DataFrame(
            [
                {**vars(s), "url": without_credentials(s.url), "source": s.id, "last_digit_usd_mn": s.last_digit_usd_mn}
                for s in self.declarations.sources.values()
            ]
        )
        self._create(connection, "sources", sources.sort_values("source"))
        breaks = pd.DataFrame(self.declarations.series_breaks)
        breaks["month"] = pd.to_datetime(breaks["month"] + "-01")
        for told in ("both_published", "named_in_files"):
            breaks[told] = breaks[told] == "true"
        breaks["in_releases_from"] = pd.to_datetime(breaks["in_releases_from"])  # NaT where it is not known
        self._create(connection, "series_breaks", breaks)
        scopes = pd.DataFrame(self.declarations.rows("holder_scopes.csv"))
        for column in ("first_month", "last_month"):
            scopes[column] = pd.to_datetime(scopes[column] + "-01")
        self._create(connection, "holder_scopes", scopes)
        self._create(connection, "press_figures", press_frame(self.declarations, self.archive))

    def releases(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Every vintage of every source, and what was one until it was withdrawn."""
        vintages = connection.execute(
            f"SELECT * RENAME (first AS first_month, last AS last_month) FROM {self.ledger}.vintages "
            "ORDER BY source, released, retrieved, sha256"
        ).df()
        for column in ("first_month", "last_month"):
            vintages[column] = pd.to_datetime(vintages[column]).dt.to_period("M").dt.to_timestamp()
        kept = [name for name in self.declarations.tables["releases"].column_names if name not in vintages]
        vintages = pd.concat([vintages.assign(**dict.fromkeys(kept)), *self._withdrawn()], ignore_index=True)
        self._create(connection, "releases", vintages)

    def _withdrawn(self) -> list[pd.DataFrame]:
        """The rows of `releases` on files that were withdrawn, if any."""
        entries = [entry for entry in self.archive.entries() if entry.withdrawn is not None and entry.released]
        rows = [{**vars(entry), "layout": self.declarations.source(entry.source).layout} for entry in entries]
        if not rows:
            return []
        frame = pd.DataFrame(rows)
        frame["released"] = pd.to_datetime(frame["released"])
        frame["retrieved"] = pd.to_datetime(frame["retrieved"], utc=True).dt.tz_localize(None)
        return [frame[[name for name in self.declarations.tables["releases"].column_names if name in frame]]]

    def official_flows(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What the Treasury's press releases printed of private and official net purchases."""
        self._fill(connection, "official_flows", _sql("official_flows").format(ledger=self.ledger))

    def exchange_rates(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Exchange rates by day and month, and the currencies."""
        precedence = {source.id: source.precedence for source in self.declarations.sources.values()}
        rates = with_categories(
            connection.sql(
                f"SELECT currency, date, per_usd, source, sha256 FROM {self.ledger}.fx WHERE {STANDING} ORDER BY ALL"
            )
        )
        daily = exchange_rates.best_daily(rates, precedence)
        self._create(connection, "fx_daily", daily.sort_values(["currency", "date"]))
        self._create(connection, "fx_disagreements", exchange_rates.cross_check(rates))
        currencies = self._currencies()
        self._create(connection, "currencies", currencies.assign(rate_from=rate_sources(currencies, daily)))
        monthly = exchange_rates.monthly(daily)
        if len(monthly):
            span = monthly["month"].min(), monthly["month"].max()
            monthly = pd.concat([monthly, pegged_months(currencies, monthly, *span)], ignore_index=True)
        self._create(connection, "fx_monthly", monthly.sort_values(["currency", "month"]))

    def as_stated(self, connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
        """Every standing figure of a kind that is published as its sources state it."""
        units = {source.id: source.unit for source in self.declarations.sources.values()}
        stated = connection.execute(
            f"SELECT {', '.join([*kind.columns, 'source', 'sha256'])} FROM {self.ledger}.{kind.name} "
            f"WHERE {STANDING} ORDER BY {', '.join([*kind.keys, 'source'])}"
        ).df()
        self._create(connection, kind.published, stated.assign(unit=stated["source"].map(units)))

    def intervention_periods(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The totals of interventions over a period that stand, each with the first day on which it was known."""
        self._fill(connection, "intervention_periods", _sql("intervention_periods").format(ledger=self.ledger))

    def price_returns(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The price return of Treasury bonds and notes by month, from yields."""
        yields = connection.execute("SELECT series_id, date, value FROM market_series").df()
        self._create(connection, "price_returns", price_returns(yields, self.declarations.rules["price_return"]))

    def signals(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Early signals, every print with the day by which it was public."""
        self._create(connection, "signals", signals(connection, self.ledger, self.declarations))

    def _currencies(self) -> pd.DataFrame:
        currencies = pd.DataFrame(self.declarations.rows("currencies.csv")).replace("", None)
        currencies["peg_rate"] = currencies["peg_rate"].astype("float64")
        currencies["peg_since"] = pd.to_datetime(currencies["peg_since"] + "-01")
        return currencies.sort_values("currency", ignore_index=True)

    def corrections(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> None:
        """Known errors of publishers, and whether each still stands."""
        entries = self.declarations.toml("corrections.toml")
        frame = pd.DataFrame([{"correction": name, **entry} for name, entry in entries.items()])
        frame["still_wrong"] = frame["correction"].map(guards(standing, entries).set_index("correction")["still_wrong"])
        frame["month"] = pd.to_datetime(frame["month"] + "-01")
        names = {"expect": "expected_usd_mn", "corrected": "corrected_usd_mn"}
        self._create(connection, "corrections", frame.rename(columns=names).sort_values("correction"))

    def reconciled(self, connection: duckdb.DuckDBPyConnection, standing: pd.DataFrame) -> None:
        """What sources state differently, and the known errors among it."""
        entries = self.declarations.toml("corrections.toml")
        units = {source.id: source.last_digit_usd_mn for source in self.declarations.sources.values()}
        rules = self.declarations.toml("reconciliation.toml")
        others = pd.concat([connection.execute(query).df() for query in (LAST_PRINTS, OF_TABLE1)])
        rows, counts = reconciliation(standing, rules, entries, units, others)
        self._create(connection, "reconciliation", rows)
        self._create(connection, "reconciliation_counts", counts)

    def revision_sizes(self, connection: duckdb.DuckDBPyConnection) -> None:
        """First prints, and how far such figures have moved; both as views as of a day, and the tables at the end of time."""
        for view in ("first_prints_as_of", "revision_sizes_as_of"):
            connection.execute(_sql(view))
        self._fill(connection, "first_prints", "FROM first_prints_as_of(?)", CURRENT)
        least = self.declarations.rules["revision_sizes"]["minimum_figures"]
        first_prints = (
            "SELECT count(*) AS figures FROM first_prints WHERE measure = 'total_position' GROUP BY holder_id"
        )
        most = connection.execute(f"SELECT max(figures) FROM ({first_prints})").fetchall()[0][0] or 0
        if most < least:  # none can have a row, and the query takes half a second
            self._create(
                connection,
                "revision_sizes",
                pd.DataFrame(columns=self.declarations.tables["revision_sizes"].column_names),
            )
        else:
            self._fill(connection, "revision_sizes", "FROM revision_sizes_as_of(?, ?)", CURRENT, least)

    def surveys(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The annual survey's Treasuries by country; which holder a country is follows from the codes of holders' labels."""
        labels = self.declarations.holder_labels
        codes = pd.DataFrame(sorted({(row["code"], row["holder_id"]) for row in labels if row["code"]}), columns=CODES)
        connection.register("holder_codes", codes)
        self._fill(connection, "survey_positions", _sql("survey_positions").format(ledger=self.ledger))
        connection.unregister("holder_codes")

    def months(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The as-of views; positions and months are these at the end of time."""
        self._fill(connection, "source_positions", _sql("source_positions"))
        for view in ("positions_as_of", "months_as_of"):
            connection.execute(_sql(view))
        self._fill(connection, "positions", "FROM positions_as_of(?) ORDER BY holder_id, month", CURRENT)
        connection.execute("CREATE TEMP TABLE months AS FROM months_as_of(?)", [CURRENT])
        self._fill(connection, "holder_months", "FROM months WHERE kind = 'country' ORDER BY holder_id, month")
        self._fill(connection, "aggregate_months", "FROM months WHERE kind <> 'country' ORDER BY holder_id, month")
        connection.execute("DROP TABLE months")

    def implied_durations(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What the published valuation changes of countries and sectors say of the duration of their bonds."""
        months = connection.execute(
            "FROM holder_months UNION ALL BY NAME SELECT * EXCLUDE (kind) FROM aggregate_months "
            "WHERE list_contains($1, holder_id)",
            [UNSHRUNK],
        ).df()
        yields = connection.execute("SELECT series_id, date, value FROM market_series").df()
        holders = connection.execute("SELECT holder_id, holder, kind, custodial_centre FROM holders").df()
        self._create(
            connection, "implied_durations",
            durations_of(months, yields, holders, self.declarations.rules["implied_duration"]),
        )  # fmt: skip

    def marketable_debt(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Marketable Treasury debt outstanding by month, at par where that is known."""
        self._fill(connection, "marketable_debt", _sql("marketable_debt"))

    def view(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """A table that is the answer to a query on the others."""
        self._fill(connection, name, _sql(name))

    def events(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What happened beside the statistics, and what studies say of price impact."""
        self._create(connection, "events", events_frame(connection, self.declarations))
        self._create(connection, "price_impact_studies", studies_frame(self.declarations))

    def price_impact_record(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Yields around the largest months of net sales."""
        self._create(connection, "price_impact_record", record_frame(connection))

    def before_newest_release(self, connection: duckdb.DuckDBPyConnection) -> BeforeNewestRelease:
        """What was known the day before the newest release of the main source."""
        released = connection.execute(
            "SELECT released FROM releases WHERE source = ? AND withdrawn IS NULL GROUP BY released ORDER BY released DESC LIMIT 2",
            [MAIN_SOURCE],
        ).fetchall()
        if len(released) < 2:
            return BeforeNewestRelease(released[0][0] if released else None, None)
        newest: date = released[0][0]
        return BeforeNewestRelease(newest, months_of(connection, newest - timedelta(days=1)))

    def findings(self, connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Findings come from the months. Returns (sell_offs, episodes)."""
        rules = self.declarations.rules
        flagged, runs = findings_of(connection, rules)
        self._create(connection, "sell_offs", flagged)
        self._create(connection, "rule_hits", rule_hits(flagged))
        self._create(connection, "episodes", runs)
        months = connection.execute("FROM holder_months").df()
        self._create(connection, "paired_months", paired_months(months, rules))
        return flagged, runs

    def revised_findings(
        self,
        connection: duckdb.DuckDBPyConnection,
        now: tuple[pd.DataFrame, pd.DataFrame],
        before_release: BeforeNewestRelease,
    ) -> None:
        """The findings that differ from what the months before the newest release said."""
        revised = pd.DataFrame(columns=REVISED)
        if before_release.known is not None:
            months, official, holders = before_release.known
            before = verdicts_on(months, holders, self.declarations.rules, official)
            revised = revised_findings(before, now, months["month"].max(), self.declarations.rules)
        self._create(connection, "revised_findings", revised.assign(released=before_release.released))

    def _create(self, connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
        create(connection, self.declarations.tables[name], frame)

    def _fill(self, connection: duckdb.DuckDBPyConnection, name: str, query: str, *parameters: Any) -> None:
        fill(connection, self.declarations.tables[name], query, *parameters)


def standing_figures(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The figures that stand now, without those of the press."""
    query = (
        "SELECT source, holder_id, month, measure, series, value_usd_mn, released FROM observations "
        "WHERE superseded IS NULL AND evidence <> 'press'"
    )
    return with_categories(connection.sql(query))


def _sql(view: str) -> str:
    return (VIEWS / f"{view}.sql").read_text(encoding="utf-8")
