"""Every question of the cookbook is answered as the cookbook says, on the embedded sample and on the official files."""

import tomllib

import duckdb
import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT
from tests.cookbook_answers import OFFICIAL as OFFICIAL_ANSWERS
from tests.cookbook_answers import answers
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.commands.sql import cookbook
from treasury_watch.flows.tabular.writing import as_text
from treasury_watch.warehouse.declarations import Declarations

ASKED = cookbook.questions(Declarations(PROJECT / "config"))
OFFICIAL = PROJECT.parent / "shared" / "official"
# the home of the official answers: `treasury-watch ingest` of these
FILES = (
    "tic/slt_table3.txt", "tic/slt_table1.txt", "tic/slt_table5.html", "tic/mfhhis01.txt", "tic/s1_globl.txt",
    "ecb/eurofxref-hist.zip", "fred/DEXJPUS.csv", "fred/DEXCHUS.csv", "fred/DGS2.csv", "fred/DGS10.csv", "fred/CPIAUCSL.csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def connection(loaded_sample):
    with duckdb.connect(str(loaded_sample / "treasury.duckdb"), read_only=True) as opened:
        yield opened


def test_there_are_25_questions_and_no_two_are_alike():
    assert (
        len({one.id for one in ASKED}) == len({one.sql for one in ASKED}) == len({one.question for one in ASKED}) == 25
    )


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.id)
def test_the_answer_on_the_sample_is_the_one_of_the_page(asked, connection):
    assert as_text(connection.execute(asked.sql), 1000).rstrip("\n") == asked.answer


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.id)
def test_an_answer_has_rows_and_says_what_it_does_not_know(asked):
    assert "(0 rows)" not in asked.answer
    assert len(asked.care.split()) > 8


def test_tables_points_to_the_page():
    said = CliRunner().invoke(main, ["tables"]).output.splitlines()[-1]
    assert said.endswith(str(PROJECT / "docs" / "cookbook.md"))


@pytest.mark.long
@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
def test_the_answers_on_the_official_files_are_those_that_were_read(monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    loaded = CliRunner().invoke(main, ["ingest", *(str(OFFICIAL / name) for name in FILES)])
    assert loaded.exit_code == 0, loaded.output
    kept = tomllib.loads(OFFICIAL_ANSWERS.read_text(encoding="utf-8"))
    assert {name: text.rstrip("\n") for name, text in kept.items()} == answers(tmp_path / "home" / "treasury.duckdb")
