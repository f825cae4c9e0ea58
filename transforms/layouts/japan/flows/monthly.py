"""Japan's portfolio flows by month since 2005 (`montha1.csv`): all investors together, 100 million yen."""

from __future__ import annotations

import re
from datetime import date

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.japan.flows.columns import KEPT, halves
from treasury_watch.transforms.layouts.japan.flows.month_rows import first_month, months
from treasury_watch.transforms.layouts.japan.ministry_tables import (
    HUNDRED_MN_YEN,
    check_unit,
    filled,
    printed_update,
    records_of,
    table_of,
)
from treasury_watch.transforms.model import Parsed, Source

TITLE = re.compile(rb"International Transactions in Securities\s*\(Monthly", re.IGNORECASE)
SERIES = {item: f"japan_net_{name}_monthly" for item, name in KEPT.items()}


def recognise(body: bytes) -> bool:
    """Whether the title is that of the monthly table."""
    return TITLE.search(body[:2048]) is not None


def parse(body: bytes, source: Source) -> Parsed:
    """Residents' net transactions by month: series_id, date, value (100 million yen), line. Months to come are left out.

    Every net figure, subtotal and total of both halves must hold. Raises LayoutError.
    """
    records = records_of(body, source.id)
    start = first_month(records, source.id)
    heading = records[:start]
    check_unit(heading, HUNDRED_MN_YEN, "Unit: 100 mil Yen", source.id)
    updated = printed_update(heading, source.id)
    assets, liabilities = halves(heading, source.id)
    rows: list[tuple[str, date, float, int]] = []
    empty: str | None = None
    for month, (line, cells) in months(records[start:], source.id):
        stated = assets.read(cells, line, source.id)
        liabilities.read(cells, line, source.id)
        if not filled(stated, line, source.id, f"{month:%Y-%m}", empty):
            empty = empty or f"{month:%Y-%m}"
            continue
        if (month.year, month.month) >= (updated.year, updated.month):
            raise LayoutError(source.id, f"line {line}", f"a month before the update of {updated}", f"{month:%Y-%m}")
        rows += [(SERIES[item], month, float(value), line) for item, value in stated.items()
                 if item in SERIES and value is not None]  # fmt: skip
    return Parsed(source.layout, source.holds, table_of(rows, source.id), dated=updated)
