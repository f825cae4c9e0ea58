"""A run with the writer's lock: files are loaded, then what follows from them is published."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged, Entry
from treasury_watch.warehouse.archive.manifest import RESTORE, ArchiveIncomplete
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State, now
from treasury_watch.warehouse.ledger import withdrawal
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger
from treasury_watch.warehouse.publication import published_files
from treasury_watch.warehouse.publication.published_files import PUBLISHED
from treasury_watch.warehouse.publication.publishing import Publisher
from treasury_watch.warehouse.publication.setting_aside import offenders

REPLAY = (
    "replay"  # the note with the sources whose part of the ledger was being made again: a crash has left it half done
)


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

    def take_up(self) -> None:
        """Load what an interrupted run archived and did not come to judge: its address may state something newer since.

        A file that is refused now is noted so, and holds back nothing.
        """
        archive, declared = self.loader.archive, self.publisher.declarations.sources
        for entry in sorted(archive.entries(), key=lambda entry: entry.retrieved):
            if entry.source in declared and (entry.released, entry.refused, entry.withdrawn) == (None, None, None):
                told = f"{entry.source} {entry.sha256[:12]}, archived by a run that was interrupted"
                file = IncomingFile(
                    archive.body(entry), entry.url, entry.retrieved, entry.source, etag=entry.etag,
                    last_modified=entry.last_modified, container=entry.container,
                )  # fmt: skip
                try:
                    loaded = self.loader.load(file)
                    logging.getLogger(__name__).warning("%s: loaded (%s)", told, loaded.outcome)
                except TreasuryWatchError as problem:
                    logging.getLogger(__name__).warning("%s: refused: %s", told, problem)

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
        if self.publisher.home.database.exists() and not published_files.damaged(self.publisher.home, self.state):
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
            and not published_files.damaged(self.publisher.home, self.state)
        )

    def _changes(self) -> set[str] | None:
        """The kinds of figure, and the sources, in which the ledger differs from the publication in place; None where all is
        to be made.
        """
        remembered = self.state.remembered(PUBLISHED) or ""
        declarations, database = self.publisher.declarations, self.publisher.home.database
        same = remembered.endswith(f" {declarations.fingerprint()}")
        if not same or not database.exists() or published_files.damaged(self.publisher.home, self.state):
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
