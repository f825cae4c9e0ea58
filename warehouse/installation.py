"""One installation: its home, declarations and state, and what can be done with them under the writer's lock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from treasury_watch.warehouse.archive.announced_releases import announced_releases
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.folders import Busy, Home
from treasury_watch.warehouse.home.state import State, now
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger
from treasury_watch.warehouse.publication.publishing import Publisher, remove_database

__all__ = ["Busy", "Session", "Warehouse"]

PUBLISHED = "published"  # under which the state remembers the ledger and the declarations that were published


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

    def publish(self) -> dict[str, int]:
        """Publish from the ledger as it stands. Raises ValidationBlocked."""
        rows = self.publisher.publish(self.ledger, self.gates, self.run_id)
        self.state.remember(PUBLISHED, self._fingerprint())
        self.outcome = "published"
        return rows

    def is_published(self) -> bool:
        """Whether the publication in place, undamaged, was made from this ledger with these declarations."""
        return (
            self.publisher.home.database.exists()
            and self.state.remembered(PUBLISHED) == self._fingerprint()
            and not self.publisher.damaged()
        )

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
    ):
        self.home = home.prepared()
        self.declarations = declarations or Declarations()
        self.archive = Archive(home.raw)
        self.declarations.announced = announced_releases(self.archive)
        self.state = State(home.state)
        self.storage_version = storage_version

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
            self.state.finish_run(run_id, session.outcome, session.summary)

    def _session(self, run_id: str, ledger: Ledger, today: date | None) -> Session:
        gates = Gates(self.declarations)

        def record(results: list[Result]) -> None:
            self.state.record_checks(run_id, results)

        loader = Loader(self.declarations, self.archive, ledger, gates, record)
        return Session(run_id, ledger, loader, gates, self.publisher(today), self.state)

    def declarations_changed(self) -> bool:
        """Whether a declaration, or the program's version, is another than when the tables were published."""
        published = self.state.remembered(PUBLISHED)
        return published is not None and not published.endswith(f" {self.declarations.fingerprint()}")

    def publisher(self, today: date | None = None) -> Publisher:
        """What publishes this home."""
        return Publisher(self.home, self.declarations, self.state, self.storage_version, today or now().date())

    def rebuild(self, *, today: date | None = None) -> dict[str, int]:
        """Every table again from the archive alone. Returns rows by table.

        The old ledger and publication stay until the new ones are complete. Other processes parse: a script that calls
        this needs a `__main__` guard. Raises Busy, ArchiveDamaged or ValidationBlocked.
        """
        with self.session("rebuild", today=today, afresh=True) as session:
            entries = self.archive.entries()
            session.loader.replay_all()
            session.loader.load_press()
            rows = session.publish()
            session.summary = f"rebuilt from {len(entries)} archived files"
        self.publisher(today).refresh_operations()
        return rows
