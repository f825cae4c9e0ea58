"""Press figures into the ledger: each row has its own release, and none replaces another source's figure."""

from __future__ import annotations

from dataclasses import dataclass

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.press_figures import check_names, press_checksums, press_frame
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.dating import FutureRelease
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile, Loaded, withdrawn
from treasury_watch.warehouse.ledger.vintages import Ledger, Vintage

PRESS = "press"


@dataclass(frozen=True)
class PressLoader:
    """Loads what the press reported: config/press_figures.csv and the files of that layout in the archive."""

    declarations: Declarations
    archive: Archive
    ledger: Ledger

    def load_file(self, file: IncomingFile) -> Loaded:
        """Archive and load a file of press figures. Raises LayoutError or FutureRelease."""
        parsed = layouts.parse(file.body, self.declarations.source(PRESS))
        check_names(parsed.table, self.declarations)
        count, retrieved = len(parsed.table), file.retrieved.date()
        last = parsed.table["released"].max() if count else retrieved
        if last > retrieved:
            raise FutureRelease(
                f"press: a figure released {last}, but retrieved {retrieved}; correct the column released"
            )
        entry, new = self.archive.put(PRESS, file.body, url=file.url, retrieved=file.retrieved)
        if entry.withdrawn is not None:
            return withdrawn(entry)
        self.archive.note(entry, released=last, released_basis="file", evidence=PRESS, refused=None)
        try:
            changed = self.load_figures()
        except LayoutError as problem:
            self.archive.note(entry, refused=str(problem))
            raise
        outcome = "known" if not new else "vintage" if changed else "same_figures"
        newest = parsed.last.date() if count else None
        return Loaded(PRESS, outcome, last, "file", count, min(changed, count), entry.sha256, newest)

    def load_figures(self) -> int:
        """Load all press figures anew, where they changed. Returns the number of figures added. Raises LayoutError."""
        files = press_checksums(self.declarations, self.archive)
        if files == self.ledger.press_files():
            return 0
        figures = press_frame(self.declarations, self.archive)
        changed = 0
        with self.ledger.transaction():
            self.ledger.forget(PRESS)
            self.ledger.keep_press_files(files)
            for _, group in figures.groupby(["released", "sha256"], sort=True):
                released, checksum = group["released"].iloc[0], str(group["sha256"].iloc[0])
                first, last = group["month"].min().date(), group["month"].max().date()
                url, size = group["url"].iloc[0], int(group["bytes"].iloc[0])
                vintage = Vintage(
                    PRESS, PRESS, released, "file", PRESS, checksum, first, last, len(group), None, url, size
                )
                changed += self.ledger.add(vintage, KINDS["observations"], group)
        return changed
