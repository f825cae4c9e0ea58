"""Commands that only read: they make nothing, and say what they were not told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from treasury_watch.flows.commands.main import main
from treasury_watch.warehouse.installation import Warehouse


@pytest.mark.parametrize("command", [
    ["status"], ["alerts", "list"], ["alerts", "preview"], ["report"], ["report", "--out", "page.html"], ["site", "--out", "site"],
])  # fmt: skip
def test_what_only_reads_makes_nothing_where_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, command)
    assert said.exit_code == (0 if command in (["status"], ["alerts", "list"]) else 1)
    assert not isinstance(said.exception, Exception)
    assert list(tmp_path.iterdir()) == []


def test_a_table_as_of_a_day_is_the_tables_own_page_with_the_function(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["tables", "positions_as_of"]).output
    assert "positions: one row per holder_id, month" in told
    assert "FROM positions_as_of(DATE '2024-07-18')" in told


@pytest.mark.parametrize("command", [["sell-offs"], ["alerts", "preview"], ["impact", "--share", "0.3"]])
def test_an_empty_name_of_a_holder_is_no_wish_for_all(
    sample: Warehouse, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(sample.home.root))
    refused = CliRunner().invoke(main, [*command, "--holder", ""])
    assert refused.exit_code == 1
    assert "no holder is named: the name is empty" in refused.output
