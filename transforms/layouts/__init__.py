"""One module per source layout: `recognise(body)` tells by content, `parse(body, source)` reads or refuses.

`recognised(body)` names the layout of some bytes; `parse(body, source)` reads them with the declared source's parser.
"""

from __future__ import annotations

import re
from types import ModuleType

from treasury_watch.transforms.errors import LayoutError, shorten
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.cited import press, press_releases
from treasury_watch.transforms.layouts.containers import is_container, members
from treasury_watch.transforms.layouts.file_kinds import as_utf8, kind_of, readable
from treasury_watch.transforms.layouts.fiscal_data import auctions, debt
from treasury_watch.transforms.layouts.japan import interventions, period_totals, reserves
from treasury_watch.transforms.layouts.japan.flows import by_investor, monthly, weekly
from treasury_watch.transforms.layouts.rates import ecb, fred
from treasury_watch.transforms.layouts.tic import (
    cslt,
    s1_globl,
    shlhistdat,
    slt3d_globl,
    slt_table1,
    slt_table3,
    slt_table5,
)
from treasury_watch.transforms.layouts.tic.major_holders import mfh, mfhhis01
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.months import shifted

# A date with a year of two digits at the very end, without an end of its line.
CUT_DATE = re.compile(rb"(?:^|[\r\n])[^\r\n\w]*(?:\d{1,2}/\d{1,2}/|[A-Z][a-z]+ \d{1,2}, )\d\d[\t ]*\Z")

LAYOUTS: dict[str, ModuleType] = {
    "slt_table3": slt_table3,
    "slt_table1": slt_table1,
    "slt_table5": slt_table5,
    "mfhhis01": mfhhis01,
    "slt3d_globl": slt3d_globl,
    "s1_globl": s1_globl,
    "shlhistdat": shlhistdat,
    "cslt": cslt,
    "mfh": mfh,
    "fred": fred,
    "ecb": ecb,
    "mof": interventions,
    "mof_monthly": period_totals,
    "japan_reserves": reserves,
    "japan_flows_weekly": weekly,
    "japan_flows_monthly": monthly,
    "japan_flows_by_investor": by_investor,
    "treasury_auctions": auctions,
    "treasury_debt": debt,
    "press": press,
    "tic_press_releases": press_releases,
}


def recognised(body: bytes) -> str:
    """The source id that the content is of: a layout's name, or `fred:<ID>`. Raises LayoutError where none fits."""
    start = readable(body)
    found = [name for name, module in LAYOUTS.items() if module.recognise(start)]
    if len(found) != 1:
        raise _unread(body)
    return f"fred:{fred.series_of(start)}" if found == ["fred"] else found[0]


def parse(body: bytes, source: Source) -> Parsed:
    """Read one file of a declared source. Raises LayoutError that names source, line or column."""
    module = LAYOUTS[source.layout]
    body = as_utf8(body)
    # The parser first: of a file that both refuse, it says best what is wrong with it.
    parsed = module.parse(body, source)
    if not module.recognise(readable(body)):
        raise LayoutError(source.id, "start", f"the layout {source.layout}", shorten(body[:80].decode("latin-1")))
    of_month = KINDS[parsed.holds].dated_by == "month"
    # Cut within its year, 5/18/2026 reads as a day of 2020.
    if parsed.dated is not None and (
        CUT_DATE.search(body[-80:]) or parsed.dated < (shifted(parsed.last, 1) if of_month else parsed.last).date()
    ):
        raise LayoutError(
            source.id, "release date", f"a whole day after {parsed.last:%Y-%m}, the newest month", str(parsed.dated),
            "the file looks cut; fetch it again",
        )  # fmt: skip
    return parsed


def _unread(body: bytes) -> LayoutError:
    """Why a file of no layout is not read, with what it is as far as that can be told."""
    if is_container(body):
        try:
            inside = members(body, "this file")
        except LayoutError as problem:
            return problem
        if inside[0].container is not None:
            return _unknown(f"a container of {', '.join(one.name for one in inside[:5])}", "name the files themselves")
    kind = kind_of(body)
    if kind is not None and kind.table:
        return LayoutError(kind.table, "whole file", "a table that is read", kind.name, kind.next_step)
    if kind is not None:
        return _unknown(kind.name, kind.next_step)
    start = shorten(as_utf8(body)[:80].decode("latin-1"))
    return _unknown("an empty file" if not body.strip() else start, "a new layout is declared in transforms/layouts")


def _unknown(found: str, next_step: str) -> LayoutError:
    return LayoutError("unknown file", "start", f"one of the layouts {', '.join(LAYOUTS)}", found, next_step)
