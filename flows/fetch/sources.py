"""Which sources a run fetches, and what their servers answered."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from treasury_watch.flows.fetch.failures import HostAway, HostSilent
from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session, place_of
from treasury_watch.flows.fetch.listed_pages import fetch_listed
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import ConfigurationError
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


def sources_to_fetch(settings: Settings, poll: str = "") -> list[Source]:
    """The page that announces the coming releases, by which files are dated, and the declared sources that a run fetches.

    With the name of a poll (config/sources.toml, [polls]) only the sources that are asked then. Raises ConfigurationError for
    a name that is none.
    """
    declared, page = settings.declarations.sources.values(), settings.declarations.release_dates
    if poll:
        if poll not in settings.declarations.polls:
            known = ", ".join(settings.declarations.polls)
            raise ConfigurationError(f"sources.toml, [polls]: no poll {poll!r}; declared: {known}")
        return [source for source in declared if source.fetch and source.poll == poll]
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
    """Fetch every source."""
    return collect(settings, lambda source: fetch_source(source, settings, warehouse))


def collect(settings: Settings, fetched: Callable[[Source], Fetched], poll: str = "") -> Collected:
    """The answers for every source, or for those of a poll; one that cannot be reached is a problem of its own, the others
    go on.

    Hosts are asked side by side, the sources of one host one after the other. `fetched` is called in threads.
    """
    found = Collected()
    asked = sources_to_fetch(settings, poll)
    answers = _side_by_side(asked, fetched)
    not_asked: dict[str, list[str]] = {}
    for source in asked:
        try:
            answer = answers[source.id].result()
        except NotAsked as left_out:
            found.unreached.append(source.id)
            not_asked.setdefault(left_out.host, []).append(source.id)
            continue
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
    for host, left in not_asked.items():
        words = f"{host}: not asked for {_listed(left)} after that"
        found.problems.append(words)
        logs.say("fetch failed", words, level=logging.WARNING, host=host, sources=left)
    return found


class NotAsked(FetchError):
    """A source was not asked for, since its `host` could not be reached for another one."""

    def __init__(self, source: Source, host: str, first: FetchError):
        self.host = host
        super().__init__(
            source.id, source.url, first.expected, f"{host} away, asked for {first.source}", first.next_step
        )


def _side_by_side(asked: Iterable[Source], fetched: Callable[[Source], Fetched]) -> dict[str, Future[Fetched]]:
    """What comes of every source: a thread for each host asks for its sources in their order."""
    by_host: dict[str, list[Source]] = {}
    for source in asked:
        by_host.setdefault(_host(source.url), []).append(source)
    answers = {source.id: Future[Fetched]() for sources in by_host.values() for source in sources}

    def ask(host: str, sources: list[Source]) -> None:
        away: FetchError | None = None
        answered = False
        for source in sources:
            if away is not None:
                answers[source.id].set_exception(NotAsked(source, host, away))
                continue
            try:
                answers[source.id].set_result(fetched(source))
                answered = True
            except FetchError as problem:
                answers[source.id].set_exception(problem)
                here = _host(problem.url) == host  # not a host that it redirects to
                if here and (isinstance(problem, HostAway) or (isinstance(problem, HostSilent) and not answered)):
                    away = problem
                answered = answered or not isinstance(problem, (HostAway, HostSilent))
            except BaseException as problem:
                answers[source.id].set_exception(problem)

    for host, sources in by_host.items():
        # as in this thread: the log's fields and Prefect's run lie in its context
        arguments = (ask, host, sources)
        threading.Thread(
            target=contextvars.copy_context().run, args=arguments, name=f"fetch {host}", daemon=True
        ).start()
    return answers


def _host(url: str) -> str:
    """The host of an address, and its port where it is not the usual one; the address where it cannot be read."""
    try:
        host, port = place_of(url)
    except ValueError:
        return url
    return host if port == 443 else f"{host}:{port}"


def _listed(names: list[str], shown: int = 3) -> str:
    """So many names, and the number of the others."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


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
