"""The history of major holders: a block of up to 13 columns for each year, newest first, USD billions.

Where the survey basis changed within a year, the month of the change stands twice (but for December 2011), the newer basis
first, and rows above the months name the series of the columns on both sides of the break (`Series 15/` over `XI`, `Series`
over ` X`). config/series_breaks.csv has the breaks: what the file names has to agree with it.
"""

from __future__ import annotations

from treasury_watch.transforms.layouts.tic.major_holders.reader import Reader, is_history, rows_of
from treasury_watch.transforms.model import Parsed, Source


def recognise(body: bytes) -> bool:
    """Whether the content is the history: a table of major holders with a block for each year."""
    return is_history(body) is True


def parse(body: bytes, source: Source) -> Parsed:
    """Every cell with its month and series; a month stated on two bases gives two rows.

    Raises LayoutError for every line it does not understand: one passed over could be a holder or the head of a year.
    The blocks must follow one another month by month, each with a Grand Total; the release date proves the end.
    """
    reader = Reader(source, one_block=False)
    for line, cells in rows_of(body, source.id):
        reader.take(line, cells)
    return reader.finish()
