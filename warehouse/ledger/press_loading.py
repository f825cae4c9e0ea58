"""Printed figures into the ledger: each row has its own release, and none replaces another source's figure."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.press_figures import PRINTED, check_names, press_checksums, press_frame
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.dating import FutureRelease
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile, Loaded, withdrawn
from treasury_watch.warehouse.ledger.vintages import Ledger, Vintage


@dataclass(frozen=True)
class PressLoader:
    """Loads what was printed: the tables of config/ with their sources' names, and files of their layouts in the archive."""

    declarations: Declarations
    archive: Archive
    ledger: Ledger

    def load_file(self, file: IncomingFile, source: Source) -> Loaded:
        """Archive and load a file of a printed source. Raises LayoutError or FutureRelease."""
        parsed = layouts.parse(file.body, source)
        check_names(parsed.table, self.declarations)
        count, retrieved = len(parsed.table), file.retrieved.date()
        last = parsed.table["released"].max() if count else retrieved
        if last > retrieved:
            raise FutureRelease(
                f"{source.id}: a figure released {last}, but retrieved {retrieved}; correct the column released"
            )
        entry, new = self.archive.put(source.id, file.body, url=file.url, retrieved=file.retrieved)
        if entry.withdrawn is not None:
            return withdrawn(entry)
        evidence = PRINTED[source.id]
        self.archive.note(entry, released=last, released_basis="file", evidence=evidence, refused=None)
        try:
            changed = sum(self.load_figures().values())
        except LayoutError as problem:
            self.archive.note(entry, refused=str(problem))
            raise
        outcome = "known" if not new else "vintage" if changed else "same_figures"
        newest = parsed.last.date() if count else None
        return Loaded(source.id, outcome, last, "file", count, min(changed, count), entry.sha256, newest)

    def load_figures(self) -> dict[str, int]:
        """Load all printed figures anew, where they changed. Returns the figures added by source. Raises LayoutError."""
        files = press_checksums(self.declarations, self.archive)
        if files == self.ledger.press_files():
            return {}
        frames = {name: press_frame(self.declarations, self.archive, name) for name in PRINTED}
        with self.ledger.transaction():
            self.ledger.keep_press_files(files)
            return {name: self._enter(self.declarations.source(name), figures) for name, figures in frames.items()}

    def _enter(self, source: Source, figures: pd.DataFrame) -> int:
        """Put all of a source's figures in place of what the ledger has of it, a vintage for each day and file."""
        self.ledger.forget(source.id)
        kind, evidence = KINDS[source.holds], PRINTED[source.id]
        groups = []
        for _, group in figures.groupby(["released", "sha256"], sort=True):
            released, checksum = group["released"].iloc[0], str(group["sha256"].iloc[0])
            first, last = group["month"].min().date(), group["month"].max().date()
            url, size = group["url"].iloc[0], int(group["bytes"].iloc[0])
            vintage = Vintage(
                source.id, source.layout, released, "file", evidence, checksum, first, last, len(group), None, url, size
            )
            groups.append((vintage, group))
        if kind.replaced_by_later_prints:
            return sum(self.ledger.add(vintage, kind, group) for vintage, group in groups)
        return self.ledger.add_prints([vintage for vintage, _ in groups], kind, figures) if groups else 0
