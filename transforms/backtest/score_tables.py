"""The scores as they are printed, and as docs/methodology.md has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from treasury_watch.transforms.backtest.scores import MEASURES, Share

HEADS = ["method", "set", "alarms", "precision", "critical", "recall", "verdicts right", "called sold"]
OURS = "Treasury Watch"


def score_rows(tracker: str, scores: Mapping[str, Mapping[str, Share]]) -> list[list[str]]:
    """One row per set: the number of alarms, then each measure with its interval."""
    return [
        [tracker, name, str(shares["precision"].count), *(shown(shares[measure]) for measure in MEASURES)]
        for name, shares in scores.items()
    ]


def shown(share: Share) -> str:
    """`63% (55-71) of 120`; a dash where there is nothing to count."""
    if not share.count:
        return "-"
    interval = "" if math.isnan(share.low) else f" ({100 * share.low:.0f}-{100 * share.high:.0f})"
    return f"{share.value:.0%}{interval} of {share.count}"


def year_rows(years: Mapping[str, Mapping[int, int]], trackers: Mapping[str, Mapping[int, int]]) -> list[list[str]]:
    """By year our events at warning or above and at critical, and the alarms of each tracker."""
    columns = [years["warning"], years["critical"], *trackers.values()]
    every = sorted({year for counts in columns for year in counts})
    heads = ["year", "events", "of them critical", *trackers]
    return [heads, *([str(year), *(str(counts.get(year, 0)) for counts in columns)] for year in every)]


def label_rows(findings: pd.DataFrame) -> list[list[str]]:
    """What the alarms were, by severity."""
    alarms = findings[findings["severity"] != "notice"]
    counts = alarms.groupby(["severity", "label"]).size().unstack(fill_value=0)
    rows = [[str(name), *map(str, row)] for name, row in zip(counts.index, counts.to_numpy(), strict=True)]
    return [["severity", *map(str, counts.columns)], *rows]


def survival(compared: pd.DataFrame) -> str:
    """How often a finding on first prints is still the same on today's figures, in a sentence or two."""
    then, now = compared["verdict_then"].notna(), compared["verdict_now"].notna()
    both = compared[then & now]
    if not then.any() and not now.any():
        return "No month has findings on first prints: no release or press report of its own day is kept."
    months = ", ".join(f"{month:%Y-%m}" for month in sorted(compared["end_month"].unique()))
    same = [(both[f"{what}_then"] == both[f"{what}_now"]).sum() for what in ("verdict", "severity")]
    return (
        f"On first prints ({months}): {then.sum()} findings, of which {len(both)} are still flagged on today's figures; "
        f"of these {same[0]} have the same verdict and {same[1]} the same severity. "
        f"{(~then & now).sum()} more are flagged today, on figures of holders that were known then."
    )


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as columns of text: the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    told = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        told.append("  ".join(cells).rstrip())
    return told


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as a Markdown table, the first its head."""
    heads, *others = rows
    line = "|---" + "|--:" * (len(heads) - 1) + "|"
    return [_joined(heads), line, *(_joined(row) for row in others)]


def _joined(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
