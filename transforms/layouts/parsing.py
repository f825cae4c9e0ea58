"""One file to its figures: parsed, without what stands for no figure, and for the statistics with every holder identified."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd

from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import identified, renamed
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.tic.continuous_slt import discontinued, other_securities
from treasury_watch.transforms.model import Parsed, Source


def figures_of(body: bytes, source: Source, labels: list[dict[str, str]]) -> Parsed:
    """What a file of the source says; `labels` are the rows of config/holder_labels.csv. Raises LayoutError."""
    parsed = layouts.parse(body, source)
    if source.zero_is_missing_before is not None:
        parsed = replace(parsed, table=_without_zeros(parsed, source, source.zero_is_missing_before))
    if not KINDS[parsed.holds].of_holders:
        return parsed
    if source.layout == "cslt":
        parsed = _without_unknown_groups(parsed, labels)
    table = identified(parsed.table, source.layout, labels)
    notes = (*parsed.notes, *renamed(table, source.layout, labels))
    besides = parsed.besides
    if besides is not None:
        besides, left_out = other_securities.with_holders(besides, labels)
        notes += left_out
    return replace(parsed, table=table, notes=notes, besides=besides)


def _without_unknown_groups(parsed: Parsed, labels: list[dict[str, str]]) -> Parsed:
    """The Continuous SLT without lines for several countries that ended and are not declared, and a note on them."""
    known = {row["code"] for row in labels if row["code"]}
    table, notes = discontinued.without_unknown(parsed.table, parsed.ended_groups, known)
    return replace(parsed, table=table, notes=(*parsed.notes, *notes))


def _without_zeros(parsed: Parsed, source: Source, day: date) -> pd.DataFrame:
    """The figures without the zeros that the source writes where it has none yet. Raises LayoutError if none is left."""
    kind, table = KINDS[parsed.holds], parsed.table
    missing = (table[kind.value] == 0) & (table[kind.dated_by] < pd.Timestamp(day))
    if missing.all():
        raise LayoutError(
            source.id, "whole file", f"a figure, or a zero of {day} or later",
            "zeros before that day alone", "fetch it again; nothing was loaded",
        )  # fmt: skip
    return table[~missing].reset_index(drop=True)
