"""The warm process, and a small home to be copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.processes import Warm
from tests.faults.small_installation import files, made
from tests.shared_folders import made_once


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    with Warm() as process:
        yield process


@pytest.fixture(scope="session")
def small_home(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the releases 0 and 1. Only to be copied."""

    def make(folder: Path) -> None:
        made(warm, folder / "home", files(folder, [0, 1]))

    return made_once(tmp_path_factory, "two releases", make) / "home"
