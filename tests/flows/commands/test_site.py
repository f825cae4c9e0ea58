"""The command that builds the site, and the site that a run builds where settings name a place."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.flows.site.pages.small_site import broken_links
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site.pages import build
from treasury_watch.transforms.errors import TreasuryWatchError


@pytest.fixture
def home(published_small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(published_small, tmp_path / "home")
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_without_a_folder_the_next_step_is_named(home: Path) -> None:
    said = CliRunner().invoke(main, ["site"])
    assert said.exit_code == 1
    assert "no folder is named; name one with --out, or in settings.toml, [site] out" in said.output


def test_a_published_home_becomes_a_site_and_a_run_builds_it_where_settings_say(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = CliRunner().invoke(main, ["site", "--out", str(home.parent / "public")], catch_exceptions=False)
    assert said.exit_code == 0
    assert f"site: {home.parent / 'public'} (" in said.output
    assert broken_links(home.parent / "public") == []
    settings = Settings()
    assert build.after_run(settings, settings.warehouse()) is None
    monkeypatch.setenv("TREASURY_WATCH_SITE_OUT", str(home.parent / "public"))
    monkeypatch.setenv("TREASURY_WATCH_SITE_ADDRESS", "https://example.org/t")
    settings = Settings()
    made = build.after_run(settings, settings.warehouse())
    assert made is not None
    assert made.folder == home.parent / "public"
    assert (home.parent / "public" / "sitemap.xml").exists()


def test_an_address_with_a_query_or_a_login_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("example.org", "https://user@example.org", "https://example.org/?a=b"):
        monkeypatch.setenv("TREASURY_WATCH_SITE_ADDRESS", address)
        with pytest.raises(TreasuryWatchError, match=r"expected an address such as https://example\.org/treasuries"):
            Settings()
