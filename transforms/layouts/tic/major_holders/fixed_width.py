"""A table of major holders in fixed width as rows of cells, as if it were delimited: by the heads of its columns.

In a block every figure ends where its column ends. A row whose figures end elsewhere has lost a digit or a cell, and is
refused rather than guessed at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import FIGURE, NOT_AVAILABLE, lines, printed_date
from treasury_watch.transforms.layouts.tic.major_holders.headings import CELL, COUNTRY, is_heading, month_number

WORD = re.compile(r"\S+")
PUBLISHER = "Department of the Treasury"
NO_FIGURE = {"*", "-*", "--"} | NOT_AVAILABLE
Span = tuple[int, int]
Records = Iterator[tuple[int, list[str]]]


@dataclass
class _Block:
    """A head with the lines below it, until the next head; `notes` are those from the publisher's name on."""

    head: list[tuple[int, str, list[re.Match[str]]]] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """Where each column's month stands in the head: the widest of the head's rows that name months."""
        rows = [[cell.span() for cell in cells if cell["month"] or cell["iso"]] for _, _, cells in self.head]
        return max(rows, key=len, default=[])


def records(text: str, source: str) -> Records:
    """Lines as (line number, cells), the first cell a label. Lines of dashes and blank ones are passed over.

    Raises LayoutError for a row whose figures do not stand below one another's.
    """
    blocks = [_Block()]
    closed = False
    for number, content in enumerate(lines(text), start=1):
        content = content.replace("\xa0", " ")
        if not content.strip() or (set(content) <= {"-", " "} and blocks[-1].head):
            continue
        ends = content.strip().startswith(PUBLISHER) or printed_date(content, source, f"line {number}") is not None
        closed = closed or ends
        head = _head(content)
        if closed:
            note = [content.strip()]
            if head is not None and len(head[1]) > 1:  # another table below the first: the reader refuses it
                note = [head[0], *(cell[0] for cell in head[1])]
            blocks[-1].notes.append((number, note))
            continue
        if head is None:
            blocks[-1].lines.append((number, content))
            continue
        if blocks[-1].lines:
            blocks.append(_Block())
        blocks[-1].head.append((number, *head))
    for block in blocks:
        yield from _cells(block, source)


def _head(content: str) -> tuple[str, list[re.Match[str]]] | None:
    """`Country` or nothing, and the cells of a head's row; None for another line."""
    above = COUNTRY.match(content.lstrip())
    first = above[0] if above else ""
    start = content.index(first) + len(first)
    cells = list(CELL.finditer(content, start))
    between = [content[start : cells[0].start()]] if cells else [content[start:]]
    between += [content[a.end() : b.start()] for a, b in pairwise(cells)]
    between += [content[cells[-1].end() :]] if cells else []
    if "".join(between).strip() or not all(is_heading(cell[0]) for cell in cells):
        return None
    named = any(cell["month"] or cell["iso"] or cell["year"] or cell["mark"] or cell["name"] for cell in cells)
    return (first, cells) if first or named else None


def _cells(block: _Block, source: str) -> Records:
    spans = block.spans
    for number, first, cells in block.head:
        row = [""] * max(len(spans), len(cells))
        for index, cell in enumerate(cells):
            # In a row with a cell for every column they are theirs in order; with fewer, the nearest column's.
            column = _nearest(cell.span(), spans) if len(cells) < len(spans) else index
            row[column] = f"{row[column]} {cell[0]}".strip()
        yield number, [first, *row]
    rows = [(number, content, _words(content, len(spans))) for number, content in block.lines]
    ends = _ends([words for *_, words in rows if words], block)
    for number, content, words in rows:
        if not words:
            yield number, [content.strip()]
            continue
        if len(words) == len(ends):
            _check_places(words, ends, block, source, number)
        yield number, [content[: words[0].start()], *(word[0] for word in words)]
    yield from block.notes


def _nearest(span: Span, spans: list[Span]) -> int:
    return min(range(len(spans)), key=lambda index: abs(sum(span) - sum(spans[index])))


def _words(content: str, columns: int) -> list[re.Match[str]]:
    """The words that stand for figures, at most one for each column; none in a line that states no figures."""
    words = list(WORD.finditer(content))[1:][-columns:] if columns else []
    if not any(_is_stated(word[0]) for word in words):
        return []
    while len(words) < columns and not _is_stated(words[0][0]):
        words.pop(0)  # of the label: the row has too few figures
    return words


def _is_stated(word: str) -> bool:
    return FIGURE.fullmatch(word) is not None or word.lower() in NO_FIGURE


def _ends(rows: list[list[re.Match[str]]], block: _Block) -> list[int]:
    """Where each column's figures end: where most of the rows have it, and where the head has it if they are undecided."""
    ends = []
    for index, (_, head_end) in enumerate(block.spans):
        counted = Counter(row[index].end() for row in rows if len(row) == len(block.spans))
        ends.append(max(counted, key=lambda end: (counted[end], end == head_end), default=head_end))
    return ends


def _check_places(words: list[re.Match[str]], ends: list[int], block: _Block, source: str, line: int) -> None:
    """Each figure ends where its column does; what stands for none lies within the column."""
    for index, (word, end) in enumerate(zip(words, ends, strict=True)):
        within = word.start() >= (ends[index - 1] if index else 0) and word.end() <= end + 1
        if word.end() != end and not (word[0].lower() in NO_FIGURE and within):
            head = " ".join(cells[index][0] for _, _, cells in block.head if len(cells) == len(ends))
            place = f"line {line}, column {_named(head) or index + 1}"
            raise LayoutError(
                source, place, f"a figure that ends at character {end}", f"{word[0]} ending at {word.end()}"
            )


def _named(head: str) -> str:
    """`Jan 2023` as 2023-01, for messages; nothing where the words are others."""
    month = next((number for word in head.split() if (number := month_number(word.rstrip(".")))), None)
    year = re.search(r"(?:19|20)\d\d", head)
    return f"{year[0]}-{month:02}" if month and year else head
