"""Table 1: long-term U.S. securities of every reporting country and aggregate, one row per holder and month, USD millions.

Treasury bonds and notes, agency bonds, corporate and other bonds, and equities, each with position, net purchases and
valuation change. Bills are not in it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from treasury_watch.transforms.layouts.tic.country_tables.reader import CountryTable
from treasury_watch.transforms.model import SECURITIES, SECURITY_AMOUNTS, Parsed, Source, security_measure

# The file's own words for securities and amounts, in the machine names of its columns: for_lt_agcy_net.
FAMILIES = {"treas": "treasury", "agcy": "agency", "corp": "corporate", "eqty": "equity"}
SIDES = {"pos": "position", "net": "net", "valchg": "valuation"}
TOTAL = "total"
MEASURES = {
    f"for_lt_{family}_{side}": security_measure(security, amount)
    for family, security in {"total": TOTAL, **FAMILIES}.items()
    for side, amount in SIDES.items()
}
TABLE = CountryTable(
    1,
    MEASURES,
    added_later=frozenset(name for name in MEASURES if name.endswith("_valchg")),
    last_holders=("Of Which: Foreign Non-Official Asset-Backed Securities", "Of Which: Foreign Non-Official"),
    declared_in="transforms/layouts/tic/slt_table1.py",
)
ROUNDING_USD_MN = (1 + len(SECURITIES)) / 2  # half a million for the total and for each of its parts


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 1."""
    return TABLE.recognise(body)


def parse(body: bytes, source: Source) -> Parsed:
    """Position, net purchases and valuation change by holder, month and security. Raises LayoutError, as `CountryTable.read`.

    The totals over the four securities are compared with their sums and not kept: they say the same again. A total that
    differs from its parts by more than rounding is noted.
    """
    table, notes = TABLE.read(body, source)
    totals = table["measure"].isin([security_measure(TOTAL, amount) for amount in SECURITY_AMOUNTS])
    notes += _unlike_their_parts(table)
    return Parsed(source.layout, "securities", table[~totals].reset_index(drop=True), notes=notes)


def _unlike_their_parts(table: pd.DataFrame) -> tuple[str, ...]:
    """A note on the totals that are not the sum of the four securities, where all of these are stated."""
    stated = (
        table["measure"].iloc[: table["measure"].nunique()].tolist()
    )  # every row of the file states the same columns
    values = table["value_usd_mn"].to_numpy().reshape(-1, len(stated))
    found = []
    for amount in SECURITY_AMOUNTS:
        total, *parts = (security_measure(security, amount) for security in (TOTAL, *SECURITIES))
        if {total, *parts} <= set(stated):
            over = values[:, stated.index(total)] - values[:, [stated.index(part) for part in parts]].sum(axis=1)
            found += [(row, amount, over[row]) for row in np.flatnonzero(np.abs(over) > ROUNDING_USD_MN)]
    if not found:
        return ()
    row, amount, over_usd_mn = min(found)
    first = table.iloc[row * len(stated)]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    where = f"{first['label'].strip()}, {first['month']:%Y-%m}"
    return (f"total {amount} of {where}, differs from its parts by {over_usd_mn:,.0f} USD mn{more}",)
