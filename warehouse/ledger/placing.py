"""The place of a file among its source's, and the day under which it stands in the ledger.

Files stand in the order of `release_order`: what they cover, when they were released, when they were seen. Those with the
same newest month and the same day of release are of one release; where one says otherwise than the one before, it is a
later state of it, a correction that was posted under the same name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from treasury_watch.transforms.kinds import Kind
from treasury_watch.warehouse.archive.archived_files import Entry, day_in
from treasury_watch.warehouse.ledger.dating import CONTAINER, NEXT_RELEASE, RETRIEVAL, USER, Release, eve_of
from treasury_watch.warehouse.ledger.vintages import Ledger


@dataclass(frozen=True)
class Place:
    """An accepted file in its place: the checksums of the files of its release before it, and the day of the release that
    comes next.
    """

    entry: Entry
    before: tuple[str, ...] = ()
    next_release: date | None = None


def in_place(entries: Iterable[Entry]) -> list[Place]:
    """Accepted files of one source in their order, each with what stands around it."""
    ordered = sorted(entries, key=lambda entry: entry.place)
    found: list[Place] = []
    before: list[str] = []
    for number, entry in enumerate(ordered):
        if number and _release_of(entry) != _release_of(ordered[number - 1]):
            before = []
        found.append(Place(entry, tuple(before)))
        before.append(entry.sha256)
    coming: date | None = None  # the earliest of the releases that come after
    behind: date | None = None  # the same, of the release at hand and those after
    for number in range(len(ordered) - 1, -1, -1):
        day = ordered[number].released
        if number + 1 < len(ordered) and _release_of(ordered[number]) != _release_of(ordered[number + 1]):
            coming = behind
        found[number] = Place(ordered[number], found[number].before, coming)
        behind = min(filter(None, (coming, day)))
    return found


def standing_day(place: Place, stated: Release, kind: Kind, table: pd.DataFrame, ledger: Ledger) -> Release | None:
    """The day under which the file enters a ledger that holds all before it; None where it repeats an earlier state.

    A later state of a release was seen on some day, but may be older. It is dated by that day, or, where the next release
    was out by then, by the day before that one, the last on which it can have been the newest: a figure dated later than
    it was known is told late in an as-of answer, one dated earlier is told to days that could not know it. On the day of
    the next release itself it would be lost, as that one stands at the day's end.
    """
    entry, source = place.entry, place.entry.source
    day, basis, evidence = stated.day, stated.basis, stated.evidence
    after = place.next_release
    days = ledger.days_of(source, place.before)
    if kind.in_releases and basis != USER and place.before and ledger.restated(source, kind, table, place.before):
        if any(not ledger.conflicting(source, kind, table, known) for known in days[:-1]):
            return None
        named = day_in(entry.container or "") == entry.seen
        day, basis, evidence = entry.seen, CONTAINER if named else RETRIEVAL, "snapshot"
        latest = day if after is None else max(stated.day, eve_of(after))
        if day > latest:
            day, basis = latest, NEXT_RELEASE
    elif after is not None and day > after:
        day, basis = after, NEXT_RELEASE
    newest = ledger.newest(source)
    return Release(max(day, newest) if newest else day, basis, evidence)


def _release_of(entry: Entry) -> tuple[date | None, date | None]:
    return entry.last, entry.released
