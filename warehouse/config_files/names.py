"""The names that a file of config/ may use of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.kinds import KINDS

if TYPE_CHECKING:
    from treasury_watch.warehouse.config_files.reading import Files

# LAYOUTS of transforms/layouts, whose import takes pandas: a test holds them equal.
LAYOUTS = (
    "slt_table3", "slt_table1", "slt_table5", "mfhhis01", "slt3d_globl", "s1_globl", "shlhistdat", "cslt", "mfh", "fred", "ecb",
    "mof", "mof_monthly", "japan_reserves", "japan_flows_weekly", "japan_flows_monthly", "japan_flows_by_investor",
    "treasury_auctions", "treasury_debt", "press", "tic_press_releases",
)  # fmt: skip


def declared(files: Files, of: str) -> Iterable[str]:
    """The names of one kind: `holders`, `sources`, ... Raises ConfigurationError where their own file cannot be read."""
    match of:
        case "kinds":
            return KINDS
        case "layouts":
            return LAYOUTS
        case "holders":
            return [row["holder_id"] for row in files.unchecked_rows("holders.csv")]
        case "currencies":
            return [row["currency"] for row in files.unchecked_rows("currencies.csv")]
        case "holders_or_currencies":
            return [*declared(files, "holders"), *declared(files, "currencies")]
        case "survey_series":
            rows = files.unchecked_rows("series_breaks.csv")
            return [name for row in rows for name in (row["old_series"], row["new_series"])]
        case "measures":
            return files.unchecked("measures.toml")
        case "columns":
            return _tables(files.unchecked("tables.toml"), "columns")
        case "amounts":
            return _tables(files.unchecked("alert_rules.toml"), "amounts")
        case "sources":
            document = files.unchecked("sources.toml")
            return [*_tables(document, "sources"), *(f"fred:{series}" for series in _fred(document))]
        case "signals":
            document = files.unchecked("sources.toml")
            stated = (name for entry in _tables(document, "sources").values() for name in _tables(entry, "states"))
            return [*_fred(document), *stated]
        case _:
            return _tables(files.unchecked("sources.toml"), of)


def _fred(document: Any) -> Iterator[str]:
    for series in _tables(document, "fred").values():
        if isinstance(series, dict):
            yield from series


def _tables(document: Any, name: str) -> dict[str, Any]:
    found = document.get(name, {}) if isinstance(document, dict) else {}
    return found if isinstance(found, dict) else {}
