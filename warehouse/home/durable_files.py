"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path: Path, body: bytes, mode: int = 0o600) -> None:
    """Write beside the target, make it durable, move it into place. A crash leaves the old file or the new one.

    Without a `mode` it is its owner's alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def move_into_place(staged: Path, path: Path, mode: int | None = None) -> None:
    """Make a staged file durable and move it over `path`; a reader with the old file open keeps reading it.

    With a `mode` it has that before it is there.
    Where `path` is on another filesystem, by way of a copy beside it, whose name starts with a dot and ends in .next.
    """
    _sync(staged)
    if mode is not None:
        os.chmod(staged, mode)
    try:
        os.replace(staged, path)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        copy = path.with_name(f".{path.name}.next")
        shutil.copyfile(staged, copy)
        shutil.copymode(staged, copy)
        _sync(copy)
        os.replace(copy, path)
        staged.unlink()
    sync_folder(path.parent)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename durable, where the platform can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
