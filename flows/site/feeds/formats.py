"""Entries as an Atom feed (RFC 4287) and as a JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from feedgen.feed import FeedGenerator
from markupsafe import Markup

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.feeds.entries import NAMESPACE, Entry

FOLDER = "feeds"
JSON_FEED = "https://jsonfeed.org/version/1.1"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # of a feed without entries


@dataclass(frozen=True)
class Feed:
    """A feed: its file name without ending, its title and what it is about."""

    name: str
    title: str
    about: str

    @property
    def id(self) -> str:
        """A URN that stays wherever the site stands."""
        return f"urn:uuid:{uuid5(NAMESPACE, self.name)}"


FINDINGS = Feed(
    "findings",
    "Treasury Watch: findings on foreign holders of U.S. Treasuries",
    "Months and runs of months in which a holder's Treasuries fell or were sold, told apart from prices and moves.",
)
REVISIONS = Feed(
    "revisions",
    "Treasury Watch: revisions of foreign holdings of U.S. Treasuries",
    "Which published figures each release of the statistics changed, the largest first.",
)


def atom(feed: Feed, entries: Sequence[Entry], site_address: str) -> bytes:
    """The feed as Atom. Without a `site_address` its links are relative to the feed's own place."""
    made = FeedGenerator()
    made.generator("Treasury Watch")
    made.id(feed.id)
    made.title(feed.title)
    made.subtitle(feed.about)
    made.author({"name": "Treasury Watch"})
    made.updated(max((entry.updated for entry in entries), default=NEVER))
    made.link(href=_place(addresses.INDEX, site_address), rel="alternate", type="text/html")
    if site_address:
        made.link(href=f"{site_address}{FOLDER}/{feed.name}.atom", rel="self", type="application/atom+xml")
    for entry in entries:
        item = made.add_entry(order="append")
        item.id(entry.id)
        item.title(entry.title)
        item.link(href=_place(entry.page, site_address), rel="alternate", type="text/html")
        item.published(entry.published)
        item.updated(entry.updated)
        item.content("".join(Markup("<p>{}</p>").format(text) for text in entry.text), type="html")
        for tag in entry.tags:
            item.category(term=tag)
    return bytes(made.atom_str(pretty=True))


def json_feed(feed: Feed, entries: Sequence[Entry], site_address: str) -> bytes:
    """The feed as JSON Feed 1.1."""
    content: dict[str, Any] = {
        "version": JSON_FEED,
        "title": feed.title,
        "description": feed.about,
        "home_page_url": _place(addresses.INDEX, site_address),
        "authors": [{"name": "Treasury Watch"}],
        "language": "en",
        "items": [
            {
                "id": entry.id,
                "url": _place(entry.page, site_address),
                "title": entry.title,
                "content_text": "\n\n".join(entry.text),
                "date_published": entry.published.isoformat(),
                "date_modified": entry.updated.isoformat(),
                "tags": list(entry.tags),
            }
            for entry in entries
        ],
    }
    if site_address:
        content["feed_url"] = f"{site_address}{FOLDER}/{feed.name}.json"
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _place(page: str, site_address: str) -> str:
    """Where a page is: with the site's address, else relative to the folder of the feeds."""
    return f"{site_address}{page}" if site_address else f"../{page}"
