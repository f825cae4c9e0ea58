"""Files within files: zip archives and gzip, opened by their content and never by their name.

An archive of which a layout reads the whole (the Continuous SLT's, the ECB's) is left as it is, as is an Excel workbook,
which is a zip too. What lies within an archive is not opened again. Nothing is expanded before it is asked for.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import ZIP_DAMAGES

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_START = b"\x1f\x8b"
READ_WHOLE = ("cslt.json", "eurofxref-hist.csv")  # alone in a zip that a layout reads from the zip's own bytes
NAMED_WITHIN = 4096  # bytes at a zip's ends, where its members are named
MOST_MEMBERS = 2_000
LARGEST_BYTES = 512 * 1024 * 1024  # expanded, of one member
LARGEST_RATIO = 400  # tables in HTML shrink to a fortieth; beyond this it is no table
SMALL_BYTES = 16 * 1024 * 1024  # expanded, below which no ratio harms
START_BYTES = 64 * 1024  # tells the layout
ENCRYPTED = 0x1
FETCH_AGAIN = "fetch it again"


@dataclass(frozen=True)
class Member:
    """A file, or one that lies in an archive: `container` is then the archive's name. `opened` gives a stream of its bytes
    and its stated size, where the archive states one.
    """

    name: str
    container: str | None
    packed_bytes: int
    stated_bytes: int | None
    opened: Callable[[], IO[bytes]]

    @cached_property
    def body(self) -> bytes:
        """All bytes. Raises LayoutError where they are damaged, encrypted or too many."""
        return self._read(None)

    def start(self) -> bytes:
        """Enough bytes to tell the layout. Raises LayoutError as `body` does."""
        return self._read(START_BYTES)

    def _read(self, size: int | None) -> bytes:
        place = f"member {self.name}" if self.container else "whole file"
        if self.stated_bytes is not None:
            self._check(self.stated_bytes, place)
        try:
            with self.opened() as stream:
                content = stream.read(LARGEST_BYTES + 1 if size is None else size)
        except ZIP_DAMAGES as problem:
            found = "an encrypted one" if "password" in str(problem) else str(problem) or type(problem).__name__
            raise LayoutError(
                self.container or self.name, place, "a whole file without a password", found, FETCH_AGAIN
            ) from problem
        self._check(len(content), place)
        return content

    def _check(self, size: int, place: str) -> None:
        """What is stated is checked and what comes out of it again: headers can lie."""
        if size > LARGEST_BYTES or (size > SMALL_BYTES and size > LARGEST_RATIO * self.packed_bytes):
            raise LayoutError(
                self.container or self.name, place,
                f"at most {LARGEST_BYTES:,} bytes, and at most {LARGEST_RATIO} times the packed ones",
                f"{size:,} from {self.packed_bytes:,} packed", "it looks like a trap for programs; look at it by hand",
            )  # fmt: skip


def is_container(body: bytes) -> bool:
    """Whether the content is a zip archive or gzip."""
    return body.startswith((*ZIP_STARTS, GZIP_START))


def members(body: bytes, name: str) -> list[Member]:
    """The files in `body`, whose name is `name`; of what is no container itself alone, with `container` None.

    Raises LayoutError for a container that is damaged, encrypted or holds too much.
    """
    if body.startswith(GZIP_START):
        inside = name.removesuffix(".gz") if name.lower().endswith(".gz") else f"{name}, expanded"
        return [Member(inside, name, len(body), None, lambda: _gunzipped(body))]
    if not body.startswith(ZIP_STARTS):
        return [_itself(body, name)]
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_hidden(entry.filename)]
    except ZIP_DAMAGES as problem:
        if any(name.encode() in body[:NAMED_WITHIN] + body[-NAMED_WITHIN:] for name in READ_WHOLE):
            return [_itself(body, name)]  # its layout says best what is wrong with it
        found = f"one that is cut or damaged ({str(problem) or type(problem).__name__})"
        raise LayoutError(name, "zip archive", "a whole zip archive", found, FETCH_AGAIN) from problem
    names = [entry.filename for entry in entries]
    if (len(names) == 1 and names[0] in READ_WHOLE) or is_office_document(names):
        return [_itself(body, name)]
    if not names:
        raise LayoutError(name, "zip archive", "at least one file", "an empty archive", FETCH_AGAIN)
    if len(names) > MOST_MEMBERS:
        raise LayoutError(
            name, "zip archive", f"at most {MOST_MEMBERS:,} files", f"{len(names):,}", "unpack it and name the folder"
        )
    if all(entry.flag_bits & ENCRYPTED for entry in entries):
        raise LayoutError(
            name, "zip archive", "files without a password", "encrypted ones", "unpack it and name the files"
        )

    def opener(entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(entry)

    return [Member(entry.filename, name, entry.compress_size, entry.file_size, opener(entry)) for entry in entries]


def is_office_document(names: list[str]) -> bool:
    """Whether a zip with these members is a document of Excel, Word or the like."""
    return "[Content_Types].xml" in names or ("mimetype" in names and "content.xml" in names)


def _itself(body: bytes, name: str) -> Member:
    return Member(name, None, len(body), None, lambda: io.BytesIO(body))


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _gunzipped(body: bytes) -> Any:
    return gzip.GzipFile(fileobj=io.BytesIO(body))
