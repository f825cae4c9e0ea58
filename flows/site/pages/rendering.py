"""What every page of the site has in common: the templates with their words for figures, links, previews, the citation."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.aside import Aside
from treasury_watch.flows.site.charts.documents import SECONDS_PER_PNG, png_of
from treasury_watch.flows.site.pages.files import Folder
from treasury_watch.flows.site.templating import bare_environment
from treasury_watch.transforms.amounts import MINUS, billions, billions_cell, millions_cell, percent, rounded
from treasury_watch.transforms.findings.explain.sentences import VERDICT_WORDS
from treasury_watch.transforms.findings.rules.verdicts import VERDICTS
from treasury_watch.transforms.wording import month_name, plain_name, possessive, spoken
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of

TEMPLATES = Path(__file__).parents[1] / "templates"
PREVIEW_SIZE = (1200, 630)  # what messengers ask for
LINE_LENGTH = 44  # letters of a preview's title in one line
PUBLISHER = "U.S. Treasury, Treasury International Capital (TIC)"

PARTS = (
    "change_usd_mn", "net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn",
    "other_usd_mn",
)  # fmt: skip

# Each day on which a source of holdings was released, and what its files state.
DAYS = """
SELECT r.released, r.source, coalesce(s.title, r.source) AS title, s.publisher, r.first_month, r.last_month, r.figures,
    r.changed_figures, r.sha256, r.bytes, r.released_basis, r.evidence
FROM releases r LEFT JOIN sources s USING (source)
WHERE r.last_month IS NOT NULL AND r.withdrawn IS NULL AND r.evidence = 'release'
    AND r.source IN (SELECT DISTINCT source FROM positions)
ORDER BY r.released, r.last_month DESC, r.source
"""

Row = dict[str, Any]


@dataclass
class Site:
    """One build. `address` is where the site will stand, empty where that is not known; `today` judges only what is late.

    `newest` is the newest month of any holder, `released` the day of the newest release of holdings, `sample` what is to be
    said where the figures are the embedded sample's. `sections` are what the navigation leads to. `duckdb_wasm` is the folder
    that the page's SQL comes from, `said` what the builders have to tell whoever builds.
    """

    connection: duckdb.DuckDBPyConnection
    declarations: Declarations
    folder: Folder
    today: date
    address: str = ""
    sample: str = ""
    newest: date | None = None
    released: date | None = None
    quarantine: list[Row] = field(default_factory=list)
    sections: tuple[tuple[str, str], ...] = ()
    duckdb_wasm: Path | None = None
    said: tuple[str, ...] = ()
    aside: Aside = field(default_factory=Aside)
    previews: dict[str, Callable[[], bytes]] = field(default_factory=dict)  # by address, those still to be put

    def write(
        self, page: str, template: str, *, title: str, summary: str, vintage: date | None, **content: Any
    ) -> None:
        """Write a page from its template. `summary` is what a search engine or messenger shows, `vintage` the release that
        its figures are of; none of the pages says when it was made.
        """
        preview = content.get("preview")
        absolute = self.address.rstrip("/") + "/" if self.address else ""
        shown = preview and (f"{absolute}{preview}" if absolute else addresses.from_page(page, preview))
        text = (
            environment()
            .get_template(f"site/{template}")
            .render(
                {
                    **{"page": page, "title": title, "summary": summary, "vintage": vintage, "site": self},
                    **{"link": partial(addresses.from_page, page), "image": shown, "addresses": addresses},
                    **{"canonical": f"{absolute}{'' if page == addresses.INDEX else page}" if absolute else ""},
                    **content,
                }
            )
        )
        self.folder.put(page, text)

    def draw_preview(self, page: str, **content: Any) -> str:
        """The preview image of a page; begun only where what it shows has changed, put by `put_previews`. Its address."""
        image = addresses.preview_image(page)
        foot = preview_foot(content["drawn"].from_zero)
        drawn = environment().get_template("site/preview.svg.j2").render(content | {"foot": foot})
        checksum = hashlib.sha256(drawn.encode()).hexdigest()
        if self.folder.record.drawings.get(image) != checksum or not self.folder.keep(image):
            self.previews[image] = self.aside.begin(SECONDS_PER_PNG, png_of, drawn)
        self.folder.record.drawings[image] = checksum
        return image

    def put_previews(self) -> None:
        """Put the previews that were begun, the last first: those that the process beside has not come to are drawn here."""
        while self.previews:
            image, drawn = self.previews.popitem()
            self.folder.put(image, drawn())


@cache
def environment() -> jinja2.Environment:
    """The templates, those of the site and those it shares with the report."""
    made = bare_environment()
    made.filters |= {
        "bn": partial(billions_cell, minus=MINUS),
        "mn": partial(millions_cell, minus=MINUS),
        "dollars": partial(billions, signed=False),
        "money": lambda usd_mn, signed=True: billions(usd_mn, signed=signed).replace("-", MINUS),
        "signed_dollars": lambda usd_mn: billions(usd_mn).replace("-", MINUS),
        "pct": partial(percent, minus=MINUS),
        "decimal": lambda value: str(rounded(value, 1)).replace("-", MINUS),
        "exact": exact,
        "day": day,
        "month": month_name,
        "short_month": lambda month: f"{month:%b %Y}",
        "thousands": lambda number: f"{number:,}",
        "words": lambda name: str(name).replace("_", " "),
        "plain_name": plain_name,
        "spoken": spoken,
        "possessive": possessive,
        "badge": lambda verdict: verdict if verdict in VERDICTS else "unexplained",
        "verdict_words": lambda verdict: VERDICT_WORDS.get(verdict, verdict),
        "lines_of": title_lines,
    }
    made.globals |= {"usd": usd, "pct": pct, "parts": parts}
    return made


@cache
def preview_foot(from_zero: bool) -> str:
    """The line of words below a preview, as a picture: drawing its letters anew would take a quarter of each one's time.

    `from_zero` is whether the axis of the holdings begins there.
    """
    drawn = environment().get_template("site/preview_foot.svg.j2").render(from_zero=from_zero)
    return f"data:image/png;base64,{base64.b64encode(png_of(drawn)).decode()}"


def usd(row: Mapping[str, Any], column: str, signed: bool = True, strong: bool = False) -> Markup:
    """A cell with an amount, USD billions, that carries the database's exact value. Python, not a macro: there are 200,000."""
    value = row[column]
    text = billions_cell(value, signed=signed, minus=MINUS)
    fall = " fall" if signed and text.startswith(MINUS) else ""
    style = f"num{fall}{' strong' if strong else ''}"
    return Markup(f'<td class="{style}" data-column="{column}" data-usd-mn="{exact(value)}">{text}</td>')


def pct(row: Mapping[str, Any], column: str, signed: bool = False) -> Markup:
    """A cell with a percentage, as `usd` has amounts."""
    text = percent(row[column], signed=signed, minus=MINUS)
    return Markup(f'<td class="num" data-column="{column}" data-pct="{exact(row[column])}">{text}</td>')


def parts(row: Mapping[str, Any]) -> Markup:
    """The cells of the change and its parts."""
    return Markup("".join([usd(row, column, strong=place < 2) for place, column in enumerate(PARTS)]))


def day(moment: date) -> str:
    """`18 June 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def exact(value: float | None) -> str:
    """The figure as the database holds it, for `data-` attributes; empty where unknown."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def title_lines(text: str, most: int = 3, length: int = LINE_LENGTH) -> list[str]:
    """A title broken at its words into at most so many lines; what does not fit ends in dots."""
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= length or not lines[-1]:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = f"{lines[-1].rstrip(',;:')} …"
            break
        else:
            lines.append(word)
    return lines


def citation(title: str, vintage: date | None) -> str:
    """How a page is cited: what, by whom, of which vintage, from whose figures."""
    of = f", vintage of {day(vintage)}" if vintage else ""
    return f"Treasury Watch, “{title}”{of}. Figures: {PUBLISHER}."


def release_days_of(connection: duckdb.DuckDBPyConnection) -> frozenset[date]:
    """The days of release that have a page."""
    return frozenset(row["released"] for row in rows_of(connection, DAYS))


def newest_day(rows: Sequence[Mapping[str, Any]], column: str = "released") -> date | None:
    """The newest day of a column, None where there is none."""
    return max((row[column] for row in rows if row[column] is not None), default=None)
