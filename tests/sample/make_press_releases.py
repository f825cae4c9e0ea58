"""Writes config/tic_press_releases.csv from the figures that the Treasury's press releases printed.

    python -m tests.sample.make_press_releases TABLE RELEASES [OUT]

TABLE is a CSV with released, number, month and the figures in USD billions, as collected from the pages of the press
releases; RELEASES lists every release of the statistics with the month it covers. Only figures and days are carried over,
under the project's names, in the order of their release.

Four pages show a day that is not the release's (that of 16 April 2007 shows 7 April 2021): a release whose page is more
than a few days off the list is dated by the list, and the page's day kept beside it. A page without a number repeats
another press release (June 2018: the one on December 2016); it is left out where its figures are the same.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

from treasury_watch.transforms.layouts.cited.press_releases import HEADER, NUMBER

OUT = Path(__file__).resolve().parents[2] / "config" / "tic_press_releases.csv"
DAYS_OFF = 5  # of two days for one release, one of which is a day late
COLLECTED = {
    "released": "released",
    "number": "press_release",
    "month": "month",
    "bonds_notes_private_usd_bn": "net_long_term_private_usd_bn",
    "bonds_notes_official_usd_bn": "net_long_term_official_usd_bn",
    "bills_usd_bn": "net_short_term_usd_bn",
    "bills_private_usd_bn": "net_short_term_private_usd_bn",
    "bills_official_usd_bn": "net_short_term_official_usd_bn",
}
FIGURES = list(COLLECTED.values())[3:]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(collected: Path, releases: Path, out: Path = OUT) -> int:
    """Write the table; the number of its rows. Raises ValueError for a page without a number that repeats no other."""
    days = defaultdict(list)
    for row in rows_of(releases):
        days[row["covers"]].append(date.fromisoformat(row["released"]))
    pages = defaultdict(list)
    for row in rows_of(collected):
        named = {COLLECTED[name]: value for name, value in row.items()}
        pages[named["released"], named["press_release"]].append(named)
    numbered = [rows for (_, number), rows in pages.items() if NUMBER.fullmatch(number)]
    for (day, number), rows in pages.items():
        if not NUMBER.fullmatch(number) and not any(said(rows) == said(other) for other in numbered):
            raise ValueError(f"the page {number} of {day} has no number, and figures that no press release has")
    table = [line for rows in numbered for line in dated(rows, days)]
    table.sort(key=lambda row: (row["released"], row["press_release"], row["month"]))
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    return len(table)


def said(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    """The months and figures of a page, without its day and number."""
    return sorted(tuple(row[name] for name in ("month", *FIGURES)) for row in rows)


def dated(rows: list[dict[str, str]], days: dict[str, list[date]]) -> list[dict[str, str]]:
    """The rows of one press release, by its page's day or, where that is far off, the listed day of its newest month."""
    page, listed = date.fromisoformat(rows[0]["released"]), days.get(max(row["month"] for row in rows), [])
    near = not listed or any(abs((page - day).days) <= DAYS_OFF for day in listed)
    day = page if near else min(listed)
    return [{**row, "released": str(day), "page_day": "" if near else str(page)} for row in rows]


if __name__ == "__main__":
    print(written(*map(Path, sys.argv[1:])), "rows")
