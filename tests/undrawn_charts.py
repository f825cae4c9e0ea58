"""Charts left undrawn where a test is not about what a page shows: each costs the drawing engine a tenth of a second of a
processor, and a page has more than a dozen. All else of the page is made as ever.
"""

from __future__ import annotations

import pytest
import vl_convert

DRAWN = '<svg class="marks" width="10" height="10" viewBox="0 0 10 10"><g transform="translate(1,1)"></g></svg>'
DRAW = vl_convert.vegalite_to_svg


def undrawn(*_arguments: object, **_options: object) -> str:
    """An empty drawing in place of the chart's."""
    return DRAWN


def leave_undrawn(patch: pytest.MonkeyPatch) -> None:
    """From now on no chart of a page is drawn in this process."""
    patch.setattr(vl_convert, "vegalite_to_svg", undrawn)


def draw(patch: pytest.MonkeyPatch) -> None:
    """Charts are drawn again."""
    patch.setattr(vl_convert, "vegalite_to_svg", DRAW)
