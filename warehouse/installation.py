"""One installation: its home, declarations and state, and what can be done with them under the writer's lock."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.archive.announced_releases import announced_releases
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.manifest import RESTORE, ArchiveIncomplete, Manifest, named
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.archive.readers_view import View
from treasury_watch.warehouse.archive.release_zips import ReleaseZips
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.folders import Busy, Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State, now
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.publication import published_files
from treasury_watch.warehouse.publication.published_files import PUBLISHED

if TYPE_CHECKING:  # pandas and more: imported where a session begins, not for a look at a home
    from treasury_watch.warehouse.ledger.vintages import Ledger
    from treasury_watch.warehouse.publication.publishing import Publisher
    from treasury_watch.warehouse.session import Session

__all__ = ["Busy", "Warehouse"]


class Warehouse:
    """The stored side of an installation."""

    def __init__(
        self,
        home: Home,
        declarations: Declarations | None = None,
        *,
        storage_version: str = "v1.0.0",
        view: View | None = None,
    ):
        """With a `view` of what this user can see nothing is made or changed: it is for reading alone."""
        self.home = home if view else home.prepared()
        self._view = view  # what it copied goes with it
        self.unknown = view.unknown if view else ()  # what is not known for want of rights, a sentence each
        self.declarations = declarations or Declarations()
        self.archive = view.archive if view else Archive(home.raw)
        self.declarations.announced = announced_releases(self.archive)
        self.state = view.state if view else State(home.state)
        self.manifest = Manifest(self.archive, self.state, seen=view is None or view.all_archived)
        self.storage_version = storage_version

    @property
    def is_sample(self) -> bool:
        """Whether the home holds the embedded sample and nothing official: nothing is ever sent from it."""
        return home_kinds.kind_of(self.archive, self.state) == home_kinds.SAMPLE

    def admit(self, *, sample: bool, told: bool = False) -> None:
        """Raise OtherKindOfHome where official data would be mixed with the sample in this home, unless the user was told."""
        home_kinds.admit(self.archive, self.state, sample=sample, told=told)

    @contextmanager
    def session(
        self, command: str, *, today: date | None = None, wait_seconds: float = 0, afresh: bool = False
    ) -> Iterator[Session]:
        """A run with the writer's lock. Its outcome is recorded however it ends. Raises Busy.

        `afresh` starts from an empty ledger, which replaces the old one once the run has succeeded.
        """
        from treasury_watch.warehouse.ledger.vintages import Ledger
        from treasury_watch.warehouse.publication.publishing import remove_database

        with self.home.writing(wait_seconds):
            run_id = uuid.uuid4().hex[:12]
            self.state.start_run(run_id, command)
            try:
                path = self.home.ledger
                if afresh:
                    path = path.with_name(f"next.{path.name}")
                    remove_database(path)
                with Ledger(path) as ledger:
                    session = self._session(run_id, ledger, today)
                    self._whole_archive()
                    if not afresh:
                        session.mend()
                        session.complete_ledger(self.published_files())
                        session.take_up()
                    yield session
                if afresh:
                    move_into_place(path, self.home.ledger)
            except BaseException as problem:
                blocked = isinstance(problem, ValidationBlocked)
                words = str(problem) if blocked else f"{type(problem).__name__}: {problem}"
                if isinstance(problem, KeyboardInterrupt):
                    words = "interrupted (Ctrl-C)"
                try:
                    self.state.finish_run(run_id, "blocked" if blocked else "failed", words)
                except StorageFailed as other:  # on a full disk: the run ended for the first reason, which is told
                    problem.add_note(f"the run's end could not be recorded: {other}")
                raise
            self.manifest.keep()
            home_kinds.keep(self.archive, self.state)
            self.state.finish_run(run_id, session.outcome, session.summary)
            self.state.back_up()

    def _whole_archive(self) -> None:
        """Write lost notes again, and say what is lost for good."""
        log = logging.getLogger(__name__)
        for note in self.manifest.mend():
            log.warning("%s was missing or damaged: written again as it was", note)
        if lost := self.manifest.lost():
            log.warning("%s: %d archived files are missing (%s); %s", self.home.raw, len(lost), named(lost), RESTORE)

    def published_files(self) -> set[tuple[str, str]]:
        """Source and checksum of the files that the publication in place is made from; none where there is none."""
        if not self.home.database.exists() or self.damaged():
            return set()
        query = "SELECT DISTINCT source, sha256 FROM releases WHERE last_month IS NOT NULL"  # not the withdrawn
        try:
            with open_published(self.home.database) as connection:
                return set(connection.execute(query).fetchall())
        except (
            StorageFailed,
            duckdb.Error,
        ):  # damaged where no checksum tells: it is made again, and can be asked nothing
            return set()

    def validators(self, source: str, url: str) -> tuple[str | None, str | None]:
        """ETag and Last-Modified of what was last loaded from this address; none where the archive has lost it."""
        etag, last_modified, checksum = self.state.validators(source, url)
        entry = self.archive.find(source, checksum) if checksum else None
        there = entry is not None and self.archive.path(entry).exists()
        return (etag, last_modified) if there else (None, None)

    def _session(self, run_id: str, ledger: Ledger, today: date | None) -> Session:
        from treasury_watch.warehouse.gates.expectations import Gates
        from treasury_watch.warehouse.ledger.loading import Loader
        from treasury_watch.warehouse.session import Session

        gates = Gates(self.declarations)

        def record(results: list[Result]) -> None:
            self.state.record_checks(run_id, results)

        loader = Loader(self.declarations, self.archive, ledger, gates, record)
        return Session(run_id, ledger, loader, gates, self.publisher(today), self.state)

    def _nothing_lost(self, accept_loss: bool) -> None:
        lost = self.manifest.lost()
        if accept_loss:
            self.manifest.forget(lost, "the file is lost: accepted by rebuild --accept-loss")
            return
        kept = {(entry.source, entry.sha256) for entry in self.archive.entries()}
        declared = self.declarations.sources
        gone = [item for item in self.published_files() - kept if item[0] in declared and item[0] not in PRINTED]
        if lost or gone:
            files = lost or [self.home.raw / source.replace(":", "_") / checksum for source, checksum in sorted(gone)]
            raise ArchiveIncomplete(
                f"{self.home.raw}: {len(files)} archived files are missing ({named(files)}); {RESTORE}, or go on "
                "without them with `treasury-watch rebuild --accept-loss`"
            )

    def declarations_changed(self) -> bool:
        """Whether a declaration, or the program's version, is another than when the tables were published."""
        published = self.state.remembered(PUBLISHED)
        return published is not None and not published.endswith(f" {self.declarations.fingerprint()}")

    def damaged(self) -> list[str]:
        """The published files that are missing or not as they were published, as paths below the home."""
        return published_files.damaged(self.home, self.state)

    def refuse_damage(self) -> None:
        """Raises StorageFailed where a published file is missing or not as it was published."""
        published_files.refuse_damage(self.home, self.state)

    def publisher(self, today: date | None = None) -> Publisher:
        """What publishes this home."""
        from treasury_watch.warehouse.publication.publishing import Publisher

        return Publisher(self.home, self.declarations, self.state, self.storage_version, today or now().date())

    def rebuild(self, *, today: date | None = None, accept_loss: bool = False) -> dict[str, int]:
        """Every table again from the archive alone. Returns rows by table.

        The old ledger and publication stay until the new ones are complete. Files that were never published and that the
        second gate stops are set aside. Other processes parse: a script that calls this needs a `__main__` guard. Raises
        Busy, ArchiveDamaged or ValidationBlocked; ArchiveIncomplete where files of what was published are lost, unless
        `accept_loss`.
        """
        with self.session("rebuild", today=today, afresh=True) as session:
            self._nothing_lost(accept_loss)
            cleaned = self._clean_addresses()
            entries = self.archive.entries()
            session.loader.replay_all()
            session.take_up()
            session.loader.load_press()
            rows = session.publish(always=True) or {}
            session.summary = f"rebuilt from {len(entries)} archived files"
            if session.set_aside:
                session.summary += f", {len(session.set_aside)} of them set aside"
        if cleaned:  # what was written over stays in a file's free pages
            self.state.compact()
            self.state.back_up()
        self.publisher(today).refresh_operations()
        return rows

    def _clean_addresses(self) -> bool:
        """Take credentials out of the addresses that earlier versions kept. Returns whether there were any."""
        notes = self.archive.clean()
        zips = ReleaseZips(self.home.release_archive).clean()
        return bool(self.state.clean_addresses() or notes or zips)
