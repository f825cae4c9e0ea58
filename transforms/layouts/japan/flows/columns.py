"""Japan's portfolio flows by security: the heading that the weekly and the monthly table share, and its identities.

Columns: what residents do in foreign securities (assets), then what non-residents do in Japanese ones (liabilities); of
each equity, long-term debt, their subtotal, short-term debt, the total. Net = acquisition less disposition; plus is buying.
From January 2014 on contract-type funds count as equity, before as long-term debt: subtotal and total are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.japan.ministry_tables import (
    Record,
    Triplet,
    check_triplet,
    checked_sum,
    figure,
    kinds_record,
)

ASSETS, LIABILITIES = "portfolio investment assets", "portfolio investment liabilities"
EQUITY, LONG_TERM, SHORT_TERM = (
    "equity and investment fund shares", "long-term debt securities", "short-term debt securities"
)  # fmt: skip
SUBTOTAL, TOTAL = "subtotal", "total"
# What is kept: residents' net transactions. The other half of the table is read for its identities alone.
KEPT = {EQUITY: "equity", LONG_TERM: "long_term_debt", SHORT_TERM: "short_term_debt", TOTAL: "securities"}


@dataclass(frozen=True)
class Half:
    """The columns of one half of the table."""

    name: str
    triplets: dict[str, Triplet]
    nets: dict[str, int]

    def read(self, cells: list[str], line: int, source: str) -> dict[str, int | None]:
        """Net by security, subtotal and total: None where the period is to come. Raises LayoutError."""
        found: dict[str, int | None] = {}
        for item, triplet in self.triplets.items():
            stated = triplet.read(cells, line, source)
            found[item] = None if stated is None else stated[2]
        for item, column in self.nets.items():
            found[item] = figure(cells[column] if column < len(cells) else "", line, f"{item} of {self.name}", source)
        known = {item: value for item, value in found.items() if value is not None}
        if known and len(known) < len(found):
            lacking = next(item for item in found if item not in known)
            raise LayoutError(
                source, f"line {line}, {self.name}", "every figure of the period or none", f"no {lacking}"
            )
        if known:
            checked_sum([known[EQUITY], known[LONG_TERM]], known[SUBTOTAL], line, f"{SUBTOTAL} of {self.name}", source)
            checked_sum([known[SUBTOTAL], known[SHORT_TERM]], known[TOTAL], line, f"{TOTAL} of {self.name}", source)
        return found


def halves(heading: Sequence[Record], source: str) -> tuple[Half, Half]:
    """Assets and liabilities, each column found by its label. Raises LayoutError for a label that is not there once."""
    kinds = kinds_record(heading, source)
    above = [record for record in heading if record[0] < kinds[0]]
    groups = _labelled(above, (ASSETS,), source)
    items = _labelled(above, (EQUITY, LONG_TERM), source)
    begins = {cell.rstrip(".").split(". ")[-1]: column for column, cell in groups}
    if LIABILITIES not in begins or ASSETS not in begins or begins[ASSETS] > begins[LIABILITIES]:
        raise LayoutError(source, "heading", f"{ASSETS}, then {LIABILITIES}", ", ".join(begins) or "none")
    middle = begins[LIABILITIES]
    end = min((column for column, _ in groups if column > middle), default=len(kinds[1]))  # differences of both halves
    return (
        _half("residents' foreign securities", items, (begins[ASSETS], middle), kinds, source),
        _half("non-residents' Japanese securities", items, (middle, end), kinds, source),
    )


def _labelled(heading: Sequence[Record], wanted: tuple[str, ...], source: str) -> list[tuple[int, str]]:
    """The labels, with their columns, of the record that has all of the wanted ones."""
    for _, cells in heading:
        labels = [(column, cell.lower()) for column, cell in enumerate(cells) if cell]
        if all(any(label.endswith(word) for _, label in labels) for word in wanted):
            return labels
    raise LayoutError(source, "heading", f"the columns {' and '.join(wanted)}", "another heading, or none")


def _half(name: str, items: list[tuple[int, str]], span: tuple[int, int], kinds: Record, source: str) -> Half:
    mine: dict[str, int] = {}
    for column, label in items:
        if span[0] <= column < span[1]:
            if label in mine:
                raise LayoutError(source, "heading", f"{label} of {name} once", "twice")
            mine[label] = column
    for wanted in (EQUITY, LONG_TERM, SUBTOTAL, SHORT_TERM, TOTAL):
        if wanted not in mine:
            raise LayoutError(source, "heading", f"a column {wanted} of {name}", ", ".join(mine) or "none")
    nets = {}
    for item in (SUBTOTAL, TOTAL):
        heading = kinds[1][mine[item]] if mine[item] < len(kinds[1]) else ""
        if not heading.lower().startswith("net"):
            raise LayoutError(source, f"line {kinds[0]}, {item} of {name}", "the heading Net", repr(heading))
        nets[item] = mine[item]
    triplets = {
        item: check_triplet(kinds, mine[item], f"{item} of {name}", source) for item in (EQUITY, LONG_TERM, SHORT_TERM)
    }
    return Half(name, triplets, nets)
