"""What `tables` prints: the published tables, or one of them with its columns, units, meanings and an example."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from difflib import get_close_matches

from treasury_watch.flows.commands.sql import cookbook
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.declarations import Declarations, Table
from treasury_watch.warehouse.tables.declared_tables import UNITS

# The tables that are also functions of a day.
AS_OF = ("holder_months", "aggregate_months", "positions", "first_prints")


def lines(declarations: Declarations, name: str | None, width: int) -> Iterator[str]:
    """Every table with what it holds; or the table `name`, column by column. Raises TreasuryWatchError where there is none."""
    declared = declarations.tables
    if name is None:
        longest = max(map(len, declared))
        for table in declared.values():
            yield from _beside(f"{table.name:<{longest}}", table.description, width)
        yield ""
        yield "one of them: treasury-watch tables NAME"
        yield f"as known at the end of a day: FROM {AS_OF[0]}_as_of(DATE '2024-07-18'); so too {', '.join(AS_OF[1:])}"
        yield f"questions with their SQL and answers: {cookbook.PAGE}"
        return
    base = name.lower().removesuffix("_as_of")
    if base != name.lower() and base in AS_OF:
        yield from _one(declared[base], width)
        yield f"as known at the end of a day: FROM {base}_as_of(DATE '2024-07-18')"
        return
    if name.lower() not in declared:
        near = get_close_matches(name.lower(), declared, n=3, cutoff=0.4)
        near = [*[known for known in declared if name.lower() in known and known not in near], *near]
        hint = f"; did you mean {', '.join(near)}?" if near else "; `treasury-watch tables` lists them"
        raise TreasuryWatchError(f"no table {name!r}{hint}")
    yield from _one(declared[name.lower()], width)


def _one(table: Table, width: int) -> Iterator[str]:
    yield f"{table.name}: one row per {', '.join(table.key)}"
    yield textwrap.fill(table.description, width)
    yield ""
    longest = max(len(column.name) for column in table.columns)
    kinds = {column.name: UNITS.get(column.type, column.type) for column in table.columns}
    widest = max(map(len, kinds.values()))
    for column in table.columns:
        yield from _beside(f"{column.name:<{longest}}  {kinds[column.name]:<{widest}}", column.description, width)
    yield ""
    newest = next((key for key in table.key if key in ("month", "date", "released", "start_month")), None)
    order = f" ORDER BY {newest} DESC" if newest else ""
    yield f'example: treasury-watch query "SELECT * FROM {table.name}{order} LIMIT 10"'


def _beside(left: str, text: str, width: int) -> Iterator[str]:
    """Text beside a name, wrapped below itself."""
    indent = len(left) + 2
    wrapped = textwrap.wrap(text, max(30, width - indent)) or [""]
    yield f"{left}  {wrapped[0]}"
    yield from (" " * indent + line for line in wrapped[1:])
