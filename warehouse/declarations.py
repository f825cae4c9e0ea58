"""Reads config/: sources, holders, tables, rules, calendar. The one place where declarations become objects."""

from __future__ import annotations

import csv
import hashlib
import os
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.rules import declared
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import RELEASE_DATES, SeriesBreak, Source
from treasury_watch.transforms.release_calendar import Calendar, Listed, with_announced

VERSION = "0.1.0"
PROJECT = Path(__file__).resolve().parent.parent
COLUMN_TYPES = ("text", "month", "date", "timestamp", "integer", "boolean", "usd_mn", "pct", "number", "texts")


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
        self.announced: list[Listed] = []  # from the pages that the installation has fetched; see Warehouse

    def toml(self, name: str) -> dict[str, Any]:
        """One TOML file of the folder. Raises ConfigurationError with the parser's position."""
        path = self.folder / name
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as problem:
            raise ConfigurationError(f"{path}: {problem}; mend the file or restore it from the repository") from problem

    def rows(self, name: str) -> list[dict[str, str]]:
        """One CSV file of the folder, as dictionaries of text."""
        path = self.folder / name
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except OSError as problem:
            raise ConfigurationError(f"{path}: {problem}; restore it from the repository") from problem

    @cached_property
    def bases(self) -> dict[str, str]:
        """Base URL by name; TREASURY_WATCH_BASE_<NAME> or the constructor's `bases` override the file."""
        declared = dict(self._section("sources.toml", "bases"))
        for name in declared:
            override = self._bases.get(name) or os.environ.get(f"TREASURY_WATCH_BASE_{name.upper()}")
            if override:
                declared[name] = override if override.endswith("/") else override + "/"
        return declared

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Every declared source by id; FRED series are `fred:<ID>`."""
        found = {}
        for name, entry in self._section("sources.toml", "sources").items():
            place = {key: entry[key] for key in ("base", "path") if key in entry}
            if len(place) < 2:
                raise ConfigurationError(
                    f"sources.toml, {name}: expected base and path, found {', '.join(place) or 'neither'}"
                )
            url = self._base(name, place["base"]) + place["path"]
            own = {key: entry[key] for key in entry if key not in place}
            if not own.get("series"):
                own["series_breaks"] = self._breaks
            found[name] = self._source(name, url=url, **own)
        return found | self._fred_sources()

    @cached_property
    def release_dates(self) -> Source | None:
        """The page that announces the coming releases, as something to fetch; None where none is declared."""
        entry = self.toml("sources.toml").get(RELEASE_DATES)
        if entry is None:
            return None
        try:
            url = self._base(RELEASE_DATES, entry["base"]) + entry["path"]
            title, publisher = entry["title"], entry["publisher"]
        except KeyError as problem:
            raise ConfigurationError(
                f"sources.toml, [{RELEASE_DATES}]: expected base, path, title and publisher"
            ) from problem
        return Source(RELEASE_DATES, title, publisher, url, RELEASE_DATES, "observations", "days", "yearly", 0)

    @cached_property
    def release_archive(self) -> ReleaseArchive:
        """The Treasury's archive of releases. Raises ConfigurationError where a key is missing."""
        entry = self._section("sources.toml", "release_archive")
        if missing := [key for key in ("base", "path", "files", "folder", "members") if key not in entry]:
            raise ConfigurationError(f"sources.toml, release_archive: expected {', '.join(missing)}, found none")
        url = self._base("release_archive", entry["base"]) + entry["path"]
        files = self._base("release_archive", entry["files"])
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
                found[name] = self._source(name, url=self._base(name, base) + path.format(series=series), **entry)
        return found

    def _section(self, file: str, name: str) -> dict[str, Any]:
        document = self.toml(file)
        if name not in document:
            raise ConfigurationError(f"{self.folder / file}: no section [{name}]; found: {', '.join(document)}")
        section: dict[str, Any] = document[name]
        return section

    def _base(self, source: str, name: str) -> str:
        if name not in self.bases:
            raise ConfigurationError(
                f"sources.toml, {source}: base {name!r} is not in [bases] ({', '.join(self.bases)})"
            )
        return self.bases[name]

    def _source(self, name: str, **entry: Any) -> Source:
        try:
            source = Source(id=name, **entry)
        except TypeError as problem:
            raise ConfigurationError(
                f"sources.toml, {name}: {problem}; see transforms/model.py for the keys"
            ) from problem
        if source.holds not in KINDS:
            raise ConfigurationError(
                f"sources.toml, {name}: holds {source.holds!r}, expected one of {', '.join(KINDS)}; "
                "a new kind of figure is declared in transforms/kinds.py"
            )
        if source.stale_after_days is not None and source.judged_by != "age":
            raise ConfigurationError(
                f"sources.toml, {name}: stale_after_days = {source.stale_after_days} says nothing for rhythm "
                f"{source.rhythm!r}; take it out (the head of the file has what each rhythm means)"
            )
        if source.known_from and source.known_from not in self.publication_rules:
            raise ConfigurationError(
                f"sources.toml, {name}: known_from {source.known_from!r} is not in [publication_rules] "
                f"({', '.join(self.publication_rules)})"
            )
        if source.poll and source.poll not in self.polls:
            raise ConfigurationError(
                f"sources.toml, {name}: poll {source.poll!r} is not in [polls] ({', '.join(self.polls)})"
            )
        try:
            source.stated_series  # noqa: B018
        except (KeyError, TypeError, ValueError) as problem:
            raise ConfigurationError(
                f"sources.toml, {name}: expected plausible = [low, high], and of several series states with meaning and "
                f"plausible for each; {type(problem).__name__}: {problem}"
            ) from problem
        return source

    @cached_property
    def publication_rules(self) -> dict[str, dict[str, Any]]:
        """By which rules figures are public, by name: see transforms/signals/publication_days.py."""
        return self._section("sources.toml", "publication_rules")

    @cached_property
    def polls(self) -> dict[str, Poll]:
        """When sources are asked besides the daily run, by name. Raises ConfigurationError."""
        found = {}
        for name, entry in self._section("sources.toml", "polls").items():
            if set(entry) != {"cron", "timezone"}:
                raise ConfigurationError(f"sources.toml, [polls] {name}: expected cron and timezone, found {entry}")
            found[name] = Poll(name, **entry)
        return found

    @cached_property
    def ended_series(self) -> dict[str, str]:
        """Series of FRED that ended and still answer, each with the one that goes on."""
        return dict(self.toml("sources.toml").get("fred_ended", {}))

    def source(self, name: str) -> Source:
        """One source. Raises ConfigurationError that lists the known ones, and the right one for a series that ended."""
        if (goes_on := self.ended_series.get(name.removeprefix("fred:"))) is not None:
            raise ConfigurationError(
                f"{name}: this series ended and is still served; expected {goes_on}, which goes on: download that one"
            )
        if name not in self.sources:
            raise ConfigurationError(f"no source {name!r} in sources.toml; known: {', '.join(sorted(self.sources))}")
        return self.sources[name]

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every published table by name."""
        columns = {name: self._column(name, entry) for name, entry in self._section("tables.toml", "columns").items()}
        found = {}
        for name, entry in self._section("tables.toml", "tables").items():
            missing = [c for c in [*entry["columns"], *entry["key"]] if c not in columns]
            if missing:
                raise ConfigurationError(
                    f"tables.toml, {name}: columns {', '.join(missing)} are not declared in [columns]"
                )
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

    def _column(self, name: str, entry: dict[str, str]) -> Column:
        if set(entry) != {"type", "description"} or entry["type"] not in COLUMN_TYPES:
            raise ConfigurationError(
                f"tables.toml, column {name}: expected a description and a type of {', '.join(COLUMN_TYPES)}, "
                f"found {entry}"
            )
        return Column(name, entry["type"], entry["description"])

    @cached_property
    def holders(self) -> list[dict[str, str]]:
        """The holder reference: one dictionary per holder, text as in holders.csv."""
        return self.rows("holders.csv")

    @cached_property
    def holder_labels(self) -> list[dict[str, str]]:
        """Every published label with the holder (and, for some, the measure) it stands for."""
        known = {row["holder_id"] for row in self.holders}
        rows = self.rows("holder_labels.csv")
        for number, row in enumerate(rows, start=2):
            if row["holder_id"] not in known:
                raise ConfigurationError(
                    f"holder_labels.csv, line {number}: holder {row['holder_id']!r} is not in holders.csv"
                )
        return rows

    @cached_property
    def listed_releases(self) -> Calendar:
        """The releases of release_calendar.csv, oldest first. Raises ConfigurationError that names the line."""
        found = []
        for number, row in enumerate(self.rows("release_calendar.csv"), start=2):
            try:
                released, month = date.fromisoformat(row["released"]), date.fromisoformat(row["month"] + "-01")
                if row["basis"] not in ("published", "estimated"):
                    raise ValueError(f"basis {row['basis']!r}")
                found.append(Listed(released, month, row["basis"], row["archive"]))
            except (KeyError, TypeError, ValueError) as problem:
                raise ConfigurationError(
                    f"release_calendar.csv, line {number}: expected released (a day), month (such as 2026-10), basis "
                    f"(published or estimated), archive and note, found {', '.join(map(str, row.values()))} ({problem}); "
                    "correct the line"
                ) from problem
        return sorted(found)

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
        """The breaks as the layouts take them, oldest first. Raises ConfigurationError for a month or day that is none."""
        found = []
        for number, row in enumerate(self.series_breaks, start=2):
            try:
                since = row.get("in_releases_from") or None
                found.append(
                    SeriesBreak(
                        date.fromisoformat(f"{row['month']}-01"), row["old_series"], row["new_series"],
                        date.fromisoformat(since) if since else None,
                    )
                )  # fmt: skip
            except ValueError as problem:
                raise ConfigurationError(
                    f"series_breaks.csv, line {number}: {problem}; write months as YYYY-MM and days as YYYY-MM-DD"
                ) from problem
        return tuple(sorted(found, key=lambda found: found.month))

    @cached_property
    def press_figures(self) -> list[dict[str, str]]:
        """Figures known from the press alone, as in press_figures.csv."""
        return self.rows("press_figures.csv")

    @cached_property
    def rules(self) -> dict[str, Any]:
        """What is flagged: alert_rules.toml, checked. Raises ConfigurationError."""
        document = self.toml("alert_rules.toml")
        declared.check(document)
        return document

    def fingerprint(self) -> str:
        """Changes whenever a declaration does (settings, routes, cookbook and sample left out) or the program's version does."""
        digest = hashlib.sha256(VERSION.encode())
        for path in sorted(self.folder.glob("*.toml")) + sorted(self.folder.glob("*.csv")):
            if path.name not in ("settings.toml", "routing.toml", "cookbook.toml"):
                digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()
