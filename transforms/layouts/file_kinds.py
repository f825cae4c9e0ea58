"""What a file is that no layout reads: its kind in words, and what to do about it. Also the texts that the recognisers see
of a file in another encoding or in HTML.
"""

from __future__ import annotations

import codecs
import html
import re
from dataclasses import dataclass

from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.layouts.containers import START_BYTES, ZIP_STARTS

# The longest first: that of UTF-32 begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
AS_TEXT = "save or fetch the table as .txt, .csv or .html"
UNPACK = "unpack it and name the files"
SIGNATURES = (
    (b"%PDF", "a PDF document", AS_TEXT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word document", AS_TEXT),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"\x1f\x8b", "a gzip file", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    (b"PAR1", "a Parquet file", "name the files as the publisher serves them"),
    (b"\x89PNG", "a picture (PNG)", AS_TEXT),
)
TAR_MARK, TAR_MARK_AT = b"ustar", 257
# The tables of a release have columns of the same names; they are told so that none is taken for another.
TABLE_TITLE = re.compile(r"(?:^|[\n\t])(Table \d+:)", re.IGNORECASE)
NAMED_TITLE = re.compile(r'[\ufeff\s"]*(Table [124]: [^\t\r\n",]*)', re.IGNORECASE)
NAMED_COLUMNS = {
    "for_lt_total_pos": "Table 1: long-term securities held by foreign residents",
    "for_lt_agcy_pos": "Table 1: long-term securities held by foreign residents",
}
READ_TABLES = (1,)  # of these: read where the row is whole that names the columns
TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,200})", re.IGNORECASE)
SHIFT_JIS = re.compile(rb"charset\s*=\s*[\"']?\s*(?:x-)?s(?:hift_)?jis", re.IGNORECASE)
TAG = re.compile(rb"<[^<>]{0,4096}>")
ROW_END = re.compile(rb"</tr\s*>", re.IGNORECASE)
CELL_END = re.compile(rb"</t[dh]\s*>", re.IGNORECASE)
NOT_SHOWN = {b"<!--": b"-->", b"<script": b"</script", b"<style": b"</style"}
NOT_SHOWN_START = re.compile(rb"<!--|<(?:script|style)(?=[\s>])", re.IGNORECASE)


@dataclass(frozen=True)
class FileKind:
    """A file that is not read: `name` says what it is, `next_step` what to do. `table` is the id of the published table
    that it is, where it is one.
    """

    name: str
    next_step: str
    table: str = ""


def as_utf8(body: bytes) -> bytes:
    """Text in UTF-16 or UTF-32 (Excel's "Unicode Text") as UTF-8 with its mark; anything else, and damaged text, as it
    is.
    """
    encoding = encoding_of(body)
    if encoding is None:
        return body
    try:
        return codecs.BOM_UTF8 + body.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeError:
        return body


def encoding_of(body: bytes) -> str | None:
    """The name of an encoding with several bytes a character, told by its mark, or by every other byte being NUL."""
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return encoding
    start = body[:256]
    even, odd = start[::2], start[1::2]
    if len(start) >= 64 and not even.count(0) and odd.count(0) > len(odd) * 0.9:
        return "utf-16-le"
    if len(start) >= 64 and not odd.count(0) and even.count(0) > len(even) * 0.9:
        return "utf-16-be"
    return None


def is_html(body: bytes) -> bool:
    """Whether the content begins as HTML does."""
    return body[:512].removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def readable(body: bytes) -> bytes:
    """What the recognisers look at: the file itself; UTF-16 as UTF-8; of HTML its beginning as tab-separated lines."""
    body = as_utf8(body)
    return _shown(body[:START_BYTES]) if is_html(body) else body


def kind_of(body: bytes) -> FileKind | None:
    """What a file is that is not read, None where that cannot be told."""
    for start, name, next_step in SIGNATURES:
        if body.startswith(start):
            return FileKind(name, next_step)
    if body.startswith(ZIP_STARTS):
        office = b"[Content_Types].xml" in body[:START_BYTES] or b"mimetype" in body[:64]
        if office:
            return FileKind("an Excel workbook, or another office document", AS_TEXT)
        return FileKind("a zip archive", UNPACK)
    if body[TAR_MARK_AT : TAR_MARK_AT + len(TAR_MARK)] == TAR_MARK:
        return FileKind("a tar archive", UNPACK)
    if unread := unread_table(readable(body)[:8192].decode("utf-8", errors="replace")):
        return unread
    if encoding_of(body) is not None and as_utf8(body) is body:
        return FileKind("damaged text in UTF-16", "fetch or save it again")
    text = as_utf8(body)[:START_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    if not is_html(text):
        return None
    title = TITLE.search(text)
    named = shorten(html.unescape(title[1].decode("utf-8", errors="replace")), 60) if title else ""
    beginning = shorten(text.decode("utf-8", errors="replace"), 40)
    return FileKind(
        f"a web page{f' titled {named!r}' if named else ''}: {beginning}",
        "the address may have moved, or the server refused; open it in a browser",
    )


@dataclass(frozen=True)
class NamedTable:
    """A table of a release: its number, and its title as it names itself."""

    number: int
    name: str

    @property
    def id(self) -> str:
        """The name under which it is published, without ending."""
        return f"slt_table{self.number}"


def table_named(start: str) -> NamedTable | None:
    """Which of the tables 1, 2 and 4 a text is by its title, or Table 1 by its columns; None for any other."""
    found = NAMED_TITLE.match(start)
    title = found[1].strip() if found else next((NAMED_COLUMNS[name] for name in NAMED_COLUMNS if name in start), "")
    return NamedTable(int(title[len("Table ")]), title) if title else None


def unread_table(start: str) -> FileKind | None:
    """One of those tables that no layout reads, or not as it is; None for any other text."""
    named = table_named(start)
    if named is None:
        return None
    if named.number in READ_TABLES:
        step = "the row that names its columns is missing or another one; fetch it again"
    else:
        step = f"{named.id} is not read; the Treasuries by country are in slt_table3"
    return FileKind(f"{named.name} ({named.id})", step, named.id)


def without_hidden_parts(body: bytes) -> bytes:
    """HTML without comments, scripts and styles; its lines keep their numbers. What has no end goes on to the file's."""
    lower = body.lower()
    kept: list[bytes] = []
    position = 0
    while found := NOT_SHOWN_START.search(body, position):
        kept.append(body[position : found.start()])
        end = lower.find(NOT_SHOWN[found[0].lower()], found.end())
        closing = lower.find(b">", end) if end >= 0 else -1
        position = closing + 1 if closing >= 0 else len(body)
        kept.append(b"\n" * body.count(b"\n", found.start(), position))
    return b"".join([*kept, body[position:]])


def _shown(body: bytes) -> bytes:
    """HTML as text: a row is a line, its cells are separated by tabs."""
    body = without_hidden_parts(body)
    cells = []
    for row in ROW_END.split(body):
        texts = [b" ".join(TAG.sub(b" ", cell).split()) for cell in CELL_END.split(row)]
        cells.append(b"\t".join(texts[:-1] if len(texts) > 1 and not texts[-1] else texts))
    encoding = "cp932" if SHIFT_JIS.search(body[:2048]) else "utf-8"
    text = html.unescape(b"\n".join(cells).decode(encoding, errors="replace"))
    titled = TABLE_TITLE.search(text)  # a page may have more in it
    return text[titled.start(1) if titled else 0 :].encode()
