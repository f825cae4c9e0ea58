"""The Treasury's page "Release Dates of TIC Data": the days on which the monthly statistics will come.

What is known of it is its text, not its markup, so it is read by its words. A year stands alone at the head of its months;
a row begins with a month's name (Jan, June, Sept) and goes on with the day of the monthly release, `15`, where a release
was moved `Nov 18`, or a whole date `2026-01-16`; other columns follow, which are passed over. A day marked tentative is an
estimate. Older editions list the days in a sentence: "The 2010 release dates are Jan 19, Feb 16, ...". A release covers
the month two before the one that it was planned for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.model import RELEASE_DATES
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.release_dates.release_calendar import MONTHS_AFTER, Listed

if TYPE_CHECKING:
    from lxml.html import HtmlElement

SOURCE = RELEASE_DATES
TITLE = re.compile(rb"release\s+dates\s+(?:of|for)\s+(?:the\s+)?tic\s", re.IGNORECASE)
YEAR = re.compile(r"(20\d\d)", re.ASCII)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"(?:{'|'.join(MONTHS)})[a-z]*\.?"
ROW = re.compile(MONTH, re.IGNORECASE)
DAY = re.compile(
    rf"(?:(?P<month>{MONTH})\s+)?(?P<day>\d{{1,2}})(?!\d)(?P<rest>.*)", re.IGNORECASE | re.ASCII | re.DOTALL
)
WHOLE = re.compile(r"(?P<date>20\d\d-\d\d-\d\d)(?!\d)(?P<rest>.*)", re.ASCII | re.DOTALL)
SENTENCE = re.compile(
    rf"(20\d\d) release dates are ((?:[\s,]*(?:and\s)?\s*{MONTH}\s+\d{{1,2}}(?!\d))+)", re.IGNORECASE | re.ASCII
)
LONGEST_DELAY_MONTHS = 6


@dataclass(frozen=True)
class ReleaseDates:
    """The releases that a page lists, oldest first, and one line on each of its rows that could not be read."""

    listed: list[Listed]
    problems: list[str]


def recognise(body: bytes) -> bool:
    """Whether the content is a page on the release dates."""
    return b"<" in body[:1024] and TITLE.search(body) is not None


def read(body: bytes) -> ReleaseDates:
    """What the page says. Never raises: what cannot be read is a problem of its own, and the rest stands."""
    from lxml import html
    from lxml.etree import LxmlError

    try:
        page = html.fromstring(body)
    except (LxmlError, ValueError) as problem:
        return ReleaseDates([], [f"the page is no HTML: {shorten(str(problem), 100)}"])
    rows = [[_words(cell) for cell in row if cell.tag in ("td", "th")] for row in page.iter("tr")]
    found: dict[date, Listed] = {}
    problems: list[str] = []
    for planned, told in [*_of_rows(rows), *_of_sentences(_words(page))]:
        entry = _listed(planned, told)
        if entry is None:
            problems.append(f"{planned:%Y-%m}: expected a day such as 15 or Nov 18, found {shorten(told, 40)!r}")
        else:
            found.setdefault(entry.month, entry)
    if not found and not problems:
        problems.append("expected rows such as 'Jan 15' below a year, found none")
    return ReleaseDates(sorted(found.values()), problems)


def _of_rows(rows: Iterable[list[str]]) -> Iterator[tuple[date, str]]:
    """The month that each row is for, with what it says of the monthly release."""
    year: int | None = None
    for row in rows:
        cells = list(row)
        while cells and (
            not cells[0] or YEAR.fullmatch(cells[0])
        ):  # a year in a row of its own, or before its first month
            year = int(cells[0]) if cells[0] else year
            cells.pop(0)
        if year and len(cells) > 1 and ROW.fullmatch(cells[0]) and cells[1]:
            yield date(year, _number(cells[0]), 1), cells[1]


def _of_sentences(text: str) -> Iterator[tuple[date, str]]:
    for year, days in SENTENCE.findall(text):
        for told in re.split(r",|\band\b", days):
            if (named := ROW.match(told.strip())) is not None:
                yield date(int(year), _number(named[0]), 1), told.strip()


def _listed(planned: date, told: str) -> Listed | None:
    """The release planned for a month, None where its day cannot be read or is not possible."""
    whole, short = WHOLE.match(told), DAY.match(told)
    try:
        if whole is not None:
            day, rest = date.fromisoformat(whole["date"]), whole["rest"]
        elif short is not None:
            number, rest = _number(short["month"]) if short["month"] else planned.month, short["rest"]
            day = date(planned.year + (number < planned.month), number, int(short["day"]))
        else:
            return None
    except ValueError:
        return None
    if not planned <= day < shifted(planned, LONGEST_DELAY_MONTHS):
        return None
    sure = "tentative" not in rest.lower() and "prelim" not in rest.lower()
    return Listed(day, shifted(planned, -MONTHS_AFTER), "published" if sure else "estimated")


def _number(name: str) -> int:
    return 1 + MONTHS.index(name[:3].lower())


def _words(element: HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())
