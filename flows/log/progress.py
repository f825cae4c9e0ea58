"""A line of progress on long work, for a person at a terminal; nothing in pipes, under schedulers and in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
FEWEST = 3


def with_bar(items: Sequence[Item], label: str) -> Iterator[Item]:
    """The items, one by one, with a bar on standard error while they last where that is a terminal."""
    if len(items) < FEWEST or os.environ.get("CI") or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, label, console=Console(stderr=True), transient=True)
