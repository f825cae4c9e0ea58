"""Nothing is lost without a word: a ledger, an archive or a state that has less than what was published."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.conftest import TODAY, a_copy, majors, table5
from tests.warehouse.publication.published_home import content, last_run
from treasury_watch.warehouse.archive.manifest import ArchiveIncomplete
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.state_backup import backup_of
from treasury_watch.warehouse.installation import Warehouse


def only(warehouse: Warehouse):
    (entry,) = warehouse.archive.entries("slt_table5")
    return entry


def run(warehouse: Warehouse) -> None:
    with warehouse.session("run", today=TODAY) as session:
        if not session.is_published():
            session.publish()


def figures(warehouse: Warehouse) -> dict[str, bytes]:
    return content(warehouse.home.root, operations=False)


@pytest.mark.parametrize("lost", ["deleted", "emptied"])
def test_a_ledger_that_knows_less_than_the_archive_is_made_again_before_anything_is_published(small, lost, caplog):
    before = figures(small)
    if lost == "emptied":
        with duckdb.connect(str(small.home.ledger)) as ledger:
            ledger.execute("DELETE FROM vintages; DELETE FROM observations")
    else:
        small.home.ledger.unlink()
    run(small)
    assert "the ledger lacks files that the archive has, of slt_table5" in caplog.text
    assert figures(small) == before


@pytest.mark.parametrize("command", ["run", "rebuild"])
def test_what_an_interrupted_run_left_in_the_archive_is_loaded_by_the_next_one_or_refused(small, command, caplog):
    known = only(small)
    good = table5(["2026-03", "2026-02", "2026-01"], majors([1191.6, 1239.3, 1225.0]))
    bad = table5(["2026-03", "2026-03"], majors([1191.6, 1191.6]))
    left = [
        small.archive.put(
            "slt_table5", body, url="https://example.org/5", retrieved=known.retrieved - timedelta(days=30)
        )[0]
        for body in (good, bad)
    ]  # as of one that was killed before it could judge them
    if command == "run":
        run(small)
    else:
        small.rebuild(today=TODAY)
    entries = {entry.sha256: entry for entry in small.archive.entries("slt_table5")}
    assert [entries[entry.sha256].accepted for entry in left] == [True, False]
    assert entries[left[1].sha256].refused
    assert f"slt_table5 {left[0].sha256[:12]}, archived by a run that was interrupted: loaded (vintage)" in caplog.text
    assert f"slt_table5 {left[1].sha256[:12]}, archived by a run that was interrupted: refused" in caplog.text
    with duckdb.connect(str(small.home.database), read_only=True) as connection:
        found = connection.execute("SELECT count(DISTINCT sha256) FROM releases WHERE source = 'slt_table5'").fetchall()
    assert found == [(2,)]
    caplog.clear()
    run(small)
    assert "interrupted" not in caplog.text


def test_a_ledger_and_an_archive_that_both_lack_what_is_published_stop_the_run(small):
    before = figures(small)
    small.home.ledger.unlink()
    shutil.rmtree(small.home.raw / "slt_table5")
    with pytest.raises(
        ArchiveIncomplete, match="expected 1 file of the last publication that neither archive nor ledger has"
    ):
        run(small)
    assert figures(small) == before
    assert last_run(small)["outcome"] == "failed"


class TestAnArchive:
    def test_whose_note_is_gone_or_changed_has_it_written_again(self, small, caplog):
        entry = only(small)
        note = small.archive.note_path(entry.source, entry.sha256)
        written = note.read_bytes()
        for damage in (None, written.replace(b"release", b"snapshot"), b"{"):
            caplog.clear()
            note.unlink()
            if damage is not None:
                note.write_bytes(damage)
            run(small)
            assert note.read_bytes() == written
            assert f"{note} was missing or damaged: written again as it was" in caplog.text

    def test_that_lost_a_file_is_told_and_never_rebuilt_from_unless_that_is_accepted(self, small, caplog):
        before = figures(small)
        path = small.archive.path(only(small))
        path.unlink()
        run(small)  # the ledger has its figures: nothing is in its way
        assert "1 archived files are missing (slt_table5/" in caplog.text
        with pytest.raises(ArchiveIncomplete, match=r"1 archived files are missing .* rebuild --accept-loss"):
            small.rebuild(today=TODAY)
        assert figures(small) == before
        small.rebuild(today=TODAY, accept_loss=True)
        assert small.manifest.lost() == []
        assert only(small).withdrawn == "the file is lost: accepted by rebuild --accept-loss"

    def test_that_is_gone_with_the_state_too_is_seen_by_what_is_published(self, small, declarations: Declarations):
        shutil.rmtree(small.home.raw / "slt_table5")
        for path in (small.home.state, backup_of(small.home.state)):
            path.unlink()
        with pytest.raises(ArchiveIncomplete, match="1 archived files are missing"):
            Warehouse(small.home, declarations).rebuild(today=TODAY)

    def test_that_lost_a_file_asks_for_it_without_the_old_validators(self, small):
        entry = only(small)
        small.state.keep_validators("slt_table5", "http://x/5", '"1"', None, entry.sha256)
        assert small.validators("slt_table5", "http://x/5") == ('"1"', None)
        small.archive.path(entry).unlink()
        assert small.validators("slt_table5", "http://x/5") == (None, None)


def test_a_home_restored_from_archive_and_state_alone_is_complete_after_a_run(small, tmp_path_factory, declarations):
    before = figures(small)
    restored = tmp_path_factory.mktemp("restored")
    shutil.copytree(small.home.raw, restored / "raw")
    shutil.copy(small.home.state, restored / "state.sqlite")
    warehouse = a_copy(restored, tmp_path_factory.mktemp("home"), declarations)
    run(warehouse)
    assert figures(warehouse) == before


class TestAState:
    @pytest.mark.parametrize("damage", ["deleted", "cut", "overwritten"])
    def test_that_is_missing_or_damaged_is_taken_from_its_copy_and_that_is_told(self, tmp_path: Path, damage, caplog):
        path = tmp_path / "state.sqlite"
        state = State(path)
        for number in range(500):
            state.remember(f"note {number}", "kept" * 50)
        state.back_up()
        body = path.read_bytes()
        path.unlink()
        if damage == "cut":
            path.write_bytes(body[: len(body) // 2])
        if damage == "overwritten":
            path.write_bytes(body[:8192] + b"\xff" * 8192 + body[16384:])
        with caplog.at_level(logging.WARNING):
            assert State(path).remembered("note 499") == "kept" * 50
        assert f"{path} was {'missing' if damage == 'deleted' else 'damaged'}: taken from its copy of " in caplog.text
        assert (tmp_path / "state.damaged.sqlite").exists() == (damage != "deleted")

    def test_that_is_whole_is_never_replaced(self, tmp_path: Path):
        path = tmp_path / "state.sqlite"
        State(path).back_up()
        State(path).remember("later", "kept")
        assert State(path).remembered("later") == "kept"

    def test_whose_copy_is_damaged_too_is_told_as_damaged(self, tmp_path: Path):
        path = tmp_path / "state.sqlite"
        State(path).back_up()
        for file in (path, backup_of(path)):
            file.write_bytes(b"rot" * 5000)
        with pytest.raises(Exception, match="restore it from a backup"):
            State(path)

    def test_is_backed_up_by_every_run(self, small):
        run(small)
        with sqlite3.connect(backup_of(small.home.state)) as copy:
            assert copy.execute("SELECT outcome FROM runs ORDER BY started DESC LIMIT 1").fetchone()[0] in (
                "published",
                "unchanged",
            )


@pytest.mark.parametrize("way", ["overwritten in place", "replaced"])
def test_damage_is_seen_though_the_file_was_whole_a_moment_ago_and_kept_its_size(small, way):
    path = small.home.parquet / "holders.parquet"
    body = path.read_bytes()
    assert small.damaged() == []
    damaged = path if way == "overwritten in place" else path.with_suffix(".other")
    with damaged.open("r+b" if damaged.exists() else "wb") as file:
        file.write(body[:40] + bytes([body[40] ^ 1]) + body[41:])
    damaged.replace(path)
    assert path.stat().st_size == len(body)
    assert small.damaged() == ["parquet/holders.parquet"]
    path.write_bytes(body)
    assert small.damaged() == []
