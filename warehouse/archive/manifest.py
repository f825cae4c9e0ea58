"""What the archive once took in, kept apart from it in the state: a lost file is noticed, a lost note is written again.

The archive alone cannot tell that a part of it is gone: a rebuild without it would publish less and say nothing.
"""

from __future__ import annotations

from pathlib import Path

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged
from treasury_watch.warehouse.home.durable_files import write_whole
from treasury_watch.warehouse.home.state import State

RESTORE = "restore raw/ from a backup, or load the files again with `treasury-watch run` or `ingest`"
SHOWN = 3  # so many lost files are named in a message


class ArchiveIncomplete(TreasuryWatchError):
    """The archive, or the ledger, has less than what was published."""


class Manifest:
    """The manifest of one archive. Of one that may not be `seen` it knows nothing."""

    def __init__(self, archive: Archive, state: State, *, seen: bool = True):
        self.archive, self.state, self.seen = archive, state, seen

    def keep(self) -> None:
        """Note every entry whose file the archive has now, as its note stands."""
        known = {(row["source"], row["sha256"]): row["note"] for row in self._rows()}
        changed = []
        for entry in self.archive.entries():
            note = self.archive.note_path(entry.source, entry.sha256).read_text(encoding="utf-8")
            path = self.archive.path(entry)
            if known.get((entry.source, entry.sha256)) != note and path.exists():
                changed.append((entry.source, entry.sha256, path.relative_to(self.archive.folder).as_posix(), note))
        if changed:
            with self.state.open() as connection:
                connection.executemany("INSERT OR REPLACE INTO archive_manifest VALUES (?, ?, ?, ?)", changed)

    def mend(self) -> list[Path]:
        """Write again the notes that are missing or damaged and whose files are there. Returns them."""
        mended = []
        for row in self._rows():
            if not (self.archive.folder / row["path"]).exists():
                continue
            note = self.archive.note_path(row["source"], row["sha256"])
            try:
                whole = self.archive.find(row["source"], row["sha256"]) is not None
            except ArchiveDamaged:
                whole = False
            if not whole:
                write_whole(note, row["note"].encode())
                mended.append(note)
        return mended

    def lost(self) -> list[Path]:
        """The files that were taken in and are not there any more."""
        paths = [self.archive.folder / row["path"] for row in self._rows()]
        return [path for path in paths if not path.exists()]

    def forget(self, lost: list[Path], reason: str) -> None:
        """Go on without these files: what is known of them is marked as withdrawn for `reason`, and they are not asked for."""
        gone = set(lost)
        for row in self._rows():
            path = self.archive.folder / row["path"]
            if path in gone:
                entry = self.archive.find(row["source"], row["sha256"])
                if entry is not None and entry.withdrawn is None:
                    self.archive.note(entry, withdrawn=reason)
                self.state.change(
                    "DELETE FROM archive_manifest WHERE source = ? AND sha256 = ?", (row["source"], row["sha256"])
                )

    def _rows(self) -> list[dict[str, str]]:
        if not self.seen:
            return []
        return self.state.rows("SELECT source, sha256, path, note FROM archive_manifest ORDER BY source, sha256")


def named(lost: list[Path]) -> str:
    """The first of some files, and how many more."""
    shown = ", ".join(f"{path.parent.name}/{path.name[:12]}...{path.suffix}" for path in lost[:SHOWN])
    return shown + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
