"""Amounts and shares as they are shown. Rounding happens here, at display, and nowhere else: halves away from zero."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

NOT_AVAILABLE = "n.a."
MINUS = "\N{MINUS SIGN}"  # on pages; mails and terminals have the plain hyphen


def is_known(value: float | None) -> bool:
    """Whether there is a figure: neither NULL nor NaN."""
    return value is not None and not math.isnan(value)


def rounded(value: float, digits: int) -> Decimal:
    """The figure with so many decimals. In decimal arithmetic: 11,950 / 1000 is a little below 11.95 in binary."""
    return Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@lru_cache(1 << 16)  # on a site an amount stands in a table, in its holder's charts and on the pages of findings
def in_billions(usd_mn: float) -> Decimal:
    """USD billions with one decimal, from millions: the one rounding behind every amount that is shown in billions."""
    return (Decimal(float(usd_mn)) / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)


def billions(usd_mn: float | None, *, signed: bool = True) -> str:
    """`-$40.9bn` from -40921; without a sign where the amount rounds to nothing."""
    if usd_mn is None or not is_known(usd_mn):
        return NOT_AVAILABLE
    sign, digits = _parts(in_billions(usd_mn), signed=signed)
    return f"{sign}${digits}bn"


def went(usd_mn: float) -> str:
    """What an amount did, in a sentence: `fell $40.9bn`, `rose $1.5bn`, `hardly changed` where that rounds to nothing."""
    if not in_billions(usd_mn):
        return "hardly changed"
    return f"{'fell' if usd_mn < 0 else 'rose'} {billions(abs(usd_mn), signed=False)}"


def billions_cell(usd_mn: float | None, *, signed: bool = True, minus: str = "-") -> str:
    """`-40.9` from -40921, for tables headed USD bn."""
    return _cell(None if usd_mn is None or not is_known(usd_mn) else in_billions(usd_mn), signed, minus)


def millions_cell(usd_mn: float | None, *, signed: bool = True, minus: str = "-") -> str:
    """`-40,921`, for tables headed USD mn."""
    return _cell(None if usd_mn is None or not is_known(usd_mn) else rounded(usd_mn, 0), signed, minus)


def percent(value: float | None, digits: int = 1, *, signed: bool = False, minus: str = "-") -> str:
    """`3.5%`."""
    if value is None or not is_known(value):
        return NOT_AVAILABLE
    return f"{_cell(rounded(value, digits), signed, minus)}%"


def part_of(share: float, whole: str) -> str:
    """How much of `whole` a share is, in words that read: `85% of it`, `nearly all of it`, `all of it`."""
    if share < 0.95:
        return f"{percent(100 * share, 0)} of {whole}"
    return f"{'nearly ' if share < 1 else ''}all of {whole}"


def _cell(figure: Decimal | None, signed: bool, minus: str) -> str:
    return NOT_AVAILABLE if figure is None else "".join(_parts(figure, signed=signed, minus=minus))


def _parts(figure: Decimal, *, signed: bool, minus: str = "-") -> tuple[str, str]:
    """Sign and digits; an unsigned figure shows a minus all the same, nothing shows the sign of zero."""
    sign = "" if not figure else minus if figure < 0 else "+" if signed else ""
    return sign, f"{abs(figure):,}"
