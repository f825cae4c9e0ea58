"""The archive: bytes once, notes beside them, damage found and named."""

import hashlib
import json
import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from treasury_watch.warehouse.archive import archived_files as archive_module
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged, quarantined
from treasury_watch.warehouse.home.durable_files import move_into_place, write_whole

FIRST = datetime(2026, 6, 18, 20, 5, tzinfo=UTC)
LATER = datetime(2026, 6, 19, 20, 5, tzinfo=UTC)
URL = "https://example.org/slt_table5.txt"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "raw")


def test_bytes_come_back_as_they_were_given_with_their_note(archive):
    entry, new = archive.put("slt_table5", b"a\r\nb", url=URL, retrieved=FIRST, etag='"x"', last_modified="Thu")
    assert new
    assert archive.body(entry) == b"a\r\nb"
    (kept,) = Archive(archive.folder).entries()
    assert kept == entry
    assert (kept.sha256, kept.bytes) == (hashlib.sha256(b"a\r\nb").hexdigest(), 4)
    assert (kept.etag, kept.last_modified, kept.retrieved, kept.refused) == ('"x"', "Thu", FIRST, None)


def test_the_same_bytes_are_kept_once_with_their_first_note(archive):
    entry, _ = archive.put("slt_table5", b"same", url=URL, retrieved=FIRST)
    again, new = archive.put("slt_table5", b"same", url="https://example.org/mirror.txt", retrieved=LATER)
    assert not new
    assert again == entry
    assert len(list(archive.folder.rglob("*.*"))) == 2


def test_the_same_bytes_of_two_sources_are_two_entries(archive):
    archive.put("fred:DGS2", b"same", url=URL, retrieved=FIRST)
    archive.put("fred:DGS10", b"same", url=URL, retrieved=FIRST)
    assert [entry.source for entry in archive.entries()] == ["fred:DGS10", "fred:DGS2"]
    assert len(archive.entries("fred:DGS2")) == 1


def test_a_note_keeps_what_was_learned_of_an_entry(archive):
    entry, _ = archive.put("slt_table5", b"x", url=URL, retrieved=FIRST)
    archive.note(entry, released=date(2026, 6, 18), released_basis="calendar", evidence="release")
    (kept,) = archive.entries()
    assert (kept.released, kept.released_basis, kept.evidence) == (date(2026, 6, 18), "calendar", "release")
    assert archive.body(kept) == b"x"


def test_entries_come_by_release_and_then_by_retrieval(archive):
    for body, retrieved, released in [
        (b"third", FIRST, date(2026, 6, 18)),
        (b"second", LATER, date(2026, 5, 18)),
        (b"first", FIRST, date(2026, 5, 18)),
    ]:
        entry, _ = archive.put("slt_table5", body, url=URL, retrieved=retrieved)
        archive.note(entry, released=released)
    assert [archive.body(entry) for entry in archive.entries()] == [b"first", b"second", b"third"]


def test_a_damaged_byte_is_found_and_the_file_is_named(archive):
    entry, _ = archive.put("slt_table5", b"Japan\t1209.9", url=URL, retrieved=FIRST)
    archive.path(entry).write_bytes(b"Japan\t1309.9")
    with pytest.raises(ArchiveDamaged, match=f"{entry.sha256}.*expected checksum {entry.sha256[:12]}.*fetch {URL}"):
        archive.body(entry)


def test_a_missing_file_is_named_with_the_address_to_fetch_it_from(archive):
    entry, _ = archive.put("slt_table5", b"x", url=URL, retrieved=FIRST)
    archive.path(entry).unlink()
    with pytest.raises(ArchiveDamaged, match=f"{entry.sha256}.*missing.*{URL}"):
        archive.body(entry)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"y")])
def test_the_same_bytes_fetched_again_mend_a_damaged_file(archive, damage):
    entry, _ = archive.put("slt_table5", b"x", url=URL, retrieved=FIRST)
    damage(archive.path(entry))
    again, new = archive.put("slt_table5", b"x", url=URL, retrieved=LATER)
    assert (again, new) == (entry, False)
    assert archive.body(entry) == b"x"


def test_a_damaged_note_is_named(archive):
    archive.put("slt_table5", b"x", url=URL, retrieved=FIRST)
    (note,) = archive.folder.rglob("*.json")
    note.write_bytes(b'{"source": "slt_table5"}')
    with pytest.raises(ArchiveDamaged, match=note.name):
        archive.entries()


def test_a_crash_between_the_bytes_and_the_note_leaves_no_entry(archive, monkeypatch):
    def crash_at_the_note(path: Path, body: bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write_whole(path, body)

    with monkeypatch.context() as patch:
        patch.setattr(archive_module, "write_whole", crash_at_the_note)
        with pytest.raises(KeyboardInterrupt):
            archive.put("slt_table5", b"x", url=URL, retrieved=FIRST)
    assert archive.entries() == []
    entry, new = archive.put("slt_table5", b"x", url=URL, retrieved=LATER)
    assert new
    assert (entry.retrieved, archive.body(entry)) == (LATER, b"x")


def test_a_crash_before_the_rename_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "note.json"
    write_whole(path, b"old")

    def crash(*_: object) -> None:
        raise OSError("disk gone")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(OSError, match="disk gone"):
            write_whole(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("note.json", b"old")]


def test_a_reader_with_the_old_file_open_keeps_reading_it(tmp_path):
    path, staged = tmp_path / "table.parquet", tmp_path / "staged"
    path.write_bytes(b"old")
    staged.write_bytes(b"new")
    with path.open("rb") as reader:
        move_into_place(staged, path)
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert not staged.exists()


OTHER = Path("/dev/shm")


@pytest.mark.skipif(
    not OTHER.is_dir() or os.stat(OTHER).st_dev == os.stat("/tmp").st_dev, reason="no second filesystem here"
)
def test_a_file_is_moved_into_place_on_another_filesystem_too(tmp_path):
    staged = tmp_path / "staged"
    with tempfile.TemporaryDirectory(dir=OTHER) as folder:
        path = Path(folder) / "table.parquet"
        path.write_bytes(b"old")
        staged.write_bytes(b"new")
        assert os.stat(staged).st_dev != os.stat(path).st_dev
        with path.open("rb") as reader:
            move_into_place(staged, path)
            assert reader.read() == b"old"
        assert [(p.name, p.read_bytes()) for p in path.parent.iterdir()] == [("table.parquet", b"new")]
    assert not staged.exists()


def test_a_refused_file_waits_until_its_address_is_read_without_fault_or_it_is_withdrawn(archive):
    bad, _ = archive.put("slt_table5", b"bad", url=URL, retrieved=FIRST)
    bad = archive.note(bad, refused="cut off")
    other, _ = archive.put("slt_table5", b"other", url="file:///a.txt", retrieved=LATER)
    other = archive.note(other, refused="another unit")
    assert quarantined(archive.entries()) == [other, bad]
    good, _ = archive.put("slt_table5", b"good", url=URL, retrieved=LATER)
    archive.note(good, released=date(2026, 6, 18))
    assert quarantined(archive.entries()) == [other]
    archive.note(other, withdrawn="of no use", withdrawal_decided=LATER)
    assert quarantined(archive.entries()) == []


def test_a_withdrawal_is_kept_with_its_time_and_a_withdrawn_file_is_not_accepted(archive):
    entry, _ = archive.put("slt_table5", b"a", url=URL, retrieved=FIRST)
    entry = archive.note(entry, released=date(2026, 6, 18))
    assert entry.accepted
    archive.note(entry, withdrawn="by mistake", withdrawal_decided=LATER)
    (kept,) = archive.entries()
    assert (kept.withdrawn, kept.withdrawal_decided, kept.accepted) == ("by mistake", LATER, False)


def test_a_note_of_an_earlier_version_says_nothing_of_a_withdrawal(archive):
    entry, _ = archive.put("slt_table5", b"a", url=URL, retrieved=FIRST)
    path = archive.path(entry).with_suffix(".json")
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps({k: v for k, v in content.items() if not k.startswith(("withdr", "note_"))}))
    assert archive.entries() == [entry]
