"""The files of one release, in the edition of its time, from the figures as they stand in that release."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from tests.benchmarks.release_archive.figures import (
    History,
    Month,
    Revisions,
    Rows,
    Table3,
    bare,
    figure,
    read_form_s,
    read_table3d,
    text_of,
)

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
TABLES_SINCE, HTML_SINCE = date(2023, 4, 17), date(2023, 9, 18)
VALUATION_SINCE = date(2024, 4, 17)
TABLE3D_FROM = 2011 * 12 + 11  # its months are consecutive from here on
NAMED = 20
MONTH_CELL = re.compile(r"[^\t]+\t\d{5}\t\d{4}-\d{2}\t")  # a row of Table 1
OFFICIAL = ("99996", "Of Which: Foreign Official")
TABLE3_HEAD = (
    "Table 3: U.S. Treasury Securities Held by Foreign Residents 1/",
    "All Countries and International and Regional Organizations",
    "A positive number for net U.S. sales to foreigners denotes an increase in a foreign position",
    "Millions of dollars",
    "Link: https://ticdata.treasury.gov/resource-center/data-chart-center/tic/Documents/slt_table3.txt",
    "",
)
COLUMNS = (
    ("Total U.S. Treasuries", "Holdings", "for_treas_pos"),
    ("Total U.S. Treasuries", "Net U.S. Sales", "for_treas_net"),
    ("Long-term U.S. Treasuries", "Holdings", "for_lt_treas_pos"),
    ("Long-term U.S. Treasuries", "Net U.S. Sales", "for_lt_treas_net"),
    ("Long-term U.S. Treasuries", "Valuation Change", "for_lt_treas_valchg"),
    ("Short-term U.S. Treasuries", "Holdings", "for_st_treas_pos"),
    ("Short-term U.S. Treasuries", "Net U.S. Sales", "for_st_treas_net"),
)
VALUATION = 4

Truth = tuple[str, str, str, str, str, float]  # table, label, code, month, measure, value in USD mn


@dataclass
class Release:
    """One release: the month it covers, its day, and how the archive labels and names it."""

    covers: Month
    released: date
    label: date
    archive: str


class LinesOfHolders(ABC):
    """A file of one line a holder and month, rendered again only where a figure changed."""

    def __init__(self, table: Rows, first: Month = 0):
        self.table = table
        places = [place for place in table.rows if place[1] >= first]
        self.number = {place: number for number, place in enumerate(places)}
        self.months = [month for _, month in places]
        self.lines = [self.line(place, 0) for place in places]

    @abstractmethod
    def line(self, place: tuple[str, Month], shift: int) -> str:
        """One line with its figures moved."""

    def revise(self, revisions: Revisions, changed: Iterable[tuple[str, Month]]) -> None:
        """Take over what changed."""
        for place in changed:
            if (number := self.number.get(place)) is not None:
                self.lines[number] = self.line(place, revisions.now.get(place, 0))

    def text(self, covers: Month) -> bytes:
        """The file of a release."""
        body = [line for line, month in zip(self.lines, self.months, strict=True) if month <= covers]
        return "\r\n".join([*self.table.head, *body, *self.table.foot, ""]).encode("latin-1")


class FormS(LinesOfHolders):
    """Form S: a tenth of each shift is bought and sold."""

    def figures(self, place: tuple[str, Month], shift: int) -> tuple[int, int]:
        """Gross purchases and sales of Treasury bonds and notes, USD mn."""
        cells, flow = self.table.rows[place], int(shift / 10)
        return max(0, (figure(cells[3]) or 0) + flow), max(0, (figure(cells[9]) or 0) + flow)

    def line(self, place: tuple[str, Month], shift: int) -> str:
        """Quoted thousands, as served."""
        cells = list(self.table.rows[place])
        if shift and figure(cells[3]) is not None and figure(cells[9]) is not None:
            for index, value in zip((3, 9), self.figures(place, shift), strict=True):
                cells[index] = f'"{value:,}"' if value >= 1000 else str(value)
        return "\t".join(cells)


class Table3D(LinesOfHolders):
    """Table 3D: total and long-term move."""

    def figures(self, place: tuple[str, Month], shift: int) -> list[int | None]:
        """Total, long-term, bills in USD mn."""
        stated = [figure(cell) for cell in self.table.rows[place][3:6]]
        return [None if value is None else value + shift * (n < 2) for n, value in enumerate(stated)]

    def line(self, place: tuple[str, Month], shift: int) -> str:
        """Quoted thousands, as served."""
        cells = self.table.rows[place]
        values = self.figures(place, shift) if shift else [figure(cell) for cell in cells[3:6]]
        shown = [
            cell if value is None else f'"{value:,}"' if abs(value) >= 1000 else str(value)
            for cell, value in zip(cells[3:6], values, strict=True)
        ]
        return f'"{cells[0]}",{cells[1]},"{cells[2]}",{",".join(shown)}'


class Edition:
    """Writes the files of releases, one after the other. `official` is the folder of files as served."""

    def __init__(self, official: Path, seed: int):
        self.table3 = Table3.read(official / "tic" / "slt_table3.txt")
        self.history = History.read(official / "tic" / "mfhhis01.txt")
        table3d = read_table3d(official / "tic" / "slt3d_globl.csv")
        self.table3d = Table3D(table3d, TABLE3D_FROM)
        self.form_s = FormS(read_form_s(official / "tic" / "s1_globl.txt"))
        self.revisions = Revisions(self.table3, table3d, self.history, seed)
        self.table1 = (official / "tic" / "slt_table1.txt").read_bytes().decode("latin-1").splitlines(True)

    def revise(self, release: Release, *, last: bool) -> None:
        """The figures as this release states them: the past year in every third month, else the three months before."""
        if last:
            changed = self.revisions.settle()
        else:
            reach = 12 if release.covers % 3 == 1 else 3
            months = [release.covers - back for back in range(reach + 1)]
            changed = self.revisions.draw(months)
        self.table3d.revise(self.revisions, changed)
        self.form_s.revise(self.revisions, changed)

    def files(self, release: Release) -> dict[str, bytes]:
        """The members that matter, by name."""
        if release.released < TABLES_SINCE:
            found = {
                "mfh.txt": self.mfh(release),
                "mfhhis01.txt": lines_of(self.history_rows(release), "\t"),
                "s1_globl.txt": self.form_s.text(release.covers),
            }
            if release.covers > TABLE3D_FROM:
                found["slt3d_globl.csv"] = self.table3d.text(release.covers)
            return found
        found = {"slt_table1.txt": self.table1_text(release)}
        for name, rows in (("slt_table3", self.table3_rows(release)), ("slt_table5", self.table5_rows(release))):
            found[f"{name}.txt"] = lines_of(rows, "\t")
            found[f"{name}.csv"] = lines_of(([quoted(cell) for cell in row] for row in rows), ",")
            if release.released >= HTML_SINCE and name == "slt_table5":
                found[f"{name}.html"] = html_of(rows)
        history = self.history_rows(release)
        found["mfhhis01.html"] = html_of(history)
        return found

    def table1_text(self, release: Release) -> bytes:
        """The official Table 1 up to the release's month, not revised."""
        newest = text_of(release.covers)
        kept = (line for line in self.table1 if not MONTH_CELL.match(line) or line.split("\t")[2] <= newest)
        return "".join(kept).encode("latin-1")

    def table3_figures(self, code: str, month: Month) -> list[int | None]:
        """Table 3's seven figures of a line, USD mn."""
        shift = self.revisions.now.get((code, month), 0)
        return [
            None if value is None else value + shift * (n in (0, 2))
            for n, value in enumerate(self.table3.rows[code, month])
        ]

    def table3_rows(self, release: Release) -> list[list[str]]:
        """Table 3: one row a holder and month; without valuation before April 2024."""
        kept = [n for n in range(len(COLUMNS)) if n != VALUATION or release.released >= VALUATION_SINCE]
        width = 3 + len(kept)
        rows = [[line, *[""] * (width - 1)] for line in TABLE3_HEAD]
        for level, start in enumerate((["", "", ""], ["Country", "Country Code", "Date"])):
            rows.append([*start, *(COLUMNS[n][level] for n in kept)])
        rows.append(["country", "country_code", "date", *(COLUMNS[n][2] for n in kept)])
        for code, month in self.table3.order:
            if month <= release.covers:
                figures = self.table3_figures(code, month)
                shown = ["n.a." if figures[n] is None else str(figures[n]) for n in kept]
                rows.append([self.table3.labels[code], code, text_of(month), *shown])
        return rows

    def table5_figures(self, release: Release) -> list[tuple[str, list[float]]]:
        """Table 5: label and USD bn of 13 months, newest first."""
        months = [release.covers - back for back in range(13)]

        def line(code: str, n: int = 0) -> list[float]:
            return [round((self.table3_figures(code, month)[n] or 0) / 1000, 1) for month in months]

        countries = [
            code
            for code, label in self.table3.labels.items()
            if int(code) < 69000
            and not label.startswith(("Total", "Memo"))
            and all(self.table3.rows.get((code, month), [None])[0] is not None for month in months)
        ]
        named = sorted(countries, key=lambda code: -(self.table3_figures(code, months[0])[0] or 0))[:NAMED]
        by_label = {label: code for code, label in self.table3.labels.items()}
        grand, official = by_label["Grand Total"], by_label[OFFICIAL[1]]
        rows = [(self.table3.labels[code], line(code)) for code in named]
        total = line(grand)
        rest = [round(total[n] - sum(values[n] for _, values in rows), 1) for n in range(13)]
        return [
            *rows,
            ("All Other", rest),
            ("Grand Total", total),
            (OFFICIAL[1], line(official)),
            (f"{OFFICIAL[1]} Treasury Bills", line(official, 5)),
            (f"{OFFICIAL[1]} T-Bonds & Notes", line(official, 2)),
        ]

    def table5_rows(self, release: Release) -> list[list[str]]:
        """Table 5 as rows of cells."""
        head = (
            "Table 5: Major Foreign Holders of Treasury Securities",
            "Holdings at end of time period",
            "Billions of dollars",
            "Link: https://ticdata.treasury.gov/resource-center/data-chart-center/tic/Documents/slt_table5.txt",
            "",
        )
        rows = [[line, *[""] * 13] for line in head]
        rows.append(["Country", *(text_of(release.covers - back) for back in range(13))])
        rows += [[label, *(f"{value:.1f}" for value in values)] for label, values in self.table5_figures(release)]
        return [*rows, ["", *[""] * 13], ["Notes:", *[""] * 13], ["Simulated figures.", *[""] * 13]]

    def history_cell(self, label: str, month: Month, cell: str) -> str:
        """A cell of the history with its shift."""
        shift, value = self.revisions.of(label, month), float(cell.replace(",", ""))
        return f"{value + shift / 1000:.1f}" if shift and value + shift / 1000 > 0 else cell

    def history_rows(self, release: Release) -> list[list[str]]:
        """The history up to the last full year before the month covered, with the day of release at its end."""
        rows = [list(cells) for cells in self.history.head]
        for block in self.history.blocks:
            if block.year >= release.covers // 12:
                continue
            rows += [list(cells) for cells in block.head]
            for cells in block.holders:
                rows.append(self._holder(cells, block.months))
        printed = f"{release.released.month}/{release.released.day}/{release.released.year}"
        for cells in self.history.foot:
            dated = re.fullmatch(r"\d+/\d+/\d{2,4}", cells[0].strip())
            rows.append([printed, *cells[1:]] if dated else list(cells))
        return rows

    def _holder(self, cells: list[str], months: dict[int, Month]) -> list[str]:
        return [
            self.history_cell(cells[0], months[n], cell) if n in months and re.match(r"[\d.]", cell.strip()) else cell
            for n, cell in enumerate(cells)
        ]

    def mfh_figures(self, release: Release) -> list[tuple[str, list[float]]]:
        """The table of major holders: label and USD bn of 13 months, newest first, on the newest basis of each month."""
        months = [release.covers - back for back in range(13)]
        stated = [self.history.position(month) for month in months]
        order = [label for label in stated[0] if all(label in of_month for of_month in stated)]
        closing = ("All Other", "Grand Total", "For. Official", "Treasury Bills", "T-Bonds & Notes")
        rows = [
            (label, [round(s[label] + self.revisions.of(label, m) / 1000, 1) for s, m in zip(stated, months, strict=True)])
            for label in order
            if label not in closing
        ]  # fmt: skip
        total = [s["Grand Total"] for s in stated]
        rest = [round(total[n] - sum(values[n] for _, values in rows), 1) for n in range(13)]
        rows += [("All Other", rest), ("Grand Total", total)]
        return rows + [(label, [s[label] for s in stated]) for label in closing[2:] if label in order]

    def mfh(self, release: Release) -> bytes:
        """The table of major holders, fixed width."""
        months = [release.covers - back for back in range(13)]
        lines = [
            "",
            "",
            "",
            f"{'MAJOR FOREIGN HOLDERS OF TREASURY SECURITIES':>89}",
            f"{'(in billions of dollars)':>79}",
        ]
        lines += [f"{'HOLDINGS 1/ AT END OF PERIOD':>81}", "", ""]
        lines.append(" " * 30 + "".join(f"{MONTHS[month % 12]:>8}" for month in months))
        lines.append(f"{'Country':30}" + "".join(f"{month // 12:>8}" for month in months))
        lines += [" " * 30 + "".join(f"{'------':>8}" for _ in months), ""]
        for label, values in self.mfh_figures(release):
            if label == "For. Official":
                lines += ["", "Of which:"]
            indent = {"For. Official": " ", "Treasury Bills": "  ", "T-Bonds & Notes": "  "}.get(label, "")
            lines.append(f"{indent + label:30}" + "".join(f"{value:8.1f}" for value in values))
        day = release.released
        lines += ["", "Department of the Treasury/Federal Reserve Board", f"{day:%B} {day.day}, {day.year}", ""]
        return "\r\n".join([*lines, " 1/  Simulated figures.", ""]).encode()

    def truth(self, release: Release) -> list[Truth]:
        """What the release's files state of positions, in USD mn, told by the figures and not by the files."""
        found: list[Truth] = []
        if release.released < TABLES_SINCE:
            for label, values in self.mfh_figures(release):
                for back, value in enumerate(values):
                    found.append(("mfh", label, "", text_of(release.covers - back), "total", value * 1000))
            if release.covers > TABLE3D_FROM:
                for (code, month), cells in self.table3d.table.rows.items():
                    if TABLE3D_FROM <= month <= release.covers:
                        values = self.table3d.figures((code, month), self.revisions.now.get((code, month), 0))
                        found += stated("slt3d_globl", cells[0], code, month, values)
        else:
            for code, month in self.table3.order:
                if month <= release.covers:
                    seven = self.table3_figures(code, month)
                    values = [seven[0], seven[2], seven[5]]
                    found += stated("slt_table3", self.table3.labels[code], code, month, values)
            for label, row in self.table5_figures(release):
                for back, value in enumerate(row):
                    found.append(("slt_table5", label, "", text_of(release.covers - back), "total", value * 1000))
        for block in self.history.blocks:
            if block.year >= release.covers // 12:
                continue
            seen: set[tuple[str, Month]] = set()
            for cells in block.holders:
                for index, month in block.months.items():
                    place = (bare(cells[0]), month)
                    if index < len(cells) and re.match(r"[\d.]", cells[index].strip()) and place not in seen:
                        seen.add(place)  # the newer basis of a month that stands twice
                        value = float(self.history_cell(cells[0], month, cells[index]).replace(",", ""))
                        found.append(("mfhhis01", cells[0], "", text_of(month), "total", value * 1000))
        return found


def stated(table: str, label: str, code: str, month: Month, values: Sequence[int | None]) -> list[Truth]:
    """Total, long-term and bills, where the table states them."""
    measures = ("total", "long_term", "short_term")
    return [
        (table, label, code, text_of(month), measure, float(value))
        for measure, value in zip(measures, values, strict=True)
        if value is not None
    ]


def lines_of(rows: Iterable[Sequence[str]], separator: str) -> bytes:
    """Rows as lines."""
    return ("\r\n".join(separator.join(row) for row in rows) + "\r\n").encode("latin-1")


def quoted(cell: str) -> str:
    """A cell of a CSV file."""
    return f'"{cell}"' if "," in cell else cell


def html_of(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as the archive's HTML tables have them: the first as the head."""
    width = max(len(row) for row in rows)
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    head = "".join(f"      <th>{escape(cell)}</th>\n" for cell in filled[0])
    body = "".join(
        "    <tr>\n" + "".join(f"      <td>{escape(cell.strip(chr(34)))}</td>\n" for cell in row) + "    </tr>\n"
        for row in filled[1:]
    )
    start = '<table border="1" class="dataframe">\n  <thead>\n    <tr style="text-align: right;">\n'
    return (start + head + "    </tr>\n  </thead>\n  <tbody>\n" + body + "  </tbody>\n</table>").encode("latin-1")
