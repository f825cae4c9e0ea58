"""What became of each file, for a person at a terminal."""

import sys
from datetime import date

import pytest

from treasury_watch.flows.log.file_table import MOST_ROWS, FileRow, on_terminal, table

ROWS = [
    FileRow("/data/releases/2024/letter.txt", "", "refused"),
    FileRow("/data/releases/2024/ticrel_20240618.zip#slt_table3.txt", "slt_table3", "1 new or changed figure of 5,800",
            date(2024, 6, 18)),
    FileRow("/data/releases/2025/mfhhis01.txt", "mfhhis01", "other bytes, the same figures: no vintage"),
]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_no_line_is_wider_than_the_terminal_and_every_file_has_its_own(width):
    lines = table(ROWS, width)
    assert max(map(len, lines)) <= width
    assert all(sum(name in line for line in lines) == 1 for name in ("letter.txt", "slt_table3.txt", "mfhhis01.txt"))


def test_the_folder_that_all_files_share_is_left_out_and_what_became_of_each_is_told():
    text = "\n".join(table(ROWS, 140))
    assert "/data/releases" not in text
    assert "2024/ticrel_20240618.zip#slt_table3.txt  slt_table3  1 new or changed figure of 5,800" in text
    assert "2024-06-18" in text
    assert "2024/letter.txt  " in text


def test_a_name_in_brackets_is_shown_as_it_is():
    assert any("[red]odd[/red].txt" in line for line in table([FileRow("[red]odd[/red].txt", "", "refused")], 100))


def test_of_very_many_files_the_last_are_counted():
    lines = table([FileRow(f"/a/{n}.txt", "mfh", "seen before") for n in range(MOST_ROWS + 7)], 100)
    assert len(lines) == MOST_ROWS + 2
    assert lines[-1].startswith("and 7 more")


def test_a_pipe_gets_no_table_and_a_terminal_does(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert on_terminal(ROWS) == []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "90")
    assert len(on_terminal(ROWS)) >= 4
