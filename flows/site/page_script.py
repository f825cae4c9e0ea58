"""The charts' libraries as one script that can stand inside a page; taken from the last page where that has it."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

MADE_BY = "vl-convert-python"
BEGIN = re.compile(r'<script data-made-by="([^"]*)" data-sha256="([0-9a-f]*)">')
END = "</script>"


@cache
def script() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script that can stand inside a page."""
    import vl_convert

    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"))


def element(last: Path | None = None) -> Markup:
    """The script as an element of a page.

    Making it takes a second of processor time, and it is the same in every page: from `last`, the page written before, it is
    taken where that is whole and of the version that is installed.
    """
    made_by = f"{MADE_BY} {version(MADE_BY)}"
    found = _kept(last, made_by) if last and not script.cache_info().currsize else None
    text = found if found is not None else str(script())
    return Markup(f'<script data-made-by="{made_by}" data-sha256="{_checksum(text)}">{text}{END}')


def _kept(page: Path, made_by: str) -> str | None:
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    for begin in BEGIN.finditer(text):
        kept = text[begin.end() :].partition(END)[0]
        if begin[1] == made_by and begin[2] == _checksum(kept):
            return kept
    return None


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
