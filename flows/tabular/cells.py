"""What a value looks like in a file: figures without an empty fraction, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def distinct(columns: list[str]) -> list[str]:
    """Column names, each once: a second `month` becomes `month_2`, so that no format loses it."""
    found: list[str] = []
    for name in columns:
        number, made = 1, name
        while made in found:
            number += 1
            made = f"{name}_{number}"
        found.append(made)
    return found


def plain(value: Any) -> Any:
    """Figures without an empty fraction: 1209889, not 1209889.0; what is no number is nothing."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None if math.isnan(value) else value
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def text_of(value: Any) -> str:
    """A value as text; nothing is empty, a list is its items with commas between them."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)


def printable(text: str) -> str:
    """Text without the power to steer a terminal: control characters are shown as what they are."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
