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
        by_file = figures.groupby(["released", "sha256"], sort=True)
        stated = by_file.agg(
            first=("month", "min"), last=("month", "max"), figures=("month", "size"), url=("url", "first"), size=("bytes", "first")
        )  # fmt: skip
        vintages = [
            Vintage(
                source.id, source.layout, released, "file", evidence, checksum, of_file["first"].date(),
                of_file["last"].date(), of_file["figures"], None, of_file["url"], of_file["size"],
            )
            for (released, checksum), of_file in zip(stated.index, stated.to_dict("records"), strict=True)
        ]  # fmt: skip
        if kind.replaced_by_later_prints:
            return sum(
                self.ledger.add(vintage, kind, group) for vintage, (_, group) in zip(vintages, by_file, strict=True)
            )
        return self.ledger.add_prints(vintages, kind, figures) if vintages else 0
