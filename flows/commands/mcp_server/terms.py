"""What the words mean, for a reader who sees single answers: from the declared columns and verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from treasury_watch.transforms.findings.explain.sentences import VERDICT_WORDS
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.declared_tables import UNITS

TOLD = (
    "position_usd_mn", "change_usd_mn", "net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn",
    "valuation_usd_mn", "other_usd_mn", "basis", "evidence", "series_break", "custodial_centre", "verdict", "severity",
    "released",
)  # fmt: skip
RULES = (
    "Who holds, buys and sells U.S. Treasury securities, from official statistics, with every vintage.",
    "Amounts are USD millions. A purchase by the foreigner is positive, a sale negative. A month is its first day; a position "
    "is at that month's end.",
    "change = net purchases + valuation + other. A fall in holdings is not a sale: say what the verdict says, and no more.",
    "Holdings are by place of custody, not by owner: they do not name the beneficial owner, nor anybody's motive.",
    "A nowcast is an estimate with an interval, never a figure. What says it is inferred or suspected is no fact.",
    "Name the release with a figure: every release revises the past. The tool trace leads a figure to its file and line.",
)


def definitions(declarations: Declarations, names: Iterable[str] = TOLD) -> dict[str, str]:
    """The meaning and unit of columns, by name; names that are not declared are left out."""
    columns = {column.name: column for table in declarations.tables.values() for column in table.columns}
    return {
        name: columns[name].description + (f" ({UNITS[columns[name].type]})" if columns[name].type in UNITS else "")
        for name in names
        if name in columns
    }


def instructions(declarations: Declarations) -> str:
    """What a client is told once: the rules of reading, the tables, the terms, the verdicts."""
    tables = "; ".join(f"{table.name}: one row per {', '.join(table.key)}" for table in declarations.tables.values())
    terms = "\n".join(f"- {name}: {meaning}" for name, meaning in definitions(declarations).items())
    verdicts = "\n".join(f"- {name}: {words}" for name, words in VERDICT_WORDS.items())
    return "\n\n".join(
        ["\n".join(RULES), f"Terms:\n{terms}", f"Verdicts:\n{verdicts}", f"Tables for the tool query: {tables}."]
    )
