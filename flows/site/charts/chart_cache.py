"""Charts of the last page, kept beside it, for the next one and for the site's first page: most are of months that no day's
file changes, and the drawing engine takes half a second to start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from treasury_watch.warehouse.home.durable_files import write_whole
from treasury_watch.warehouse.home.folders import Home


class _Drawings:
    """Those of the last page by what they were drawn from, and those of this one."""

    def __init__(self, before: dict[str, str]):
        self.before, self.now = before, dict[str, str]()


_kept: ContextVar[_Drawings | None] = ContextVar("kept", default=None)


def charts_of_page(home: Home) -> AbstractContextManager[None]:
    """`cached_charts` of a home's page."""
    return cached_charts(home.reports / "charts.json", home.published_mode)


@contextmanager
def cached_charts(file: Path, mode: int = 0o600) -> Iterator[None]:
    """For the block: what was drawn last time from the same is not drawn again, and the file holds what is drawn now.

    A file that cannot be read or written costs the time of drawing and nothing else.
    """
    before: dict[str, str] = {}
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        before = found if isinstance(found, dict) else {}
    drawings = _Drawings(before)
    token = _kept.set(drawings)
    try:
        yield
    finally:
        _kept.reset(token)
    if drawings.now != before:
        with suppress(OSError):
            write_whole(file, json.dumps(drawings.now).encode(), mode)


def drawn_once(told: str, draw: Callable[[], str]) -> str:
    """The drawing of what is `told`: that of last time, where it is kept, or else a new one."""
    kept = _kept.get()
    if kept is None:
        return draw()
    key = hashlib.sha256(told.encode("utf-8")).hexdigest()
    drawing = kept.now.get(key) or kept.before.get(key)
    kept.now[key] = drawing if isinstance(drawing, str) else draw()
    return kept.now[key]
