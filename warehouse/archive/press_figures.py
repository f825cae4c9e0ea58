"""Press evidence: figures known only from reports, from config/press_figures.csv and from ingested files of that layout."""

from __future__ import annotations

import hashlib

import pandas as pd

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.tic import press
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations

FILE = "press_figures.csv"


def press_frame(declarations: Declarations, archive: Archive) -> pd.DataFrame:
    """All press figures: the columns of transforms.layouts.press, with sha256 and url of the file each came from.

    A figure that two files state alike is kept once. Raises LayoutError where they differ, or where a holder or measure is
    not known.
    """
    source = declarations.source("press")
    tables = []
    for url, body in _files(declarations, archive):
        table = press.parse(body, source).table
        check_names(table, declarations)
        tables.append(table.assign(sha256=hashlib.sha256(body).hexdigest(), url=url, bytes=len(body)))
    figures = pd.concat(tables, ignore_index=True)
    key = ["holder_id", "month", "measure", "released"]
    figures = figures.drop_duplicates([*key, "value_usd_mn"])
    twice = figures[figures.duplicated(key)]
    if len(twice):
        first = twice.iloc[0]
        raise LayoutError(
            "press", f"{first['url']}, line {first['line']}", "what another file of press figures says",
            f"{first['holder_id']} {first['month']:%Y-%m} {first['value_usd_mn']:,.0f} USD mn", "correct one of the two files",
        )  # fmt: skip
    return figures.sort_values([*key], ignore_index=True)


def press_checksums(declarations: Declarations, archive: Archive) -> set[str]:
    """The checksums of the files that `press_frame` would read; what they say is not looked at."""
    return {hashlib.sha256(body).hexdigest() for _, body in _files(declarations, archive)}


def _files(declarations: Declarations, archive: Archive) -> list[tuple[str, bytes]]:
    files = [(FILE, (declarations.folder / FILE).read_bytes())]
    return files + [(entry.url, archive.body(entry)) for entry in archive.entries("press") if entry.accepted]


def check_names(table: pd.DataFrame, declarations: Declarations) -> None:
    """Raises LayoutError for a holder or measure that is not declared."""
    known = {
        "holder_id": ({row["holder_id"] for row in declarations.holders}, "config/holders.csv"),
        "measure": (set(declarations.toml("measures.toml")), "config/measures.toml"),
    }
    for column, (names, where) in known.items():
        unknown = table[~table[column].isin(names)]
        if len(unknown):
            first = unknown.iloc[0]
            raise LayoutError("press", f"line {first['line']}, column {column}", f"one of {where}", str(first[column]))
