"""The data page: what each table is, its rows, sizes and downloads, how to attach, ask and cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.data.declared import PublishedData
from treasury_watch.flows.site.data.descriptions import DESCRIPTION, Described, Vintage, citation

TEMPLATES = Path(__file__).parents[1] / "templates"
BASE = "data_base.html.j2"  # blocks: title, head, main
NO_ADDRESS = "https://ADDRESS-OF-THIS-SITE/"


def render(
    every: Sequence[Described],
    data: PublishedData,
    vintage: Vintage,
    site_address: str,
    database: Mapping[str, Any],
    dataset: str,
    *,
    box: bool,
    base: str = BASE,
) -> str:
    """The page as HTML. `base` is the template that it stands in; `dataset` the schema.org mark-up; `box`: with SQL."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = size
    folder = addresses.DATA.rpartition("/")[0]
    publishers = data.of(data.tables)
    return environment.get_template("data.html.j2").render(
        base=base,
        home="../" * addresses.DATA.count("/") + addresses.INDEX,
        description=DESCRIPTION,
        every=every,
        examples=data.examples,
        vintage=vintage.words,
        database=database,
        database_address=f"{site_address or NO_ADDRESS}{folder}/{database['path']}",
        dataset=dataset,
        citation=citation(None, publishers, vintage, site_address),
        publishers=publishers,
        box=box,
    )


def size(number_of_bytes: int) -> str:
    """A size as readers know it: 212 kB, 2.5 MB."""
    if number_of_bytes < 1_000_000:
        return f"{max(1, round(number_of_bytes / 1000))} kB"
    return f"{number_of_bytes / 1_000_000:.1f} MB"
