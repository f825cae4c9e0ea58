"""The project's errors. Each says in one line what happened, where, and what to do next."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

QUOTED = 200  # characters of a file, at most, that a message repeats
LONGEST_EXPECTED = 600  # characters of a message; what was expected can name a label of the file, or every currency


class TreasuryWatchError(Exception):
    """A failure the user can act on; the command line prints it as one line and exits with 1."""


class ConfigurationError(TreasuryWatchError):
    """A declaration or setting is missing or wrong; the message names the file and the key."""


class LayoutError(TreasuryWatchError):
    """A file is not what its source publishes. Nothing of it is loaded.

    `source` is the layout, `place` a line, column or member, `expected` and `found` say what differs.
    """

    longest_found = 120  # characters of the message

    def __init__(self, source: str, place: str, expected: str, found: str, next_step: str | None = None):
        self.source, self.place, self.expected, self.found = source, place, expected, found
        self.next_step = next_step or "check that the file is whole and unaltered; nothing of it was loaded"
        stated = f"expected {shorten(expected, LONGEST_EXPECTED)}, found {shorten(found, self.longest_found)}"
        super().__init__(f"{source}, {shorten(place)}: {stated}; {self.next_step}")

    def __reduce__(self) -> tuple:
        """So that it survives the way from one process to another."""
        return type(self), (self.source, self.place, self.expected, self.found, self.next_step)


class UnknownHolderError(LayoutError):
    """Labels that the holder reference does not know, as many of a file as fit; of one alone the message shows the closest
    known ones.
    """

    longest_found = QUOTED + 40  # with how many there are


def shorten(text: str, length: int = 120) -> str:
    """One printable line of at most `length` characters, for messages: a file's control characters are spelled out."""
    line = " ".join(str(text).split())[: length + 1]
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= length else line[: length - 1] + "…"


def listed(items: Sequence[str], length: int = QUOTED, between: str = ", ") -> str:
    """The items, as many as `length` characters hold but one at least, and how many more there are."""
    shown = shorten(items[0], length) if items else ""
    for number, item in enumerate(items[1:], 1):
        if len(shown) + len(between) + len(item) > length:
            return f"{shown}{between}and {len(items) - number} more"
        shown += f"{between}{item}"
    return shown


def let_go(problem: BaseException) -> None:
    """Let go of what the steps that ended with this error still hold: a database's connection, a frame of figures.

    The error keeps its message and its lines. A scheduler keeps the errors of its tasks until the process ends, in threads
    that are then stopped in their midst; the database's driver finds its objects alive there, and lists them on standard error.
    """
    waiting, seen = [problem], set[int]()
    while waiting:
        error = waiting.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)  # those at work are left as they are
        grouped = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        waiting += [other for other in (error.__cause__, error.__context__, *grouped) if other is not None]
