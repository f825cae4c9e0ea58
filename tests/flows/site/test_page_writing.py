"""The page as a file: whole or not at all, and errors in one line."""

import shutil
from pathlib import Path

import pytest

from tests.flows.site.page_data import (
    GENERATED,
)
from treasury_watch.flows.site.page import ReportError, write
from treasury_watch.transforms.errors import TreasuryWatchError


def test_a_missing_database_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(
        TreasuryWatchError, match=r"treasury\.duckdb does not exist yet; run `treasury-watch run --sample` or"
    ):
        write(tmp_path / "treasury.duckdb", tmp_path / "report.html", GENERATED)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "treasury.duckdb").write_text("not a database" * 1000)
    with pytest.raises(TreasuryWatchError, match=r"not a valid DuckDB database .*treasury-watch rebuild") as refused:
        write(tmp_path / "treasury.duckdb", tmp_path / "report.html", GENERATED)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "report.html").exists()


def test_a_page_that_cannot_be_written_leaves_nothing_behind(full_page: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(ReportError, match=r"taken\.html cannot be written .*--out"):
        write(full_page[0], tmp_path / "taken.html", GENERATED)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.html"]


def test_writing_replaces_an_older_page_and_leaves_the_database_alone(
    full_page: tuple[Path, Path], tmp_path: Path
) -> None:
    database = tmp_path / "treasury.duckdb"
    shutil.copyfile(full_page[0], database)
    before = database.read_bytes()
    out = tmp_path / "reports" / "report.html"
    out.parent.mkdir()
    out.write_text("an older page")
    assert write(database, out, GENERATED) == out
    assert out.read_bytes() == full_page[1].read_bytes()
    assert database.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
