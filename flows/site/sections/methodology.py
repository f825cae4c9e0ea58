"""The methodology, for the end of the page or for a page of its own."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

from treasury_watch.warehouse.declarations import PROJECT

METHODOLOGY = PROJECT / "docs" / "methodology.md"


@cache
def methodology(levels_down: int = 1) -> Markup | None:
    """The methodology in HTML, headings so many levels down; None where the docs are not installed.

    Links lead to files beside the document, which a page does not have, and are left out.
    """
    if not METHODOLOGY.exists():
        return None
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens: list[Token] = []
    heading = ""
    for token in parser.parse(METHODOLOGY.read_text(encoding="utf-8").partition("\n")[2]):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + levels_down}"
        token.children = [part for part in token.children or [] if part.type not in ("link_open", "link_close")]
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "inline" and tokens[-1].type == "heading_open":
            heading = token.content
        tokens.append(token)
        if token.type == "table_open":
            caption = Markup("<caption>{}</caption>").format(heading)
            tokens.append(Token("html_block", "", 0, content=caption))
    return Markup(parser.renderer.render(tokens, parser.options, {}))
