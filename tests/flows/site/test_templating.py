"""Templates are compiled once and kept, where nobody else can put anything in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from treasury_watch.flows.site.templating import bare_environment, compiled_templates


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "treasury-watch" / "templates"


def a_template() -> str:
    return sorted(bare_environment().list_templates())[0]


def test_what_was_compiled_is_kept_in_a_folder_of_the_user_and_taken_from_there(cache: Path) -> None:
    name = a_template()
    bare_environment().get_template(name)
    [kept] = cache.iterdir()
    before = kept.stat()
    bare_environment().get_template(name)
    assert kept.stat().st_ino == before.st_ino, "compiled again, it would be a new file"
    assert cache.stat().st_mode & 0o077 == 0
    kept.write_bytes(b"of another version")
    bare_environment().get_template(name)
    assert kept.read_bytes() != b"of another version"


def test_a_folder_that_others_can_write_to_or_that_is_a_link_is_not_taken(cache: Path, tmp_path: Path) -> None:
    assert compiled_templates() is not None
    cache.chmod(0o777)
    assert compiled_templates() is None
    cache.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    assert compiled_templates() is None
    bare_environment().get_template(a_template())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_templates_are_read_where_nothing_can_be_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = bare_environment()
    cache.rmdir()
    environment.get_template(a_template())
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert compiled_templates() is None
    bare_environment().get_template(a_template())
