"""Files of the site, written again only where they say something else: unchanged bytes keep the file and its time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PUBLIC = 0o644  # a site is read by everyone


def write_changed(path: Path, body: bytes) -> bool:
    """Put `body` at `path`, whole or not at all; False where the file holds it already."""
    if path.is_file() and path.stat().st_size == len(body) and path.read_bytes() == body:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(path, body)
    return True


def replace_whole(path: Path, body: bytes, mode: int = PUBLIC) -> None:
    """Write beside the target and move over it. Not synced to the disk: after a power cut the next build compares the bytes
    and writes again what is not whole, and a thousand syncs would take longer than the build.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def place_changed(made: Path, path: Path) -> bool:
    """Move a finished file to `path`, by way of a copy beside it; False, and the old one stays, where the bytes are the same."""
    if path.is_file() and path.stat().st_size == made.stat().st_size and path.read_bytes() == made.read_bytes():
        made.unlink()
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.next")
    shutil.move(made, beside)
    os.chmod(beside, PUBLIC)
    os.replace(beside, path)
    return True
