"""The installed command beside folders of the user's own that bear the names of the project's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("treasury-watch")
NEWEST = "SELECT position_usd_mn FROM holder_months WHERE holder = 'Japan' AND month = DATE '2026-04-01'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with packages of the user's, which say so when they are imported."""
    for name in ("flows", "warehouse", "transforms", "config"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {name}')\n")
    return tmp_path


def command(folder: Path, home: Path, *arguments: str) -> str:
    """What the command prints in the folder, with that folder first on Python's path, as Prefect's users have it."""
    values = {**os.environ, "PYTHONPATH": ".", "TREASURY_WATCH_HOME": str(home)}
    run = [COMMAND, *arguments]
    ended = subprocess.run(run, cwd=folder, env=values, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_beside_foreign_folders_of_the_same_names_the_command_shows_its_help(folder, tmp_path):
    assert "sell-offs" in command(folder, tmp_path / "home", "--help")


def test_beside_foreign_folders_of_the_same_names_a_query_answers_from_the_publication(folder, loaded_sample):
    assert command(folder, loaded_sample, "query", NEWEST, "--format", "csv").split() == ["position_usd_mn", "1209889"]


def test_beside_foreign_folders_of_the_same_names_status_tells_of_its_sources(folder, loaded_sample):
    assert "newest month published" in command(folder, loaded_sample, "status")


def test_the_foreign_folders_are_the_ones_that_python_would_import(folder):
    ended = subprocess.run(
        [sys.executable, "-c", "import flows"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "the user's own flows" in ended.stderr
