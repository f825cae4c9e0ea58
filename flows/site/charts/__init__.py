"""Charts of holdings and of what changed them, for the page, the site and the mails."""

from treasury_watch.flows.site.charts.documents import Document, spec, svg
from treasury_watch.flows.site.charts.holder_card import holder_picture
from treasury_watch.flows.site.charts.holder_changes import HOLDINGS, PARTS, description

__all__ = ["HOLDINGS", "PARTS", "Document", "description", "holder_picture", "spec", "svg"]
