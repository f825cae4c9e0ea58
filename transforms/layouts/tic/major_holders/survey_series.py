"""On which survey basis a figure stands: what the file prints, else the declared breaks and the day of the release."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd

from treasury_watch.transforms.layouts.tic.major_holders.headings import Column
from treasury_watch.transforms.model import SeriesBreak


def series_of(
    column: Column, breaks: tuple[SeriesBreak, ...], printed: Collection[pd.Timestamp], released: date | None
) -> str:
    """The series of a column's figures; `breaks` oldest first.

    `printed` are the breaks that the file itself shows, by the series' names or by a month that stands twice. A break
    that it does not show counts only if releases of that day carried the new basis: the survey of June 2010 came out in
    the spring of 2011, so the releases of autumn 2010 state June 2010 and later on the basis of 2009.
    """
    shown = max(printed, default=None)
    series = breaks[0].old_series if breaks else ""
    for found in breaks:
        if found.month > column.month or (column.again and found.month == column.month):
            break
        in_use = released is None or found.in_releases_from is None or found.in_releases_from <= released
        if in_use or (shown is not None and found.month <= shown):
            series = found.new_series
    return series
