"""A home is its owner's alone; what is published others may read where the settings say so, and nothing else."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.warehouse.home import permissions
from treasury_watch.warehouse.home.durable_files import move_into_place, write_whole
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.publication.publishing import without_addresses

PRIVATE = (
    "state.sqlite",
    "ledger.duckdb",
    "raw/slt_table5/a.txt",
    "outbox/a.eml",
    "prefect/prefect.db",
    "settings.toml",
)
PUBLISHED = (
    "treasury.duckdb",
    "parquet/positions.parquet",
    "parquet/observations/source=a/data.parquet",
    "reports/a.html",
)


@pytest.fixture
def open_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home as earlier versions made it: everybody may read everything."""
    for name in (*PRIVATE, *PUBLISHED):
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    for path in (tmp_path / "home", *(tmp_path / "home").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Home(tmp_path / "home")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def to_others(home: Home) -> set[str]:
    """The files that a user outside the group gets to: by their own mode and that of every folder on the way."""
    found = set()
    for path in home.root.rglob("*"):
        inside = [folder for folder in path.parents if folder == home.root or home.root in folder.parents]
        if path.is_file() and mode(path) & 0o004 and all(mode(folder) & 0o001 for folder in inside):
            found.add(path.relative_to(home.root).as_posix())
    return found


def test_a_new_home_and_all_that_is_made_in_it_is_its_owners_alone(tmp_path, open_umask):
    home = Home(tmp_path / "new").prepared()
    State(home.state).remember("a", "b")
    home.ledger.write_bytes(b"")
    with home.writing():
        write_whole(home.outbox / "a.eml", b"")
    for path in (home.root, *home.root.rglob("*")):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_a_home_of_an_earlier_version_is_closed(home, open_umask):
    assert len(to_others(home)) == len(PRIVATE) + len(PUBLISHED)
    home.prepared()
    assert to_others(home) == set()
    assert {mode(home.root / name) for name in (*PRIVATE, *PUBLISHED)} == {0o600}


@pytest.mark.parametrize(("share", "root", "file"), [("group", 0o710, 0o640), ("everyone", 0o711, 0o644)])
def test_only_what_is_published_is_shared_once_it_is_published_so(home, open_umask, share, root, file):
    home.prepared()
    shared = replace(home, share=share)
    shared.prepared()
    assert shared.opens
    assert mode(home.root) == 0o700  # what lies there yet may name recipients
    shared.settle_published()
    assert not shared.opens
    assert (mode(home.root), {mode(home.root / name) for name in PUBLISHED}) == (root, {file})
    assert {mode(home.root / name) for name in PRIVATE} == {0o600}
    assert to_others(home) == (set(PUBLISHED) if share == "everyone" else set())
    home.prepared()  # nobody again
    assert to_others(home) == set()
    assert mode(home.root) == 0o700


def test_a_folder_that_is_no_home_is_left_as_it_is(tmp_path):
    tmp_path.joinpath("letters").mkdir()
    tmp_path.chmod(0o755)
    permissions.settle(tmp_path, "nobody")
    assert mode(tmp_path) == 0o755


def test_a_folder_for_everybodys_files_is_never_closed(tmp_path):
    tmp_path.chmod(0o1777)
    permissions.settle(tmp_path, "nobody")
    assert mode(tmp_path) == 0o1777


def test_a_file_has_its_mode_before_it_is_in_place(tmp_path):
    write_whole(tmp_path / "a", b"")
    write_whole(tmp_path / "b", b"", 0o644)
    move_into_place(tmp_path / "a", tmp_path / "c", 0o640)
    assert (mode(tmp_path / "b"), mode(tmp_path / "c")) == (0o644, 0o640)


def test_a_page_written_elsewhere_has_the_mode_that_its_user_wants(open_umask, monkeypatch):
    monkeypatch.setattr(permissions, "_users_umask", None)
    os.umask(0o027)
    assert permissions.users_file_mode() == 0o640
    permissions.keep_private()
    assert permissions.users_file_mode() == 0o640


def test_who_owns_a_path_is_said_to_anybody_else(tmp_path, monkeypatch):
    assert permissions.whose(tmp_path / "missing") == ""
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert f"{tmp_path} belongs to user " in permissions.whose(tmp_path / "missing")
    assert permissions.whose(tmp_path / "missing").endswith("this is user 4000000")


def test_alerts_that_others_may_read_name_no_address():
    alerts = pd.DataFrame(
        {
            "recipient": ["desk@example.org", "channel:TREASURY_WATCH_CHANNEL_DESK"],
            "error": ["recipient desk@example.org refused", None],
        }
    )
    assert without_addresses(alerts)["recipient"].tolist() == ["***@***", "channel:TREASURY_WATCH_CHANNEL_DESK"]
    assert without_addresses(alerts)["error"].tolist()[0] == "recipient ***@*** refused"
