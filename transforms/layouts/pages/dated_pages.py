"""A list of pages that are named by their day, such as the Ministry of Finance's `20260828e.html`.

No list was seen as served: that its links end in such names is inferred. A page is taken from the list's own folder,
wherever a link leads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urljoin

HREF = re.compile(rb"""href\s*=\s*["']?([^"'\s<>]{1,500})""", re.IGNORECASE)
NAME = re.compile(r"(?:^|/)((\d{8})e?\.html?)(?:[?#]|$)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, order=True)
class DatedPage:
    """A page: the day in its name, the name, its address."""

    day: date
    name: str
    url: str


def pages_in(listed: bytes, url: str) -> list[DatedPage]:
    """The pages that a list at `url` names, the newest first, each once; empty where it names none."""
    found = {}
    for href in HREF.findall(listed):
        named = NAME.search(href.decode("ascii", errors="replace"))
        if named is None:
            continue
        try:
            day = datetime.strptime(named[2], "%Y%m%d").date()
        except ValueError:
            continue
        found[named[1]] = DatedPage(day, named[1], urljoin(url, named[1]))
    return sorted(found.values(), reverse=True)
