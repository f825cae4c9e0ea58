"""What tests of page and site share: charts that are drawn, and a page with something in every part, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.flows.site.page_data import FULL, GENERATED, Reading, fill
from tests.undrawn_charts import draw
from treasury_watch.flows.site.page import write


@pytest.fixture(scope="package", autouse=True)
def drawn_charts() -> Iterator[None]:
    """Charts are drawn here: these tests are about what a page shows."""
    with pytest.MonkeyPatch.context() as patch:
        draw(patch)
        yield


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="package")
def full_page(tmp_path_factory: pytest.TempPathFactory, drawn_charts: None) -> tuple[Path, Path]:
    """(database, page) with something in every table."""
    folder = tmp_path_factory.mktemp("report")
    database = folder / "treasury.duckdb"
    with duckdb.connect(str(database)) as connection:
        fill(connection, FULL)
    return database, write(database, folder / "report.html", GENERATED)


@pytest.fixture(scope="package")
def page(full_page: tuple[Path, Path]) -> str:
    return full_page[1].read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def reading(page: str) -> Reading:
    return Reading(page)
