"""Where each page of the site stands, relative to the site's first page. An address once published never changes."""

from __future__ import annotations

import posixpath
from datetime import date
from functools import cache

INDEX = "index.html"
DATA = "data/index.html"
METHODOLOGY = "methodology.html"
HEALTH = "health.html"


def holder_page(holder_id: str) -> str:
    """The page of a holder, a group or a total."""
    return f"holders/{holder_id}.html"


def finding_page(holder_id: str, month: date) -> str:
    """The page of what was found on a holder's month: one however many rules it met."""
    return f"findings/{holder_id}-{month:%Y-%m}.html"


def episode_page(holder_id: str, rule: str, start_month: date) -> str:
    """The page of a run of months; its end moves while it goes on, so its address names its start."""
    return f"findings/{holder_id}-{rule}-from-{start_month:%Y-%m}.html"


def release_page(released: date) -> str:
    """The page of one release day: what it brought, kept for ever."""
    return f"releases/{released:%Y-%m-%d}.html"


HOLDERS = "holders/index.html"
FINDINGS = "findings/index.html"
RELEASES = "releases/index.html"
NOT_FOUND = "404.html"
SITEMAP = "sitemap.xml"
ROBOTS = "robots.txt"
STYLE = "assets/site.css"
SCRIPT = "assets/site.js"
RECORD = "site-record.json"


def preview_image(page: str) -> str:
    """The image that a messenger shows beside a link to the page."""
    return f"previews/{page.removesuffix('.html')}.png"


def from_page(page: str, target: str) -> str:
    """The link from one page to another file of the site, by their addresses: it works from a folder and from any host."""
    return _from_folder(posixpath.dirname(page) or ".", target)


@cache
def _from_folder(folder: str, target: str) -> str:
    return posixpath.relpath(target, folder)
