"""A home of one small release, for tests to which the rest of the sample does not matter: publishing it costs a third less."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.shared_folders import made_once
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile


@pytest.fixture(scope="session")
def published_small(tmp_path_factory: pytest.TempPathFactory, declarations: Declarations) -> Path:
    """The release of 18 June 2026 as a small Table 5, loaded and published once. Only to be copied."""
    from tests.conftest import RETRIEVED, TODAY  # which imports this module
    from tests.warehouse.conftest import FIRST

    def make(root: Path) -> None:
        with Warehouse(Home(root), declarations).session("run", today=TODAY) as session:
            session.loader.load(IncomingFile(FIRST, url="file:first.txt", retrieved=RETRIEVED))
            session.loader.load_press()
            session.publish()

    return made_once(tmp_path_factory, "one release", make)


@pytest.fixture(scope="session")
def published_next(tmp_path_factory: pytest.TempPathFactory, declarations: Declarations, published_small: Path) -> Path:
    """The small home, in which the release of 14 July 2026 was then loaded and published. Only to be copied or read."""
    from tests.warehouse.conftest import NEXT
    from tests.warehouse.publication.published_home import load

    def make(root: Path) -> None:
        shutil.copytree(published_small, root, dirs_exist_ok=True)
        load(Warehouse(Home(root), declarations), NEXT)

    return made_once(tmp_path_factory, "two releases in two runs", make)
