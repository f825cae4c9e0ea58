"""A small site for tests: written from literal tables, and what is read back from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.flows.site.page_data import DECLARED, FULL, HOSTILE, fill
from treasury_watch.flows.site.pages import build
from treasury_watch.flows.site.pages.files import Folder, read_record

TODAY = date(2024, 7, 20)
FIRST = {"source": "slt_table3", "measure": "total_position", "series": "XIII"}
CONTENT: dict[str, list[dict[str, Any]]] = {
    **FULL,
    "positions": [
        {
            **{"holder_id": row["holder_id"], "holder": row["holder"], "month": row["month"], "kind": "country"},
            **{"total_usd_mn": row["position_usd_mn"], "source": "slt_table3", "released": "2024-07-18"},
            **{"evidence": "release", "series": "XIII"},
        }
        for row in FULL["holder_months"]
        if "position_usd_mn" in row
    ],
    "holder_months": [{**row, "source": "slt_table3", "basis": "slt"} for row in FULL["holder_months"]],
    "releases": [
        {**row, "first_month": "2024-03-01", "figures": 12, "changed_figures": 3, "evidence": "release", "sha256": "ab" * 32}
        for row in FULL["releases"]
    ],
    "observations": [
        {**FIRST, "holder_id": "japan", "month": "2024-05-01", "value_usd_mn": value, "released": day, "superseded": until}
        | {"evidence": "release", "dated_by": "calendar", "sha256": digest * 64, "line": line}
        for value, day, until, digest, line in [
            (1128300.0, "2024-06-18", "2024-07-18", "c", 7),
            (1105953.0, "2024-07-18", None, "d", 4711),
        ]
    ],
    "first_prints": [
        {**FIRST, "holder_id": "japan", "holder": "Japan", "kind": "country", "month": "2024-05-01"}
        | {"first_print_usd_mn": 1128300.0, "first_printed": "2024-07-18", "latest_print_usd_mn": 1105953.0}
        | {"latest_printed": "2024-07-18", "moved_usd_mn": -22347.0}
    ],
    "revisions": [
        {**FIRST, "holder_id": "japan", "holder": "Japan", "kind": "country", "month": month, "released": "2024-07-18"}
        | {"old_usd_mn": old, "new_usd_mn": new, "difference_usd_mn": new - old, "evidence": "release"}
        for month, old, new in [("2024-03-01", 1187000.0, 1167015.0), ("2024-04-01", 1150300.0, 1126094.0)]
    ],
}  # fmt: skip


def built(folder: Path, content: Mapping[str, Any] = CONTENT, *, address: str = "", today: date = TODAY) -> Folder:
    """The site of these tables in the folder, which may hold an earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        fill(connection, dict(content))
        made = Folder(folder, read_record(folder))
        build.write_pages(build.site_of(connection, DECLARED, made, today, address))
    made.finish()
    return made


def broken_links(folder: Path) -> list[str]:
    """Links of the pages below a folder that lead to no file in it, or to no anchor of a page, as `page: link`."""
    pages = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    anchors = {page: set(re.findall(r'\sid="([^"]+)"', text)) for page, text in pages.items()}
    return [
        f"{page}: {link}"
        for page, text in pages.items()
        for link in links_of(text)
        if not _leads(folder, page, link, anchors)
    ]


def links_of(text: str) -> Iterable[str]:
    """The links of a page within the site."""
    plain = re.sub(r"<script\b[^>]*>.*?</script>", lambda found: found[0].partition(">")[0] + ">", text, flags=re.S)
    return [link for link in re.findall(r'\s(?:href|src)="([^"]*)"', plain) if not re.match(r"[a-z]+:", link)]


def _leads(folder: Path, page: str, link: str, anchors: Mapping[str, set[str]]) -> bool:
    target, _, anchor = link.partition("#")
    place = (folder / page).parent / target if target else folder / page
    resolved = place.resolve()
    if not resolved.is_file() or not resolved.is_relative_to(folder.resolve()):
        return False
    return not anchor or anchor in anchors[resolved.relative_to(folder.resolve()).as_posix()]


__all__ = ["CONTENT", "HOSTILE", "TODAY", "broken_links", "built", "links_of"]
