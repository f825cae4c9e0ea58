"""Data folders with any path that a system allows: used as they are, or refused in one line that names the true place."""

from __future__ import annotations

import os
from types import SimpleNamespace

import duckdb
import pytest

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.home.folders import TEMPORARY_BYTES, Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.tables.early.nowcasts import _published_before


def home_named(name: str, tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("TREASURY_WATCH_HOME", os.path.join(tmp_path, name))
    return Home.from_environment()


@pytest.mark.parametrize(
    "name", ["a#b", "a%41b%", "it's", 'say "x"', "a;b", "*[x]{y}", "ü 名", "a:b|c", "--x", "$HOME", "tab\there"]
)
def test_databases_of_both_kinds_open_in_a_folder_of_any_name(name, tmp_path, monkeypatch):
    home = home_named(name, tmp_path, monkeypatch).prepared()
    assert home.root == tmp_path / name
    State(home.state).remember("key", "value")
    assert State(home.state).remembered("key") == "value"
    State(home.state).back_up()
    with duckdb.connect(str(home.database)) as made:
        made.execute("CREATE TABLE nowcasts AS SELECT 1 AS n; CREATE TABLE nowcast_scores AS SELECT 2 AS n")
    with open_published(home.database) as connection:
        assert connection.execute("SELECT n FROM nowcasts").fetchall() == [(1,)]
    with duckdb.connect() as other:
        assert _published_before(other, home.database) is not None
    assert {path.name for path in tmp_path.iterdir()} == {name}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a?b", "a question mark"),
        ("a\\b", "a backslash"),
        ("two\nlines", "a line break"),
        (os.fsdecode(b"lat\xe4in"), "bytes that are no UTF-8"),
    ],
)
def test_a_path_that_no_database_opens_is_refused_in_one_line_before_anything_is_made(
    name, words, tmp_path, monkeypatch
):
    with pytest.raises(ConfigurationError) as caught:
        home_named(name, tmp_path, monkeypatch)
    assert f"found {words} in it; rename the folder or name another in TREASURY_WATCH_HOME" in str(caught.value)
    assert ascii(name)[1:-1] in str(caught.value)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()  # can be printed
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_such_a_folder_is_refused_by_the_true_place(tmp_path, monkeypatch):
    (tmp_path / "a?b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a?b")
    with pytest.raises(ConfigurationError, match=r"a\?b: expected a path that the database can open"):
        home_named("link", tmp_path, monkeypatch)


def test_a_full_folder_for_temporary_files_is_named_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    Home.check_temporary_room()
    free = SimpleNamespace(free=TEMPORARY_BYTES - 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(
        StorageFailed, match=rf"{tmp_path}: 8\.0 MB free, 8 MB are needed .* name another folder in TMPDIR"
    ):
        Home.check_temporary_room()
