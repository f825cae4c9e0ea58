"""From bytes to the ledger: archive, recognise, parse, identify, validate, date, add. A whole file, or none of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from itertools import groupby

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.pages import release_dates
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.warehouse.archive.announced_releases import announced_releases, still_to_come
from treasury_watch.warehouse.archive.archived_files import Archive, Entry
from treasury_watch.warehouse.archive.parse_pool import parsed_in_order
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.after_parsing import FirstGate
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result
from treasury_watch.warehouse.ledger.dating import RETRIEVAL, USER, dated, dated_again, release
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile, Loaded, withdrawn
from treasury_watch.warehouse.ledger.placing import Place, in_place, standing_day
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
        kinds = {row["holder_id"]: row["kind"] for row in declarations.holders}
        self.first_gate = FirstGate(gates, record, kinds)
        self.press = PressLoader(declarations, archive, ledger)
        self._entries: dict[str, dict[str, Entry]] = {}
        self._stale: dict[str, bool] = {}  # sources of which a file in the ledger is dated anew
        self.left_out: set[tuple[str, str]] = set()  # (source, sha256) of files that a replay passes over

    def load(self, file: IncomingFile) -> Loaded:
        """Archive and load one file.

        Raises LayoutError, ValidationBlocked, FutureRelease or TooEarlyRelease; the ledger is then as before, and the
        archive notes why the file was refused.
        """
        if file.unreadable is not None:
            raise file.unreadable
        if file.source == release_dates.SOURCE or (file.source is None and release_dates.recognise(file.body)):
            return self.load_release_dates(file)
        source = self.declarations.source(file.source or layouts.recognised(file.body))
        if source.id in PRINTED:
            return self.press.load_file(file, source)
        before = self._accepted(source.id)
        entry, _ = self.archive.put(
            source.id, file.body, url=file.url, retrieved=file.retrieved,
            etag=file.etag, last_modified=file.last_modified, container=file.container,
        )  # fmt: skip
        if entry.withdrawn is not None:
            return withdrawn(entry)
        moved = entry.sha256 in before and before[entry.sha256].place != entry.place
        if not moved and (known := self._loaded_before(entry, source, file.released)) is not None:
            return known
        kind = KINDS[source.holds]
        try:
            parsed = file.figures or figures_of(file.body, source, self.declarations.holder_labels)
            self.first_gate.on_figures(parsed, source)
            if parsed.besides is not None:
                self.first_gate.on_figures(parsed.besides, replace(source, magnitude={}))  # which is of the main kind
            if source.holds == "fx":
                self.first_gate.on_second_source(parsed, source, self.ledger.rates_of_others(source.id))
            retrieved = entry.retrieved if entry.accepted else file.retrieved
            by_user = entry.released if entry.accepted and entry.released_basis == USER else None
            day, basis = dated(
                parsed, source, self.declarations.calendar,
                retrieved=retrieved.date(), user=file.released or by_user, container=entry.container,
            )  # fmt: skip
            if basis == RETRIEVAL:
                day = entry.retrieved.date()  # of one that was refused before, when it first came
            stated = release(day, basis, source)
            if kind.in_releases:
                known_figures, newest = self.ledger.current(source.id, kind), self.ledger.newest(source.id)
                self.first_gate.on_release(parsed, source, stated.day, known_figures, newest)
                self.first_gate.on_date(source, stated.day, stated.basis, parsed.last.date())
        except TreasuryWatchError as problem:
            if not entry.accepted:
                self.archive.note(entry, refused=str(problem))
            raise
        entry = self.archive.note(
            entry, released=stated.day, released_basis=stated.basis, evidence=stated.evidence,
            retrieved=entry.retrieved if day <= entry.retrieved.date() else retrieved,
            refused=None, same_figures=False, last=parsed.last.date(),
        )  # fmt: skip
        self._accepted(source.id)
        self._entries[source.id][entry.sha256] = entry
        changed = self._enter(entry, parsed, source)
        if not changed:
            self._entries[source.id][entry.sha256] = self.archive.note(entry, same_figures=True)
        outcome = "vintage" if changed else "same_figures"
        figures, last = parsed.figures, parsed.last.date()
        under = self.ledger.vintage(source.id, entry.sha256) or (stated.day, stated.basis)
        return Loaded(source.id, outcome, *under, figures, changed, entry.sha256, last)

    def load_release_dates(self, file: IncomingFile) -> Loaded:
        """Take in the days of coming releases that a page announces. What cannot be read of it is a warning.

        A page is archived only where it announces something new: it is another one at every request.
        """
        page, source = release_dates.read(file.body), release_dates.SOURCE
        checksum = hashlib.sha256(file.body).hexdigest()
        seen = Entry(source, checksum, len(file.body), file.url, file.retrieved)
        coming = still_to_come(page, seen)
        known = {(entry.month, entry.released) for entry in self.declarations.calendar}
        new = [entry for entry in coming if (entry.month, entry.released) not in known]
        self.first_gate.on_release_dates(page)
        if new:
            self.archive.put(source, file.body, url=file.url, retrieved=file.retrieved)
            self.declarations.announced = announced_releases(self.archive)
        return Loaded(source, "announced" if new else "known", None, None, len(page.listed), len(new), checksum)

    def load_press(self) -> dict[str, int]:
        """Load the printed figures, where they changed. Returns the figures added by source. Raises LayoutError."""
        return self.press.load_figures()

    def replay(self, source: str) -> dict[str, int]:
        """Make a source's part of the ledger again from the archive, or leave it as it is.

        Returns changed figures by checksum. Raises ArchiveDamaged.
        """
        changed = {}
        self._entries.pop(source, None)
        places = self._places(source)
        self._stale.pop(source, None)
        with self.ledger.transaction(), self._parsed(places) as parsed_files:
            self.ledger.forget(source)
            for place, (_, parsed) in zip(places, parsed_files, strict=True):
                changed[place.entry.sha256] = self._add(place, parsed, self.declarations.source(source))
        return changed

    def replay_all(self) -> None:
        """Fill an empty ledger from the archive. Raises ArchiveDamaged."""
        self._entries.clear()
        sources = sorted({entry.source for entry in self.archive.entries() if entry.accepted} - set(PRINTED))
        places = [place for source in sources for place in self._places(source)]
        with self._parsed(places) as parsed_files:
            self.gates.prepare()  # takes seconds, in which other processes parse
            for source, files in groupby(zip(places, parsed_files, strict=True), key=lambda file: file[0].entry.source):
                with self.ledger.transaction():
                    for place, (_, parsed) in files:
                        self._add(place, parsed, self.declarations.source(source))

    def _loaded_before(self, entry: Entry, source: Source, user: date | None) -> Loaded | None:
        """What became of the file when it was loaded before; None where it has to be read, or its date may be another."""
        if not entry.accepted:
            return None
        under = self.ledger.vintage(entry.source, entry.sha256)
        if user is not None and user not in ((under[0],) if under else (entry.released,)):
            return None
        if dated_again(entry, source, self.declarations.calendar).day != entry.released:
            return None
        if under is not None:
            return Loaded(source.id, "known", *under, 0, 0, entry.sha256)
        if entry.same_figures and self.ledger.newest(entry.source):
            return Loaded(source.id, "same_figures", entry.released, entry.released_basis, 0, 0, entry.sha256)
        return None

    def _enter(self, entry: Entry, parsed: Parsed, source: Source) -> int:
        """Put an accepted file in its place among the source's. Returns the number of changed figures.

        The newest is added to what is there. Any other changes what stood after it, perhaps also the days of what stood
        before it, which none is to outlast: the source is replayed.
        """
        places = self._places(source.id)
        newest, place = self.ledger.newest(source.id), places[-1]
        unmoved = newest is None or bool(place.before) or newest < (entry.released or newest)
        dated_anew = self.ledger.vintage(source.id, entry.sha256) is not None
        if place.entry.sha256 == entry.sha256 and unmoved and not dated_anew and not self._stale.get(source.id):
            return self._add(place, parsed, source)
        return self.replay(source.id)[entry.sha256]

    def _add(self, place: Place, parsed: Parsed, source: Source) -> int:
        """Add a file to a ledger that holds all before it."""
        entry, kind = place.entry, KINDS[source.holds]
        stated = dated_again(entry, source, self.declarations.calendar)
        under = standing_day(place, stated, kind, parsed.table, self.ledger)
        if under is None:
            return 0
        vintage = Vintage(
            source.id, source.layout, under.day, under.basis, under.evidence, entry.sha256,
            parsed.first.date(), parsed.last.date(), parsed.figures, entry.retrieved, entry.url, entry.bytes,
            entry.etag, entry.last_modified,
        )  # fmt: skip
        besides = (KINDS[parsed.besides.holds], parsed.besides.table) if parsed.besides else None
        return self.ledger.add(vintage, kind, parsed.table, besides)

    def _places(self, source: str) -> list[Place]:
        """What was accepted of a source, each file in its place and dated by what is known today, which is noted."""
        declared, calendar, found = self.declarations.source(source), self.declarations.calendar, []
        for entry in self._accepted(source).values():
            if entry.last is None:  # noted by an earlier version
                body = self.archive.body(entry)
                last = figures_of(body, declared, self.declarations.holder_labels).last.date()
                entry = self.archive.note(entry, last=last)
            known = dated_again(entry, declared, calendar)
            if (known.day, known.basis) != (entry.released, entry.released_basis):
                entry = self.archive.note(
                    entry, released=known.day, released_basis=known.basis, evidence=known.evidence
                )  # fmt: skip
                self._stale[source] = True
            self._entries[source][entry.sha256] = entry
            found.append(entry)
        return in_place(found)

    def _accepted(self, source: str) -> dict[str, Entry]:
        """The accepted files of a source by checksum, but for those left out. The archive is read once, not at every file."""
        if source not in self._entries:
            accepted = (entry for entry in self.archive.entries(source) if entry.accepted)
            self._entries[source] = {
                entry.sha256: entry for entry in accepted if (source, entry.sha256) not in self.left_out
            }
        return dict(self._entries[source])

    def _parsed(self, places: list[Place]) -> AbstractContextManager[Iterator[tuple[Entry, Parsed]]]:
        """The files with their figures, in the given order."""
        entries, labels = [place.entry for place in places], self.declarations.holder_labels
        return parsed_in_order(entries, self.archive, self.declarations.source, labels)
