"""The Treasury's page of all TIC releases: one link to a zip each, and which members of such a zip matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree, html

from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.transforms.errors import LayoutError

ARCHIVE = re.compile(r"ticrel_\w+\.zip", re.ASCII | re.IGNORECASE)
COVERS = re.compile(r"\b([A-Z][a-z]{2})[a-z]*\.?,?\s+((?:19|20)\d\d)\b", re.ASCII)
RELEASED = re.compile(r"released\D{0,12}(\d{1,2})[-/](\d{1,2})[-/]((?:19|20)?\d\d)\b", re.ASCII | re.IGNORECASE)
LABEL = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/]((?:19|20)?\d\d)", re.ASCII)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
LONGEST_ROW = 300  # characters of the text after a link; more is the page's own prose
ENDINGS = ("txt", "csv", "html", "htm")  # of siblings that state the same table, the first is taken
PLACE = "release archive"


@dataclass(frozen=True)
class ReleaseLink:
    """One row of the page: the zip's name and address, the link's text and the day it is, what the row says after it,
    the month that it covers and the day of release that it states. What the row does not say is None.
    """

    archive: str
    url: str
    label: str
    text: str
    labelled: date | None
    covers: date | None
    released: date | None

    @property
    def row(self) -> str:
        """All that the page says of it: another text means that the row was changed."""
        return f"{without_credentials(self.url)} {self.label} {self.text}"

    @property
    def order(self) -> tuple[date, str]:
        """The place among the releases, the oldest first: by the month covered, else by the label's day."""
        day = self.covers or (self.labelled and _months_before(self.labelled, 2)) or date.min
        return day, self.archive


def read_index(page: bytes, url: str) -> tuple[list[ReleaseLink], list[str]]:
    """The page's links to archives, oldest first and each once, and a line on each row that cannot be read whole.

    Such a row is a link all the same: what its zip holds says the rest. `url` is the page's address. Raises LayoutError
    where the page has no link to an archive at all.
    """
    try:
        root = html.document_fromstring(page)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as problem:
        raise LayoutError(PLACE, "index page", "a page with links to ticrel_....zip", str(problem)) from problem
    found: dict[str, ReleaseLink] = {}
    warnings: list[str] = []
    for anchor in root.iter("a"):
        if not isinstance(anchor, html.HtmlElement):
            continue
        address = (anchor.get("href") or "").strip()
        try:
            target = urljoin(url, address)
            name = unquote(PurePosixPath(urlsplit(target).path).name)
        except ValueError:
            continue
        if not ARCHIVE.fullmatch(name) or name.lower() in found:
            continue
        link = _link(name, target, _plain("".join(map(str, anchor.itertext()))), _text_after(anchor))
        found[name.lower()] = link
        if link.covers is None or link.labelled is None:
            what = "a day as its label" if link.covers else "the month that it covers, such as 'August 2025'"
            said = f"{link.label} {link.text}".strip() or "nothing"
            warnings.append(f"{PLACE}, {name}: expected {what}, found {said[:80]!r}; it is fetched all the same")
    if not found:
        raise LayoutError(PLACE, "index page", "links to ticrel_....zip", "none", "open the address in a browser")
    return sorted(found.values(), key=lambda link: link.order), warnings


def _link(name: str, url: str, label: str, text: str) -> ReleaseLink:
    labelled = LABEL.search(label)
    covers = next((day for word, year in COVERS.findall(text) if (day := _month(word, year))), None)
    released = RELEASED.search(text)
    return ReleaseLink(
        name, url, label, text, _day(labelled) if labelled else None, covers, _day(released) if released else None
    )


def _text_after(anchor: html.HtmlElement) -> str:
    """What stands between a link and the next one, as one line."""
    parts = [anchor.tail or ""]
    for follower in anchor.itersiblings():
        if follower.tag == "a" or (isinstance(follower.tag, str) and follower.find(".//a") is not None):
            break
        parts += [follower.text_content() if isinstance(follower.tag, str) else "", follower.tail or ""]
        if sum(map(len, parts)) > LONGEST_ROW:
            break
    return re.sub(r"^br>|;?\s*(?:br>)?$", "", _plain(" ".join(parts))[:LONGEST_ROW]).strip(" ;,-")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _month(word: str, year: str) -> date | None:
    return date(int(year), MONTHS.index(word.lower()) + 1, 1) if word.lower() in MONTHS else None


def _day(found: re.Match[str]) -> date | None:
    month, day, year = (int(part) for part in found.groups())
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return None


def _months_before(day: date, count: int) -> date:
    number = day.year * 12 + day.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


def since(links: Iterable[ReleaseLink], month: date | None) -> list[ReleaseLink]:
    """The releases that cover `month` or a later one; one whose month is not known goes by its label."""
    return [link for link in links if month is None or link.order[0] >= month]


def wanted(names: Sequence[str], tables: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of a zip's members those to load, and those passed over. `tables` are the names, without ending, of what matters.

    Of siblings that differ in their ending alone, the text is taken: it states the same figures.
    """
    best: dict[str, str] = {}
    for name in names:
        stem, _, ending = PurePosixPath(name).name.lower().rpartition(".")
        if stem in tables and ending in ENDINGS:
            rival = best.get(stem)
            if rival is None or _rank(name) < _rank(rival):
                best[stem] = name
    chosen = [best[table] for table in tables if table in best]
    return chosen, [name for name in names if name not in chosen]


def _rank(name: str) -> tuple[int, str]:
    return ENDINGS.index(name.lower().rpartition(".")[2]), name
