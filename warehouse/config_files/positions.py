"""Where a key of a TOML file stands. The standard parser does not tell: it is asked how much of the file holds the key."""

from __future__ import annotations

import re
import tomllib
from typing import Any

Location = tuple[str | int, ...]


class Positions:
    """Lines and columns of the keys of one TOML text, both counted from 1. The text is valid."""

    def __init__(self, text: str):
        self._lines = text.split("\n")
        self._read: dict[int, dict[str, Any] | None] = {}

    def of(self, location: Location) -> tuple[int, int] | None:
        """Line and column of the key, or of the nearest above it that the file has; None where it has none of them."""
        while location and not self._holds(len(self._lines), location):
            location = location[:-1]
        if not location:
            return None
        low, high = 0, len(self._lines)  # of so many first lines the smaller do not hold the key, the larger do
        while high - low > 1:
            middle = self._readable((low + high) // 2, low)
            if middle == low:  # inside a statement of several lines: look behind it
                middle = self._readable_after((low + high) // 2, high)
                if middle == high:
                    break
            if self._holds(middle, location):
                high = middle
            else:
                low = middle
        return self._within(low, high, location)

    def _within(self, low: int, high: int, location: Location) -> tuple[int, int]:
        """The key's place in the one statement of the lines after `low` up to `high`."""
        names = [part for part in location if isinstance(part, str)]
        name = re.escape(names[-1]) if names else ""
        header = self._lines[low].lstrip().startswith("[") and high == low + 1
        key = re.compile(
            rf"(?<![\w-])[\"']?{name}[\"']?(?=\s*\])" if header else rf"(?<![\w-])[\"']?{name}[\"']?(?=\s*[=.])"
        )
        for number in range(low, high):
            if found := key.search(self._lines[number]):
                return number + 1, found.start() + 1
        return low + 1, len(self._lines[low]) - len(self._lines[low].lstrip()) + 1

    def _readable(self, lines: int, least: int) -> int:
        while lines > least and self._document(lines) is None:
            lines -= 1
        return lines

    def _readable_after(self, lines: int, most: int) -> int:
        while lines < most and self._document(lines) is None:
            lines += 1
        return lines

    def _holds(self, lines: int, location: Location) -> bool:
        found: Any = self._document(lines)
        for part in location:
            if isinstance(found, dict) and part in found:
                found = found[str(part)]
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return False
        return True

    def _document(self, lines: int) -> dict[str, Any] | None:
        """What the first lines say; None where they end inside a statement."""
        if lines not in self._read:
            try:
                self._read[lines] = tomllib.loads("\n".join(self._lines[:lines]))
            except tomllib.TOMLDecodeError:
                self._read[lines] = None
        return self._read[lines]
