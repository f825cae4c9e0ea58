"""Stand-ins for the Continuous SLT archive, built from its catalogue: every code with its name, its status and its spans.

Run from the project's root to write one of full size: python -m tests.transforms.cslt_stand_in OUT.zip [CATALOGUE]

A line of the catalogue is CODE|NAME|STATUS|first|last|first|last: the spans of its long-term series and of its bills. The
figures are simulated: a position moves by what was bought and by its valuation, and a total is the sum of its parts.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.transforms.tic import DECLARATIONS, OFFICIAL

CATALOGUE = OFFICIAL / "cslt_catalogue.txt"
OTHER_SECURITIES = ("agcy", "corp", "eqty")
SERIES_OF_THE_ARCHIVE = 4260
NOTES = (
    "What a series of the published archive says about itself takes as many characters as this text, again and again. "
    * 130
)
FIRST_TOTAL = "2003-02"  # bills by country begin then
GRAND_TOTAL_USD_MN = 6_000_000
Figures = dict[str, float]


def catalogue() -> list[str]:
    """The official catalogue; where it is not beside the project, the declared codes, all active."""
    if CATALOGUE.is_file():
        return CATALOGUE.read_text(encoding="utf-8").splitlines()
    names = {row["holder_id"]: row["holder"] for row in DECLARATIONS.holders}
    return [
        f"{row['code']}|{names[row['holder_id']]}|A|1984-12|2026-07|2003-02|2026-07"
        for row in DECLARATIONS.holder_labels
        if row["layout"] == "cslt"
    ]


def months_of(first: str, last: str, since: str) -> list[str]:
    """Months from `first` (not before `since`) to `last`, oldest first; none for a span that is not given."""
    if not first:
        return []
    begin, end = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (max(first, since), last))
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(begin, end + 1)]


def figures_of(line: str, since: str) -> tuple[str, str, str, dict[str, Figures]]:
    """Code, name, status and the figures of every family of one line of the catalogue."""
    code, name, status, *spans = line.split("|")
    size = GRAND_TOTAL_USD_MN if code == "99996" else int(code) % 977 * 100 + 1000
    found: dict[str, Figures] = {}
    for number, family in enumerate(("lt_treas", *(f"lt_{one}" for one in OTHER_SECURITIES), "st_treas")):
        months = months_of(*(spans[2:] if family == "st_treas" else spans[:2]), since)
        positions = {month: size * (number + 1) + 10.5 * int(month[:4]) + int(month[5:]) ** 2 for month in months}
        changes = {now: positions[now] - positions[old] for old, now in itertools.pairwise(months)}
        found[f"for_{family}_pos"] = positions
        if family == "st_treas":
            found["for_st_treas_net"] = changes
        else:
            found[f"for_{family}_net"] = {month: change - 3.5 for month, change in changes.items()}
            found[f"for_{family}_valchg"] = dict.fromkeys(changes, 3.5)
    for part in ("pos", "net"):
        long_term, bills = found[f"for_lt_treas_{part}"], found[f"for_st_treas_{part}"]
        found[f"for_treas_{part}"] = {
            month: value + bills.get(month, 0.0) for month, value in long_term.items() if month >= FIRST_TOTAL
        }
    return code, name, status, found


def document(lines: Iterable[str], since: str = "1984-12") -> dict[str, Any]:
    """The archive's document, with the figures from the month `since` on."""
    series = []
    for line in lines:
        code, name, status, found = figures_of(line, since)
        for family, figures in found.items():
            if figures:
                series.append(_series(f"{family}_{code}", f"{family} {name}", status, figures))
    return {"releaseID": "3", "version": "2.0", "transmissionDt": "2026-09-10T16:00:00", "series": series}


def _series(identifier: str, title: str, status: str, figures: Figures) -> dict[str, Any]:
    return {
        "source_id": identifier,
        "metadata": {
            "title": title, "frequency": "M", "season": "NSA", "units": "Millions of Dollars", "additional": {"status": status},
        },
        "observations": [[f"{month}-01", f"{value:.1f}"] for month, value in sorted(figures.items(), reverse=True)],
    }  # fmt: skip


def zipped(content: dict[str, Any]) -> bytes:
    """The archive's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cslt.json", json.dumps(content))
    return buffer.getvalue()


def of_full_size(lines: Sequence[str]) -> dict[str, Any]:
    """The document with as many series and as much text as the published one: the rest are U.S. residents' holdings abroad."""
    content = document(lines)
    content["series"] += _abroad(lines, SERIES_OF_THE_ARCHIVE - len(content["series"]))
    for series in content["series"]:
        series["metadata"]["notes"] = NOTES
    return content


def _abroad(lines: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    months = months_of("1984-12", "2026-07", "1984-12")
    families = [f"us_lt_{one}_{part}" for one in ("total", "corp", "eqty", "govt") for part in ("pos", "net", "valchg")]
    for number in range(max(count, 0)):
        family, code = families[number % len(families)], lines[number // len(families) % len(lines)].split("|")[0]
        figures = {month: float((number * 7919 + place * 104729) % 900001) for place, month in enumerate(months)}
        yield _series(f"{family}_{code}_{number // len(families) // len(lines)}", family, "A", figures)


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines() if len(sys.argv) > 2 else catalogue()
    Path(sys.argv[1]).write_bytes(zipped(of_full_size(lines)))
