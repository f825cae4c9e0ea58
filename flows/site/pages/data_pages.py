"""The data folder and the feeds as parts of the site: their files are the site's, the data page stands in its frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.data import building as data_building
from treasury_watch.flows.site.feeds import building as feeds_building
from treasury_watch.flows.site.pages.rendering import Site


@contextmanager
def data(site: Site) -> Iterator[None]:
    """Everything under data/, with SQL in the page where the site has the engine: begun before what is made within, done
    after it, so that workbooks are written meanwhile. Raises ConfigurationError where not whole.
    """
    site.folder.open_folder(site.folder.root / Path(addresses.DATA).parent)

    def write_page(told: dict[str, Any]) -> None:
        site.write(addresses.DATA, "data.html.j2", **told, base="site/base.html.j2")

    with data_building.begun(site.connection, site.folder.root, site.declarations, site.aside) as finished:
        yield
        made = finished(site.address, site.duckdb_wasm, write_page)
    for address in made.addresses:
        site.folder.adopt(address)
    site.said += made.said


def write_feeds(site: Site) -> None:
    """The feeds of findings and of revisions, and the calendar of releases."""
    site.folder.open_folder(site.folder.root / feeds_building.FOLDER)
    now = datetime.now(UTC)
    for address in feeds_building.build(site.connection, site.folder.root, site.address, site.declarations, now):
        site.folder.adopt(address)
