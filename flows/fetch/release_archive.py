"""Fetches the Treasury's archive of releases: the page that lists them, and each zip once, one after the other.

A zip is asked for where none of that name was fetched whole, where the page says something else of it than before, and,
conditionally, where it is one of the newest. What was fetched is on disk before the next is asked for: a run that ended
early goes on where it was.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from queue import Queue
from typing import Any

import requests

from treasury_watch.flows.fetch.failures import HostAway
from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.layouts.pages.release_archive import ReleaseLink, read_index, since
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive.release_zips import INDEX, ReleaseZips, ZipNote
from treasury_watch.warehouse.ledger.incoming.release_files import ZipToRead

AHEAD = 8  # zips that wait on disk to be read before the next is asked for
ZIP_START = b"PK"


@dataclass(frozen=True)
class _File:
    """The page, or one zip, as something to fetch."""

    id: str
    url: str
    is_page: bool = False


@dataclass
class Fetching:
    """What was fetched and what not: `problems` by the name of the zip; `fetched`, `unchanged` and `known` count zips that came,
    were asked for in vain, and needed no request.
    """

    problems: dict[str, str] = field(default_factory=dict)
    fetched: int = 0
    unchanged: int = 0
    known: int = 0


class ReleaseArchiveReader:
    """Asks for the page and the zips under the one HTTP policy, with a pause between two requests."""

    def __init__(self, settings: Settings, zips: ReleaseZips):
        self.place, self.zips, self.settings = settings.declarations.release_archive, zips, settings.releases
        self.policy, self.hosts = settings.http, settings.declarations.bases.values()
        self.zip_policy = settings.http.model_copy(update={"max_bytes": settings.releases.max_bytes})
        self.done = Fetching()
        self._asked = False

    def links(self, month: date | None) -> tuple[list[ReleaseLink], list[str]]:
        """The releases from `month` on, oldest first, and a line on each row that could not be read whole.

        Raises FetchError where the page cannot be had, LayoutError where it lists nothing.
        """
        before = self.zips.note(INDEX) if self.zips.is_kept(INDEX) else None
        with make_session(self.policy, self.hosts) as session:
            answer = self._ask(session, _File(self.place.id, self.place.url, is_page=True), before)
        if answer.status == "new":
            found, warnings = read_index(
                answer.body, self.place.url
            )  # before it is kept: a page that lists nothing is not
            self.zips.keep(INDEX, answer.body, _note(answer, ""))
        else:
            found, warnings = read_index(self.zips.path(INDEX).read_bytes(), self.place.url)
        return since(found, month), warnings

    def pending(self, links: list[ReleaseLink]) -> list[ReleaseLink]:
        """The releases that have to be asked for or read, oldest first."""
        newest = {link.archive for link in links[len(links) - self.settings.asked_again :]}
        pending = [link for link in links if link.archive in newest or not self._is_known(link)]
        self.done.known = len(links) - len(pending)
        return pending

    def _is_known(self, link: ReleaseLink) -> bool:
        note = self.zips.note(link.archive)
        return note is not None and note.taken and note.row == link.row

    def arriving(self, pending: list[ReleaseLink], stopped: threading.Event) -> Iterator[ZipToRead]:
        """The zips that have to be read, as they come. One that cannot be had is a problem of its own."""
        with make_session(self.zip_policy, self.hosts) as session:
            for place, link in enumerate(pending, start=1):
                if stopped.is_set():
                    return
                try:
                    zipped = self._zip(session, link)
                except FetchError as problem:
                    left = len(pending) - place if isinstance(problem, HostAway) else 0
                    words = f"{problem}; {counted(left, 'later release')} not asked for" if left else str(problem)
                    self.done.problems[link.archive] = words
                    said = {"archive": link.archive, "url": problem.url, "found": problem.found}
                    logs.say("fetch failed", words, level=logging.WARNING, **said)
                    if left:
                        return
                    continue
                if zipped is not None:
                    yield zipped

    def _zip(self, session: requests.Session, link: ReleaseLink) -> ZipToRead | None:
        """One zip to read; None where its members were taken in before. Raises FetchError."""
        name, note = link.archive, self.zips.note(link.archive)
        kept = note is not None and not note.taken and self.zips.is_kept(name)
        if note is not None and kept and note.row == link.row:
            self.done.known += 1
            return ZipToRead(self.zips.path(name), note.url, note.retrieved)
        usable = note if note is not None and (note.taken or kept) else None
        answer = self._ask(session, _File(name, self.place.address(link.url)), usable)
        if answer.status == "new" and not answer.body.startswith(ZIP_START):
            found = f"{len(answer.body)} bytes that begin with {answer.body[:20]!r}"
            raise FetchError(name, answer.url, "a zip archive", found)
        if answer.status == "new" and (usable is None or _checksum(answer.body) != usable.sha256):
            self.zips.keep(name, answer.body, _note(answer, link.row))
            self.done.fetched += 1
            size = len(answer.body)
            logs.say("fetched", f"{name}: fetched {size:,} bytes in {answer.seconds:.1f} s", archive=name, bytes=size)
            return ZipToRead(self.zips.path(name), answer.url, answer.retrieved)
        self.done.unchanged += 1
        if usable is None:
            raise FetchError(
                name, answer.url, "the file (no earlier copy was mentioned)", "the word that it is unchanged"
            )
        self.zips.again(name, usable, etag=answer.etag, last_modified=answer.last_modified, row=link.row)
        return None if usable.taken else ZipToRead(self.zips.path(name), usable.url, usable.retrieved)

    def _ask(self, session: requests.Session, file: _File, before: ZipNote | None) -> Fetched:
        """The answer to one request, a pause after the one before."""
        if self._asked:
            time.sleep(self.settings.pause_seconds)
        self._asked = True
        known: dict[str, Any] = {"etag": before.etag, "last_modified": before.last_modified} if before else {}
        policy, section = (self.policy, "http") if file.is_page else (self.zip_policy, "releases")
        logs.say("asked", f"{file.id}: asked for", level=logging.DEBUG, url=public_url(file.url))
        return fetch(session, file, policy, **known, limit_section=section)


def _note(answer: Fetched, row: str) -> ZipNote:
    return ZipNote(
        answer.url, _checksum(answer.body), len(answer.body), answer.retrieved, answer.etag, answer.last_modified, row
    )


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@contextmanager
def fetching(reader: ReleaseArchiveReader, pending: list[ReleaseLink]) -> Iterator[Iterator[ZipToRead]]:
    """For the block, the zips as they come, fetched by a thread that is a few of them ahead of what reads them."""
    waiting: Queue[ZipToRead | BaseException | None] = Queue(AHEAD)
    stopped = threading.Event()

    def fetch_them() -> None:
        end: BaseException | None = None
        try:
            for zipped in reader.arriving(pending, stopped):
                waiting.put(zipped)
        except BaseException as problem:  # raised by whoever reads
            end = problem
        waiting.put(end)

    def taken() -> Iterator[ZipToRead]:
        while (zipped := waiting.get()) is not None:
            if isinstance(zipped, BaseException):
                raise zipped
            yield zipped

    thread = threading.Thread(target=fetch_them, name="release archive", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        while thread.is_alive():
            if not waiting.empty():
                waiting.get_nowait()  # a place in the queue is what it may wait for
            thread.join(0.05)
