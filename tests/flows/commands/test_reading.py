"""Commands that only read: they make nothing, and say what they were not told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from treasury_watch.flows.commands.main import main
from treasury_watch.warehouse.installation import Warehouse


@pytest.mark.parametrize("command", [["status"], ["alerts", "list"], ["report"], ["report", "--out", "page.html"]])
def test_what_only_reads_makes_nothing_where_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, command)
    assert said.exit_code == (1 if command[0] == "report" else 0)
    assert list(tmp_path.iterdir()) == []


def test_a_table_as_of_a_day_is_the_tables_own_page_with_the_function(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["tables", "positions_as_of"]).output
    assert "positions: one row per holder_id, month" in told
    assert "FROM positions_as_of(DATE '2024-07-18')" in told


def test_an_empty_name_of_a_holder_is_no_wish_for_all(sample: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(sample.home.root))
    refused = CliRunner().invoke(main, ["sell-offs", "--holder", ""])
    assert refused.exit_code == 1
    assert "no holder is named: the name is empty" in refused.output
