"""Files within files: the members of a zip archive, expanded when they are asked for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.cells import ZIP_DAMAGES

LARGEST_BYTES = 512 * 1024 * 1024  # expanded, of one member


@dataclass(frozen=True)
class Member:
    """A file that lies in an archive; `container` is the archive's name, `opened` gives a stream of its bytes."""

    name: str
    container: str | None
    opened: Callable[[], IO[bytes]]

    @cached_property
    def body(self) -> bytes:
        """All bytes. Raises LayoutError where they are damaged, encrypted or too many."""
        try:
            with self.opened() as stream:
                content = stream.read(LARGEST_BYTES + 1)
        except ZIP_DAMAGES as problem:
            raise LayoutError(
                self.container or self.name, f"member {self.name}", "a whole file", str(problem), "fetch it again"
            ) from problem
        if len(content) > LARGEST_BYTES:
            found = "more"
            raise LayoutError(
                self.container or self.name, f"member {self.name}", f"at most {LARGEST_BYTES:,} bytes", found
            )
        return content


def members(body: bytes, name: str) -> list[Member]:
    """The files in a zip archive whose name is `name`. Raises LayoutError where it is damaged."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except ZIP_DAMAGES as problem:
        raise LayoutError(name, "zip archive", "a whole zip archive", str(problem), "fetch it again") from problem

    def opener(entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(entry)

    return [Member(entry.filename, name, opener(entry)) for entry in entries]
