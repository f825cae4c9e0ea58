"""Files out of the ledger again: withdrawn by a user, or set aside because nothing could be published with them.

The bytes and what is known of them stay in the archive; the ledger's part of the source is made again without the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.archived_files import Archive, Entry
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.ledger.loading import Loader

SHORTEST = 8  # characters of a checksum that a user may give for all of it


class NotArchived(TreasuryWatchError):
    """The archive has no such file, or several that begin so."""


def find_archived(archive: Archive, checksum: str) -> Entry:
    """The archived file whose SHA-256 begins with these characters. Raises NotArchived."""
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST},64}}", checksum):
        raise NotArchived(
            f"{checksum}: expected a file, or the first {SHORTEST} or more characters of a SHA-256; `treasury-watch query "
            '"SELECT source, released, sha256, url FROM releases"` lists what is loaded'
        )
    found = [entry for entry in archive.entries() if entry.sha256.startswith(checksum)]
    if len({entry.sha256 for entry in found}) == 1:  # under two sources where it was once fetched for the wrong one
        return max(found, key=lambda entry: entry.accepted)
    if found:
        named = ", ".join(f"{entry.source} {entry.sha256[:16]}" for entry in found[:5])
        raise NotArchived(f"{checksum}: expected one archived file, found {len(found)} ({named}); give more characters")
    raise NotArchived(
        f"{checksum}: not in the archive, so there is nothing to withdraw; `treasury-watch query "
        '"SELECT source, released, sha256, url FROM releases"` lists what is loaded'
    )


def withdraw(loader: Loader, entry: Entry, reason: str, when: datetime) -> list[Entry]:
    """Take a file out of the ledger. Returns other files that state the same figures and from now on stand in its place.

    Done again it goes on where a crash stopped it. Raises ArchiveDamaged.
    """
    if entry.withdrawn is None:
        loader.archive.note(entry, withdrawn=reason, withdrawal_decided=when)
    changed = replayed(loader, entry.source)
    same = [item for item in loader.archive.entries(entry.source) if item.same_figures and changed.get(item.sha256)]
    for item in same:
        loader.archive.note(item, same_figures=False)
    return same


def undo(loader: Loader, entry: Entry, when: datetime) -> None:
    """Put a withdrawn file back into its place. Raises TreasuryWatchError where it was not withdrawn, ArchiveDamaged."""
    if entry.withdrawn is None:
        raise TreasuryWatchError(f"{entry.source} {entry.sha256[:12]}: not withdrawn; there is nothing to undo")
    loader.archive.note(entry, withdrawn=None, withdrawal_decided=when)
    replayed(loader, entry.source)


def set_aside(loader: Loader, entry: Entry, reason: str) -> None:
    """Note that a file, which the ledger was made without, was refused, and why."""
    loader.archive.note(entry, refused=reason)
    loader.left_out.discard((entry.source, entry.sha256))


def replayed(loader: Loader, source: str) -> dict[str, int]:
    """A source's part of the ledger made again from what the archive accepts now; changed figures by checksum."""
    if source in PRINTED:
        loader.load_press()
        return {}
    return loader.replay(source)


def leave_out(loader: Loader, files: Collection[tuple[str, str]], known: Iterable[str]) -> None:
    """Make the ledger without these files (source, sha256), and with all others that are accepted.

    `known` are the sources that any of such files is of: those for which nothing changes are left as they are.
    """
    wanted = set(files)
    for source in known:
        now = {item for item in loader.left_out if item[0] == source}
        then = {item for item in wanted if item[0] == source}
        if now != then:
            loader.left_out = (loader.left_out - now) | then
            replayed(loader, source)
