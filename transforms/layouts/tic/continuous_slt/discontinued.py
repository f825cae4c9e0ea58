"""Lines of the Continuous SLT that the publisher has ended: a group among them that is not declared stops nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import listed, shorten

ENDED = "D"  # `status` of a series; A is active
# How the publisher names a line for several countries. A country is never left out: its figures would be missing somewhere.
GROUP = re.compile(r"\b(?:Other|Total|plus|and Isle|Centers|Exporters|Area|Union|Orgs|Countries|Unknown)\b")


def has_ended(series: dict[str, Any]) -> bool:
    """Whether the publisher marks the series as discontinued."""
    metadata = series.get("metadata")
    additional = metadata.get("additional") if isinstance(metadata, dict) else None
    return isinstance(additional, dict) and additional.get("status") == ENDED


def groups(series: Iterable[tuple[str, str, bool]]) -> tuple[tuple[str, str], ...]:
    """Code and name of every line for several countries all of whose series (code, title, has it ended) have ended."""
    titles: dict[str, str] = {}
    active = set()
    for code, title, ended in series:
        titles.setdefault(code, title)
        if not ended:
            active.add(code)
    return tuple((code, title) for code, title in titles.items() if code not in active and GROUP.search(title))


def without_unknown(
    table: pd.DataFrame, ended_groups: tuple[tuple[str, str], ...], known: set[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without the ended groups whose code is not among the `known`, and a note that names them.

    An unknown holder that is no such group stays in the table, to be refused by name.
    """
    left = [(code, title) for code, title in ended_groups if code not in known]
    if not left:
        return table, ()
    named = listed([f"{shorten(code, 20)} ({shorten(title, 60)})" for code, title in left])
    kept = table[~table["code"].isin([code for code, _ in left])].reset_index(drop=True)
    return kept, (f"discontinued groups with unknown codes are left out: {named}",)
