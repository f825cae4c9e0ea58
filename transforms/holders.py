"""Published labels to holders: exactly as published in, one stable holder out."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from treasury_watch.transforms.errors import LayoutError, UnknownHolderError, listed, shorten

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
    A layout's own rows go first; a label or code that another layout has is known all the same, and a code that is known
    is a holder that is known, under whatever label.

    Raises UnknownHolderError for labels that no row knows, all of them at once, with the closest known ones; LayoutError
    where a label and its code are those of two holders, and where two labels state the same holder's figure.
    """
    names = _names(layout, labels)
    keys = table[["label", "code", "series"]]
    unique = list(keys.drop_duplicates().itertuples(index=False, name=None))
    found = [names.find(*key) for key in unique]
    if any(name.holder_id is None for name in found):
        raise _refusal(table, layout, names, unique, found)
    # Numbered by first appearance, as drop_duplicates orders them. A merge would copy the whole table.
    number = keys.groupby(["label", "code", "series"], sort=False, dropna=False).ngroup().to_numpy()
    stands_for = pd.Series(pd.array([name.measure for name in found], dtype="str").take(number), index=table.index)
    joined = table.assign(
        holder_id=pd.array([name.holder_id for name in found], dtype="str").take(number),
        measure=stands_for.where(stands_for != "", table["measure"]),
    )
    _check_once(joined, layout)
    return joined


def renamed(table: pd.DataFrame, layout: str, labels: list[dict[str, str]]) -> tuple[str, ...]:
    """The holders that the table names otherwise than config/holder_labels.csv, a line each with both names: those known
    by their code alone, and those whose code is not declared.
    """
    names = _names(layout, labels)
    unique = table[["label", "code", "series"]].drop_duplicates().itertuples(index=False, name=None)
    return tuple(dict.fromkeys(note for key in unique if (note := names.find(*key).note)))


@dataclass(frozen=True)
class Found:
    """The holder of a label, None where it has none; `note` says how it differs from what is declared, and of a label
    without a holder whose label or code it is.
    """

    holder_id: str | None
    measure: str = ""
    note: str = ""


class Names:
    """The declared labels and codes, as one layout has them and as all have them."""

    def __init__(self, layout: str, labels: list[dict[str, str]]):
        self.layout = layout
        own = [row for row in labels if row["layout"] == layout]
        self.own = _known(own)
        self.without_labels = bool(own) and not any(row["label"] for row in own)  # it names series, not countries
        shared = _known([{**row, "code": ""} for row in labels if row["label"]])
        ambiguous = _ambiguous(labels)
        self.shared = {key: holder for key, holder in shared.items() if key[0] not in ambiguous}
        self.codes: dict[str, tuple[str, str]] = {}  # holder and label; a layout's own label first
        self.codes_of: dict[str, set[str]] = {}  # of a label, bare or without its footnote mark
        for row in sorted(labels, key=lambda row: row["layout"] != layout):
            if row["code"]:
                holder, label = self.codes.get(row["code"], (row["holder_id"], ""))
                self.codes[row["code"]] = holder, label or _spellings(row["label"])[0]
                for name in set(_spellings(row["label"])) - {""}:
                    self.codes_of.setdefault(name, set()).add(row["code"])

    def find(self, label: str, code: str, series: str) -> Found:
        """The holder of a label: as published, else without the footnote mark, else by the code."""
        stated = bare(label)
        for name in dict.fromkeys((stated, _unmarked(stated))):
            # A survey basis that any layout declares goes before what a layout declares for all.
            for known in ((name, code, series), (name, code, "")):
                if known in self.own:
                    return Found(*self.own[known])
                if not code and known in self.shared:
                    return Found(*self.shared[known])
        if not code:
            return Found(None)
        if ("", code, "") in self.own:
            return Found(*self.own["", code, ""])
        return self._by_code(stated, code, series)

    def _by_code(self, label: str, code: str, series: str) -> Found:
        name = label if label in self.codes_of else _unmarked(label)
        others = self.codes_of.get(name, set())
        holder, declared = self.codes.get(code, (None, ""))
        known = next((self.shared[key] for key in ((name, "", series), (name, "", "")) if key in self.shared), None)
        if holder is None and others:
            return Found(None, note=f"{_shown(label, code)}, and {name!r} is declared with code {_listed(others)}")
        if holder is None:
            if known is None or known[1]:
                return Found(None)
            return Found(
                known[0], note=f"{_shown(label, code)}, which is not declared: loaded as {known[0]} by its label"
            )
        if known is not None and known[0] != holder:
            words = f" with code {_listed(others)}" if others else f" ({known[0]})"
            return Found(
                None, note=f"{_shown(label, code)}, which is {declared!r} ({holder}), and {name!r} is declared{words}"
            )
        if self.without_labels or not declared or declared == label or _unmarked(declared) == name:
            return Found(holder)
        return Found(holder, note=f"{_shown(label, code)} is declared as {declared!r}: loaded as {holder} by its code")


_last_names: dict[str, tuple[list[dict[str, str]], Names]] = {}


def _names(layout: str, labels: list[dict[str, str]]) -> Names:
    """The names for a layout. Those of the last labels are kept: a backfill identifies hundreds of files by the same."""
    kept = _last_names.get(layout)
    if kept is None or kept[0] is not labels:
        kept = _last_names[layout] = labels, Names(layout, labels)
    return kept[1]


def _shown(label: str, code: str) -> str:
    """A label and its code for a message in which others stand too."""
    return f"{shorten(label, 60)!r}" + (f" with code {shorten(code, 20)}" if code else "")


def _listed(codes: set[str]) -> str:
    return " or ".join(sorted(codes))


def _known(rows: list[dict[str, str]]) -> Known:
    """(holder, measure) by (label, code, series); a declared label counts without its footnote mark too."""
    known: Known = {}
    for unmarked in (False, True):
        for row in rows:
            label = _spellings(row["label"])[unmarked]
            for series in row["series"].split() or [""]:
                known.setdefault((label, row["code"], series), (row["holder_id"], row["measure"]))
    return known


def _ambiguous(labels: list[dict[str, str]]) -> set[str]:
    """Labels that two layouts give to different holders: such a label is known to those layouts alone."""
    holders: dict[tuple[str, str], tuple[str, str]] = {}
    found = set()
    for row in labels:
        key = _spellings(row["label"])[0], row["series"]
        if holders.setdefault(key, (row["holder_id"], row["measure"])) != (row["holder_id"], row["measure"]):
            found.add(key[0])
    return found


@lru_cache(maxsize=8192)
def _spellings(declared: str) -> tuple[str, str]:
    """A declared label, bare, and without its footnote mark. Remembered: every file needs all of them."""
    return bare(declared), _unmarked(bare(declared))


def _unmarked(label: str) -> str:
    """A bare label without the footnote marks at its end. Word by word: a pattern takes minutes on a line of marks."""
    words = label.split(" ")
    while len(words) > 1 and FOOTNOTE.fullmatch(words[-1]):
        words.pop()
    return " ".join(words)


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


def _refusal(
    table: pd.DataFrame, layout: str, names: Names, keys: list[tuple[str, str, str]], found: list[Found]
) -> LayoutError:
    """The refusal of a table, with everything in it that has no holder. What contradicts the declarations goes first."""
    contradicting = list(dict.fromkeys(name.note for name in found if name.holder_id is None and name.note))
    if contradicting:
        return UnknownHolderError(
            layout,
            _place(
                _line_of(table, next(key for key, name in zip(keys, found, strict=True) if name.note in contradicting))
            ),
            "a label and a code of one holder, as in config/holder_labels.csv",
            listed(contradicting, between="; "),
            "check that the file is whole; a code that was changed is declared in config/holder_labels.csv",
        )
    without = (key[:2] for key, name in zip(keys, found, strict=True) if name.holder_id is None)
    unknown = list({code or label: (label, code) for label, code in without}.values())
    lines = [_line_of(table, key) for key in unknown]
    described = [_shown(label, code) for label, code in unknown]
    if len(unknown) == 1:
        closest = _closest(unknown[0][0], names)
        expected = "a holder that config/holder_labels.csv knows" + (
            f" (closest: {', '.join(closest)})" if closest else ""
        )
        stated = described[0]
    else:
        expected = "holders that config/holder_labels.csv knows"
        each = [f"{text} ({_place(line)})" for text, line in zip(described, lines, strict=True)]
        stated = f"{len(unknown)} unknown ones: {listed(each)}"
    return UnknownHolderError(
        layout, _place(lines[0]), expected, stated,
        f"add {'it' if len(unknown) == 1 else 'them'} to config/holder_labels.csv, or check that the file is the right one",
    )  # fmt: skip


def _line_of(table: pd.DataFrame, key: tuple[str, ...]) -> float:
    return table.loc[(table["label"] == key[0]) & (table["code"] == key[1]), "line"].iloc[0]


def _closest(label: str, names: Names) -> list[str]:
    """The layout's own labels that are most like this one."""
    own = sorted({name for name, _, _ in names.own if name})
    longer = [name for name in own if label.strip() and name.startswith(f"{bare(label)},")]
    return list(dict.fromkeys(longer + difflib.get_close_matches(bare(label), own, n=3, cutoff=0.5)))
