"""A published figure back to the line it came from: source, release, archived file, line and text, and every other print.

Reads the published database and the archive. No pandas: the command that prints this starts at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

import duckdb

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.rules.verdicts import ESTIMATED
from treasury_watch.transforms.months import shifted
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.published_database import rows_of

CURRENT = date(9999, 12, 31)
LINE_BREAK = re.compile(r"\r\n|\n|\r")  # as the parsers count lines
POSITIONS = {
    "position": ("total_position", "source"),
    "long_term": ("long_term_position", "long_term_source"),
    "short_term": ("short_term_position", "short_term_source"),
}
# What each amount of holder_months is made of, by its basis: (source, measure) of the same month.
FLOWS = {
    "slt": {
        "net_purchases": ["total_net"],
        "net_long_term": ["long_term_net"],
        "net_short_term": ["short_term_net"],
        "valuation": ["long_term_valuation"],
    },
    "cslt": {
        "net_purchases": ["long_term_net", "short_term_net"],
        "net_long_term": ["long_term_net"],
        "net_short_term": ["short_term_net"],
        "valuation": ["long_term_valuation"],
    },
    "form_s": {
        "net_purchases": ["long_term_gross_purchases", "long_term_gross_sales", "short_term_net"],
        "net_long_term": ["long_term_gross_purchases", "long_term_gross_sales"],
        "net_short_term": ["short_term_net"],
    },
    "press_release": {
        "net_purchases": ["net_long_term_official", "net_short_term_official"],
        "net_long_term": ["net_long_term_official"],
        "net_short_term": ["net_short_term_official"],
    },
}
FLOWS[ESTIMATED] = FLOWS["form_s"]
SOURCES = {
    "slt": "slt_table3", "cslt": "cslt", "form_s": "s1_globl", ESTIMATED: "s1_globl",
    "press_release": "tic_press_releases",
}  # fmt: skip
ESTIMATE_NOTE = (
    "valuation is estimated, no source states it: price return of the month (table price_returns, from yields) times the bonds "
    "and notes held a month before"
)
BILLS = ("short_term_net", "net_short_term_official")  # where a source states none, the change in bills stands for them
AMOUNTS = ("change", "net_purchases", "net_long_term", "net_short_term", "valuation", "other")
SUBTRACTED = "-"


@dataclass(frozen=True)
class Print:
    """One print of a figure: what a source stated, from `released` until `superseded`."""

    source: str
    series: str
    value_usd_mn: float | None
    released: date
    superseded: date | None
    evidence: str
    sha256: str | None
    line: int | None


@dataclass(frozen=True)
class Place:
    """Where a print stands: the file as archived, the line or series, and its text. `note` says what could not be read."""

    url: str | None = None
    path: str | None = None
    member: str | None = None
    text: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Part:
    """One stated figure: `sign` is how it enters what is traced. `prints` are all others of the same figure, oldest first."""

    name: str
    month: date
    sign: str
    stands: Print
    title: str
    dated_by: str | None
    place: Place
    prints: list[Print] = field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    """A figure with all that it is made of. `notes` say what a reader has to know, such as a correction."""

    holder_id: str
    holder: str
    month: date
    measure: str
    value_usd_mn: float | None
    basis: str | None
    as_of: date | None
    parts: list[Part]
    notes: list[str]


@dataclass(frozen=True)
class Tracer:
    """Traces figures of one published database and the archive beside it."""

    connection: duckdb.DuckDBPyConnection
    archive: Archive
    declarations: Declarations
    as_of: date | None = None

    @property
    def day(self) -> date:
        """The day by whose end things are known."""
        return self.as_of or CURRENT

    def trace(self, holder: Mapping[str, str], month: date, measure: str = "position") -> Trace:
        """The figure as known at the end of the day. Raises TreasuryWatchError where there is none, or no such measure."""
        name = measure.lower().replace("-", "_").removesuffix("_usd_mn")
        name = {stated: short for short, (stated, _) in POSITIONS.items()}.get(name, name)
        stated = self.declarations.toml("measures.toml")
        if name not in (*POSITIONS, *AMOUNTS, *stated):
            known = dict.fromkeys([*POSITIONS, *AMOUNTS, *stated])
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(known)}"
            raise TreasuryWatchError(f"no measure {measure!r}; {hint}")
        notes: list[str] = []
        basis = None
        if name in POSITIONS:
            value, parts = self._position(holder, month, name, notes)
        elif name in AMOUNTS:
            row = self._months(holder, month)
            basis, value = row["basis"], row[f"{name}_usd_mn"]
            parts = self._amount(holder, month, name, row, notes)
        else:
            part = self._stated(holder["holder_id"], month, name)
            value, parts = (part.stands.value_usd_mn, [part]) if part else (None, [])
        if not parts:
            raise TreasuryWatchError(self._nothing(holder, month, name))
        return Trace(
            holder["holder_id"],
            holder["holder"],
            month,
            name,
            value,
            basis,
            self.as_of,
            parts,
            list(dict.fromkeys(notes)),
        )

    def _nothing(self, holder: Mapping[str, str], month: date, name: str) -> str:
        """Why there is nothing to trace, in one line."""
        measure = POSITIONS[name][0] if name in POSITIONS else "total_position" if name in AMOUNTS else name
        first, last = self.connection.execute(
            "SELECT min(month), max(month) FROM observations WHERE holder_id = ? AND measure = ? AND released <= ?",
            [holder["holder_id"], measure, self.day],
        ).fetchall()[0]
        when = f" known on {self.as_of}" if self.as_of else ""
        words = measure.replace("_", " ")
        hint = (
            f"its {words} is there from {first:%Y-%m} to {last:%Y-%m}" if first else f"no {words} of it is there at all"
        )
        return f"{holder['holder']} has no {name.replace('_', ' ')} for {month:%Y-%m}{when}; {hint}"

    def _position(
        self, holder: Mapping[str, str], month: date, name: str, notes: list[str], sign: str = ""
    ) -> tuple[float | None, list[Part]]:
        """A position and the print that it is."""
        measure, source_column = POSITIONS[name]
        rows = self._rows("positions", "positions_as_of", holder, month)
        if not rows or rows[0][source_column] is None:
            return None, []
        row = rows[0]
        value = row[{"position": "total_usd_mn"}.get(name, f"{name}_usd_mn")]
        part = self._stated(holder["holder_id"], month, measure, row[source_column], row["series"], sign)
        if part and value is not None and value != part.stands.value_usd_mn:
            notes.append(self._correction(holder["holder_id"], month, measure, part.stands, value))
        return value, [part] if part else []

    def _correction(self, holder_id: str, month: date, measure: str, stands: Print, value: float) -> str:
        found = rows_of(
            self.connection,
            "SELECT correction, reason FROM corrections WHERE source = ? AND holder_id = ? AND month = ? AND measure = ?",
            stands.source, holder_id, month, measure,
        )  # fmt: skip
        named = f" ({found[0]['correction']}: {found[0]['reason']})" if found else ""
        return (
            f"{value:,.0f} stands for the published {stands.value_usd_mn:,.0f}: a known error of the publisher{named}"
        )

    def _rows(self, table: str, macro: str, holder: Mapping[str, str], month: date) -> list[dict[str, Any]]:
        """A holder's row of a table, or of its view as of the day."""
        chosen = "WHERE holder_id = ? AND month = ?"
        if self.as_of is None:
            return rows_of(self.connection, f"FROM {table} {chosen}", holder["holder_id"], month)
        return rows_of(self.connection, f"FROM {macro}(?) {chosen}", self.as_of, holder["holder_id"], month)

    def _months(self, holder: Mapping[str, str], month: date) -> dict[str, Any]:
        table = "holder_months" if holder["kind"] == "country" else "aggregate_months"
        rows = self._rows(table, "months_as_of", holder, month)
        if not rows:
            raise TreasuryWatchError(self._nothing(holder, month, "position"))
        return rows[0]

    def _amount(
        self, holder: Mapping[str, str], month: date, name: str, row: dict[str, Any], notes: list[str]
    ) -> list[Part]:
        """The prints that an amount of holder_months is made of; none where the amount is not known."""
        if row[f"{name}_usd_mn"] is None:
            return []
        if name == "change":
            return self._change(holder, month, row, notes)
        if name == "other":
            notes.append("other = change less net purchases less valuation")
            if row["basis"] == ESTIMATED:
                notes.append(ESTIMATE_NOTE)
            stated = ("net_purchases",) if row["basis"] == ESTIMATED else ("net_purchases", "valuation")
            less = [
                replace(part, sign="" if part.sign else SUBTRACTED)
                for one in stated
                for part in self._amount(holder, month, one, row, notes)
            ]
            return [*self._change(holder, month, row, notes), *less]
        if name == "valuation" and row["basis"] == ESTIMATED:
            notes.append(ESTIMATE_NOTE)
            return self._position(holder, shifted(month, -1), "long_term", notes)[1]
        source, parts = SOURCES[row["basis"]], []
        for measure in FLOWS[row["basis"]][name]:
            sign = SUBTRACTED if measure == "long_term_gross_sales" else ""
            find = self._printed if row["basis"] == "press_release" else self._flow
            part = find(holder["holder_id"], month, measure, source, sign)
            if part and part.stands.value_usd_mn is not None:
                parts.append(part)
            elif measure in BILLS:
                notes.append(f"{source} states no bills: the change in the bills held stands for their net purchases")
                parts += self._position(holder, month, "short_term", notes)[1]
                parts += self._position(holder, shifted(month, -1), "short_term", notes, SUBTRACTED)[1]
        return parts

    def _change(self, holder: Mapping[str, str], month: date, row: dict[str, Any], notes: list[str]) -> list[Part]:
        """This month's position and the one of the month before, as the source states both that the change was taken in."""
        before = shifted(month, -1)
        now, now_parts = self._position(holder, month, "position", notes)
        then, then_parts = self._position(holder, before, "position", notes, SUBTRACTED)
        if not now_parts or not then_parts or now is None or then is None:
            return []
        change, name = row["change_usd_mn"], holder["holder_id"]
        if abs(now - then - change) < 0.5 and now_parts[0].stands.source == then_parts[0].stands.source:
            return [*now_parts, *then_parts]
        # Between sources, and across a break, the change is taken where one source states both months on one basis.
        standing = [
            {
                (one.source, one.series): one
                for one in self._prints(name, at, "total_position")
                if one.superseded is None
            }
            for at in (month, before)
        ]
        for stated in sorted(standing[0].keys() & standing[1].keys()):
            this, last = (prints[stated] for prints in standing)
            if this.value_usd_mn is None or last.value_usd_mn is None:
                continue
            if abs(this.value_usd_mn - last.value_usd_mn - change) < 0.5:
                notes.append(f"the change is taken within one source, on one survey basis ({', '.join(stated)})")
                return [
                    self._part(name, month, "total_position", this, ""),
                    self._part(name, before, "total_position", last, SUBTRACTED),
                ]
        return [*now_parts, *then_parts]

    def _flow(self, holder_id: str, month: date, measure: str, source: str, sign: str) -> Part | None:
        return self._stated(holder_id, month, measure, source, None, sign)

    def _stated(
        self,
        holder_id: str,
        month: date,
        measure: str,
        source: str | None = None,
        series: str | None = None,
        sign: str = "",
    ) -> Part | None:
        """The print that stands: of the source and basis named, else of the first source by precedence."""
        standing = [one for one in self._prints(holder_id, month, measure) if one.superseded is None]
        if source is not None:
            standing = [one for one in standing if one.source == source]
        if not standing:
            return None
        order = {name: one.precedence for name, one in self.declarations.sources.items()}
        best = min(
            standing,
            key=lambda one: (
                one.evidence == "press",
                one.series != series,
                one.value_usd_mn is None,
                order[one.source],
            ),
        )
        return self._part(holder_id, month, measure, best, sign)

    def _prints(self, holder_id: str, month: date, measure: str) -> list[Print]:
        """Every print of a figure by the day, oldest first."""
        rows = rows_of(
            self.connection,
            "SELECT source, series, value_usd_mn, released, CASE WHEN superseded <= ? THEN superseded END AS superseded, "
            "evidence, sha256, line FROM observations "
            "WHERE holder_id = ? AND month = ? AND measure = ? AND released <= ? ORDER BY released, source, series",
            self.day, holder_id, month, measure, self.day,
        )  # fmt: skip
        return [Print(**row) for row in rows]

    def _printed(self, _holder_id: str, month: date, measure: str, source: str, sign: str) -> Part | None:
        """A figure of the official sector as the last press release by the day printed it."""
        rows = rows_of(
            self.connection,
            f"SELECT press_release AS series, {measure}_usd_mn AS value_usd_mn, released, sha256, line, citation "
            "FROM official_flows WHERE month = ? AND released <= ? ORDER BY released, press_release",
            month, self.day,
        )  # fmt: skip
        if not rows:
            return None
        citations = [row.pop("citation") for row in rows]
        prints = [Print(source=source, superseded=None, evidence="release", **row) for row in rows]
        title, place = citations[-1], self._place(prints[-1], "", month, measure)
        return Part(measure, month, sign, prints[-1], title, "file", place, prints[:-1])

    def _part(self, holder_id: str, month: date, measure: str, stands: Print, sign: str) -> Part:
        dated = self.connection.execute(
            "SELECT released_basis FROM releases WHERE source = ? AND released = ? AND sha256 = ?",
            [stands.source, stands.released, stands.sha256],
        ).fetchone()
        title = self.declarations.source(stands.source).title
        others = [one for one in self._prints(holder_id, month, measure) if one != stands]
        place = self._place(stands, holder_id, month, measure)
        return Part(measure, month, sign, stands, title, dated[0] if dated else None, place, others)

    def _place(self, stands: Print, holder_id: str, month: date, measure: str) -> Place:
        """Where the print stands in the archived bytes. Raises ArchiveDamaged where these are not what was loaded."""
        try:
            entry = self.archive.find(stands.source, stands.sha256) if stands.sha256 else None
        except PermissionError:
            return Place(note="this user may not read the archive of this data folder")
        if entry is None:
            return self._shipped(stands)
        path = self.archive.path(entry)
        shown = path.relative_to(self.archive.folder.parent).as_posix()
        if not path.exists():
            return Place(entry.url, shown, note="the file is not in this data folder's archive")
        body = self.archive.body(entry)
        if stands.line is not None:
            return Place(entry.url, shown, text=line_of(body, stands.line))
        if self.declarations.source(stands.source).layout == "cslt":
            from treasury_watch.transforms.layouts.tic import cslt  # pandas: only where the archive of series is read

            rows = self.declarations.holder_labels
            codes = {row["code"] for row in rows if row["layout"] == "cslt" and row["holder_id"] == holder_id}
            found = cslt.statement(body, self.declarations.source(stands.source), codes, measure, month)
            if found:
                return Place(entry.url, shown, f"{cslt.MEMBER}, series {found[0]}", found[1])
        return Place(entry.url, shown, note="the layout has no lines")

    def _shipped(self, stands: Print) -> Place:
        """A figure that comes with the program: its line in config/, where that file is still the one that was loaded."""
        import hashlib

        for name in ("press_figures.csv", "tic_press_releases.csv"):
            path = self.declarations.folder / name
            body = path.read_bytes() if path.exists() else b""
            if body and hashlib.sha256(body).hexdigest() == stands.sha256 and stands.line is not None:
                return Place(name, f"config/{name}", text=line_of(body, stands.line))
        return Place(note="the file is not in this data folder's archive, nor in config/ as it is now")


def line_of(body: bytes, number: int) -> str | None:
    """The text of a line, counted from 1; None where the file has no such line."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    lines = LINE_BREAK.split(text)
    return lines[number - 1] if 0 < number <= len(lines) else None
