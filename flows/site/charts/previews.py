"""Previews for messengers as pictures."""

from __future__ import annotations

SECONDS = 0.03  # about, to make one


def as_png(svg: str) -> bytes:
    """A drawing as PNG in its own size."""
    import vl_convert  # which takes a while to load, and most builds draw few

    return bytes(vl_convert.svg_to_png(svg, scale=1))
