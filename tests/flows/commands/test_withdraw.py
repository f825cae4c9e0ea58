"""`withdraw` and `ingest` on the command line: what they say of files that are taken out, or refused beside others."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.warehouse.conftest import NEXT
from treasury_watch.flows.commands.main import main

RATES = b"observation_date,DEXCAUS\n2024-05-01,1.37\n2024-05-02,1.36\n2024-05-03,1.36\n"
MONTHLY = b"observation_date,DEXUSUK\n2024-06-01,1.27\n2024-07-01,1.29\n2024-08-01,1.29\n2024-09-01,1.32\n"


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Path:
    """The home of which the command has a copy."""
    return request.getfixturevalue(getattr(request, "param", "published_small"))


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command on a copy of the home."""
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TREASURY_WATCH_ALERTS_MINIMUM_SEVERITY", "critical")
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
def test_of_four_files_two_are_refused_by_name_and_two_published_whose_layout_is_that_of_their_content(
    command, tmp_path
):
    good, bad, letter = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "letter.txt"
    odd = tmp_path / "download.bin"
    odd.write_bytes(NEXT)
    good.write_bytes(RATES)
    bad.write_bytes(MONTHLY)
    letter.write_text("Dear Sir or Madam")
    result = command("ingest", bad, letter, good, odd)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "treasury-watch: 2 files refused, all else is done:"
    assert f"  {bad}: 2 blocking checks failed at the gate parsed: rhythm of fred:DEXUSUK" in result.stderr
    assert "declared daily, found monthly" in result.stderr
    assert f"  {letter}: unknown file" in result.stderr
    assert "fred:DEXCAUS: 3 new or changed figures of 3" in result.stdout
    assert "slt_table5: 10 new or changed figures of 30, released 2026-07-14 (by the calendar)" in result.stdout
    said = done(command("status"))
    assert "QUARANTINE: fred:DEXUSUK " in said
    assert "treasury-watch withdraw SHA256 --reason TEXT" in said
    assert "refused, fred:DEXUSUK" in done(command("alerts", "list"))
    checksum = hashlib.sha256(MONTHLY).hexdigest()
    assert "withdrawn" in done(command("withdraw", checksum[:12], "--reason", "averages"))
    assert "QUARANTINE" not in done(command("status"))


@pytest.mark.slow
@pytest.mark.parametrize("home", ["published_next"], indirect=True)
def test_a_withdrawn_file_is_told_when_it_is_loaded_again(command, tmp_path):
    path = tmp_path / "next.txt"
    path.write_bytes(NEXT)
    said = done(command("withdraw", path, "--reason", "served by\nmistake"))
    short = hashlib.sha256(NEXT).hexdigest()[:12]
    assert f"slt_table5 of 2026-07-14 ({short}): withdrawn" in said
    again = command("ingest", path)
    assert again.exit_code == 1
    assert "served by mistake; to load them all the same: `treasury-watch withdraw" in again.stderr
    assert len(again.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["0123456789abcdef", "--reason", "x"], 1, "not in the archive"),
        (["letter.txt", "--reason", "x"], 1, "expected a file, or the first 8 or more characters of a SHA-256"),
        (["0123456789abcdef"], 2, "give either --reason TEXT or --undo"),
        (["0123456789abcdef", "--reason", " "], 2, "give either --reason TEXT or --undo"),
        (["0123456789abcdef", "--reason", "x", "--undo"], 2, "give either --reason TEXT or --undo"),
    ],
)
def test_what_cannot_be_withdrawn_is_said_in_one_line(arguments, code, words, monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(main, ["withdraw", *arguments])
    assert result.exit_code == code
    assert words in result.stderr
