"""Files of config/ as hands and spreadsheets damage them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

VALUES = (
    '"text"', "-1", "0", "1.5", "true", "[]", "{}", '""', "nan", "inf", "2026-13-01", "2026-02-28", '"10/19/2026"', "07:30:00",
    '"../../../etc/passwd"', "99999999999999999999999", "1979-05-27T07:32:00Z", '[1, "a"]', '"a\\nb"', "{ a = 1 }", '["japan"]',
    '"2026-13"', '"https://user:word@host"', "'", "[[]]",
)  # fmt: skip
CELLS = (
    "", " ", "japan", "x", "10/19/2026", "2026-13-01", "2026-02-30", "2026-13", "1,5", "1e3", "-1", "nan", "true", "TRUE",
    "../../../etc/passwd", "=1+1", "ü", '"', "https://x", "a\nb", "١٢", "0000-00",
)  # fmt: skip
KEY = re.compile(r"[A-Za-z0-9_]+(?=\s*=)")


def damaged(name: str, body: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """What was done, and the file after it: the damages of whole files once each, then `count` of lines, keys and cells."""
    text = body.decode()
    yield "byte order mark", b"\xef\xbb\xbf" + body
    yield "Latin-1", text.replace("a", "ä", 2).encode("latin-1", "replace")
    yield "UTF-16", text.encode("utf-16")
    yield "lines end as in Windows", text.replace("\n", "\r\n").encode()
    yield "empty", b""
    yield "cut", body[: len(body) * 2 // 3]
    yield "a NUL", body[:50] + b"\0" + body[50:]
    yield "twice", body + body
    if name.endswith(".csv"):
        yield "semicolons", text.replace(",", ";").encode()
        yield "tabs", text.replace(",", "\t").encode()
        yield "days of the United States", re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\2/\3/\1", text).encode()
        yield "numbers of Europe", re.sub(r"(\d)\.(\d)", r"\1,\2", text).encode()
    chance = random.Random(seed)
    for _ in range(count):
        yield (_csv if name.endswith(".csv") else _toml)(text, chance)


def _toml(text: str, chance: random.Random) -> tuple[str, bytes]:
    lines = text.split("\n")
    keys = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")] or [0]
    number = chance.choice(keys)
    line = lines[number]
    match chance.randrange(6):
        case 0:
            what, lines[number] = f"line {number + 1} dropped", ""
        case 1:
            what, lines[number] = f"line {number + 1} twice", f"{line}\n{line}"
        case 2:
            found = chance.choice(list(KEY.finditer(line)) or [re.match("", line)])
            at = chance.randint(found.start(), found.end())
            what, lines[number] = f"line {number + 1}, a letter in a key", line[:at] + chance.choice("exz_") + line[at:]
        case 3:
            value = chance.choice(VALUES)
            what, lines[number] = f"line {number + 1}, value {value}", f"{line.split('=')[0]}= {value}"
        case 4:
            sections = [at for at, line in enumerate(lines) if line.startswith("[")] or [0]
            start = chance.choice(sections)
            end = min([at for at in sections if at > start], default=len(lines))
            what, lines[start:end] = f"section of line {start + 1} dropped", []
        case _:
            numbers = list(re.finditer(r'-?\d+(\.\d+)?|"[^"]*"', line)) or [re.match("", line)]
            found, value = chance.choice(numbers), chance.choice(VALUES)
            what = f"line {number + 1}, a part of the value {value}"
            lines[number] = line[: found.start()] + value + line[found.end() :]
    return what, "\n".join(lines).encode()


def _csv(text: str, chance: random.Random) -> tuple[str, bytes]:
    lines = text.split("\n")
    number = chance.randrange(len(lines))
    line = lines[number]
    cells = line.split(",")
    at = chance.randrange(len(cells))
    match chance.randrange(6):
        case 0:
            what, lines[number] = f"line {number + 1} dropped", ""
        case 1:
            what, lines[number] = f"line {number + 1} twice", f"{line}\n{line}"
        case 2:
            what, lines[number] = f"line {number + 1}, cell {at + 1} dropped", ",".join(cells[:at] + cells[at + 1 :])
        case 3:
            cells = lines[0].split(",")
            at = chance.randrange(len(cells))
            cells[at] = chance.choice([cells[at] + "s", cells[at].upper(), "", cells[at - 1]])
            what, lines[0] = f"column {at + 1} named {cells[at]!r}", ",".join(cells)
        case _:
            cells[at] = chance.choice(CELLS)
            what, lines[number] = f"line {number + 1}, cell {at + 1} is {cells[at]!r}", ",".join(cells)
    return what, "\n".join(lines).encode()
