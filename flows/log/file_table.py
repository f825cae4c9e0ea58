"""What became of each file, as a table for a person at a terminal; nothing in pipes, under schedulers and in CI."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

MOST_ROWS = 200
NARROWEST = 60


@dataclass(frozen=True)
class FileRow:
    """One file: its name or address, its source where that is known, what became of it, its release date."""

    place: str
    source: str
    became: str
    released: date | None = None


def on_terminal(rows: Iterable[FileRow]) -> list[str]:
    """The table's lines, no wider than the terminal; none where standard output is none."""
    if os.environ.get("CI") or not sys.stdout.isatty():
        return []
    return table(list(rows), max(NARROWEST, shutil.get_terminal_size((110, 24)).columns))


def table(rows: list[FileRow], width: int) -> list[str]:
    """The rows in lines of at most `width` characters; the folder that all files share is left out.

    Of very many files the last are counted only: the table `releases` has them all.
    """
    if not rows:
        return []
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    names = _names([row.place for row in rows])
    longest = max(NARROWEST // 3, width // 3)
    for title in ("file", "source", "what became of it", "released"):
        drawn.add_column(title, no_wrap=title in ("file", "released"), overflow="fold")
    for row, name in list(zip(rows, names, strict=True))[:MOST_ROWS]:
        drawn.add_row(_end(name, longest), row.source, row.became, f"{row.released or ''}")
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False, emoji=False)
    console.print(drawn)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.rstrip() for line in text.splitlines()]
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS:,} more: all files are in the table releases")
    return lines


def _names(places: list[str]) -> list[str]:
    """The places without the folder that all of them share."""
    paths = [place for place in places if place.startswith("/")]
    if len(paths) != len(places):
        return places
    shared = os.path.commonpath([os.path.dirname(path.partition("#")[0]) for path in paths])
    return [os.path.relpath(path, shared) for path in paths]


def _end(name: str, longest: int) -> str:
    """The name, without its beginning where it is too long: files of a folder differ at their end."""
    return name if len(name) <= longest else f"...{name[3 - longest :]}"
