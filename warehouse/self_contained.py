"""Makes the pages of Great Expectations' Data Docs readable without the internet.

They load stylesheets, scripts, fonts and pictures from other hosts: without these they are blank or unstyled.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from transforms.errors import TreasuryWatchError, shorten

# What a page may not contain, because without its host it is a blank, a broken picture or dead code.
DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "noscript"}
DROPPED_TAGS = {"link", "img", "base", "embed", "source"}
ADDRESS_ATTRIBUTES = {"src", "href", "srcset", "action", "formaction", "poster", "data", "background", "xlink:href"}
OTHER_HOST = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
CSS_ADDRESS = re.compile(r"url\(|@import", re.IGNORECASE)

STYLESHEET = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 0 auto; max-width: 1200px;
  padding: 1rem; }
h1, h2, h3, h4, h5, h6 { line-height: 1.2; margin: 1.2rem 0 .4rem; }
a { color: #0b57a4; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; }
th, td { border: 1px solid #c9d1d9; padding: .35rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead { background: #f0f3f6; }
ul, ol { padding-left: 1.3rem; }
.breadcrumb, .nav { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem .9rem; }
.breadcrumb-item + .breadcrumb-item::before { content: "/ "; color: #57606a; }
.alert, .card { border: 1px solid #c9d1d9; border-radius: 4px; padding: .4rem .7rem; margin: .5rem 0; }
.badge { background: #eef1f4; border-radius: 4px; padding: 0 .3rem; }
.fa-check-circle::before { content: "\\2713  passed"; color: #1a7f37; }
.fa-times::before { content: "\\2717  failed"; color: #b42318; }
.fa-exclamation-triangle::before { content: "!  could not be checked"; color: #9a6700; }
.tooltip-text, .cooltip .top { display: none; }
.cooltip:hover .top { display: block; position: absolute; background: #fff; border: 1px solid #57606a; padding: .5rem; }
.modal, .ge-walkthrough-modal, #ge-cta-footer, footer, .btn-group-toggle,
  .card:has(.btn-group-toggle) { display: none; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } a { color: #6cb6ff; }
  thead, .badge { background: #1c2430; } .cooltip:hover .top { background: #0d1117; } }
"""


class _Rewriter(HTMLParser):
    """Copies a page without anything that is loaded from elsewhere or needs a script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED_WITH_CONTENT:
            self._inside.append(tag)
        if self._inside or tag in DROPPED_TAGS:
            return
        kept = [(name, value) for name, value in attrs if not _forbidden(name, value)]
        self.parts.append(f"<{tag}{''.join(map(_attribute, kept))}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DROPPED_WITH_CONTENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.pop()
        elif tag == "head":
            self.parts.append(f"<style>{STYLESHEET}</style></head>")
        elif tag not in DROPPED_TAGS:
            self.parts.append(f"</{tag}>")

    def _keep(self, text: str) -> None:
        if not self._inside:
            self.parts.append(text)

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")


class _References(HTMLParser):
    """Collects what a page would load from, or point to, on another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.found += [f"<{tag} {name}={value}>" for name, value in attrs if _forbidden(name, value)]
        if tag in {"script", "link"}:
            self.found.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self._style and CSS_ADDRESS.search(data):
            self.found.append("an address in a stylesheet")


def _attribute(pair: tuple[str, str | None]) -> str:
    name, value = pair
    if value is None:
        return f" {name}"
    escaped = value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return f' {name}="{escaped}"'


def _forbidden(name: str, value: str | None) -> bool:
    """True for an attribute that runs a script or names another host."""
    if name.startswith("on"):
        return True
    if name in ADDRESS_ATTRIBUTES:
        return bool(OTHER_HOST.match(value or "")) or (value or "").strip().lower().startswith("javascript:")
    return name == "style" and bool(CSS_ADDRESS.search(value or ""))


def self_contained(page: str, name: str) -> str:
    """The page with our stylesheet and nothing from elsewhere. Raises TreasuryWatchError if something is left."""
    rewriter = _Rewriter()
    rewriter.feed(page)
    rewriter.close()
    cleaned = "".join(rewriter.parts)
    references = _References()
    references.feed(cleaned)
    references.close()
    if references.found or STYLESHEET not in cleaned:
        found = "; ".join(references.found[:3]) or "no place for a stylesheet"
        raise TreasuryWatchError(
            f"Data Docs page {name}: expected a page that needs no internet, found {shorten(found)}; "
            "the layout of Great Expectations' pages has changed, nothing was written"
        )
    return cleaned
