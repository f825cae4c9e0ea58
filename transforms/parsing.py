"""One file to its figures: parsed, and for the statistics with every holder identified."""

from __future__ import annotations

from treasury_watch.transforms import layouts
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.model import Parsed, Source


def figures_of(body: bytes, source: Source, labels: list[dict[str, str]]) -> Parsed:
    """What a file of the source says; `labels` are the rows of config/holder_labels.csv. Raises LayoutError."""
    parsed = layouts.parse(body, source)
    if parsed.holds != "observations":
        return parsed
    return Parsed(parsed.layout, parsed.holds, identified(parsed.table, source.layout, labels), parsed.dated)
