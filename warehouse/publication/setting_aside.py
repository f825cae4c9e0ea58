"""Which of the newly loaded files keeps the rest from being published: found by trying, so that only it is set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from treasury_watch.warehouse.gates.results import ValidationBlocked

File = TypeVar("File")


def offenders(
    files: Sequence[File], judged: Callable[[list[File]], ValidationBlocked | None]
) -> dict[File, ValidationBlocked]:
    """The files without which the others pass, each with what it failed; empty where it is none of them.

    `judged` says what stands in the way of publishing with these of the files and no others. A file that comes earlier is
    kept rather than one that comes later, where only one of two can be. Halves are tried before single files.
    """
    if judged([]) is not None:
        return {}
    kept: list[File] = []
    found: dict[File, ValidationBlocked] = {}

    def add(group: Sequence[File]) -> None:
        blocked = judged([*kept, *group])
        if blocked is None:
            kept.extend(group)
        elif len(group) == 1:
            found[group[0]] = blocked
        else:
            half = len(group) // 2
            add(group[:half])
            add(group[half:])

    if files:
        add(files)
    return found
