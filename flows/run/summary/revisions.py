"""What the releases of a run revised: how many published figures, the largest of them, the findings turned around."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from treasury_watch.transforms.amounts import millions_cell
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.wording import month_name
from treasury_watch.warehouse.ledger.incoming.incoming_files import Loaded

NAMED = 5
THESE = "(source, released) IN (SELECT unnest($1::VARCHAR[]), unnest($2::DATE[]))"


@dataclass(frozen=True)
class Revisions:
    """`figures` that had been published and were replaced, `turned` findings, and a line on each of the largest."""

    figures: int = 0
    turned: int = 0
    largest: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """The parts of a run's summary; none where nothing was revised."""
        parts = []
        if self.figures:
            largest = f", the largest {self.largest[0]}" if self.largest else ""
            parts.append(f"{self.figures:,} published figure{'s' if self.figures > 1 else ''} revised{largest}")
        if self.turned:
            parts.append(f"{self.turned} finding{'s read' if self.turned > 1 else ' reads'} differently")
        return parts


def revised_by(connection: duckdb.DuckDBPyConnection, loaded: Iterable[Loaded]) -> Revisions:
    """What the vintages among `loaded` revised, from a published database of which they are part."""
    vintages = [item for item in loaded if item.outcome == "vintage"]
    these = [[item.source for item in vintages], [item.released for item in vintages]]
    counted = f"SELECT count(*) FROM revisions WHERE difference_usd_mn IS DISTINCT FROM 0 AND {THESE}"
    ranked = f"SELECT holder, month, old_usd_mn, new_usd_mn FROM largest_revisions WHERE {THESE} ORDER BY place LIMIT {NAMED}"
    turned = "SELECT count(*) FROM revised_findings WHERE list_contains($1::DATE[], released)"
    main = [item.released for item in vintages if item.source == MAIN_SOURCE]
    return Revisions(
        int(connection.execute(counted, these).fetchall()[0][0]),
        int(connection.execute(turned, [main]).fetchall()[0][0]),
        tuple(
            f"{holder}, {month_name(month)}: {millions_cell(old, signed=False)} to {millions_cell(new, signed=False)} USD mn"
            for holder, month, old, new in connection.execute(ranked, these).fetchall()
        ),
    )
