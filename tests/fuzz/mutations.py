"""Ways to damage a document. Each takes and gives bytes; what it does follows from the random numbers alone."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 48 * 1024  # what a document may grow to by ordinary damage; very long lines are made on purpose
NUMBER = re.compile(rb"-?\d[\d,]*\.?\d*|\d*\.\d+")
DAY = re.compile(rb"(?:19|20)\d\d-\d\d(?:-\d\d)?|\d{1,2}/\d{1,2}/\d{4}|\b(?:19|20)\d\d\b")
LINE_ENDS = (b"\r\n", b"\n", b"\r", b"\x0b", b"\x0c", b"\x85", b"\xe2\x80\xa8", b"\n\r", b"")
DELIMITERS = (b"\t", b",", b";", b"|", b"  ", b" ", b"\t\t", b"\xc2\xa0", b"\xef\xbc\x8c", b"")
ODD_NUMBERS = (
    "NaN", "nan", "inf", "-inf", "Infinity", "1e308", "-1e308", "1e309", "1e-320", "1e5", "-0", "-0.0", "+5", "0x1F",
    "1_000", "1,00", "12,34,567", "1.2.3", "--", "5-", "(5)", "-", ".", ",", "-.5", ".5", "5.", "00012", "$5", "5%",
    "1/2", "n.a.", "n.a", "N/A", "NA", "ND", "na", "*", "-*", "None", "null", "true", "0", "-1", "0.1", "0.05",
    "1000000", "-1000000", "−5", "1’000", "٣٤٥", "１２３", "³", "½", "Ⅷ", "१२", "1.209,9", "99999999999999999999",
    "999999999999999999999999", "0.0000000000000001", "1\u2009000", "1\u202f000", "1\xa0000", "\u200b5", "5\u200b",
    "1\x000", "", " ", "\t", "\"", "\"\"", "1111111111111111111",
    "1" * 19, "9" * 40, "1" * 400, "9" * 5000, "0." + "3" * 5000, "-" * 300,
)  # fmt: skip
ODD_DAYS = (
    "2024-13", "2024-00", "0000-00", "0000-00-00", "9999-12", "9999-12-31", "0001-01-01", "0999-12-31", "1899-12",
    "2201-01", "2024-02-30", "2023-02-29", "2024-2-3", "2024-02-01T00:00", "20240201", "2024-W05-4", "2024-032",
    "２０２４-０２", "٢٠٢٤-٠٢-٠١", "2024−02", "24-02", "02-2024", "13/45/2024", "2/30/2024", "99999-01", "-2024-01",
    "Feb-2024", "2024/02/01", "1970-01-01", "2262-04-12", "1677-09-21", "1900-01", "2200-12", "2024", "0000", "2100",
    "1899", "２０２４",
)  # fmt: skip
ODD_TEXTS = (
    "", " ", "\t", '"', '""', '","', "'", "\\", "\0", "\x1b[31m", "\u2028", "\u0085", "\u202e", "\ufeff", "\x1c", "\x7f", "￥", "é",
    "=1+1", "-", "----------", "*", "Grand Total", "Of which:", "Notes:", "Country", "Series", "XIII", "Dec", "sold",
    "(sold) (bought)", "ﷺ" * 40, "<b>", "&amp;", "<!DOCTYPE html>", "{", "}", "[", "]", ":", "Department of the Treasury",
)  # fmt: skip
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">' + b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij"
) + b"]><lolz>&j;</lolz>"  # fmt: skip
# Runs that a careless pattern goes over again and again.
RUNS = (b"1", b"9,", b" ", b"\t", b",", b'"', b"a", b"to", b" 1/", b"-", b".", b"(", b"a (", b"&", b"100 million ", b"x\xc2\xa0",
        b"\\", b"[", b"{", b'""', b"Jan ", b"\xe3\x81\x82")  # fmt: skip
NESTED = ((b"[", b"]"), (b'{"a":', b"}"), (b"[[", b"]]"))
DEPTHS = (3, 60, 300, 900, 940, 960, 980, 1000, 1010, 1020, 1024, 1030, 3000, 60_000)
HOSTILE_JSON = (
    b"null", b"true", b"1e400", b"-1e400", b"1e308", b"12345678901234567890123", b'"NaN"', b'"1_0"', b'"\\ud800"', b"[]", b"{}",
    b'["2026-04-01"]', b'[["2026-04-01","1"]]', b'"2026-04-01"', b'"source_id"', b'{"source_id":"for_lt_treas_pos_1"}', b"NaN",
    b'"\\u0000"', b'"for_lt_treas_pos_42609"', b"-0", b"0.1", b'""', b'"' + b"9" * 6000 + b'"', b"7" * 6000, b"false",
)  # fmt: skip
JSON_VALUE = re.compile(rb'"[^"\\]*"|-?\d+(?:\.\d+)?|null|true|false|\[[^\[\]]*\]')
Damage = Callable[["Damager", bytes], bytes]


class Damager:
    """Damages documents of one layout. `words` are cells of valid documents, `others` documents of other layouts."""

    def __init__(self, random: Random, words: Sequence[bytes], others: Sequence[bytes]):
        self.random = random
        self.words = words or [b"x"]
        self.others = others or [b""]
        self.choices = list(DAMAGES)
        self.weights = list(DAMAGES.values())

    def damaged(self, body: bytes) -> bytes:
        """The body after one to five changes."""
        for _ in range(self.random.choice((1, 1, 1, 1, 1, 2, 2, 3, 5))):
            damage = self.random.choices(self.choices, self.weights)[0]
            body = _json(self, body) if body[:1] == b"{" and self.random.random() < 0.3 else damage(self, body)
            if len(body) > 32 * LONGEST:
                body = body[: 32 * LONGEST]
        return body

    def span(self, body: bytes, longest: int = 64) -> tuple[int, int]:
        """Start and end of some piece of the body."""
        start = self.random.randint(0, len(body))
        return start, min(len(body), start + self.random.randint(1, longest))

    def odd(self) -> bytes:
        """Some text that does not belong into a cell, or one that belongs into another."""
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(self.words)
        text = self.random.choice(ODD_NUMBERS if kind < 0.7 else ODD_DAYS if kind < 0.8 else ODD_TEXTS)
        return text.encode(self.random.choice(("utf-8", "utf-8", "cp932", "latin-1")), errors="replace")


def _flip(by: Damager, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(by.random.choice((1, 1, 2, 4, 16))):
        if changed:
            at = by.random.randrange(len(changed))
            changed[at] = by.random.choice((changed[at] ^ (1 << by.random.randrange(8)), by.random.randrange(256)))
    return bytes(changed)


def _span(by: Damager, body: bytes) -> bytes:
    """A piece removed, doubled, repeated or put elsewhere."""
    start, end = by.span(body, by.random.choice((1, 4, 32, 400)))
    piece, rest = body[start:end], body[:start] + body[end:]
    kind = by.random.randrange(4)
    if kind == 0:
        return rest
    if kind == 1:
        return body[:end] + piece * by.random.choice((1, 1, 2, 9)) + body[end:]
    at = by.random.randint(0, len(rest))
    return rest[:at] + piece + rest[at:]


def _cut(by: Damager, body: bytes) -> bytes:
    """Truncated; mostly near the end, where a cut is hard to see."""
    length = len(body)
    at = by.random.randint(max(0, length - 80), length) if by.random.random() < 0.6 else by.random.randint(0, length)
    return body[:at] if by.random.random() < 0.9 else body[at:]


def _lines(by: Damager, body: bytes) -> bytes:
    """Lines doubled, removed, exchanged, moved, joined, blanked or repeated."""
    found = body.splitlines(keepends=True)
    if not found:
        return body
    at, to = by.random.randrange(len(found)), by.random.randrange(len(found))
    kind = by.random.randrange(9)
    if kind == 0:
        found.insert(to, found[at])
    elif kind == 1:
        del found[at]
    elif kind == 2:
        found[at], found[to] = found[to], found[at]
    elif kind == 3:
        found.insert(to, found.pop(at))
    elif kind == 4:
        found[at] = found[at].rstrip(b"\r\n")
    elif kind == 5:
        found[at] = by.random.choice((b"\r\n", b"\t\t\r\n", b'""\r\n', b" \n", b",,,\n", b"-\n"))
    elif kind == 6 and len(body) < LONGEST:
        found[at:at] = [found[at]] * by.random.choice((2, 10, 60))
    elif kind == 7:
        found[min(at, to) : max(at, to)] = reversed(found[min(at, to) : max(at, to)])
    else:
        del found[min(at, to) : max(at, to)]
    return b"".join(found)


def _columns(by: Damager, body: bytes) -> bytes:
    """A column removed, doubled, exchanged with another or blanked, in every line or from one line on."""
    delimiter = b"\t" if body.count(b"\t") > body.count(b",") else b","
    found = body.splitlines(keepends=True)
    width = max((line.count(delimiter) for line in found), default=0) + 1
    one, two = by.random.randrange(width), by.random.randrange(width)
    start = by.random.choice((0, 0, by.random.randint(0, len(found))))
    end = by.random.choice((len(found), start + 1))
    kind = by.random.randrange(4)
    for number in range(start, min(end, len(found))):
        content = found[number].rstrip(b"\r\n")
        cells = content.split(delimiter)
        if max(one, two) >= len(cells):
            continue
        if kind == 0:
            del cells[one]
        elif kind == 1:
            cells.insert(two, cells[one])
        elif kind == 2:
            cells[one], cells[two] = cells[two], cells[one]
        else:
            cells[one] = b""
        found[number] = delimiter.join(cells) + found[number][len(content) :]
    return b"".join(found)


def _cell(by: Damager, body: bytes) -> bytes:
    """One cell replaced by something odd."""
    cells = list(re.finditer(rb"[^\t,\r\n]+", body))
    if not cells:
        return by.odd()
    cell = by.random.choice(cells)
    return body[: cell.start()] + by.odd() + body[cell.end() :]


def _replaced(by: Damager, body: bytes, pattern: re.Pattern[bytes], new: Callable[[bytes], bytes]) -> bytes:
    found = list(pattern.finditer(body))
    for match in sorted(
        by.random.sample(found, min(len(found), by.random.choice((1, 1, 2, 6)))), key=lambda m: -m.start()
    ):
        body = body[: match.start()] + new(match[0]) + body[match.end() :]
    return body


def _numbers(by: Damager, body: bytes) -> bytes:
    """Figures made huge, negative, finer, foreign or no figure at all."""

    def other(stated: bytes) -> bytes:
        kind = by.random.randrange(8)
        if kind == 0:
            return b"-" + stated
        if kind == 1:
            return stated + b"000"
        if kind == 2:
            return stated + by.random.choice((b".5", b"e5", b"%", b" ", b"1", b"\xe2\x80\x89", b"*", b",000"))
        if kind == 3:
            return stated.replace(b",", by.random.choice((b"", b".", b" ", b"\xe2\x80\x89", b"'")))
        if kind == 4:
            return bytes(by.random.choice(b"0123456789") if chr(byte).isdigit() else byte for byte in stated)
        return by.random.choice(ODD_NUMBERS).encode()

    return _replaced(by, body, NUMBER, other)


def _days(by: Damager, body: bytes) -> bytes:
    """Days, months and years that the calendar lacks, that lie far off, or are another one of the document's."""
    stated = DAY.findall(body)
    choices = [text.encode() for text in ODD_DAYS] + by.random.choices(stated or [b"2024"], k=12)
    return _replaced(by, body, DAY, lambda _: by.random.choice(choices))


def _encoded(by: Damager, body: bytes) -> bytes:
    """Another encoding, marks of one, bytes that no encoding has."""
    text = body.decode("utf-8", errors="replace")
    kind = by.random.randrange(10)
    if kind < 3:
        mark = by.random.choice((codecs.BOM_UTF8, codecs.BOM_UTF8 * 2, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0"))
        return mark + body
    if kind < 6:
        name = by.random.choice(("utf-16", "utf-16-le", "utf-32", "cp932", "latin-1", "utf-7", "cp037", "shift_jis"))
        return text.encode(name, errors="replace")
    if kind == 6:
        return body.decode("cp932", errors="replace").encode("utf-8", errors="replace")
    if kind == 7:
        return body.replace(
            b" ", by.random.choice((b"\xa0", b"\xc2\xa0", b"\xe3\x80\x80", b"\xe2\x80\x89", b"\x81\x40"))
        )
    at = by.random.randint(0, len(body))
    piece = by.random.choice(
        (b"\0", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\x81", codecs.BOM_UTF8)
    )
    return body[:at] + piece + body[at:]


def _separated(by: Damager, body: bytes) -> bytes:
    """Other line ends or delimiters, here and there or everywhere; quotes that do not close."""
    kind = by.random.randrange(3)
    if kind == 0:
        return body.replace(by.random.choice((b"\r\n", b"\n")), by.random.choice(LINE_ENDS))
    if kind == 1:
        count = by.random.choice((-1, 1, 3))
        return body.replace(by.random.choice((b"\t", b",")), by.random.choice(DELIMITERS), count)
    at, to = sorted((by.random.randint(0, len(body)), by.random.randint(0, len(body))))
    return body[:at] + b'"' + body[at:to] + by.random.choice((b'"', b"", b'""')) + body[to:]


def _wrapped(by: Damager, body: bytes) -> bytes:
    """A web page, XML whose entities explode, an archive, or JSON around the document; or one of them instead of it."""
    kind = by.random.randrange(8)
    if kind == 0:
        return b"<!DOCTYPE html><html><body><pre>" + body + b"</pre></body></html>"
    if kind == 1:
        return LAUGHS + by.random.choice((b"", body))
    if kind == 2:
        return body + by.random.choice((LAUGHS, b"<html><body>Error 503</body></html>", body))
    if kind == 3:
        return gzip.compress(body, 1, mtime=0)
    if kind == 4:
        return b'{"series": "' + body + b'"}'
    if kind == 5:
        return zipped(by.random.choice(("cslt.json", "eurofxref-hist.csv", "x.txt")), body)
    if kind == 6:
        return by.random.choice(
            (b"", b" ", b"\r\n\r\n", b"\0" * 50, codecs.BOM_UTF8, b'"', b",", b"\t", b"PK\x03\x04", b"{}", b"[]")
        )
    return b"\r\n" * by.random.choice((1, 3, 300)) + body


def _long(by: Damager, body: bytes) -> bytes:
    """A cell, line or document tens or hundreds of thousands of characters long."""
    run = by.random.choice(RUNS)
    length = by.random.choice((2_000, 10_000, 60_000, 131_000, 132_000, 250_000))
    at = by.random.randint(0, len(body))
    if by.random.random() < 0.6 and (cells := list(re.finditer(rb"[^\t,\r\n]+", body))):
        at = by.random.choice(cells).start()
    return body[:at] + run * (length // len(run)) + by.random.choice((b"", b"x", b"\n", b"\t")) + body[at:]


def _foreign(by: Damager, body: bytes) -> bytes:
    """Lines of another layout's document among this one's, or its beginning before this one's rest."""
    other = by.random.choice(by.others)
    lines, strange = body.splitlines(keepends=True), other.splitlines(keepends=True)
    at, cut = by.random.randint(0, len(lines)), by.random.randint(0, len(strange))
    if by.random.random() < 0.5:
        return b"".join(strange[:cut] + lines[at:])
    return b"".join(lines[:at] + strange[cut : cut + 3] + lines[at:])


def _word(by: Damager, body: bytes) -> bytes:
    """A cell of another valid document put in, or over something."""
    start, end = by.span(body, 12)
    return body[:start] + by.odd() + body[by.random.choice((start, end)) :]


def _json(by: Damager, body: bytes) -> bytes:
    """A value replaced by a hostile or deeply nested one; on a document that is no JSON this hits a quoted cell."""
    found = list(JSON_VALUE.finditer(body))
    if not found:
        return body
    value = by.random.choice(found)
    if by.random.random() < 0.35:
        left, right = by.random.choice(NESTED)
        depth = by.random.choice(DEPTHS)
        new = left * depth + b"1" + right * by.random.choice((depth, depth, depth, depth - 1, 0))
    else:
        new = by.random.choice(HOSTILE_JSON)
    return body[: value.start()] + new + body[value.end() :]


# What to do, and how often compared with the others. Very long lines cost the most time.
DAMAGES: dict[Damage, int] = {
    _flip: 12, _span: 10, _cut: 6, _lines: 16, _columns: 8, _cell: 14, _numbers: 14, _days: 10, _encoded: 4, _separated: 5,
    _wrapped: 2, _long: 2, _foreign: 2, _word: 8, _json: 2,
}  # fmt: skip


def zipped(member: str, content: bytes, method: int = zipfile.ZIP_DEFLATED, **others: bytes) -> bytes:
    """A zip with one member, and `others` besides."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as archive:
        for name, body in {member: content, **others}.items():
            entry = zipfile.ZipInfo(name, (2026, 6, 18, 16, 0, 0))
            entry.compress_type = method
            archive.writestr(entry, body)
    return buffer.getvalue()


def packed(random: Random, member: str, content: bytes) -> bytes:
    """The content as a zip: mostly a sound one, else with the archive damaged, strange or lying."""
    kind = random.random()
    if kind < 0.8:
        return zipped(member, content, random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)))
    if kind < 0.83:
        return zipped(member, content, random.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
    if kind < 0.85:
        return random.choice(
            (
                zipped(member, content, other=b"x"),
                zipped("other.txt", content),
                zipped(member, zipped(member, content)),
                zipped(f"folder/{member}", content),
                b"x" * 30 + zipped(member, content),
                zipped(member, content) + b"trailing" * random.choice((1, 9000)),
                zipped(member, random.choice((b" ", b"[", b"1,", b"\n", b'"')) * random.choice((2_000_000, 9_000_000))),
            )
        )
    body = bytearray(
        zipped(member, content, random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA)))
    )
    local, entry = 0, body.rindex(b"PK\x01\x02")
    if kind < 0.9:
        # What local header and directory say of the member: flags, method, checksum, sizes.
        if random.random() < 0.5:
            method = struct.pack("<H", random.choice((1, 6, 8, 9, 12, 14, 93, 95, 98, 99, 65535)))
            body[local + 8 : local + 10] = body[entry + 10 : entry + 12] = method
        elif random.random() < 0.3:
            body[local + 6] |= 1
            body[entry + 8] |= 1
        else:
            at, size = random.choice(((16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4)))
            stated = random.choice(
                (0, 1, 90, 2**31, 2**32 - 1, len(content), zlib.crc32(content), random.getrandbits(16))
            )
            body[entry + at : entry + at + size] = struct.pack("<I", stated)[:size]
        return bytes(body)
    places = [*range(0, 80), *range(entry, len(body))] if random.random() < 0.6 else range(len(body))
    for _ in range(random.choice((1, 1, 2, 5))):
        body[min(random.choice(places), len(body) - 1)] = random.randrange(256)
    return bytes(body) if random.random() < 0.8 else bytes(body[: random.randint(0, len(body))])
