"""The monthly table of major holders, USD billions: every edition from December 2002 to March 2023.

Each is an official release of its own months and prints its day. The last edition is still served under the same address,
years after it stopped: the printed day, not the download, is its release.
"""

from __future__ import annotations

from treasury_watch.transforms.layouts.tic.major_holders.reader import Reader, is_history, rows_of
from treasury_watch.transforms.model import Parsed, Source


def recognise(body: bytes) -> bool:
    """Whether the content is a table of major holders with one block of months."""
    return is_history(body) is False


def parse(body: bytes, source: Source) -> Parsed:
    """Every holder's position for the months in the header, with the date the file prints. Raises LayoutError."""
    reader = Reader(source, one_block=True)
    for line, cells in rows_of(body, source.id):
        reader.take(line, cells)
    return reader.finish()
