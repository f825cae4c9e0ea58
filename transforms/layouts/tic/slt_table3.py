"""Table 3: Treasuries of every reporting country and aggregate, one row per holder and month, USD millions."""

from __future__ import annotations

from treasury_watch.transforms.layouts.tic.country_tables.reader import CountryTable
from treasury_watch.transforms.model import Parsed, Source

# The file's own machine names, in the row that follows its headings.
MEASURES = {
    "for_treas_pos": "total_position",
    "for_treas_net": "total_net",
    "for_lt_treas_pos": "long_term_position",
    "for_lt_treas_net": "long_term_net",
    "for_lt_treas_valchg": "long_term_valuation",
    "for_st_treas_pos": "short_term_position",
    "for_st_treas_net": "short_term_net",
}
TABLE = CountryTable(
    3,
    MEASURES,
    added_later=frozenset({"for_lt_treas_valchg"}),
    last_holders=("Of Which: Foreign Non-Official",),
    declared_in="transforms/layouts/tic/slt_table3.py",
)


def recognise(body: bytes) -> bool:
    """Whether the content is a Table 3."""
    return TABLE.recognise(body)


def parse(body: bytes, source: Source) -> Parsed:
    """Positions, net purchases and valuation change by holder and month. Raises LayoutError, as `CountryTable.read`."""
    table, notes = TABLE.read(body, source)
    return Parsed(source.layout, "observations", table, notes=notes)
