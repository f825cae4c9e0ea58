"""From bytes to the ledger: archive, recognise, parse, identify, validate, date, add. A whole file, or none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import groupby

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.warehouse.archive.archived_files import Archive, Entry
from treasury_watch.warehouse.archive.parse_pool import parsed_in_order
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.after_parsing import FirstGate
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result
from treasury_watch.warehouse.ledger.dating import Release, release_noted, release_of_file
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile, Loaded
from treasury_watch.warehouse.ledger.press_loading import PressLoader
from treasury_watch.warehouse.ledger.vintages import Ledger, Vintage


class Loader:
    """Loads files into a ledger. `record` receives the results of the first gate."""

    def __init__(
        self,
        declarations: Declarations,
        archive: Archive,
        ledger: Ledger,
        gates: Gates,
        record: Callable[[list[Result]], None],
    ):
        self.declarations, self.archive, self.ledger, self.gates = declarations, archive, ledger, gates
        self.first_gate = FirstGate(gates, record)
        self.press = PressLoader(declarations, archive, ledger)

    def load(self, file: IncomingFile) -> Loaded:
        """Archive and load one file.

        Raises LayoutError, ValidationBlocked, FutureRelease or UnplacedRelease; the ledger is then as before, and the
        archive notes why the file was refused.
        """
        source = self.declarations.source(file.source or layouts.recognised(file.body))
        if source.id in PRINTED:
            return self.press.load_file(file, source)
        entry, _ = self.archive.put(
            source.id, file.body, url=file.url, retrieved=file.retrieved,
            etag=file.etag, last_modified=file.last_modified,
        )  # fmt: skip
        keeps_its_release = entry.accepted and file.released in (None, entry.released)
        if keeps_its_release and (outcome := self._outcome_before(entry)):
            return Loaded(source.id, outcome, entry.released, entry.released_basis, 0, 0, entry.sha256)
        try:
            parsed = file.figures or figures_of(file.body, source, self.declarations.holder_labels)
            self.first_gate.on_figures(parsed, source)
            # One that keeps it had the figures already known, or a crash came between the archive and the ledger.
            release = (
                release_noted(entry)
                if keeps_its_release
                else release_of_file(file, parsed, source, self.declarations.calendar, self.ledger)
            )
        except TreasuryWatchError as problem:
            if not entry.accepted:
                self.archive.note(entry, refused=str(problem))
            raise
        kind = KINDS[source.holds]
        if kind.in_releases:
            known, newest = self.ledger.current(source.id, kind), self.ledger.newest(source.id)
            self.first_gate.on_release(parsed, source, release.day, known, newest)
        entry = self.archive.note(
            entry, released=release.day, released_basis=release.basis, evidence=release.evidence,
            refused=None, same_figures=False,
        )  # fmt: skip
        changed = self._enter(entry, parsed, source, release)
        if not changed:
            self.archive.note(entry, same_figures=True)
        outcome = "vintage" if changed else "same_figures"
        figures, last = len(parsed.table), parsed.last.date()
        return Loaded(source.id, outcome, release.day, release.basis, figures, changed, entry.sha256, last)

    def load_press(self) -> dict[str, int]:
        """Load the printed figures, where they changed. Returns the figures added by source. Raises LayoutError."""
        return self.press.load_figures()

    def replay(self, source: str) -> dict[str, int]:
        """Make a source's part of the ledger again from the archive, or leave it as it is.

        Returns changed figures by checksum. Raises ArchiveDamaged.
        """
        changed = {}
        with self.ledger.transaction(), self._archived(source) as parsed_files:
            self.ledger.forget(source)
            for entry, parsed in parsed_files:
                changed[entry.sha256] = self._add(parsed, self.declarations.source(source), entry, release_noted(entry))
        return changed

    def replay_all(self) -> None:
        """Fill an empty ledger from the archive. Raises ArchiveDamaged."""
        with self._archived(None) as parsed_files:
            self.gates.prepare()  # takes seconds, in which other processes parse
            for source, files in groupby(parsed_files, key=lambda parsed_file: parsed_file[0].source):
                with self.ledger.transaction():
                    for entry, parsed in files:
                        self._add(parsed, self.declarations.source(source), entry, release_noted(entry))

    def _outcome_before(self, entry: Entry) -> str | None:
        """What became of the file when it was loaded before; None where it has to be read again."""
        if self.ledger.day_of(entry.source, entry.sha256) == entry.released:
            return "known"
        if entry.same_figures and self.ledger.newest(entry.source):
            return "same_figures"
        return None

    def _enter(self, entry: Entry, parsed: Parsed, source: Source, release: Release) -> int:
        """Put an accepted file in its place among the source's vintages. Returns the number of changed figures."""
        newest, before = self.ledger.newest(source.id), self.ledger.day_of(source.id, entry.sha256)
        if before not in (None, release.day):  # it is dated anew
            return self.replay(source.id)[entry.sha256]
        if newest is None or release.day >= newest:
            return self._add(parsed, source, entry, release)
        if self.ledger.differing(source.id, KINDS[source.holds], parsed.table, release.day):
            return self.replay(source.id)[entry.sha256]
        return 0

    def _add(self, parsed: Parsed, source: Source, entry: Entry, release: Release) -> int:
        vintage = Vintage(
            source.id, source.layout, release.day, release.basis, release.evidence, entry.sha256,
            parsed.first.date(), parsed.last.date(), len(parsed.table), entry.retrieved, entry.url, entry.bytes,
            entry.etag, entry.last_modified,
        )  # fmt: skip
        return self.ledger.add(vintage, KINDS[source.holds], parsed.table)

    def _archived(self, source: str | None) -> AbstractContextManager[Iterator[tuple[Entry, Parsed]]]:
        """What was accepted of a source, or of all but the printed ones, with its figures, in the order of release."""
        entries = [entry for entry in self.archive.entries(source) if entry.accepted and entry.source not in PRINTED]
        labels = self.declarations.holder_labels
        return parsed_in_order(entries, self.archive, self.declarations.source, labels)
