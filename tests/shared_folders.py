"""Folders that take seconds to make, made once for all test processes, and only to be copied or read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, filled by `make` in the first test process that asks for it."""
    folder = factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / f"{name} for all"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            being_made = factory.mktemp(name)
            make(being_made)
            being_made.rename(shared)
    return shared
