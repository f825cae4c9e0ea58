"""A full disk, a folder that may not be written, damaged files: found, named, and the last publication stays."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.conftest import PROJECT
from tests.faults.processes import Warm, environment
from tests.faults.small_installation import check_whole, copied, files, publication, published_figures, rows

NEWEST = "SELECT max(month)::TEXT FROM positions WHERE source = 'slt_table5'"
NOBODY = 65534
ROOT = sys.platform == "linux" and os.geteuid() == 0
QUIET = {"ALERTS_MINIMUM_SEVERITY": "critical"}  # these tests are not about mail
HEADERS, BLOCK = 12_288, 262_144  # bytes of a DuckDB file's headers, and of each block after them


def flip(path: Path, place: float) -> None:
    """Damage one byte, at that part of the file."""
    body = bytearray(path.read_bytes())
    body[int(len(body) * place)] ^= 0xFF
    path.write_bytes(body)


def in_table(database: Path, table: str) -> float:
    """A part of the file in the first block of a table's figures, for `flip`."""
    with duckdb.connect(str(database), read_only=True) as connection:
        query = f"SELECT min(block_id) FROM pragma_storage_info('{table}') WHERE block_id > 0"
        [(block,)] = connection.execute(query).fetchall()
    return (HEADERS + block * BLOCK + 100) / database.stat().st_size


@pytest.fixture
def home(small_home: Path, tmp_path: Path) -> Path:
    return copied(small_home, tmp_path / "home")


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 64 MB."""
    place = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if not ROOT or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be made by root only, where mounting is allowed")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def leave_free(disk: Path, size: int) -> Path:
    """Fill the disk up to so many bytes; removing the returned file makes room again."""
    ballast = disk / "ballast"
    facts = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - size)
    return ballast


@pytest.mark.slow
class TestAFullDisk:
    def test_the_run_ends_in_one_line_the_publication_stays_and_with_room_the_next_succeeds(
        self, small_disk, small_home, warm: Warm, tmp_path
    ):
        home = copied(small_home, small_disk / "home")
        [path] = files(tmp_path, [2])
        before = publication(home)["treasury.duckdb"]
        for free in (0, 3_000_000):  # not even the run can be noted; the new database does not fit
            ballast = leave_free(small_disk, free)
            line = warm.run(["ingest", path], environment(home, **QUIET)).failed_in_one_line()
            ballast.unlink()
            assert "room" in line
            assert str(home) in line
            assert publication(home)["treasury.duckdb"] == before
        warm.run(["ingest", path], environment(home, **QUIET)).well()
        assert rows(home, NEWEST) == [("2023-08-01",)]
        check_whole(home)

    def test_run_says_so_before_it_starts_prefect_which_would_never_end(self, small_disk, warm: Warm):
        ballast = leave_free(small_disk, 2_000_000)
        try:
            line = warm.run(["run", "--sample"], environment(small_disk / "new")).failed_in_one_line()
        finally:
            ballast.unlink()
        assert "MB free, a run needs 16 MB" in line
        assert not (small_disk / "new" / "prefect").exists()

    def test_a_limit_on_the_size_of_files_is_as_a_full_disk(self, home, warm: Warm, tmp_path):
        [path] = files(tmp_path, [2])
        before = publication(home)["treasury.duckdb"]
        line = warm.run(["ingest", path], environment(home, **QUIET), largest_file=1_000_000).failed_in_one_line()
        assert "room" in line
        assert publication(home)["treasury.duckdb"] == before


def others_may_read(path: Path) -> bool:
    """Whether a user without rights of their own gets there."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.resolve().parents])


@pytest.fixture
def locked_home(small_home: Path) -> Iterator[Path]:
    """A home that user nobody can read and not write."""
    if not ROOT or not others_may_read(PROJECT):
        pytest.skip("only root can become another user, who must be able to read the program")
    with tempfile.TemporaryDirectory(prefix="locked") as folder:
        Path(folder).chmod(0o755)
        home = copied(small_home, Path(folder) / "home")
        for path in (home, *home.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield home


@pytest.mark.slow
class TestAFolderThatMayNotBeWritten:
    @pytest.mark.parametrize("order", ["ingest", "run", "rebuild", "alerts send"])
    def test_a_command_that_writes_says_so_in_one_line_and_changes_nothing(self, order, locked_home, warm: Warm):
        path = files(locked_home.parent, [2])
        for file in path:
            file.chmod(0o644)  # the other user may read it: it is the home that may not be written
        before = publication(locked_home)
        arguments = [*order.split(), *(path if order == "ingest" else [])]
        line = warm.run(arguments, environment(locked_home), user=NOBODY).failed_in_one_line()
        assert str(locked_home) in line
        assert "make it writable" in line
        assert publication(locked_home) == before

    def test_it_can_be_queried(self, locked_home, warm: Warm):
        text = warm.run(["query", NEWEST], environment(locked_home), user=NOBODY).well()
        assert "2023-07-01" in text

    @pytest.mark.parametrize("order", ["status", "sell-offs", "alerts list", "nowcast", "report --out {out}"])
    def test_it_can_be_read_by_every_command_that_only_reads(self, order, locked_home, warm: Warm):
        before = publication(locked_home)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o777)
            out = Path(folder) / "page.html"
            warm.run(order.format(out=out).split(), environment(locked_home), user=NOBODY).well()
            assert out.exists() == ("report" in order)
        assert publication(locked_home) == before

    def test_a_command_that_writes_says_whose_it_is(self, locked_home, warm: Warm):
        line = warm.run(["run"], environment(locked_home), user=NOBODY).failed_in_one_line()
        assert f"{locked_home}" in line
        assert "state.sqlite belongs to user root (mode 0444), this is user nobody" in line

    def test_of_a_home_that_is_not_shared_a_reader_is_told_how_it_would_be(self, locked_home, warm: Warm):
        locked_home.chmod(0o700)
        line = warm.run(["status"], environment(locked_home), user=NOBODY).failed_in_one_line()
        assert "this user may not read it" in line
        assert "[storage] share" in line

    def test_one_that_cannot_be_made_is_named(self, locked_home, warm: Warm):
        below = locked_home / "new"
        line = warm.run(["run", "--sample"], environment(below), user=NOBODY).failed_in_one_line()
        assert f"data folder {below}: Permission denied" in line


@pytest.mark.slow
class TestOneDamagedByte:
    @pytest.mark.parametrize("name", ["parquet/positions.parquet", "parquet/holder_months.parquet"])
    @pytest.mark.parametrize("place", [0.7, 0.99])
    def test_status_names_a_published_file(self, name, place, home, warm: Warm):
        flip(home / name, place)
        text = warm.run(["status"], environment(home)).well()
        assert f"DAMAGED: {name} is not as it was published; `treasury-watch rebuild`" in text

    @pytest.mark.parametrize("table", ["observations", "positions"])
    def test_status_names_the_published_database(self, table, home, warm: Warm):
        flip(home / "treasury.duckdb", in_table(home / "treasury.duckdb", table))
        text = warm.run(["status"], environment(home)).well()
        assert "DAMAGED: treasury.duckdb is not as it was published; `treasury-watch rebuild`" in text

    def test_status_of_a_sound_home_names_none(self, home, warm: Warm):
        assert "DAMAGED" not in warm.run(["status"], environment(home)).well()

    @pytest.mark.parametrize("order", [["status"], ["query", NEWEST], ["sell-offs"], ["report"]])
    def test_a_database_that_cannot_be_opened_is_named_with_the_way_out(self, order, home, warm: Warm):
        flip(home / "treasury.duckdb", 12_300 / (home / "treasury.duckdb").stat().st_size)
        line = warm.run(order, environment(home)).failed_in_one_line()
        assert "treasury.duckdb" in line
        assert "treasury-watch rebuild" in line

    def test_a_query_that_meets_the_damage_says_how_it_is_mended(self, home, warm: Warm):
        database = home / "treasury.duckdb"
        for block in range(database.stat().st_size // BLOCK):
            flip(database, (HEADERS + block * BLOCK + 5_000) / database.stat().st_size)
            try:
                duckdb.connect(str(database), read_only=True).close()
            except duckdb.Error:  # a block of the catalogue: this test is about those of the figures
                flip(database, (HEADERS + block * BLOCK + 5_000) / database.stat().st_size)
        line = warm.run(["query", "SELECT * FROM observations"], environment(home)).failed_in_one_line()
        assert f"{database}: Corrupt database file" in line
        assert "treasury-watch rebuild" in line

    def test_a_ledger_is_named_by_the_run_that_meets_it(self, home, warm: Warm, tmp_path):
        flip(home / "ledger.duckdb", 12_300 / (home / "ledger.duckdb").stat().st_size)
        line = warm.run(["ingest", *files(tmp_path, [2])], environment(home, **QUIET)).failed_in_one_line()
        assert f"{home}/ledger.duckdb: Corrupt database file" in line
        assert "treasury-watch rebuild" in line

    def test_rebuild_makes_the_derived_files_again(self, home, warm: Warm):
        before = published_figures(home)
        for name in ("treasury.duckdb", "ledger.duckdb", "parquet/positions.parquet"):
            flip(home / name, 12_300 / max(20_000, (home / name).stat().st_size))
        warm.run(["rebuild"], environment(home)).well()
        assert published_figures(home) == before
        check_whole(home)

    def test_a_run_with_nothing_new_publishes_a_damaged_table_again(self, home, warm: Warm, tmp_path):
        before = published_figures(home)
        flip(home / "parquet" / "positions.parquet", 0.5)
        assert published_figures(home) != before
        warm.run(["ingest", *files(tmp_path, [1])], environment(home, **QUIET)).well()
        assert published_figures(home) == before

    def test_damage_is_not_made_part_of_the_publication_when_alerts_are_sent(self, home, warm: Warm):
        flip(home / "treasury.duckdb", in_table(home / "treasury.duckdb", "observations"))
        assert (
            "treasury.duckdb: not as it was published"
            in warm.run(["alerts", "send"], environment(home)).failed_in_one_line()
        )
        assert "DAMAGED: treasury.duckdb" in warm.run(["status"], environment(home)).well()

    def test_an_archived_file_is_named_by_its_checksum_and_nothing_is_changed(self, home, warm: Warm):
        path = sorted((home / "raw" / "slt_table5").glob("*.txt"))[0]
        flip(path, 0.5)
        before = publication(home)
        line = warm.run(["rebuild"], environment(home)).failed_in_one_line()
        assert f"{path}: expected checksum {path.stem[:12]}" in line
        assert publication(home) == before
