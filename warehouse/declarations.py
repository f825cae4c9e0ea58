"""Reads config/: sources, holders, tables, rules, calendar. The one place where declarations become objects."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from treasury_watch.transforms.errors import ConfigurationError, listed, shorten
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import RELEASE_DATES, SeriesBreak, Source
from treasury_watch.transforms.release_dates.release_calendar import Calendar, Listed, with_announced
from treasury_watch.warehouse.config_files import names
from treasury_watch.warehouse.config_files.reading import Files

VERSION = "0.1.0"
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Column:
    """One declared column: its type, unit and description feed schema, checks, comments and docs."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """One declared table."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: str | None = None

    @property
    def column_names(self) -> list[str]:
        """The columns' names, in their order."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class ReleaseArchive:
    """Where the Treasury's archive of releases is, and which members of its zips are loaded, by name without ending.

    `id` is its name in messages. Links to files in `folder`, on whatever host, are asked for at `files`.
    """

    url: str
    files: str
    folder: str
    members: tuple[str, ...]
    id: str = "release archive"

    def address(self, link: str) -> str:
        """Where the file of a link on the page is asked for."""
        path = urlsplit(link).path
        return self.files + path.rpartition("/")[2] if path.startswith(self.folder) else link


@dataclass(frozen=True)
class Poll:
    """A schedule on which some sources are asked besides the daily run: a `cron` line in a `timezone`."""

    name: str
    cron: str
    timezone: str


class Declarations:
    """Everything under config/, read once and checked. `bases` overrides base URLs by name."""

    def __init__(self, folder: Path | None = None, bases: dict[str, str] | None = None):
        self.folder = folder or Path(os.environ.get("TREASURY_WATCH_CONFIG") or PROJECT / "config")
        if not self.folder.is_dir():
            raise ConfigurationError(
                f"config folder {self.folder} does not exist; "
                "set TREASURY_WATCH_CONFIG to the folder that holds sources.toml"
            )
        self._bases = bases or {}
        self.files = Files(self.folder, self)
        self._names: dict[str, dict[str, None]] = {}
        self.announced: list[Listed] = []  # from the pages that the installation has fetched; see Warehouse

    def toml(self, name: str) -> dict[str, Any]:
        """One TOML file of the folder, checked. Raises ConfigurationError that names line, column and cure."""
        return deepcopy(self.files.toml(name))

    def rows(self, name: str) -> list[dict[str, str]]:
        """One CSV file of the folder, checked, as dictionaries of text. Raises ConfigurationError that names the cell."""
        return [dict(row) for row in self.files.rows(name).rows]

    def names(self, of: str) -> Iterable[str]:
        """The names that one file may use of another: see warehouse/config_files/names.py."""
        if of not in self._names:
            self._names[of] = dict.fromkeys(names.declared(self.files, of))
        return self._names[of]

    @cached_property
    def bases(self) -> dict[str, str]:
        """Base URL by name; TREASURY_WATCH_BASE_<NAME> or the constructor's `bases` override the file."""
        declared = dict(self.files.unchecked("sources.toml").get("bases") or self._section("sources.toml", "bases"))
        for name in declared:
            override = self._bases.get(name) or os.environ.get(f"TREASURY_WATCH_BASE_{name.upper()}")
            if override:
                if "://" not in override or any(c.isspace() for c in override):
                    raise ConfigurationError(
                        f"TREASURY_WATCH_BASE_{name.upper()}: expected an address that begins with https:// or http://, found "
                        f"{shorten(repr(override)) if '@' not in override else 'something else'}; correct the variable"
                    )
                declared[name] = override if override.endswith("/") else override + "/"
        return declared

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Every declared source by id; FRED series are `fred:<ID>`."""
        found = {}
        for name, entry in self._section("sources.toml", "sources").items():
            url = self.bases[entry["base"]] + entry["path"]
            own = {key: entry[key] for key in entry if key not in ("base", "path")}
            if not own.get("series"):
                own["series_breaks"] = self._breaks
            found[name] = self._source(name, url=url, **own)
        return found | self._fred_sources()

    @cached_property
    def release_dates(self) -> Source | None:
        """The page that announces the coming releases, as something to fetch; None where none is declared."""
        entry = self.files.toml("sources.toml").get(RELEASE_DATES)
        if entry is None:
            return None
        url, title, publisher = self.bases[entry["base"]] + entry["path"], entry["title"], entry["publisher"]
        return Source(RELEASE_DATES, title, publisher, url, RELEASE_DATES, "observations", "days", "yearly", 0)

    @cached_property
    def release_archive(self) -> ReleaseArchive:
        """The Treasury's archive of releases."""
        entry = self._section("sources.toml", "release_archive")
        url, files = self.bases[entry["base"]] + entry["path"], self.bases[entry["files"]]
        return ReleaseArchive(url, files, entry["folder"], tuple(entry["members"]))

    def _fred_sources(self) -> dict[str, Source]:
        """The series of [fred]: a section for each kind of figure; a series' own keys go before those of all."""
        fred = self._section("sources.toml", "fred")
        common = {key: value for key, value in fred.items() if not isinstance(value, dict)}
        base, path = common.pop("base"), common.pop("path")
        found = {}
        for holds, series_of_kind in fred.items():
            for series, own in series_of_kind.items() if isinstance(series_of_kind, dict) else ():
                name = f"fred:{series}"
                entry = {"holds": holds, **common, **own}
                entry["plausible"] = tuple(entry.get("plausible", ()))
                if holds == "fx":
                    entry.setdefault("title", f"H.10 exchange rate, {entry['currency']}")
                    entry.setdefault("unit", "units per dollar" if entry.get("per") == "usd" else "dollars per unit")
                found[name] = self._source(name, url=self.bases[base] + path.replace("{series}", series), **entry)
        return found

    def _section(self, file: str, name: str) -> dict[str, Any]:
        document = self.files.toml(file)
        if name not in document:
            raise ConfigurationError(f"{self.folder / file}: no section [{name}]; found: {', '.join(document)}")
        section: dict[str, Any] = document[name]
        return section

    def _source(self, name: str, **entry: Any) -> Source:
        source = Source(id=name, **entry)
        if source.stale_after_days is not None and source.judged_by != "age":
            raise ConfigurationError(
                f"sources.toml, {name}: stale_after_days = {source.stale_after_days} says nothing for rhythm "
                f"{source.rhythm!r}; take it out (the head of the file has what each rhythm means)"
            )
        if not source.unit or not source.title:
            raise ConfigurationError(f"sources.toml, {name}: expected unit and title, found none; add them")
        return source

    @cached_property
    def publication_rules(self) -> dict[str, dict[str, Any]]:
        """By which rules figures are public, by name: see transforms/signals/publication_days.py."""
        return self._section("sources.toml", "publication_rules")

    @cached_property
    def polls(self) -> dict[str, Poll]:
        """When sources are asked besides the daily run, by name."""
        return {name: Poll(name, **entry) for name, entry in self.files.toml("sources.toml").get("polls", {}).items()}

    @cached_property
    def ended_series(self) -> dict[str, str]:
        """Series of FRED that ended and still answer, each with the one that goes on."""
        return dict(self.files.toml("sources.toml").get("fred_ended", {}))

    def source(self, name: str) -> Source:
        """One source. Raises ConfigurationError that lists the known ones, and the right one for a series that ended."""
        if (goes_on := self.ended_series.get(name.removeprefix("fred:"))) is not None:
            raise ConfigurationError(
                f"{name}: this series ended and is still served; expected {goes_on}, which goes on: download that one"
            )
        if name not in self.sources:
            near = get_close_matches(name, self.sources, n=3)
            known = [*near, *sorted(self.sources.keys() - set(near))]
            raise ConfigurationError(f"no source {shorten(repr(name))} in sources.toml; known: {listed(known, 600)}")
        return self.sources[name]

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every published table by name."""
        columns = {name: Column(name, **entry) for name, entry in self._section("tables.toml", "columns").items()}
        found = {}
        for name, entry in self._section("tables.toml", "tables").items():
            found[name] = Table(
                name,
                entry["description"],
                tuple(entry["key"]),
                tuple(columns[c] for c in entry["columns"]),
                entry.get("partition"),
            )
        for kind in KINDS.values():
            if kind.published not in found:
                raise ConfigurationError(
                    f"tables.toml: expected [tables.{kind.published}] for the figures of the kind {kind.name}, found none; "
                    f"declare it with its columns, or take the kind out of transforms/kinds.py"
                )
        return found

    @cached_property
    def holders(self) -> list[dict[str, str]]:
        """The holder reference: one dictionary per holder, text as in holders.csv."""
        return self.rows("holders.csv")

    @cached_property
    def holder_labels(self) -> list[dict[str, str]]:
        """Every published label with the holder (and, for some, the measure) it stands for."""
        return self.rows("holder_labels.csv")

    @cached_property
    def listed_releases(self) -> Calendar:
        """The releases of release_calendar.csv, oldest first."""
        return sorted(
            Listed(date.fromisoformat(row["released"]), _month(row["month"]), row["basis"], row["archive"])
            for row in self.rows("release_calendar.csv")
        )

    @property
    def calendar(self) -> Calendar:
        """Known releases, oldest first: those listed, and what the Treasury has announced since (`announced`)."""
        return with_announced(self.listed_releases, self.announced)

    @cached_property
    def series_breaks(self) -> list[dict[str, str]]:
        """The months in which the survey basis changed, as in series_breaks.csv."""
        return self.rows("series_breaks.csv")

    @cached_property
    def _breaks(self) -> tuple[SeriesBreak, ...]:
        """The breaks as the layouts take them, which are those that files name, oldest first."""
        found = []
        for row in self.series_breaks:
            if row["named_in_files"] != "true":
                continue
            since = row["in_releases_from"]
            known = date.fromisoformat(since) if since else None
            found.append(SeriesBreak(_month(row["month"]), row["old_series"], row["new_series"], known))
        return tuple(sorted(found, key=lambda found: found.month))

    @cached_property
    def press_figures(self) -> list[dict[str, str]]:
        """Figures known from the press alone, as in press_figures.csv."""
        return self.rows("press_figures.csv")

    @cached_property
    def rules(self) -> dict[str, Any]:
        """What is flagged: alert_rules.toml, checked. Raises ConfigurationError."""
        return self.toml("alert_rules.toml")

    def fingerprint(self) -> str:
        """Changes whenever a declaration does, or the program's version; settings, routes, cookbook, the choice of what the site
        publishes and the sample do not count.
        """
        digest = hashlib.sha256(VERSION.encode())
        for path in sorted(self.folder.glob("*.toml")) + sorted(self.folder.glob("*.csv")):
            if path.name not in ("settings.toml", "routing.toml", "cookbook.toml", "published_data.toml"):
                digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


def _month(text: str) -> date:
    """The first day of a month written as 2026-10."""
    return date.fromisoformat(f"{text}-01")
