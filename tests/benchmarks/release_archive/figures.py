"""The figures of the simulated archive: what official files state, moved by revisions that grow from release to release.

A revision shifts holdings from one country to another of the same region, so that every total stays what the official
file says. Of holders that tables in billions name, it is a multiple of 100 USD mn: both roundings then agree.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

Month = int  # 12 * year + month - 1


def month_of(text: str) -> Month:
    """`2023-01` as a number."""
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def text_of(month: Month) -> str:
    """A month's number as `2023-01`."""
    return f"{month // 12}-{month % 12 + 1:02d}"


def bare(label: str) -> str:
    """A label without quotes, footnote marks and outer spaces; two spellings are one."""
    name = re.sub(r"(\s+\d+/)+$", "", label.strip().strip('"').strip())
    return {"Korea": "Korea, South"}.get(name, name)


def figure(cell: str) -> int | None:
    """A cell in whole numbers, None for a missing one."""
    plain = cell.strip().strip('"').replace(",", "")
    return int(plain) if plain.lstrip("-").isdigit() else None


@dataclass
class Table3:
    """Table 3 by (code, month): total, net, long, net, valuation, bills, net. `labels` keeps the file's order."""

    labels: dict[str, str]
    rows: dict[tuple[str, Month], list[int | None]]
    order: list[tuple[str, Month]]

    @classmethod
    def read(cls, path: Path) -> Table3:
        """The official text."""
        labels: dict[str, str] = {}
        rows: dict[tuple[str, Month], list[int | None]] = {}
        for line in path.read_text("latin-1").splitlines():
            cells = line.split("\t")
            if len(cells) > 9 and cells[1].strip().isdigit():
                labels[cells[1]] = cells[0]
                rows[cells[1], month_of(cells[2])] = [figure(cell) for cell in cells[3:10]]
        return cls(labels, rows, list(rows))


@dataclass
class Rows:
    """A file of one line a holder and month: the line's cells by (code, month), in the file's order."""

    head: list[str]
    rows: dict[tuple[str, Month], list[str]]
    foot: list[str]


def read_form_s(path: Path) -> Rows:
    """Form S as its cells."""
    head: list[str] = []
    rows: dict[tuple[str, Month], list[str]] = {}
    for line in path.read_text("latin-1").splitlines():
        cells = line.split("\t")
        if len(cells) > 14 and cells[1].strip().isdigit():
            rows[cells[1], month_of(cells[2])] = cells
        elif not rows:
            head.append(line)
    return Rows(head, rows, [])


def read_table3d(path: Path) -> Rows:
    """Table 3D as its cells: label, code, month, total, long-term, bills."""
    head: list[str] = []
    foot: list[str] = []
    rows: dict[tuple[str, Month], list[str]] = {}
    pattern = re.compile(r'"((?:[^"]|"")*)",(\d{5}),"(\d{4}-\d\d)",("[^"]*"|[^,]*),("[^"]*"|[^,]*),("[^"]*"|[^,]*)')
    for line in path.read_text("latin-1").splitlines():
        found = pattern.fullmatch(line)
        if found:
            rows[found[2], month_of(found[3])] = list(found.groups())
        else:
            (foot if rows else head).append(line)
    return Rows(head, rows, foot)


@dataclass
class Block:
    """One year of the history: the lines above the holders, and each holder's cells; `months` by cell index."""

    head: list[list[str]]
    months: dict[int, Month]
    holders: list[list[str]] = field(default_factory=list)

    @property
    def year(self) -> int:
        """The year of its columns."""
        return next(iter(self.months.values())) // 12


@dataclass
class History:
    """The history of major holders as its lines of cells."""

    head: list[list[str]]
    blocks: list[Block]
    foot: list[list[str]]

    @classmethod
    def read(cls, path: Path) -> History:
        """The official text, tab-separated."""
        names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        history = cls([], [], [])
        above: list[list[str]] = []
        for line in path.read_text("latin-1").splitlines():
            cells = line.split("\t")
            if history.foot or cells[0].startswith("Department of the Treasury"):
                history.foot.append(cells)
            elif cells[0].strip() == "Country":
                named = next(row for row in reversed(above) if any(cell.strip() in names for cell in row))
                months = {
                    index: int(cell) * 12 + names.index(named[index].strip())
                    for index, cell in enumerate(cells)
                    if cell.strip().isdigit()
                }
                cut = next((n for n, row in enumerate(above) if any(cell.strip() for cell in row[1:])), 0)
                if not history.blocks:
                    cut = max(n for n, row in enumerate(above) if "HOLDINGS" in "".join(row)) + 1
                    history.head = above[:cut]
                history.blocks.append(Block([*above[cut:], cells], months))
                above = []
            elif history.blocks and re.search(r"\d\t", line) and cells[0].strip():
                history.blocks[-1].holders += [*above, cells]
                above = []
            else:
                above.append(cells)
        return history

    def position(self, month: Month) -> dict[str, float]:
        """Each holder's figure of a month in USD bn by bare label, on the newer basis where there are two."""
        found: dict[str, float] = {}
        for block in self.blocks:
            index = next((i for i, m in block.months.items() if m == month), None)
            if index is None:
                continue
            for cells in block.holders:
                try:
                    found[bare(cells[0])] = float(cells[index].replace(",", ""))
                except (ValueError, IndexError):
                    continue
        return found


class Revisions:
    """By how much each country's figure differs from the official one, in USD mn: (code, month) of the present release."""

    def __init__(self, table3: Table3, table3d: Rows, history: History, seed: int):
        self.random = random.Random(seed)
        self.now: dict[tuple[str, Month], int] = {}
        named = {bare(cells[0]) for block in history.blocks for cells in block.holders}
        self.code_of = {bare(label): code for code, label in table3.labels.items()}
        for (code, _), cells in table3d.rows.items():
            self.code_of.setdefault(bare(cells[0]), code)
        self.level: dict[tuple[str, Month], int] = {}
        for (code, month), cells in table3d.rows.items():
            self._at_most(code, month, figure(cells[4]))
        for (code, month), stated in table3.rows.items():
            self._at_most(code, month, stated[2])
        for month in {month for block in history.blocks for month in block.months.values()}:
            for label, value in history.position(month).items():
                self._at_most(self.code_of.get(label, ""), month, int(value * 900))
        countries = [
            code
            for code, label in table3.labels.items()
            if int(code) < 69000 and not label.startswith(("Total", "Memo"))
        ]
        size = {code: max((v for (c, _), v in self.level.items() if c == code), default=0) for code in countries}
        self.unit = {code: 100 if bare(table3.labels[code]) in named else 1 for code in countries}
        order = sorted(countries, key=lambda code: (code[0], -size[code]))
        self.pairs = [(one, other) for one, other in zip(order[::2], order[1::2], strict=False) if one[0] == other[0]]

    def _at_most(self, code: str, month: Month, value: int | None) -> None:
        if code and value is not None:
            self.level[code, month] = min(value, self.level.get((code, month), value))

    def draw(self, months: list[Month], share: float = 0.6) -> set[tuple[str, Month]]:
        """Revise some pairs in each of the months; what changed."""
        changed: set[tuple[str, Month]] = set()
        for one, other in self.pairs:
            unit = max(self.unit[one], self.unit[other])
            for month in months:
                most = min(self.level.get((one, month), 0), self.level.get((other, month), 0)) // (40 * unit)
                if most and self.random.random() < share:
                    moved = self.random.randint(-most, most) * unit
                    for code, shift in ((one, moved), (other, -moved)):
                        if self.now.get((code, month), 0) != shift:
                            self.now[code, month] = shift
                            changed.add((code, month))
        return changed

    def settle(self) -> set[tuple[str, Month]]:
        """Everything as the official files state it."""
        changed = {place for place, shift in self.now.items() if shift}
        self.now.clear()
        return changed

    def of(self, label: str, month: Month) -> int:
        """The shift of a label's figure."""
        return self.now.get((self.code_of.get(bare(label), ""), month), 0)
