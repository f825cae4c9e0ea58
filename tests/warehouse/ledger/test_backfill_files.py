"""Files on their way into the warehouse: what a folder holds, what an archive adds, and in which order they go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.conftest import RETRIEVED, majors, table5
from tests.transforms.tic import as_html, zipped
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.ledger.incoming.backfill_files import (
    Found,
    ParsedFile,
    files_in,
    in_release_order,
    parse_file,
    parse_found,
    scratch,
)

APRIL = table5(["2026-02", "2026-01", "2025-12"], majors([1239.0, 1225.0, 1185.0]))
MAY = table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0]))
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def found(path: Path, body: bytes) -> Found:
    path.write_bytes(body)
    return Found(path, path.as_uri(), RETRIEVED)


def test_hidden_files_are_left_out_and_folders_below_are_not(tmp_path):
    (tmp_path / "2026" / ".cache").mkdir(parents=True)
    for name in ("2026/b.txt", "a.txt", ".hidden", "2026/.cache/c.txt"):
        (tmp_path / name).write_bytes(APRIL)
    assert [item.path.relative_to(tmp_path).as_posix() for item in files_in(tmp_path, NOW)] == ["2026/b.txt", "a.txt"]


class TestAnArchive:
    @pytest.fixture
    def archive(self, tmp_path: Path) -> Archive:
        archive = Archive(tmp_path / "raw")
        for body, facts in (
            (APRIL, {"released": date(2026, 4, 15), "released_basis": "user"}),
            (MAY, {"released": date(2026, 5, 18), "released_basis": "calendar"}),
            (b"half a file", {"refused": "it was cut"}),
        ):
            entry, _ = archive.put("slt_table5", body, url="https://example.org/slt_table5.txt", retrieved=RETRIEVED)
            archive.note(entry, **facts)
        return archive

    def test_its_notes_and_what_it_refused_are_left_out(self, archive):
        assert len(files_in(archive.folder, NOW)) == 2

    def test_its_files_keep_address_source_and_the_day_they_were_retrieved(self, archive):
        for item in files_in(archive.folder, NOW):
            assert (item.url, item.source) == ("https://example.org/slt_table5.txt", "slt_table5")
            assert item.retrieved == RETRIEVED

    def test_only_a_date_given_by_hand_is_given_by_hand_again(self, archive):
        by_hand = {item.released: item.released_by_user for item in files_in(archive.folder, NOW)}
        assert by_hand == {date(2026, 4, 15): True, date(2026, 5, 18): False}

    def test_a_file_that_is_missing_from_it_is_not_passed_over(self, archive):
        next((archive.folder / "slt_table5").glob("*.txt")).unlink()
        with pytest.raises(ArchiveDamaged, match="missing"):
            files_in(archive.folder, NOW)


class TestParsing:
    def test_what_a_file_says_comes_back_from_the_scratch_folder(self, tmp_path, declarations: Declarations):
        item = parse_file(found(tmp_path / "x", APRIL), tmp_path, declarations)
        assert (item.source, item.day) == ("slt_table5", date(2026, 4, 15))
        figures = item.parsed(APRIL)
        assert figures is not None
        assert len(figures.table) == 30

    def test_of_other_bytes_than_were_parsed_it_says_nothing(self, tmp_path, declarations: Declarations):
        item = parse_file(found(tmp_path / "x", APRIL), tmp_path, declarations)
        assert item.parsed(MAY) is None

    def test_a_file_of_no_known_layout_has_no_source(self, tmp_path, declarations: Declarations):
        assert parse_file(found(tmp_path / "x", b"Dear Sir"), tmp_path, declarations).source is None

    def test_a_file_that_cannot_be_parsed_keeps_its_source_for_the_loader_to_refuse(self, tmp_path, declarations):
        item = parse_file(found(tmp_path / "x", APRIL.replace(b"Japan", b"Nippon")), tmp_path, declarations)
        assert (item.source, item.figures) == ("slt_table5", None)


class TestContainers:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "into").mkdir()
        archive = zipped(slt_table5__txt=APRIL, slt_table5__html=as_html(APRIL), readme__txt=b"Dear reader")
        (tmp_path / "ticrel_20260415.zip").write_bytes(archive)
        return tmp_path

    def parsed(self, folder: Path, declarations: Declarations) -> list[ParsedFile]:
        (item,) = [one for one in files_in(folder, NOW) if one.path.suffix == ".zip"]
        return parse_found(item, folder / "into", declarations)

    def test_what_lies_in_a_zip_is_parsed_with_its_place_and_the_rest_is_named(self, folder, declarations):
        passed_over, text, html = self.parsed(folder, declarations)
        assert (passed_over.source, passed_over.kind) == (None, "of no known layout: Dear reader")
        assert passed_over.name == f"{folder / 'ticrel_20260415.zip'}: readme.txt"
        for item, name in ((text, "slt_table5.txt"), (html, "slt_table5.html")):
            assert (item.source, item.day) == ("slt_table5", date(2026, 4, 15))
            assert item.found.url == (folder / "ticrel_20260415.zip").as_uri() + "#" + name
            assert item.found.container == "ticrel_20260415.zip"
            assert item.parsed(item.found.body()) is not None
        assert text.found.body() == APRIL

    def test_a_zip_that_is_cut_is_refused_with_what_it_is(self, folder, declarations):
        path = folder / "ticrel_20260415.zip"
        path.write_bytes(path.read_bytes()[:-30])
        (item,) = self.parsed(folder, declarations)
        assert (item.source, item.figures) == (None, None)
        assert "ticrel_20260415.zip, zip archive: expected a whole zip archive" in str(item.unreadable)

    def test_damage_in_one_file_of_a_zip_leaves_the_others(self, folder, declarations):
        path = folder / "ticrel_20260415.zip"
        body = bytearray(path.read_bytes())
        start = body.find(b"slt_table5.html") + len("slt_table5.html")
        body[start + 10 : start + 30] = bytes(20)
        path.write_bytes(bytes(body))
        items = self.parsed(folder, declarations)
        assert [item.source for item in items if item.figures] == ["slt_table5"]
        (refused,) = [item for item in items if item.unreadable]
        assert "member slt_table5.html: expected a whole file" in str(refused.unreadable)

    def test_a_file_of_no_known_layout_is_named_by_what_it_is(self, folder, declarations):
        item = parse_file(found(folder / "a.pdf", b"%PDF-1.7"), folder, declarations)
        assert (item.source, item.kind) == (None, "a PDF document")


def test_files_go_source_by_source_and_oldest_release_first(tmp_path):
    bare = ParsedFile(Found(tmp_path, "", RETRIEVED), "")
    items = [
        replace(bare, source="slt_table5", day=date(2026, 5, 18)),
        replace(bare, source=None),
        replace(bare, source="slt_table3", day=date(2026, 6, 18)),
        replace(bare, source="slt_table5", day=date(2026, 4, 15)),
    ]
    ordered = [(item.source, item.day.month) for item in in_release_order(items)]
    assert ordered == [("slt_table3", 6), ("slt_table5", 4), ("slt_table5", 5)]


def test_the_scratch_folder_starts_empty_and_goes_away(tmp_path):
    (tmp_path / "parsed").mkdir()
    (tmp_path / "parsed" / "left by a crash").touch()
    with scratch(Home(tmp_path)) as folder:
        assert list(folder.iterdir()) == []
        (folder / "x").touch()
    assert not folder.exists()
