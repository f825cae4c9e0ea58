"""What somebody sees of a home in which they may not write, with and without the right to read its state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import TODAY
from treasury_watch.flows.commands.answers.status import lines, status_facts
from treasury_watch.flows.settings import reading
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.archive import readers_view
from treasury_watch.warehouse.archive.readers_view import may_write, view_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse


def forbid(monkeypatch: pytest.MonkeyPatch, *closed: Path) -> None:
    """Take this user's right to these files, as if they were another's."""
    able, copy = os.access, readers_view.shutil.copyfile

    def access(path, mode):
        return path not in closed and able(path, mode)

    def copyfile(source, target):
        if source in closed:
            raise PermissionError(13, "Permission denied", str(source))
        return copy(source, target)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(readers_view.shutil, "copyfile", copyfile)


def seen(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in root.iterdir()}


def test_a_state_that_may_be_read_is_read_from_a_copy_and_nothing_of_the_home_is_touched(loaded_sample: Path):
    before = seen(loaded_sample)
    view = view_of(Home(loaded_sample))
    assert view.unknown == ()
    assert view.state.rows("SELECT outcome FROM runs") == [{"outcome": "published"}]
    assert len(view.archive.entries()) > 10
    assert seen(loaded_sample) == before


def test_without_the_right_to_the_state_runs_are_told_as_published_and_the_rest_is_said_to_be_unknown(
    loaded_sample: Path, declarations: Declarations, monkeypatch
):
    home = Home(loaded_sample)
    forbid(monkeypatch, home.state, home.raw, home.root)
    assert not may_write(home)
    warehouse = Warehouse(home, declarations, view=view_of(home))
    facts = status_facts(warehouse, TODAY)
    assert facts["last_run"]["command"] == "run"
    assert facts["lost"] == facts["quarantine"] == facts["damaged"] == []
    assert facts["sources"]
    text = "\n".join(lines(facts, as_json=False, width=300))
    assert "NOT KNOWN: state.sqlite may not be read" in text
    assert "NOT KNOWN: raw/ may not be read: whether archived files are lost" in text
    assert "last run: 20" in text


def test_settings_of_another_user_that_may_not_be_read_are_said_and_passed_over(tmp_path, monkeypatch, caplog):
    path = tmp_path / "settings.toml"
    path.write_text("[mail]\nhost = 'mail.example'\n", encoding="utf-8")
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path))
    monkeypatch.setattr(reading, "_warned", set())
    assert Settings().mail.host == "mail.example"
    forbid(monkeypatch, path)
    assert Settings().mail.host == ""
    assert f"{path} may not be read by this user" in caplog.text
