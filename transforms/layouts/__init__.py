"""One module per source layout: `recognise(body)` tells by content, `parse(body, source)` reads or refuses.

`recognised(body)` names the layout of some bytes; `parse(body, source)` reads them with the declared source's parser.
"""

from __future__ import annotations

from types import ModuleType

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.layouts.cited import press, press_releases
from treasury_watch.transforms.layouts.japan import interventions
from treasury_watch.transforms.layouts.rates import ecb, fred
from treasury_watch.transforms.layouts.tic import (
    cslt,
    mfh,
    mfhhis01,
    s1_globl,
    slt3d_globl,
    slt_table3,
    slt_table5,
)
from treasury_watch.transforms.model import Parsed, Source

LAYOUTS: dict[str, ModuleType] = {
    "slt_table3": slt_table3,
    "slt_table5": slt_table5,
    "mfhhis01": mfhhis01,
    "slt3d_globl": slt3d_globl,
    "s1_globl": s1_globl,
    "cslt": cslt,
    "mfh": mfh,
    "fred": fred,
    "ecb": ecb,
    "mof": interventions,
    "press": press,
    "tic_press_releases": press_releases,
}


def recognised(body: bytes) -> str:
    """The source id that the content is of: a layout's name, or `fred:<ID>`. Raises LayoutError where none fits."""
    found = [name for name, module in LAYOUTS.items() if module.recognise(body)]
    if len(found) != 1:
        start = shorten(body[:80].decode("latin-1"))
        raise LayoutError(
            "unknown file",
            "start",
            f"one of the layouts {', '.join(LAYOUTS)}",
            "an empty file" if not body.strip() else start,
            "a new layout is declared in transforms/layouts",
        )
    return f"fred:{fred.series_of(body)}" if found == ["fred"] else found[0]


def parse(body: bytes, source: Source) -> Parsed:
    """Read one file of a declared source. Raises LayoutError that names source, line or column."""
    module = LAYOUTS[source.layout]
    # The parser first: of a file that both refuse, it says best what is wrong with it.
    parsed = module.parse(body, source)
    if not module.recognise(body):
        raise LayoutError(source.id, "start", f"the layout {source.layout}", shorten(body[:80].decode("latin-1")))
    return parsed
