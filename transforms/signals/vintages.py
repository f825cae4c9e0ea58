"""When each print of a signal was public, from the rule of its publisher and the days on which its files were there.

Of the first file of a source every figure is known by the rule, at the latest on the day of that file. A later file dates
what it changes, and figures that it is the first to state: by the rule where that lies between the two files, else by the
file. So a figure is never dated before it could be known.
"""

from __future__ import annotations

import pandas as pd

from treasury_watch.transforms.signals.publication_days import public_days

PUBLISHED, RULE, RETRIEVED = "published", "rule", "retrieved"
BY_FILE = "file"  # of a release whose day the file itself prints


def known_days(prints: pd.DataFrame, rule: dict) -> pd.DataFrame:
    """`known_from` and `known_from_basis` of every print of one source, in the order of `prints`.

    `prints` has series_id, date, released (the day of its file), released_basis and before (the day of the source's file
    before that one, missing for the first). Bases: rule, published (the day that the file prints of itself: of what it
    changes, and of its newest period), retrieved (the day on which the file was there).
    """
    stated, released = prints["date"].astype("datetime64[us]"), prints["released"].astype("datetime64[us]")
    before = prints["before"].astype("datetime64[us]")
    by_rule = public_days(stated, rule)
    order = prints.assign(released=released).sort_values("released", kind="stable")
    changes = order.duplicated(["series_id", "date"]).reindex(prints.index)
    in_time = ~changes & (by_rule <= released) & (before.isna() | (by_rule >= before))
    newest = stated == stated.groupby([prints["series_id"], released]).transform("max")
    printed = prints["released_basis"].eq(BY_FILE) & (changes | newest)
    return pd.DataFrame(
        {
            "known_from": by_rule.where(in_time & ~printed, released),
            "known_from_basis": pd.Series(RETRIEVED, index=prints.index)
            .mask(in_time, RULE)
            .mask(prints["released_basis"].eq(BY_FILE) & ~in_time, PUBLISHED)
            .mask(printed, PUBLISHED),
        }
    )
