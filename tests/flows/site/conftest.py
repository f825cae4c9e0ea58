"""What tests of the page share: a page with something in every part, made once."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.flows.site.page_data import (
    FULL,
    GENERATED,
    Reading,
    fill,
)
from treasury_watch.flows.site.page import write


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(database, page) with something in every table."""
    folder = tmp_path_factory.mktemp("report")
    database = folder / "treasury.duckdb"
    with duckdb.connect(str(database)) as connection:
        fill(connection, FULL)
    return database, write(database, folder / "report.html", GENERATED)


@pytest.fixture(scope="session")
def page(full_page: tuple[Path, Path]) -> str:
    return full_page[1].read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def reading(page: str) -> Reading:
    return Reading(page)
