"""Charts of holdings and of what changed them, for the page, the site and the mails."""

from treasury_watch.flows.site.charts.documents import Document, png, spec, svg
from treasury_watch.flows.site.charts.holder_changes import (
    AXIS_WIDTH,
    HOLDINGS,
    PARTS,
    WIDTH,
    description,
    holder_chart,
)

__all__ = ["AXIS_WIDTH", "HOLDINGS", "PARTS", "WIDTH", "Document", "description", "holder_chart", "png", "spec", "svg"]
