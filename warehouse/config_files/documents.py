"""The text of a file of declarations, as TOML or CSV. What is wrong with it is told with its line and column."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from treasury_watch.transforms.errors import ConfigurationError, shorten

LARGEST = 16_000_000  # bytes; the largest file of config/ has 150,000
TOML_PLACE = re.compile(r" ?\((?:at )?(?:line (\d+), column (\d+)|end of document)\)$")
SPREADSHEET = "save it from the spreadsheet as `CSV UTF-8 (comma delimited)`, or restore the file from the repository"
RESTORE = "mend the file or restore it from the repository"


@dataclass(frozen=True)
class Sheet:
    """A CSV file: its rows as text, and the line of the file on which each begins."""

    rows: list[dict[str, str]]
    lines: list[int]


def text_of(path: Path) -> str:
    """The file as text. Raises ConfigurationError where it is not there, no plain file, or not in UTF-8."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: expected a file, found a folder or a device; {RESTORE}")
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(
                f"{path}: expected at most {LARGEST:,} bytes, found {path.stat().st_size:,}; {RESTORE}"
            )
        body = path.read_bytes()
    except OSError as problem:
        raise ConfigurationError(f"{path}: {problem.strerror or problem}; restore it from the repository") from None
    try:
        # A byte order mark, as spreadsheets write it, does no harm. Not by a codec of its own: it would be read from a file,
        # which where no more can be opened would hide what is wrong.
        text = body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        before = body[: problem.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1
        step = SPREADSHEET if path.suffix == ".csv" else "save it as UTF-8"
        found = "UTF-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else f"the byte {body[problem.start]:#04x}"
        raise ConfigurationError(
            f"{path}, line {line}, column {column}: expected text in UTF-8, found {found}; {step}"
        ) from None
    return text.replace("\r\n", "\n")


def toml_of(path: Path, text: str) -> dict[str, Any]:
    """The document. Raises ConfigurationError with the parser's position."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as problem:
        words = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)
        place = TOML_PLACE.search(words)
        line, column = (place[1], place[2]) if place and place[1] else (str(text.count("\n") + 1), "1")
        words = TOML_PLACE.sub("", words)
        raise ConfigurationError(
            f"{path}, line {line}, column {column}: expected TOML, found: {shorten(words)}; {RESTORE}"
        ) from None


def sheet_of(path: Path, text: str, columns: list[str]) -> Sheet:
    """The rows of a CSV file with exactly these columns, in any order. Raises ConfigurationError."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    header: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            if header is None:
                header = _header(path, cells, columns)
            elif cells:
                if len(cells) != len(header):
                    raise ConfigurationError(
                        f"{path}, line {begins}: expected {len(header)} cells ({', '.join(header)}), found {len(cells)}; "
                        f"put a text that has commas in quotes, and leave no comma out"
                    )
                rows.append(dict(zip(header, cells, strict=True)))
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as problem:
        raise ConfigurationError(
            f"{path}, line {begins}: expected CSV, found: {shorten(str(problem))}; close every quote, and double those in a text"
        ) from None
    if header is None:
        raise ConfigurationError(f"{path}, line 1: expected the columns {', '.join(columns)}, found nothing; {RESTORE}")
    return Sheet(rows, lines)


def _header(path: Path, cells: list[str], columns: list[str]) -> list[str]:
    place = f"{path}, line 1"
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) < len(columns) and mark in "".join(cells):
            raise ConfigurationError(f"{place}: expected cells separated by commas, found {name}; {SPREADSHEET}")
    for number, name in enumerate(cells, start=1):
        where = f"{place}, column {number}"
        if cells.index(name) != number - 1:
            raise ConfigurationError(f"{where}: the column {shorten(repr(name))} stands there twice; take one out")
        if name not in columns:
            near = get_close_matches(name, [one for one in columns if one not in cells], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(columns)}"
            raise ConfigurationError(f"{where}: unknown column {shorten(repr(name))}; {hint}")
    if missing := [name for name in columns if name not in cells]:
        raise ConfigurationError(f"{place}: expected the columns {', '.join(missing)} too, found none; add them")
    return cells
