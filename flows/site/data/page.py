"""The data page: what each table is, its rows, sizes and downloads, how to attach, ask and cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.data.declared import PublishedData
from treasury_watch.flows.site.data.descriptions import DESCRIPTION, Described, Vintage, citation
from treasury_watch.flows.site.templating import bare_environment

TEMPLATES = Path(__file__).parents[1] / "templates"
TEMPLATE = "site/data.html.j2"
BASE = "site/data_base.html.j2"  # its blocks: title, head, main


def content(
    every: Sequence[Described],
    data: PublishedData,
    vintage: Vintage,
    site_address: str,
    database: Mapping[str, Any],
    dataset: str,
    *,
    box: bool,
) -> dict[str, Any]:
    """What the template says. `dataset` is the schema.org mark-up; `box`: with SQL in the page."""
    folder = addresses.DATA.rpartition("/")[0]
    publishers = data.of(data.tables)
    return {
        "title": "Data: foreign holdings of U.S. Treasuries",
        "summary": DESCRIPTION,
        "vintage": vintage.released,
        "every": every,
        "examples": data.examples,
        "vintage_words": vintage.words,
        "database": database,
        "database_address": f"{site_address}{folder}/{database['path']}" if site_address else "",
        "dataset": dataset,
        "cited": None,  # the page has a chapter on it
        "citation": citation(None, publishers, vintage, site_address),
        "publishers": publishers,
        "box": box,
        "size": size,
        "span": span,
    }


def render(said: Mapping[str, Any]) -> str:
    """The page as HTML, in a plain frame of its own; the site may put the same template into its own frame, as `base`."""
    environment = bare_environment()
    home = "../" * addresses.DATA.count("/") + addresses.INDEX
    return environment.get_template(TEMPLATE).render(said, base=BASE, home=home)


def span(one: Described) -> str:
    """What a table covers: `Mar 2000 to Jul 2026`, or days where it has days; "" without a date."""
    if one.first is None or one.last is None:
        return ""
    names = one.table.column_names
    first, last = (f"{day:%b %Y}" if "date" not in names else f"{day:%-d %b %Y}" for day in (one.first, one.last))
    return first if first == last else f"{first} to {last}"


def size(number_of_bytes: int) -> str:
    """A size as readers know it: 212 kB, 2.5 MB."""
    if number_of_bytes < 1_000_000:
        return f"{max(1, round(number_of_bytes / 1000))} kB"
    return f"{number_of_bytes / 1_000_000:.1f} MB"
