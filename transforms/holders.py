"""Published labels to holders: exactly as published in, one stable holder out."""

from __future__ import annotations

import difflib

import pandas as pd

from transforms.errors import UnknownHolderError

LABEL_KEYS = ["label", "code"]


def identified(table: pd.DataFrame, layout: str, labels: list[dict[str, str]]) -> pd.DataFrame:
    """The observation table with `holder_id` for every row, and the measure a label stands for where it stands for one.

    `labels` are the rows of config/holder_labels.csv: layout, label, code, holder_id, measure, series. A row whose
    `series` is given holds for those survey bases only and goes before one without: Belgium's line includes Luxembourg
    in the series I and II. Raises UnknownHolderError for a label that no row knows, with the closest known ones.
    """
    known: dict[tuple[str, str, str], tuple[str, str]] = {}
    for row in labels:
        if row["layout"] == layout:
            for series in row["series"].split() or [""]:
                known[(row["label"].strip(), row["code"], series)] = (row["holder_id"], row["measure"])
    distinct = table[["label", "code", "series"]].drop_duplicates()
    holders, measures = [], []
    for label, code, series in distinct.itertuples(index=False):
        name = label.strip()
        # A row without a label goes by the code alone: the Continuous SLT names its series, not its countries.
        found = known.get((name, code, series)) or known.get((name, code, "")) or known.get(("", code, ""))
        if found is None:
            raise _unknown(table, layout, label, code, known)
        holders.append(found[0])
        measures.append(found[1])
    distinct = distinct.assign(holder_id=holders, stands_for=measures)
    joined = table.merge(distinct, on=["label", "code", "series"], how="left", validate="many_to_one")
    return joined.assign(measure=joined["stands_for"].where(joined["stands_for"] != "", joined["measure"])).drop(
        columns="stands_for"
    )


def _unknown(table: pd.DataFrame, layout: str, label: str, code: str, known: dict) -> UnknownHolderError:
    line = table.loc[table["label"] == label, "line"].iloc[0]
    names = sorted({name for name, _, _ in known if name})
    same_code = sorted({name for name, number, _ in known if code and number == code})
    close = list(dict.fromkeys(same_code + difflib.get_close_matches(label.strip(), names, n=3, cutoff=0.5)))
    return UnknownHolderError(
        layout,
        f"line {line}" if pd.notna(line) else "series",
        "a holder that config/holder_labels.csv knows" + (f" (closest: {', '.join(close)})" if close else ""),
        f"{label.strip()!r}" + (f" with code {code}" if code else ""),
        "add the label to config/holder_labels.csv, or check that the file is the right one",
    )
