"""Fetches a source that is a list of pages: the list, the newest pages not yet kept, and the newest again, conditionally."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import requests

from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.layouts.pages.dated_pages import pages_in
from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.installation import Warehouse

MOVED = "open the address in a browser and, if the list has moved, correct its path in config/sources.toml"


@dataclass(frozen=True)
class _Page:
    """One page of the source as something to fetch."""

    id: str
    url: str
    is_page: bool = True


def fetch_listed(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """The answer of a source whose address is a list: `pages` are what its pages answered, oldest first.

    Of the newest `source.pages` pages those are asked for that the archive does not keep, one after the other with a pause,
    and the newest of all again, in case it was corrected. A page that cannot be had is left for the next run. Raises
    FetchError where the list cannot be had or names no page, or where none of the pages asked for came.
    """
    with make_session(settings.http, settings.declarations.bases.values()) as session:
        listed = fetch(session, source, settings.http)
        pages = pages_in(listed.body, source.url)[: source.pages]
        if not pages:
            raise FetchError(source.id, source.url, "links to pages such as 20260828e.html", "none", MOVED)
        kept = {
            PurePosixPath(urlsplit(entry.url).path).name
            for entry in warehouse.archive.entries(source.id)
            if entry.accepted or entry.withdrawn is not None
        }
        asked = [page for page in reversed(pages) if page.name not in kept or page is pages[0]]
        answers, problems = _answers(session, [_Page(source.id, page.url) for page in asked], settings, warehouse)
    if not answers:
        raise problems[0]
    for problem in problems:
        logs.say("fetch failed", str(problem), level=logging.WARNING, source=source.id, url=problem.url)
    return replace(listed, status="not_modified", body=b"", retrieved=datetime.now(UTC), pages=tuple(answers))


def _answers(
    session: requests.Session, pages: list[_Page], settings: Settings, warehouse: Warehouse
) -> tuple[list[Fetched], list[FetchError]]:
    answers, problems = [], []
    for page in pages:
        time.sleep(settings.releases.pause_seconds)
        etag, last_modified = warehouse.validators(page.id, page.url)
        try:
            answers.append(fetch(session, page, settings.http, etag=etag, last_modified=last_modified))
        except FetchError as problem:
            problems.append(problem)
    return answers, problems
