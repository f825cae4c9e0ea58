"""How often places that have nothing to do with each other would seem to take up a fall: the measure of `absorption`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.findings.rules.places.absorption import partners_of, taken_up
from treasury_watch.transforms.findings.rules.places.moves import Moves
from treasury_watch.transforms.months import month_of, number_of

LENGTHS = (1, 3, 6, 9)
DRAWN = 3  # places of similar size that each fall is set beside


def falls(moves: Moves, since: Any, minimum_usd_mn: float) -> Iterator[tuple[str, Any, Any, int]]:
    """Every fall of that size or more, prices left out, over LENGTHS months: holder, first and last month, length."""
    start = number_of(since) - moves.first
    for holder in moves.holders:
        for length in LENGTHS:
            sums = moves.over((holder,), length)
            for at in range(max(start, length - 1), len(sums)):
                if sums[at] <= -minimum_usd_mn:
                    last = moves.first + at
                    yield holder, month_of(last - length + 1), month_of(last), length


def chance(moves: Moves, positions: pd.DataFrame, rules: Mapping[str, Any], since: Any, seed: int = 1) -> pd.DataFrame:
    """Of all falls of countries since a month: how many half or more would be taken up, by whom, by length of the fall.

    `positions` has holder_id, month and position_usd_mn. Rows: `by` (`size alone` and `all tests` for random places of half
    to twice the size that are not declared partners, `declared` for the declared partners under all tests), `months`,
    `falls`, `taken_up`, `part`.
    """
    limits, drawn = rules["absorption"], np.random.default_rng(seed)
    held: pd.DataFrame = positions.pivot(index="month", columns="holder_id", values="position_usd_mn")
    held.index = [number_of(month) for month in held.index]
    alone = {
        **limits,
        "month_score": -np.inf,
        "run_score": -np.inf,
        "run_score_unpublished": -np.inf,
        "other_share": -np.inf,
    }
    counts: dict[tuple[str, int], list[int]] = {}

    def count(by: str, length: int, found: bool) -> None:
        entry = counts.setdefault((by, length), [0, 0])
        entry[0] += 1
        entry[1] += found

    for holder, first, last, length in falls(moves, since, limits["minimum_usd_mn"]):
        before = number_of(first) - 1
        if before not in held.index:
            continue
        sizes = dict(zip(held.columns.astype(str), held.loc[before].to_numpy(dtype="float64"), strict=True))
        declared = partners_of(holder, rules["pairs"])
        own = sizes[holder]
        near = [place for place, size in sizes.items() if 0.5 * own <= size <= 2 * own]
        others = [place for place in near if place != holder and not any(place in group for group, _ in declared)]
        for place in drawn.choice(others, min(DRAWN, len(others)), replace=False):
            count("size alone", length, taken_up(moves, holder, (place,), first, last, alone) is not None)
            count("all tests", length, taken_up(moves, holder, (place,), first, last, limits) is not None)
        for group, _ in declared:
            count("declared", length, taken_up(moves, holder, group, first, last, limits) is not None)
    rows = [(by, length, *entry, entry[1] / entry[0]) for (by, length), entry in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["by", "months", "falls", "taken_up", "part"])
