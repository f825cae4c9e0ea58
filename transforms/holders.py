"""Published labels to holders: exactly as published in, one stable holder out."""

from __future__ import annotations

import difflib
import re

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, UnknownHolderError

LABEL_KEYS = ["label", "code"]
FOOTNOTE = re.compile(r"\d{1,2}/", re.ASCII)
Known = dict[tuple[str, str, str], tuple[str, str]]


def bare(label: str) -> str:
    """A label without surrounding, doubled and non-breaking spaces."""
    return " ".join(label.split())


def identified(table: pd.DataFrame, layout: str, labels: list[dict[str, str]]) -> pd.DataFrame:
    """The observation table with `holder_id` for every row, and the measure a label stands for where it stands for one.

    `labels` are the rows of config/holder_labels.csv: layout, label, code, holder_id, measure, series. A row whose
    `series` is given holds for those survey bases only and goes before one without: Belgium's line includes Luxembourg
    in the series I and II. Spaces do not tell labels apart; a footnote mark (` 2/`) does only where a row declares it.

    Raises UnknownHolderError for a label that no row knows, with the closest known ones, and LayoutError where two
    labels state the same holder's figure.
    """
    known = _known(layout, labels)
    keys = table[["label", "code", "series"]]
    holders, measures = [], []
    for label, code, series in keys.drop_duplicates().itertuples(index=False):
        found = _found(label, code, series, known)
        if found is None:
            raise _unknown(table, layout, label, code, known)
        holders.append(found[0])
        measures.append(found[1])
    # Numbered by first appearance, as drop_duplicates orders them. A merge would copy the whole table.
    number = keys.groupby(["label", "code", "series"], sort=False, dropna=False).ngroup().to_numpy()
    stands_for = pd.Series(pd.array(measures, dtype="str").take(number), index=table.index)
    joined = table.assign(
        holder_id=pd.array(holders, dtype="str").take(number),
        measure=stands_for.where(stands_for != "", table["measure"]),
    )
    _check_once(joined, layout)
    return joined


def _known(layout: str, labels: list[dict[str, str]]) -> Known:
    """(holder, measure) by (label, code, series); a declared label counts without its footnote mark too."""
    rows = [row for row in labels if row["layout"] == layout]
    known: Known = {}
    for unmarked in (False, True):
        for row in rows:
            label = bare(row["label"])
            label = _unmarked(label) if unmarked else label
            for series in row["series"].split() or [""]:
                known.setdefault((label, row["code"], series), (row["holder_id"], row["measure"]))
    return known


def _unmarked(label: str) -> str:
    """A bare label without the footnote marks at its end. Word by word: a pattern takes minutes on a line of marks."""
    words = label.split(" ")
    while len(words) > 1 and FOOTNOTE.fullmatch(words[-1]):
        words.pop()
    return " ".join(words)


def _found(label: str, code: str, series: str, known: Known) -> tuple[str, str] | None:
    """As published, else without the footnote mark, else by the code alone where a row declares no label.

    The last is for the Continuous SLT, which names its series, not its countries.
    """
    stated = bare(label)
    for name in (stated, _unmarked(stated), ""):
        for basis in (series, ""):
            if (name, code, basis) in known:
                return known[name, code, basis]
    return None


def _check_once(table: pd.DataFrame, layout: str) -> None:
    """Two spellings of one holder in one file would count it twice, or let the later figure win."""
    twice = table[table.duplicated(["holder_id", "month", "measure", "series"])]
    if len(twice):
        row = twice.iloc[0]
        same = table[(table["holder_id"] == row["holder_id"]) & (table["month"] == row["month"])]
        names = " and ".join(repr(label) for label in dict.fromkeys(same["label"]))
        raise LayoutError(
            layout,
            _place(row["line"]),
            f"one figure for {row['holder_id']} {row['month']:%Y-%m} {row['measure']}",
            f"another one ({names})",
        )


def _place(line: float) -> str:
    return f"line {line:.0f}" if pd.notna(line) else "series"


def _unknown(table: pd.DataFrame, layout: str, label: str, code: str, known: Known) -> UnknownHolderError:
    line = table.loc[(table["label"] == label) & (table["code"] == code), "line"].iloc[0]
    names = sorted({name for name, _, _ in known if name})
    same_name = sorted(
        {f"{name} with code {number}" for name, number, _ in known if number and name == bare(label) != ""}
    )
    same_code = sorted({name for name, number, _ in known if code and number == code and name})
    longer = [name for name in names if label.strip() and name.startswith(f"{bare(label)},")]
    similar = difflib.get_close_matches(bare(label), names, n=3, cutoff=0.5)
    closest = same_name or list(dict.fromkeys(same_code + longer + similar))
    return UnknownHolderError(
        layout,
        _place(line),
        "a holder that config/holder_labels.csv knows" + (f" (closest: {', '.join(closest)})" if closest else ""),
        f"{label.strip()!r}" + (f" with code {code}" if code else ""),
        "add the label to config/holder_labels.csv, or check that the file is the right one",
    )
