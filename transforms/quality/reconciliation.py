"""Sources that state the same thing, compared. A disagreement beyond rounding is data, with both figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from treasury_watch.transforms.model import MAIN_SOURCE

KEY = ["holder_id", "month", "measure"]
COLUMNS = ["comparison", *KEY, "source", "value_usd_mn", "other_source", "other_value_usd_mn", "difference_usd_mn",
           "tolerance_usd_mn", "same_vintage", "correction"]  # fmt: skip

NOTHING = pd.DataFrame(columns=COLUMNS)  # of a comparison whose sides are not both there


def reconciliation(
    observations: pd.DataFrame,
    rules: dict[str, Any],
    corrections: dict[str, Any],
    units: dict[str, float],
    printed: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(disagreements, counts). `observations` are the figures that stand now; of two bases of a month the newest.
    `printed`, with the same columns, are figures of a kind of their own that only the pairs of [pairs] look at.

    `rules` is config/reconciliation.toml, `corrections` config/corrections.toml, `units` the USD millions of a source's last
    published digit; half of it is tolerated for every figure compared. The counts have one row per comparison:
    comparison, description, compared, disagreeing, known (explained by a correction).
    """
    stated = observations.dropna(subset=["value_usd_mn"])
    by_source = {str(source): figures for source, figures in stated.groupby("source")}
    if printed is not None:
        by_source |= {str(source): figures for source, figures in printed.groupby("source")}
    found, counts = [], []
    for name, rule in rules["pairs"].items():
        there = {rule["source"], rule["other"]} <= set(by_source)
        table = _pair(by_source, rule) if there else NOTHING
        found.append(_beyond(table, name, rule, units))
        counts.append((name, rule["description"], len(table)))
    named = {column: set(stated[column].unique()) for column in ("measure", "holder_id")}
    for name, rule in rules["parts"].items():
        column, read = ("measure", _measure_parts) if "measures" in rule else ("holder_id", _holder_parts)
        parts = rule["measures" if "measures" in rule else "holders"]
        there = {parts["whole"], *parts["parts"]} <= named[column]
        table = read(stated, parts) if there else NOTHING
        found.append(_beyond(table, name, rule, units))
        counts.append((name, rule["description"], len(table)))
    table = _flow_identity(by_source[MAIN_SOURCE]) if MAIN_SOURCE in by_source else NOTHING
    found.append(_beyond(table, "bills_identity", {}, units))
    counts.append(
        ("bills_identity", "Net purchases of bills in Table 3 against the change in the bills held", len(table))
    )
    rows = pd.concat([table for table in found if len(table)] or [NOTHING], ignore_index=True)
    rows["correction"] = _explained(rows, corrections)
    rows = rows[COLUMNS].sort_values(["comparison", *KEY, "source"], ignore_index=True)
    summary = pd.DataFrame(counts, columns=["comparison", "description", "compared"])
    disagreeing = rows.groupby("comparison").size()
    known = rows[rows["correction"].notna()].groupby("comparison").size()
    summary["disagreeing"] = summary["comparison"].map(disagreeing).fillna(0).astype("int64")
    summary["known"] = summary["comparison"].map(known).fillna(0).astype("int64")
    return rows, summary


def guards(observations: pd.DataFrame, corrections: dict[str, Any]) -> pd.DataFrame:
    """One row per correction: does its source still state the figure that the entry expects?

    Columns correction, source, holder_id, month, expected_usd_mn, found_usd_mn (NaN where not stated), still_wrong.
    An entry whose source is not loaded holds: there is nothing to judge by.
    """
    rows = []
    loaded = set(observations["source"].unique())
    for name, entry in corrections.items():
        at = observations[observations["month"] == pd.Timestamp(entry["month"] + "-01")]
        for column in ("source", "holder_id", "measure"):
            at = at[at[column] == entry[column]]
        value = float(at["value_usd_mn"].iloc[0]) if len(at) else float("nan")
        holds = value == entry["expect"] or (not len(at) and entry["source"] not in loaded)
        rows.append((name, entry["source"], entry["holder_id"], entry["month"], float(entry["expect"]), value, holds))
    return pd.DataFrame(
        rows, columns=["correction", "source", "holder_id", "month", "expected_usd_mn", "found_usd_mn", "still_wrong"]
    )


def _pair(by_source: dict[str, pd.DataFrame], rule: dict[str, Any]) -> pd.DataFrame:
    """What two sources state of one holder, month and measure. All Other is left out: its members differ."""
    key = [*KEY, "series"]
    one, two = (by_source[rule[side]][[*key, "value_usd_mn"]] for side in ("source", "other"))
    one = one[~one["holder_id"].isin(["all_other", *rule.get("leave_out", [])])]
    if "only" in rule:
        one = one[one["holder_id"].isin(rule["only"])]
    joined = one.merge(two.rename(columns={"value_usd_mn": "other_value_usd_mn"}), on=key)
    return joined.assign(source=rule["source"], other_source=rule["other"], others=1)


def _measure_parts(stated: pd.DataFrame, rule: dict[str, Any]) -> pd.DataFrame:
    wide = stated[stated["measure"].isin([rule["whole"], *rule["parts"]])].pivot_table(
        index=["source", "holder_id", "month", "series"], columns="measure", values="value_usd_mn", aggfunc="first"
    )
    return _compared(wide, rule).assign(measure=rule["whole"])


def _holder_parts(stated: pd.DataFrame, rule: dict[str, Any]) -> pd.DataFrame:
    wide = stated[stated["holder_id"].isin([rule["whole"], *rule["parts"]])].pivot_table(
        index=["source", "month", "measure", "series"], columns="holder_id", values="value_usd_mn", aggfunc="first"
    )
    return _compared(wide, rule).assign(holder_id=rule["whole"])


def _compared(wide: pd.DataFrame, rule: dict[str, Any]) -> pd.DataFrame:
    names = [rule["whole"], *rule["parts"]]
    whole = wide.reindex(columns=names).dropna()
    table = pd.DataFrame({"value_usd_mn": whole[rule["whole"]], "other_value_usd_mn": whole[rule["parts"]].sum(axis=1)})
    table = table.reset_index()
    return table.assign(other_source=table["source"], others=len(rule["parts"]))


def _flow_identity(table3: pd.DataFrame) -> pd.DataFrame:
    """Table 3 states net purchases of bills as the change in the bills held (its column definitions)."""
    held = table3[table3["measure"] == "short_term_position"].sort_values(["holder_id", "month"])
    before = held.assign(month=held["month"] + pd.offsets.MonthBegin(1))
    change = held.merge(
        before[["holder_id", "month", "value_usd_mn"]], on=["holder_id", "month"], suffixes=("", "_before")
    )
    change["other_value_usd_mn"] = change["value_usd_mn"] - change["value_usd_mn_before"]
    net = table3.loc[table3["measure"] == "short_term_net", [*KEY, "value_usd_mn"]]
    joined = net.merge(change[["holder_id", "month", "other_value_usd_mn"]], on=["holder_id", "month"])
    return joined.assign(source=MAIN_SOURCE, other_source=MAIN_SOURCE, others=2)


def _beyond(table: pd.DataFrame, name: str, rule: dict[str, Any], units: dict[str, float]) -> pd.DataFrame:
    """The rows that disagree beyond rounding; `others` is the number of figures on the other side."""
    if table.empty:
        return NOTHING
    difference = (table["value_usd_mn"] - table["other_value_usd_mn"]).round(3)
    table = table.assign(difference_usd_mn=difference)[difference.abs() > 0]
    one, two = (table[side].map(units).astype("float64") for side in ("source", "other_source"))
    table = table.assign(
        comparison=name,
        tolerance_usd_mn=(one + table["others"] * two) / 2,
        same_vintage=rule.get("same_vintage", True),
    )
    return table[table["difference_usd_mn"].abs() > table["tolerance_usd_mn"]]


def _explained(rows: pd.DataFrame, corrections: dict[str, Any]) -> np.ndarray:
    """The correction whose wrong figure stands on one of the two sides; None for most rows, which no entry is about."""
    explained = np.full(len(rows), None, dtype=object)
    for name, entry in corrections.items():
        about = rows[rows["holder_id"] == entry["holder_id"]]
        about = about[(about["month"] == pd.Timestamp(entry["month"] + "-01")) & (about["measure"] == entry["measure"])]
        one = (about["source"] == entry["source"]) & (about["value_usd_mn"] == entry["expect"])
        two = (about["other_source"] == entry["source"]) & (about["other_value_usd_mn"] == entry["expect"])
        explained[about.index[one | two]] = name  # `rows` has a plain index
    return explained
