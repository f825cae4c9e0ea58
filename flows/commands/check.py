"""Every setting and declaration read and checked, and nothing else touched: no data folder made, no address asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from treasury_watch.flows.scoring.backtest import scored_months, stored
from treasury_watch.flows.settings.reading import PREFIX, read_all
from treasury_watch.flows.site.data.declared import published_data
from treasury_watch.transforms import layouts
from treasury_watch.transforms.backtest.known_episodes import known_episodes
from treasury_watch.transforms.errors import ConfigurationError, LayoutError, TreasuryWatchError
from treasury_watch.transforms.risk.events import EVENTS_FILE, declared_events
from treasury_watch.transforms.risk.price_impact import STUDIES_FILE, declared_debt, study_table
from treasury_watch.transforms.signals.nowcast.targets import targets
from treasury_watch.transforms.signals.publication_days import public_days
from treasury_watch.warehouse.archive.press_figures import SHIPPED, check_names
from treasury_watch.warehouse.config_files.models.rows import SHEETS
from treasury_watch.warehouse.config_files.reading import TOML_FILES
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.suites import Suites
from treasury_watch.warehouse.home.folders import Home

A_DAY = pd.Series(pd.to_datetime(["2026-01-07"]))
OWN = ("settings.toml", "routing.toml")


def problems(declarations: Declarations, home: Home) -> list[str]:
    """Everything that is wrong with the settings in force and with the declarations, a line each; empty where nothing is."""
    found: list[str] = []
    try:
        found += read_all(declarations, home.root)[2]
    except ConfigurationError as problem:
        found.append(str(problem))
    return list(dict.fromkeys([*found, *declared_problems(declarations)]))


def declared_problems(declarations: Declarations) -> list[str]:
    """What is wrong with the files of config/: each by itself first; where each is sound, what is made of them."""
    found = [line for name in (*TOML_FILES, *SHEETS) for line in declarations.files.problems(name)]
    if not found:
        for make in _made_of(declarations):
            try:
                make()
            except TreasuryWatchError as problem:
                found.append(str(problem))
    return list(dict.fromkeys(found))


def _made_of(declarations: Declarations) -> Iterator[Callable[[], Any]]:
    """What the commands make of the files, one after the other."""
    yield lambda: (declarations.sources, declarations.release_dates, declarations.release_archive, declarations.polls)
    yield lambda: declarations.tables
    yield lambda: declarations.calendar
    yield lambda: Suites(declarations)
    yield lambda: targets(declarations.toml("nowcast.toml"))
    yield lambda: study_table(declarations.toml(STUDIES_FILE))
    yield lambda: declared_debt(declarations.toml(STUDIES_FILE))
    yield lambda: declared_events(
        declarations.rows(EVENTS_FILE), {row["holder_id"]: row["holder"] for row in declarations.holders}
    )
    yield lambda: stored(declarations)
    yield lambda: published_data(declarations)
    yield lambda: known_episodes(declarations.rows("known_episodes.csv"), scored_months(declarations).test_from)
    yield lambda: [public_days(A_DAY, rule) for rule in declarations.publication_rules.values()]
    for source in SHIPPED:
        yield partial(_printed, declarations, source)


def _printed(declarations: Declarations, source: str) -> None:
    body = (declarations.folder / SHIPPED[source]).read_bytes()
    try:
        check_names(layouts.parse(body, declarations.source(source)).table, declarations)
    except LayoutError as problem:
        raise ConfigurationError(f"{declarations.folder / SHIPPED[source]}: {problem}") from None


def what_was_read(declarations: Declarations, home: Home) -> list[str]:
    """The places that were read, for a reader: folder, own files and variables of the environment."""
    own = [f"{home.root / name}{'' if (home.root / name).exists() else ' (there is none)'}" for name in OWN]
    variables = sorted(name for name in os.environ if name.startswith(PREFIX))
    files = len(TOML_FILES) + len(SHEETS) + len(OWN)
    return [
        f"read: {declarations.folder} ({files} files)",
        *(f"read: {name}" for name in own),
        f"read: {', '.join(variables) or f'no variable {PREFIX}... is set'}",
    ]
