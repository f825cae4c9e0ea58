"""The Parquet tables of one publication in a folder of their own, and a pointer to the current one, as in the store.

    parquet/                          the current tables under paths that do not change; each file is replaced by itself
    publications/<id>/parquet/        the same files, of one publication; never changed
    current.json                      the id of the current one; written last

Who opens two tables below `parquet/` while a publication comes may have one of each; who follows the pointer never has. The
folders share their files with `parquet/` (hard links) as long as these stay the same.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from treasury_watch.warehouse.home.durable_files import write_whole
from treasury_watch.warehouse.home.folders import Home

KEPT = 3  # publications that stay in any case, the current one among them
KEPT_SECONDS = 900  # and those that were current so short a time ago: a reader that follows the pointer has to finish


def set_current(home: Home) -> str:
    """Make what lies below `parquet/` a folder of its own and the current one; then remove old ones. Returns its id.

    For the holder of the writer's lock, after the tables are in place and before the modes are settled. Raises OSError.
    """
    publications = home.publications
    publications.mkdir(parents=True, exist_ok=True)
    for left in publications.glob(".*"):  # by a crash
        shutil.rmtree(left)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    staged = publications / f".{name}"
    for path in sorted(home.parquet.rglob("*.parquet")):
        if not path.name.startswith("."):
            target = staged / home.parquet.name / path.relative_to(home.parquet)
            target.parent.mkdir(parents=True, exist_ok=True)
            _linked(path, target)
    before = current(home)
    os.rename(staged, publications / name)
    if home.opens:  # to more users than before: what lies in older tables may name recipients
        _remove(path for path in publications.iterdir() if path.name != name)
    home.settle_published()
    body = {"format": 1, "run_id": name, "parquet": f"{publications.name}/{name}/{home.parquet.name}"}
    write_whole(home.pointer, json.dumps({**body, "written": _now()}, indent=1).encode(), home.published_mode)
    _remove_old(home, name, before)
    return name


def current(home: Home) -> str | None:
    """The id of the current publication; None where the pointer is not there or damaged."""
    try:
        body: dict[str, Any] = json.loads(home.pointer.read_bytes())
        return str(body["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_old(home: Home, name: str, before: str | None) -> None:
    """Remove what is neither among the newest nor was current a short time ago."""
    if before is not None and (last := home.publications / before).is_dir():
        os.utime(last)  # from now on it is not current
    others = (path for path in home.publications.iterdir() if path.name != name)
    found = sorted(others, key=lambda path: path.stat().st_mtime)
    oldest = time.time() - KEPT_SECONDS
    _remove(path for path in found[: max(0, len(found) - (KEPT - 1))] if path.stat().st_mtime < oldest)


def _remove(folders: Any) -> None:
    for folder in list(folders):
        shutil.rmtree(folder)


def _linked(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # a file system without links
        shutil.copy2(path, target)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
