"""Which sources a run fetches, and what their servers answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session, public_url
from treasury_watch.flows.fetch.listed_pages import fetch_listed
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.installation import Warehouse


@dataclass
class Collected:
    """The files of a run, and of the sources that gave none why: `unchanged` are ids, `unreached` too, each with a line
    in `problems`.
    """

    files: list[Fetched] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def sources_to_fetch(settings: Settings) -> list[Source]:
    """The page that announces the coming releases, by which files are dated, and the declared sources that a run fetches."""
    declared, page = settings.declarations.sources.values(), settings.declarations.release_dates
    return [*([page] if page else []), *(source for source in declared if source.fetch)]


def fetch_source(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """Ask the source's server for its file, conditionally where it was loaded before. Raises FetchError."""
    policy = settings.http
    if source.pages:
        return fetch_listed(source, settings, warehouse)
    etag, last_modified = warehouse.validators(source.id, source.url)
    with make_session(policy, settings.declarations.bases.values()) as session:
        return fetch(session, source, policy, etag=etag, last_modified=last_modified)


def fetch_all(settings: Settings, warehouse: Warehouse) -> Collected:
    """Fetch every source, one after the other."""
    return collect(settings, lambda source: fetch_source(source, settings, warehouse))


def collect(settings: Settings, fetched: Callable[[Source], Fetched]) -> Collected:
    """The answers for every source; one that cannot be reached is a problem of its own, the others go on."""
    found = Collected()
    for source in sources_to_fetch(settings):
        try:
            answer = fetched(source)
        except FetchError as problem:
            if source is not settings.declarations.release_dates:  # without it a day is estimated, and nothing fails
                found.problems.append(str(problem))
                found.unreached.append(source.id)
            said: dict[str, Any] = {
                "source": source.id,
                "url": problem.url,
                "expected": problem.expected,
                "found": problem.found,
            }
            logs.say("fetch failed", str(problem), level=logging.WARNING, **said)
            continue
        for one in answer.pages or (answer,):
            _note(found, one)
        if answer.status == "not_modified" and not any(one.status == "new" for one in answer.pages):
            found.unchanged.append(source.id)
    return found


def _note(found: Collected, answer: Fetched) -> None:
    """Add a file that a server answered to what was found, and say in the log what it answered."""
    seen: dict[str, Any] = {
        "source": answer.source,
        "url": public_url(answer.url),
        "seconds": round(answer.seconds, 3),
    }
    if answer.status == "not_modified":
        logs.say("not modified", f"{answer.source}: not modified", **seen, status=304)
    else:
        size = len(answer.body)
        words = f"{answer.source}: fetched {size:,} bytes in {answer.seconds:.1f} s"
        logs.say("fetched", words, **seen, status=200, bytes=size)
        found.files.append(answer)
