"""Figures that were read from what was printed, each with the day of its release: from config/ and from ingested files.

`press` are figures known from reports only (config/press_figures.csv), `tic_press_releases` those of the Treasury's own
press releases (config/tic_press_releases.csv).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations

if TYPE_CHECKING:
    import pandas as pd

PRESS, PRESS_RELEASES = "press", "tic_press_releases"
# The sources whose figures each have the day of their own release, with the evidence that they are.
PRINTED = {PRESS: "press", PRESS_RELEASES: "release"}
SHIPPED = {PRESS: "press_figures.csv", PRESS_RELEASES: "tic_press_releases.csv"}  # below config/


def press_frame(declarations: Declarations, archive: Archive, name: str = PRESS) -> pd.DataFrame:
    """All figures of a printed source: the columns of its layout, with sha256, url and bytes of the file each came from.

    A figure that two files state alike is kept once. Raises LayoutError where they differ, or where a holder or measure is
    not known.
    """
    import pandas as pd  # half a second that who only looks at a home need not spend

    from treasury_watch.transforms import layouts

    source = declarations.source(name)
    tables = []
    for url, body in _files(declarations, archive, name):
        table = layouts.parse(body, source).table
        check_names(table, declarations)
        tables.append(table.assign(sha256=hashlib.sha256(body).hexdigest(), url=url, bytes=len(body)))
    figures = pd.concat(tables, ignore_index=True)
    kind = KINDS[source.holds]
    identity = [key for key in kind.keys if key != "series"]
    key = [*identity, "released"]
    figures = figures.drop_duplicates([*key, "value_usd_mn"])
    twice = figures[figures.duplicated(key)]
    if len(twice):
        first = twice.iloc[0]
        named = " ".join(f"{first[k]:%Y-%m}" if k == "month" else str(first[k]) for k in identity)
        raise LayoutError(
            name, f"{first['url']}, line {first['line']}", "what another file of these figures says",
            f"{named} {first['value_usd_mn']:,.0f} USD mn", "correct one of the two files",
        )  # fmt: skip
    return figures.sort_values(key, ignore_index=True)


def press_checksums(declarations: Declarations, archive: Archive) -> set[str]:
    """The checksums of the files that `press_frame` would read of all printed sources; what they say is not looked at."""
    return {hashlib.sha256(body).hexdigest() for name in PRINTED for _, body in _files(declarations, archive, name)}


def _files(declarations: Declarations, archive: Archive, name: str) -> list[tuple[str, bytes]]:
    files = [(SHIPPED[name], (declarations.folder / SHIPPED[name]).read_bytes())]
    return files + [(entry.url, archive.body(entry)) for entry in archive.entries(name) if entry.accepted]


def check_names(table: pd.DataFrame, declarations: Declarations) -> None:
    """Raises LayoutError for a holder or measure that is not declared; other figures than holders' have none."""
    if "holder_id" not in table:
        return
    known = {
        "holder_id": ({row["holder_id"] for row in declarations.holders}, "config/holders.csv"),
        "measure": (set(declarations.toml("measures.toml")), "config/measures.toml"),
    }
    for column, (names, where) in known.items():
        unknown = table[~table[column].isin(names)]
        if len(unknown):
            first = unknown.iloc[0]
            raise LayoutError(PRESS, f"line {first['line']}, column {column}", f"one of {where}", str(first[column]))
