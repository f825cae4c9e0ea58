"""A copy of the small home, for tests to which the rest of the sample does not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import a_copy
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.installation import Warehouse


@pytest.fixture
def small(published_small: Path, tmp_path: Path, declarations: Declarations) -> Warehouse:
    """The release of 18 June 2026 as a small Table 5, loaded and published."""
    return a_copy(published_small, tmp_path, declarations)


@pytest.fixture
def followed(published_next: Path, tmp_path: Path, declarations: Declarations) -> Warehouse:
    """The same, with the release of 14 July 2026 published by a second run."""
    return a_copy(published_next, tmp_path, declarations)
