"""The site's folder: whole files, only what changed, one build at a time."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.pages.files import LOCK, Folder, Record, SiteError, building, read_record


def folder_of(root: Path) -> Folder:
    return Folder(root, read_record(root))


def test_a_file_that_is_as_it_was_keeps_its_time_and_a_changed_one_does_not(tmp_path: Path) -> None:
    first = folder_of(tmp_path)
    first.put("holders/japan.html", "one")
    first.put("index.html", "one")
    first.finish()
    for name in ("holders/japan.html", "index.html"):
        os.utime(tmp_path / name, (1, 1))
    second = folder_of(tmp_path)
    second.put("holders/japan.html", "one")
    second.put("index.html", "two")
    second.finish()
    assert (tmp_path / "holders/japan.html").stat().st_mtime == 1
    assert (tmp_path / "index.html").stat().st_mtime != 1
    assert second.written == ["index.html", addresses.RECORD]


def test_a_file_that_was_cut_short_is_written_again(tmp_path: Path) -> None:
    first = folder_of(tmp_path)
    first.put("index.html", "whole")
    first.finish()
    (tmp_path / "index.html").write_text("wh")
    folder_of(tmp_path).put("index.html", "whole")
    assert (tmp_path / "index.html").read_text() == "whole"


def test_data_that_is_no_longer_made_goes_and_a_page_that_others_link_to_stays(tmp_path: Path) -> None:
    first = folder_of(tmp_path)
    for name in ("data/old_table.csv", "findings/japan-2024-05.html", "index.html"):
        first.put(name, "x")
    first.finish()
    (tmp_path / "CNAME").write_text("example.org")
    second = folder_of(tmp_path)
    second.put("index.html", "x")
    second.finish()
    assert second.removed == ["data/old_table.csv"]
    assert not (tmp_path / "data/old_table.csv").exists()
    assert (tmp_path / "findings/japan-2024-05.html").exists()
    assert (tmp_path / "CNAME").exists()
    assert "findings/japan-2024-05.html" in read_record(tmp_path).files


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path).put("index.html", "old")

    def full(_from: str, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SiteError, match=r"index\.html cannot be written \(No space left on device\)"):
        Folder(tmp_path, Record()).put("index.html", "new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"index.html": "old"}


def test_a_folder_with_other_files_is_refused_and_a_build_that_ended_early_is_not(tmp_path: Path) -> None:
    with building(tmp_path / "site") as record:  # never finished
        Folder(tmp_path / "site", record).put("index.html", "x")
    with building(tmp_path / "site") as again:
        assert again == Record()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"x")
    with (
        pytest.raises(SiteError, match=r"photos holds other files \('cat\.jpg' among 1\).*--out"),
        building(tmp_path / "photos"),
    ):
        pass


def test_a_second_build_waits_and_then_says_so(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / LOCK),
        pytest.raises(SiteError, match="another build is writing to"),
        building(tmp_path, wait_seconds=0.05),
    ):
        pass


def test_a_damaged_record_is_named_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / addresses.RECORD).write_text("{")
    with pytest.raises(SiteError, match=r"site-record\.json: expected the record of an earlier build"):
        read_record(tmp_path)


def test_the_sites_own_folder_is_as_open_as_its_files_whatever_the_users_mask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with building(tmp_path / "public" / "site", 0o644):
            pass
        with building(tmp_path / "private", 0o600):
            pass
    finally:
        os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("public", "public/site", "private")}
    assert modes == {"public": 0o755, "public/site": 0o755, "private": 0o700}
