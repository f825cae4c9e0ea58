"""Wrong edits of config/ and of settings: one line that names the place, never a traceback; `check` names all at once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT
from tests.flows.commands.damaged_files import damaged
from treasury_watch.flows.commands.check import declared_problems
from treasury_watch.flows.commands.main import main
from treasury_watch.transforms.layouts import LAYOUTS
from treasury_watch.warehouse.config_files import names
from treasury_watch.warehouse.config_files.models.rows import SHEETS
from treasury_watch.warehouse.config_files.positions import Positions
from treasury_watch.warehouse.config_files.reading import TOML_FILES
from treasury_watch.warehouse.declarations import Declarations

FILES = (*TOML_FILES, *SHEETS)
WHOLE_CHECK = 12  # of so many damages that a file takes without a word, one is followed into everything made of it


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    copy = tmp_path_factory.mktemp("damaged") / "config"
    shutil.copytree(PROJECT / "config", copy)
    return copy


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_done_to_a_file_it_is_read_or_refused_in_one_line_that_names_it(folder, name):
    path = folder / name
    body = path.read_bytes()
    taken = 0
    try:
        for what, after in damaged(name, body, 10, seed=FILES.index(name)):
            path.write_bytes(after)
            declarations = Declarations(folder)
            found = declarations.files.problems(name)
            for line in found:
                assert line.startswith(str(path)), (what, line)
                assert "\n" not in line, (what, line)
                assert len(line) < 1000, (what, line)
            if not found:
                taken += 1
                if taken % WHOLE_CHECK == 1:
                    declared_problems(declarations)
    finally:
        path.write_bytes(body)


PLACE = r"line {}, column {}, \[{}\]{}: "
WRONG = [
    ("holders.csv", "\nbelgium,", "\naustria,", "line 3: holder_id 'austria' stands on line 2 too; take one of them out"),
    ("release_calendar.csv", "2002-12-31,", "12/31/2002,",
     r"line 2, column 1 \(released\): expected a day written year first, such as 2026-10-19, found '12/31/2002'; correct"),
    ("release_calendar.csv", "2003-01-31,2002-11", "2002-01-31,2002-11",
     r"line 3, column 1 \(released\): expected nothing earlier than month 2002-11"),
    ("alert_rules.toml", "minimum_usd_mn = 10000", 'minimum_usd_mn = "10000"',
     PLACE.format(r"\d+", 1, "rules.fall", " minimum_usd_mn") + "expected a number, found '10000'; correct the value"),
    ("alert_rules.toml", "[verdict]", "[verdicts]", r"unknown section 'verdicts'; did you mean 'verdict'\?"),
    ("corrections.toml", 'month = "2024-12"', 'month = "2024-13"',
     PLACE.format(8, 1, "history-canada-2024-12", " month") + "expected a month written as 2026-10, found '2024-13'"),
    ("corrections.toml", 'source = "mfhhis01"', 'source = "mfhhis1"', r"a source of sources.toml \(did you mean 'mfhhis01'\?\)"),
    ("sources.toml", 'path = "slt_table3.txt"', 'path = "../../../etc/passwd"',
     PLACE.format(60, 1, "sources.slt_table3", " path") + "expected a path below its base"),
    ("sources.toml", 'cron = "40 16 * * 4,5"', 'cron = "40 16 * * 5L"',
     PLACE.format(r"\d+", 18, "polls.fed_thursday", " cron") + "expected five cron fields"),
    ("sources.toml", "DEXJPUS = { currency", "DEXJPUS = { curency",
     PLACE.format(r"\d+", 13, "fred.fx.DEXJPUS", "") + r"unknown key 'curency'; did you mean 'currency'\?"),
    ("sources.toml", 'DEXJPUS = { currency = "JPY", per = "usd" }', "DEXJPUS = {}",
     PLACE.format(r"\d+", 7, "fred.fx", "") + r"expected a currency for each series \(DEXJPUS has none\)"),
    ("sources.toml", 'title = "10-year', 'titel = "10-year', r"unknown key 'titel'; did you mean 'title'"),
    ("labelled_months.csv", ",unknown,calibration,", ",unknown,calibrated,",
     r"line 2, column 5 \(set\): expected one of calibration, test, found 'calibrated'"),
    ("sample/manifest.toml", 'path = "tic/slt_table3.txt"', 'path = "../../secret"', r"\[files.1\] path: expected a path below"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "words"), WRONG, ids=[f"{one[0]} {one[2]}"[:60] for one in WRONG])
def test_a_wrong_edit_is_named_with_line_column_and_cure(folder, name, old, new, words):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        found = "\n".join(Declarations(folder).files.problems(name))
    finally:
        path.write_text(text, encoding="utf-8")
    assert re.search(words, found), found


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            lambda text: text.replace(",", ";").encode(),
            "line 1: expected cells separated by commas, found semicolons; save it",
        ),
        (
            lambda text: text.replace("Germany", "Ger\xe4").encode("latin-1"),
            "expected text in UTF-8, found the byte 0xe4; save",
        ),
        (lambda text: text.encode("utf-16"), "expected text in UTF-8, found UTF-16"),
        (lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), ""),
    ],
    ids=["semicolons", "Latin-1", "UTF-16", "byte order mark, which does no harm"],
)
def test_a_file_saved_by_a_spreadsheet_is_read_or_told_how_to_save_it(folder, how, words):
    path = folder / "holders.csv"
    body = path.read_bytes()
    try:
        path.write_bytes(how(body.decode()))
        found = Declarations(folder).files.problems("holders.csv")
        assert (found == []) if not words else words in found[0]
        if not words:
            assert Declarations(folder).holders[0]["holder_id"] == "austria"
    finally:
        path.write_bytes(body)


def test_a_key_stands_on_the_line_and_column_where_it_is_written():
    text = (
        'a = 1\n[b.c]\nlist = [\n  "x",\n  "y",\n]\nd = { e = 1, f = 2 }\n[[g]]\nh = 1\n[[g]]\ni = """\nh = 2\n"""\n'
        "h = 3\n"
    )
    positions = Positions(text)
    assert positions.of(("a",)) == (1, 1)
    assert positions.of(("b", "c", "list", 1)) == (3, 1)
    assert positions.of(("b", "c", "d", "f")) == (7, 14)
    assert positions.of(("b", "c", "missing")) == (2, 4)
    assert positions.of(("g", 1, "h")) == (14, 1)
    assert positions.of(("nothing",)) is None


def test_check_lists_all_problems_at_once_and_makes_nothing(folder, tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(home))
    monkeypatch.setenv("TREASURY_WATCH_CONFIG", str(PROJECT / "config"))
    good = CliRunner().invoke(main, ["check"])
    assert (good.exit_code, good.output.splitlines()[-1]) == (0, "nothing is wrong")
    assert f"read: {PROJECT / 'config'} ({len(FILES) + 2} files)" in good.output
    monkeypatch.setenv("TREASURY_WATCH_MAIL_HOTS", "mail.example.org")
    monkeypatch.setenv("TREASURY_WATCH_MAIL_RECIPIENTS", "")
    bad = CliRunner().invoke(main, ["check"])
    assert bad.exit_code == 1
    assert (
        "environment variable TREASURY_WATCH_MAIL_HOTS is not a setting; did you mean TREASURY_WATCH_MAIL_HOST?"
        in bad.output
    )
    assert (
        "TREASURY_WATCH_MAIL_RECIPIENTS, [mail] recipients: expected a list of e-mail addresses, one at least"
        in bad.output
    )
    assert "2 problems in settings and declarations" in bad.output
    assert not home.exists()


def test_the_layouts_that_a_source_may_name_are_those_that_are_read():
    assert tuple(LAYOUTS) == names.LAYOUTS
