"""One installation: its home, declarations and state, and what can be done with them under the writer's lock."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import duckdb

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.archive.announced_releases import announced_releases
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged, Entry
from treasury_watch.warehouse.archive.manifest import ArchiveIncomplete, Manifest, named
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.archive.readers_view import View
from treasury_watch.warehouse.archive.release_zips import ReleaseZips
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.folders import Busy, Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State, now
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.ledger import withdrawal
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger
from treasury_watch.warehouse.publication.publishing import Publisher, remove_database
from treasury_watch.warehouse.publication.setting_aside import offenders

__all__ = ["Busy", "Session", "Warehouse"]

PUBLISHED = "published"  # under which the state remembers the ledger and the declarations that were published
RESTORE = "restore raw/ from a backup, or load the files again with `treasury-watch run` or `ingest`"
REPLAY = "replay"  # and the sources whose part of the ledger was being made again: a crash has left it half done


@dataclass(frozen=True)
class SetAside:
    """A loaded file that could not be published: its entry in the archive, and what it failed at the second gate."""

    entry: Entry
    problem: ValidationBlocked


@dataclass
class Session:
    """One run with the writer's lock held: load files, then publish if anything changed."""

    run_id: str
    ledger: Ledger
    loader: Loader
    gates: Gates
    publisher: Publisher
    state: State
    outcome: str = "unchanged"
    summary: str = "nothing new"
    set_aside: list[SetAside] = field(default_factory=list)

    def publish(self, *, always: bool = False) -> dict[str, int] | None:
        """Publish from the ledger as it stands; rows by table.

        Where the second gate stops it, the newly loaded files that it stops are set aside and the rest is published; None
        where that is what is published already, unless `always`. Raises ValidationBlocked where it is none of them.
        """
        try:
            rows = self.publisher.publish(self.ledger, self.gates, self.run_id, None if always else self._changes())
        except ValidationBlocked as blocked:
            self._set_aside_what_blocks(blocked)
            if not always and self.is_published():
                return None
            rows = self.publisher.publish(self.ledger, self.gates, self.run_id)
        self.state.remember(PUBLISHED, self._fingerprint())
        self.outcome = "published"
        return rows

    def withdraw(self, entry: Entry, reason: str) -> list[Entry]:
        """Take a file out of the ledger, as `warehouse.ledger.withdrawal.withdraw` does."""
        with self._replaying([entry.source]):
            return withdrawal.withdraw(self.loader, entry, reason, now())

    def undo_withdrawal(self, entry: Entry) -> None:
        """Put a withdrawn file back. Raises TreasuryWatchError where it was not withdrawn."""
        with self._replaying([entry.source]):
            withdrawal.undo(self.loader, entry, now())

    def complete_ledger(self, published: set[tuple[str, str]]) -> None:
        """Make again what the ledger lacks of the archive, as where its file was deleted or it was restored without it.

        `published` are the files (source, checksum) of the publication in place. Raises ArchiveIncomplete where neither
        has them, and ArchiveDamaged: what is published next would have less.
        """
        declared = self.publisher.declarations.sources
        entries = [entry for entry in self.loader.archive.entries() if entry.source in declared]
        loaded = {(source, checksum) for source, checksum, _ in self.ledger.files()}
        known = loaded | {(entry.source, entry.sha256) for entry in entries}
        gone = sorted(item for item in published - known if item[0] in declared and item[0] not in PRINTED)
        if gone:
            raise ArchiveIncomplete(
                f"{self.loader.archive.folder}: expected {counted(len(gone), 'file')} of the last publication that neither archive "
                f"nor ledger has ({gone[0][0]} {gone[0][1][:12]}, ...); {RESTORE}"
            )
        lacking = {
            entry.source
            for entry in entries
            if entry.accepted
            and not entry.same_figures
            and entry.source not in PRINTED
            and (entry.source, entry.sha256) not in loaded
        }
        if not lacking:
            return
        logging.getLogger(__name__).warning(
            "the ledger lacks files that the archive has, of %s: made again from the archive",
            ", ".join(sorted(lacking)),
        )
        with self._replaying(sorted(lacking)):
            for source in sorted(lacking):
                self.loader.replay(source)
        self.ledger.keep_press_files(set())  # read them again too
        self.loader.load_press()

    def forget_publication(self) -> None:
        """Let the next publication be made though the ledger may not have changed."""
        self.state.remember(PUBLISHED, "")

    def mend(self) -> None:
        """Finish what a crash interrupted: make again the sources whose part of the ledger was being made again."""
        interrupted = json.loads(self.state.remembered(REPLAY) or "[]")
        if not interrupted:
            return
        try:
            with self._replaying(interrupted):
                for source in interrupted:
                    withdrawal.replayed(self.loader, source)
        except ArchiveDamaged as problem:  # it is tried again by the next run; the other sources need not wait for it
            logging.getLogger(__name__).warning("an interrupted replay could not be finished: %s", problem)

    def _set_aside_what_blocks(self, blocked: ValidationBlocked) -> None:
        """Find the newly loaded files that the gate stops and make the ledger without them. Raises ValidationBlocked."""
        entries = self._not_yet_published()
        sources = list(dict.fromkeys(entry.source for entry in entries))
        stopped = {(result.subject, result.expectation) for result in blocked.failed}

        def judged(kept: list[Entry]) -> ValidationBlocked | None:
            out = {(entry.source, entry.sha256) for entry in entries if entry not in kept}
            withdrawal.leave_out(self.loader, out, sources)
            problem = self.publisher.judge(self.ledger, self.gates, self.run_id)
            if problem is None or not stopped & {(found.subject, found.expectation) for found in problem.failed}:
                return None  # an empty home fails otherwise; whether what is left can be published is seen then
            return problem

        with self._replaying(sources):
            found = offenders(entries, judged)
            out = {(entry.source, entry.sha256) for entry in found}
            withdrawal.leave_out(self.loader, out, sources)
            if not found or self.publisher.judge(self.ledger, self.gates, self.run_id) is not None:
                withdrawal.leave_out(self.loader, [], sources)  # they stay: what is in the way is elsewhere
                found = {}
            for entry, problem in found.items():
                withdrawal.set_aside(self.loader, entry, problem.reason)
                self.state.change("DELETE FROM validators WHERE sha256 = ?", (entry.sha256,))  # to be fetched again
                self.set_aside.append(SetAside(entry, problem))
        if not found:
            raise blocked

    def _not_yet_published(self) -> list[Entry]:
        """The files in the ledger that the publication in place is made without: of sources that go first, then oldest."""
        known: set[tuple[str, str, date]] = set()
        if self.publisher.home.database.exists() and not self.publisher.damaged():
            with open_published(self.publisher.home.database) as connection:
                query = (
                    "SELECT source, sha256, released FROM releases WHERE last_month IS NOT NULL"  # not the withdrawn
                )
                known = set(connection.execute(query).fetchall())
        unknown = {(source, sha256) for source, sha256, _ in self.ledger.files() - known}
        new = [
            entry
            for entry in self.loader.archive.entries()
            if entry.accepted and entry.source not in PRINTED and (entry.source, entry.sha256) in unknown
        ]
        return sorted(new, key=lambda entry: self.publisher.declarations.source(entry.source).precedence)

    @contextmanager
    def _replaying(self, sources: list[str]) -> Iterator[None]:
        self.state.remember(REPLAY, json.dumps(sources))
        yield
        self.state.remember(REPLAY, "[]")

    def is_published(self) -> bool:
        """Whether the publication in place, undamaged, was made from this ledger with these declarations."""
        return (
            self.publisher.home.database.exists()
            and self.state.remembered(PUBLISHED) == self._fingerprint()
            and not self.publisher.damaged()
        )

    def _changes(self) -> set[str] | None:
        """The kinds of figure, and the sources, in which the ledger differs from the publication in place; None where all is
        to be made.
        """
        remembered = self.state.remembered(PUBLISHED) or ""
        declarations, database = self.publisher.declarations, self.publisher.home.database
        same = remembered.endswith(f" {declarations.fingerprint()}")
        if not same or not database.exists() or self.publisher.damaged():
            return None
        with open_published(database) as connection:
            query = "SELECT source, sha256, released, evidence FROM releases WHERE last_month IS NOT NULL"
            published = set(connection.execute(query).fetchall())  # without the withdrawn
        changed = {source for source, *_ in published ^ self.ledger.evidence()}
        kinds = {declarations.source(source).holds for source in changed if source in declarations.sources}
        if any(KINDS[kind].in_releases for kind in kinds):  # a file of one of these may state another besides
            kinds |= {kind.name for kind in KINDS.values() if kind.in_releases}
        return kinds | changed or None

    def _fingerprint(self) -> str:
        return f"{self.ledger.fingerprint()} {self.publisher.declarations.fingerprint()}"


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
                    yield session
                if afresh:
                    move_into_place(path, self.home.ledger)
            except BaseException as problem:
                blocked = isinstance(problem, ValidationBlocked)
                words = str(problem) if blocked else f"{type(problem).__name__}: {problem}"
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
        if not self.home.database.exists() or self.publisher().damaged():
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

    def publisher(self, today: date | None = None) -> Publisher:
        """What publishes this home."""
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
