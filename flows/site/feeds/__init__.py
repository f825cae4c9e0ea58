"""What readers subscribe to: Atom and JSON feeds of findings and of revisions, a calendar of releases."""

from treasury_watch.flows.site.feeds.building import build

__all__ = ["build"]
