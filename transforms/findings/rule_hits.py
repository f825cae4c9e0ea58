"""One row for a holder's flagged month, whatever the number of rules that flag it; each rule's own row beside it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from treasury_watch.transforms.findings.rules.flagged_months import OTHER_INSTRUMENT, SEVERITIES

MEASURED = ["rule", "of", "amount_usd_mn", "severity", "verdict", "score", "share_pct"]
COLUMNS = ["holder_id", "holder", "month", "place", *MEASURED]


def by_month(hits: pd.DataFrame) -> pd.DataFrame:
    """One row per holder and month of `hits`, which have one per rule: the weightiest rule's, with the others' names.

    `rules` are the ids of all rules that flag the month, the weightiest first: by severity; a rule on the whole position
    before one on an instrument; the larger amount. `hits` are the rows of `rule_hits`. Sums over the result count a month
    once.
    """
    if hits.empty:
        return hits.assign(rules=pd.Series(dtype=object), hits=pd.Series(dtype=object))
    amounts = [hits.at[place, of] for place, of in zip(hits.index, hits["of"], strict=True)]
    ordered = hits.assign(
        amount_usd_mn=pd.Series(amounts, index=hits.index, dtype="float64"),
        weight=[-SEVERITIES.index(severity) for severity in hits["severity"]],
        of_part=hits["of"].isin(OTHER_INSTRUMENT),
    ).sort_values(["month", "holder_id", "weight", "of_part", "amount_usd_mn", "rule"], ignore_index=True)
    told: dict[tuple[Any, Any], list[dict[Any, Any]]] = {}
    keys = zip(ordered["month"], ordered["holder_id"], strict=True)
    for key, measured in zip(keys, ordered[MEASURED].to_dict("records"), strict=True):
        told.setdefault(key, []).append(measured)
    months = ordered.drop_duplicates(["month", "holder_id"]).reset_index(drop=True)
    months["rules"] = pd.Series([[hit["rule"] for hit in own] for own in told.values()], dtype=object)
    months["hits"] = pd.Series(list(told.values()), dtype=object)
    # of an exit, which need not be the weightiest
    months["peak_usd_mn"] = ordered.groupby(["month", "holder_id"], sort=False)["peak_usd_mn"].max().to_numpy()
    return months.drop(columns=["weight", "of_part", "amount_usd_mn"])


def rule_hits(flagged: pd.DataFrame) -> pd.DataFrame:
    """One row per holder, month and rule of what `by_month` made one row of, with the columns of COLUMNS.

    `place` is 1 for the weightiest rule; `of` names the amount that the rule looks at, `amount_usd_mn` is it.
    """
    rows = [
        {"holder_id": row["holder_id"], "holder": row["holder"], "month": row["month"], "place": place, **hit}
        for row in flagged.to_dict("records")
        for place, hit in enumerate(row["hits"], start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
