"""Where the page's links lead: to pages of the site beside it, to the site's public address, or to places within the page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from treasury_watch.flows.site import addresses
from treasury_watch.transforms.findings.finding import Episode, Finding


@dataclass(frozen=True)
class Links:
    """`site`: the page is the first of a site. `address`: where the site is to be found by readers of a page on its own.

    Without either, a link leads to a place within the page: `holders` and `findings` are the ones that have a place there,
    and what has none is no link (None).
    """

    site: bool = False
    address: str | None = None
    holders: Collection[str] = field(default_factory=frozenset)
    findings: Collection[str] = field(default_factory=frozenset)

    def holder(self, holder_id: str) -> str | None:
        """The holder's page, or its place in this one."""
        within = f"#holder-{holder_id}" if holder_id in self.holders else None
        return self._to(addresses.holder_page(holder_id), within)

    def finding(self, found: Finding) -> str | None:
        """The finding's page, or its place in this one."""
        within = f"#{place_of(found)}" if found.key in self.findings else None
        return self._to(page_of(found), within)

    def data(self) -> str | None:
        """The tables to download."""
        return self._to(addresses.DATA, None)

    def methodology(self) -> str:
        """How the figures are made."""
        return addresses.METHODOLOGY if self.site else "#method"

    def health(self) -> str:
        """The age of the sources and what was checked."""
        return addresses.HEALTH if self.site else "#health"

    def _to(self, page: str, within: str | None) -> str | None:
        if self.site:
            return page
        return f"{self.address.rstrip('/')}/{page}" if self.address else within


def page_of(found: Finding) -> str:
    """The address of a finding's page in the site."""
    if isinstance(found, Episode):
        return addresses.episode_page(found.holder_id, found.rule, found.month)
    return addresses.finding_page(found.holder_id, found.month)


def place_of(found: Finding) -> str:
    """The id of a finding's place within a page: the name of its page."""
    return page_of(found).rpartition("/")[2].removesuffix(".html")
