"""How such signals did so far, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from treasury_watch.transforms.amounts import billions, rounded
from treasury_watch.transforms.signals.nowcast.scores import summary
from treasury_watch.transforms.signals.nowcast.words import about
from treasury_watch.transforms.wording import month_name


def record_of_estimates(scores: pd.DataFrame, method: str, minimum_usd_mn: float, made_then: int) -> list[str]:
    """How a target's estimates did: all of them beside the rival that says nothing, and the large falls among them.

    `scores` are the target's rows of `nowcast_scores`; `method` is the kind of estimate; `made_then` how many of them were
    made before their release, the others being replayed.
    """
    own = scores[scores["method"] == method]
    if own.empty:
        return ["No such estimate has been held against a print yet."]
    every = {str(name): row for name, row in summary(scores).to_dict("index").items()}
    found, rival = every[method], every.get("zero")
    months = f"{len(own)} months, {month_name(own['month'].min())} to {month_name(own['month'].max())}"
    how = (
        "all replayed from what was public on the day"
        if not made_then
        else f"{made_then} of them made before the release"
    )
    coverage = found["coverage_pct"]
    held = (
        ""
        if pd.isna(coverage)
        else f"; {rounded(coverage, 0)}% of the {own['inside'].notna().sum()} that had an 80% interval lay in it"
    )
    beside = "" if rival is None else f" ({billions(rival['mean_error_usd_mn'], signed=False)} for always saying zero)"
    lines = [
        f"{months} ({how}): right sign in {rounded(found['right_sign_pct'], 0)}%, off by "
        f"{billions(found['mean_error_usd_mn'], signed=False)} on average{beside}{held}."
    ]
    large = own[own["estimate_usd_mn"] <= -minimum_usd_mn]
    size = about(-minimum_usd_mn)
    if len(large):
        right = int((large["print_usd_mn"] < 0).sum())
        as_large = int((large["print_usd_mn"] <= -minimum_usd_mn).sum())
        lines.append(
            f"Of {len(large)} estimates of {size} or lower {right} had the right sign; {as_large} of these months printed "
            f"{size} or lower."
        )
    printed = own[own["print_usd_mn"] <= -minimum_usd_mn]
    missed = int((printed["estimate_usd_mn"] > -minimum_usd_mn).sum())
    lines.append(f"Missed: {missed} of the {len(printed)} months that printed {size} or lower.")
    return lines


def record_of_reserves(changes: Iterable[tuple[float, float]], minimum_usd_mn: float) -> list[str]:
    """How often a fall in the reserves' securities was one of Japan's Treasuries: pairs of the month's two changes."""
    large = [(signal, printed) for signal, printed in changes if signal <= -minimum_usd_mn]
    size = about(minimum_usd_mn, signed=False)
    if not large:
        return [
            f"No earlier month is loaded in which these securities fell by {size} or more and Japan's figures are out."
        ]
    fell = sum(printed < 0 for _, printed in large)
    months = "one earlier month" if len(large) == 1 else f"{len(large)} earlier months"
    return [
        f"In {months} loaded these securities fell by {size} or more, prices left in; Japan's Treasuries fell in {fell} of "
        f"{len(large)}. Part of that is the price that both share."
    ]
