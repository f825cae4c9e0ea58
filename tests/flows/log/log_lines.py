"""The lines of a log as JSON: read, counted and found by their event."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

Lines = list[dict[str, Any]]


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def events(lines: Lines) -> Counter[str]:
    return Counter(line["event"] for line in lines)


def of(lines: Lines, event: str) -> dict[str, Any]:
    """The one line of that event."""
    [found] = [line for line in lines if line["event"] == event]
    return found
