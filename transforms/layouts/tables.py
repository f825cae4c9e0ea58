"""A table of the statistics as lines of cells, in whichever form it is published: separated by tabs or commas, or HTML.

The parsers read lines of cells, so that each publication has one parser for all its forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import TRUNCATED, check_row_ends, records, text_of
from treasury_watch.transforms.layouts.file_kinds import as_utf8, is_html, kind_of, without_hidden_parts

Element = Any  # of lxml, whose types are not at hand everywhere
DELIMITERS = ("\t", ",")
HEAD_LINES = 60  # within which the row stands that names the columns
WIDEST_CELL = 100  # columns that one cell of HTML may span
CELL_START = re.compile(rb"<t[dh](?=[\s>/])", re.IGNORECASE)
TABLE_END = re.compile(rb"</table\s*>", re.IGNORECASE)
# What a library that writes tables as HTML puts into a cell that is empty.
EMPTY = re.compile(r"NaN|Unnamed: \d+(?:_level_\d+)?", re.ASCII)


class HtmlCells(list[str]):
    """The cells of a row, each with its own line of the file."""

    def __init__(self, cells: Iterable[str], own_lines: Iterable[int]):
        super().__init__(cells)
        self.own_lines = list(own_lines)


@dataclass(frozen=True)
class Table:
    """`rows` are (line, cells), without blank lines; the rows can be gone through once."""

    rows: Iterator[tuple[int, list[str]]]
    text: str | None
    source: str

    def check_row_ends(self, line: int) -> None:
        """Refuse a table whose last row (on `line`) may be cut. One of HTML was looked at as it was opened."""
        if self.text is not None:
            check_row_ends(self.text, line, self.source)


def line_of(cells: list[str], index: int, line: int) -> int:
    """The line of a cell in the file: the row's own, but in HTML."""
    return cells.own_lines[index] if isinstance(cells, HtmlCells) else line


def table_of(body: bytes, source: str, landmark: str) -> Table:
    """The table in the file. `landmark` is a cell of the row that names the columns: it tells how cells are separated and
    which table of a page is meant.

    Raises LayoutError for what is no text and for HTML without the table's end.
    """
    body = as_utf8(body)
    if is_html(body):
        return Table(iter(_html_rows(body, source, landmark)), None, source)
    text = text_of(body, source)
    return Table(records(text, _delimiter(text, landmark, source), source), text, source)


def _delimiter(text: str, landmark: str, source: str) -> str:
    """The delimiter by which the landmark is a cell with others beside it; a tab where there is no such row."""
    for delimiter in DELIMITERS:
        try:
            for _, cells in islice(records(text, delimiter, source), HEAD_LINES):
                if len(cells) > 1 and landmark in [cell.strip() for cell in cells]:
                    return delimiter
        except LayoutError:
            continue
    return DELIMITERS[0]


def _html_rows(body: bytes, source: str, landmark: str) -> list[tuple[int, list[str]]]:
    shown = without_hidden_parts(body)
    root = _root(shown)
    lines = _cell_lines(shown, list(root.iter("td", "th")))
    tables = list(root.iter("table"))
    for table in tables:
        rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        cells = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
        read = [_row(own, lines) for own in cells if own]
        if any(landmark in texts for _, texts in read):
            if len(TABLE_END.findall(shown)) < len(tables):
                raise LayoutError(source, "end", "the end of the table, </table>", "the end of the file", TRUNCATED)
            return [(line, texts) for line, texts in read if any(texts)]
    kind = kind_of(body)
    raise LayoutError(
        source, "line 1", f"a table with a row that names {landmark}", kind.name if kind else "a web page without one",
        kind.next_step if kind else None,
    )  # fmt: skip


def _root(body: bytes) -> Element:
    from lxml import etree  # only where there is HTML

    try:
        root = etree.fromstring(body, etree.HTMLParser(encoding=_encoding(body)))
    except etree.LxmlError:  # nothing in it is an element
        root = None
    return etree.Element("html") if root is None else root


def _row(cells: list[Element], lines: dict[Element, int]) -> tuple[int, HtmlCells]:
    texts: list[str] = []
    own_lines: list[int] = []
    for cell in cells:
        text = " ".join(("".join(map(str, cell.itertext())) if len(cell) else str(cell.text or "")).split())
        span = cell.get("colspan", "1")
        width = min(int(span), WIDEST_CELL) if span.isdecimal() else 1
        texts += ["" if EMPTY.fullmatch(text) else text, *[""] * (width - 1)]
        own_lines += [lines[cell]] * max(width, 1)
    line = next((own for own, text in zip(own_lines, texts, strict=True) if text), own_lines[0])
    return line, HtmlCells(texts, own_lines)


def _cell_lines(body: bytes, cells: list[Element]) -> dict[Element, int]:
    """Each cell's line. The parser counts lines up to 65,535 only, and Table 3 has more: the tags are counted instead."""
    positions = [found.start() for found in CELL_START.finditer(body)]
    if len(positions) != len(cells):
        return {cell: int(cell.sourceline or 1) for cell in cells}
    lines: dict[Element, int] = {}
    line, searched = 1, 0
    for cell, position in zip(cells, positions, strict=True):
        line += body.count(b"\n", searched, position)
        searched = position
        lines[cell] = line
    return lines


def _encoding(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1"
    return "utf-8"
