"""Results of Treasury auctions (`auctions_query`): the share that indirect bidders took, by day.

Indirect bidders bid through a primary dealer or the Federal Reserve Bank of New York: foreign officials among them, and
domestic funds. The share is no measure of foreign demand.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.fiscal_data import envelope
from treasury_watch.transforms.model import Parsed, Source

TAKEN = "comp_accepted"
INDIRECT = "indirect_bidder_accepted"
BIDDERS = ("primary_dealer_accepted", "direct_bidder_accepted", INDIRECT)
FIELDS = ("cusip", "security_type", "auction_date", TAKEN, *BIDDERS)
SERIES = {"Bill": "auction_indirect_share_bills", "Note": "auction_indirect_share", "Bond": "auction_indirect_share"}
MOST_APART_PCT = 10  # of the auctions, that may not add up before the answer is not what it seems


def recognise(body: bytes) -> bool:
    """Whether the content is an answer of Fiscal Data with results of auctions."""
    return envelope.has_fields(body, "auction_date", INDIRECT)


def parse(body: bytes, source: Source) -> Parsed:
    """The share of indirect bidders in what competitive bidders were awarded, percent: series_id, date, value, line.

    One figure for the notes and bonds of a day (inflation-indexed and floating-rate ones too), one for its bills: indirect
    bidders' sum over all bidders' sum. Auctions that are announced have no results and are left out; so are those whose
    bidders are not stated one by one, or do not add up, with a note. Raises LayoutError.
    """
    sums: dict[tuple[str, date], list[Decimal]] = {}
    held, left_out = 0, []
    for position, record in enumerate(envelope.records_of(body, source, FIELDS), start=1):
        place = f"record {position}"
        day = envelope.day(record["auction_date"], f"{place}, auction_date", source.id)
        series = SERIES.get(record["security_type"])
        if series is None:
            raise LayoutError(source.id, f"{place}, security_type", ", ".join(SERIES), repr(record["security_type"]))
        taken = envelope.number(record[TAKEN], f"{place}, {TAKEN}", source.id)
        bidders = [envelope.number(record[field], f"{place}, {field}", source.id) for field in BIDDERS]
        if taken is None and bidders == [None] * len(bidders):
            continue  # announced
        held += 1
        stated = [amount for amount in bidders if amount is not None]
        if not taken or len(stated) < len(bidders) or sum(stated) != taken:
            left_out.append(f"{record['cusip']} of {day}")
            continue
        sums.setdefault((series, day), []).extend((stated[-1], taken))
    if not sums or 100 * len(left_out) > MOST_APART_PCT * held:
        found = f"{len(left_out)} of {held} do not, the first {left_out[0]}" if left_out else "no results"
        raise LayoutError(source.id, "data", "auctions whose bidders add up to what was awarded", found)
    rows = [
        (series, day, float(100 * sum(amounts[::2]) / sum(amounts[1::2])), None)
        for (series, day), amounts in sorted(sums.items())
    ]
    first = left_out[:1]
    notes = tuple(
        f"{len(left_out)} of {held} auctions whose bidders do not add up are left out: {one}" for one in first
    )
    return Parsed(source.layout, source.holds, table_of(rows), notes=notes)


def table_of(rows: list[tuple[str, date, float, None]]) -> pd.DataFrame:
    """The rows as a table of series; an answer of the service has no lines."""
    table = pd.DataFrame(rows, columns=["series_id", "date", "value", "line"])
    return table.assign(date=table["date"].astype("datetime64[us]"), line=pd.array([pd.NA] * len(table), dtype="Int64"))
