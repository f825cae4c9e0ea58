"""From bytes to the ledger: archive, recognise, parse, identify, validate, date, add. A whole file, or none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.kinds import KINDS, Kind
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.parsing import figures_of
from treasury_watch.transforms.quality import checks
from treasury_watch.transforms.release_calendar import FutureRelease, dated
from treasury_watch.warehouse.archive.archived_files import Archive, Entry
from treasury_watch.warehouse.archive.parse_pool import parsed_in_order
from treasury_watch.warehouse.archive.press_figures import check_names, press_checksums, press_frame
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates, Result, ValidationBlocked, blocking_failures
from treasury_watch.warehouse.ledger.vintages import Ledger, Vintage

Recorder = Callable[[list[Result]], None]


class UnplacedRelease(TreasuryWatchError):
    """A file states a release that is known with other figures and is not the newest: only the user can date it."""


@dataclass(frozen=True)
class Loaded:
    """What became of a file.

    `outcome`: vintage (new figures), same_figures (other bytes, no vintage) or known (seen before).
    """

    source: str
    outcome: str
    released: date | None
    released_basis: str | None
    figures: int
    changed: int
    sha256: str
    last: date | None = None

    def line(self) -> str:
        """The outcome in one line."""
        said = {
            "vintage": f"{self.changed:,} new or changed figures of {self.figures:,}",
            "same_figures": "other bytes, the same figures: no vintage",
            "known": "seen before",
        }[self.outcome]
        when = f", released {self.released} (by the {self.released_basis})" if self.released else ""
        return f"{self.source}: {said}{when}"


class Loader:
    """Loads files into a ledger. `record` receives the results of the first gate."""

    def __init__(self, declarations: Declarations, archive: Archive, ledger: Ledger, gates: Gates, record: Recorder):
        self.declarations, self.archive, self.ledger, self.gates, self.record = (
            declarations,
            archive,
            ledger,
            gates,
            record,
        )

    def load(
        self,
        body: bytes,
        *,
        url: str,
        retrieved: datetime,
        source: str | None = None,
        released: date | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        figures: Parsed | None = None,
    ) -> Loaded:
        """Archive and load one file. Without `source` the layout is recognised from the content.

        `figures` is what these very bytes say, where they were parsed before (`Loader.parsed`); without it they are parsed.
        `released` is the user's word for the release date and goes before the file's own. Raises LayoutError,
        ValidationBlocked, FutureRelease or UnplacedRelease; the ledger is then as before, and the archive notes why the
        file was refused.
        """
        declared = self.declarations.source(source or layouts.recognised(body))
        if declared.layout == "press":
            return self._load_press_file(body, url, retrieved)
        entry, new = self.archive.put(
            declared.id, body, url=url, retrieved=retrieved, etag=etag, last_modified=last_modified
        )
        accepted = not new and entry.refused is None and entry.released is not None
        redated = released is not None and released != entry.released
        known = self.ledger.day_of(declared.id, entry.sha256)
        if accepted and not redated and known == entry.released:
            return Loaded(declared.id, "known", entry.released, entry.released_basis, 0, 0, entry.sha256)
        if accepted and not redated and entry.same_figures and self.ledger.newest(declared.id):
            return Loaded(declared.id, "same_figures", entry.released, entry.released_basis, 0, 0, entry.sha256)
        kind = KINDS[declared.holds]
        try:
            parsed = figures or self.parsed(body, declared)
            self._first_gate(parsed, declared)
            if accepted and not redated:
                # Its figures were those already known, or a crash came between the archive and the ledger.
                day, basis, evidence = entry.released, entry.released_basis, entry.evidence
            else:
                day, basis, evidence = self._dated(parsed, declared, kind, retrieved.date(), released)
        except TreasuryWatchError as problem:
            if not accepted:
                self.archive.note(entry, refused=str(problem))
            raise
        if day is None:
            raise ValueError(f"{declared.id}: an accepted file has a release day")
        if declared.holds == "observations":
            self._compared_with_known(parsed, declared, day)
        entry = self.archive.note(
            entry, released=day, released_basis=basis, evidence=evidence, refused=None, same_figures=False
        )
        differing = self.ledger.differing(declared.id, kind, parsed.table, day)
        newest = self.ledger.newest(declared.id)
        if known not in (None, day) or (differing and newest is not None and day < newest):
            changed = self.replay(declared.id)[entry.sha256]
        else:
            changed = self._add(parsed, declared, entry) if differing else 0
        outcome = "vintage" if changed else "same_figures"
        if not changed:
            self.archive.note(entry, same_figures=True)
        return Loaded(declared.id, outcome, day, basis, len(parsed.table), changed, entry.sha256, parsed.last.date())

    def replay(self, source: str) -> dict[str, int]:
        """Make a source's part of the ledger again from the archive, or leave it as it is.

        Returns changed figures by checksum. Raises ArchiveDamaged.
        """
        changed = {}
        with self.ledger.transaction():
            self.ledger.forget(source)
            for entry, parsed in self._archived(source):
                changed[entry.sha256] = self._add(parsed, self.declarations.source(source), entry)
        return changed

    def replay_all(self) -> None:
        """Fill an empty ledger from the archive. Raises ArchiveDamaged."""
        parsed_files = self._archived(None, self.gates.prepare)
        for source, files in groupby(parsed_files, key=lambda parsed_file: parsed_file[0].source):
            with self.ledger.transaction():
                for entry, parsed in files:
                    self._add(parsed, self.declarations.source(source), entry)

    def _archived(
        self, source: str | None, meanwhile: Callable[[], None] | None = None
    ) -> Iterator[tuple[Entry, Parsed]]:
        """What was accepted of a source, or of all but the press, with its figures, in the order of release."""
        entries = [
            entry
            for entry in self.archive.entries(source)
            if entry.refused is None and entry.released is not None and entry.source != "press"
        ]
        labels = self.declarations.holder_labels
        return parsed_in_order(entries, self.archive, self.declarations.source, labels, meanwhile)

    def _dated(
        self, parsed: Parsed, source: Source, kind: Kind, retrieved: date, user: date | None
    ) -> tuple[date, str, str]:
        """(release day, how it was determined, evidence). Raises FutureRelease or UnplacedRelease.

        Where the release of that day is known with other figures, the file is a later state of it, dated by its
        download.
        """
        day, basis = dated(parsed, source, self.declarations.calendar, retrieved=retrieved, user=user)
        if source.holds != "observations":
            return day, basis, "snapshot"
        if user is None and self.ledger.released_on(source.id, day):
            conflicts = self.ledger.conflicting(source.id, kind, parsed.table, day)
            newest = self.ledger.newest(source.id)
            if conflicts and newest is not None and newest > day:
                raise UnplacedRelease(
                    f"{source.id}: {conflicts} figures differ from the known release of {day}, and a later one, of "
                    f"{newest}, is known too; dated by its download the file would replace it: "
                    "give its day with --released"
                )
            if conflicts:
                return retrieved, "retrieval", "snapshot"
        return day, basis, "release"

    def parsed(self, body: bytes, source: Source) -> Parsed:
        """The file's figures, with holders identified. Pure but for the declarations. Raises LayoutError."""
        return figures_of(body, source, self.declarations.holder_labels)

    def load_press(self) -> int:
        """Load the press figures, where they changed. Returns the number of figures added. Raises LayoutError."""
        files = press_checksums(self.declarations, self.archive)
        if files == self.ledger.press_files():
            return 0
        figures = press_frame(self.declarations, self.archive)
        changed = 0
        with self.ledger.transaction():
            self.ledger.forget("press")
            self.ledger.keep_press_files(files)
            for _, group in figures.groupby(["released", "sha256"], sort=True):
                released, checksum = group["released"].iloc[0], str(group["sha256"].iloc[0])
                first, last = group["month"].min().date(), group["month"].max().date()
                url, size = group["url"].iloc[0], int(group["bytes"].iloc[0])
                vintage = Vintage(
                    "press", "press", released, "file", "press", checksum, first, last, len(group), None, url, size
                )
                changed += self.ledger.add(vintage, KINDS["observations"], group)
        return changed

    def _load_press_file(self, body: bytes, url: str, retrieved: datetime) -> Loaded:
        """A file of press figures: each row has its own release, none replaces another source's figure."""
        declared = self.declarations.source("press")
        parsed = layouts.parse(body, declared)
        check_names(parsed.table, self.declarations)
        count = len(parsed.table)
        last = parsed.table["released"].max() if count else retrieved.date()
        if last > retrieved.date():
            raise FutureRelease(
                f"press: a figure released {last}, but retrieved {retrieved.date()}; correct the column released"
            )
        entry, new = self.archive.put("press", body, url=url, retrieved=retrieved)
        self.archive.note(entry, released=last, released_basis="file", evidence="press", refused=None)
        try:
            changed = self.load_press()
        except LayoutError as problem:
            self.archive.note(entry, refused=str(problem))
            raise
        outcome = "known" if not new else "vintage" if changed else "same_figures"
        newest = parsed.last.date() if count else None
        return Loaded("press", outcome, last, "file", count, min(changed, count), entry.sha256, newest)

    def _first_gate(self, parsed: Parsed, source: Source) -> None:
        results: list[Result] = []
        if parsed.holds == "observations":
            frame = checks.prepare_parsed_observations(parsed.table.assign(source=source.id))
            results += self.gates.check("parsed", "observations", frame, of=source.id)
            covered = checks.coverage(frame, self.gates.absent_months(source.id))
            results += self.gates.check("parsed", "coverage", covered, of=source.id)
            if source.magnitude:
                results += self.gates.check("parsed", "magnitude", checks.magnitude(frame, source), of=source.id)
        elif parsed.holds == "fx":
            results += self.gates.check("parsed", "fx", parsed.table.assign(source=source.id), of=source.id)
        self.record(results)
        if blocking_failures(results):
            raise ValidationBlocked(results)

    def _compared_with_known(self, parsed: Parsed, source: Source, day: date) -> None:
        """Warn of a release that is older than the newest, drops holders, or rewrites much of the distant past."""
        known = self.ledger.current(source.id, KINDS[source.holds])
        if known.empty:
            return
        frame = checks.against_known(parsed.table, known, source.id, day, self.ledger.newest(source.id))
        self.record(self.gates.check("parsed", "release", frame, of=source.id))

    def _add(self, parsed: Parsed, source: Source, entry: Entry) -> int:
        if entry.released is None or entry.released_basis is None or entry.evidence is None:
            raise ValueError(f"{source.id}: an undated file cannot become a vintage")
        vintage = Vintage(
            source.id, source.layout, entry.released, entry.released_basis, entry.evidence, entry.sha256,
            parsed.first.date(), parsed.last.date(), len(parsed.table), entry.retrieved, entry.url, entry.bytes,
            entry.etag, entry.last_modified,
        )  # fmt: skip
        return self.ledger.add(vintage, KINDS[source.holds], parsed.table)
