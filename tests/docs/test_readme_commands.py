"""Every command that README.md and the last lines of `make demo` name is run: here on a copy of the sample's home, by a test
that is named here, or it is listed with why it is not. A command without a place fails, and so does a place without one.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT, SAMPLE
from treasury_watch.flows.commands.main import main

README = (PROJECT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
STARTS = re.compile(r"(?:make|treasury-watch|pip|pipx|uv|python3?|export|unset|git|apt|docker|prefect|\.) (?=\S)")
TABLE5 = str(SAMPLE / "tic" / "slt_table5.txt")

# as README has it: what is run, in the home of the sample, with its placeholders filled in
AS_WRITTEN: list[str] = []
RUN = {
    "treasury-watch ingest FILE...": ["ingest", "--into-this-home", TABLE5],
    'treasury-watch query "SQL"': ["query", "SELECT count(*) FROM positions"],
    "treasury-watch query": ["query", "SELECT count(*) FROM positions"],
    "treasury-watch tables": AS_WRITTEN,
    "treasury-watch trace HOLDER MONTH": ["trace", "UK", "2026-04"],
    "treasury-watch trace Japan 2024-04": AS_WRITTEN,
    "treasury-watch trace Japan 2024-04 change": AS_WRITTEN,
    "treasury-watch sell-offs": AS_WRITTEN,
    "treasury-watch sell-offs --holder Japan --since 2024-04": AS_WRITTEN,
    "treasury-watch sell-offs --severity critical": AS_WRITTEN,
    'treasury-watch query "SELECT holder, position_usd_mn FROM holder_months WHERE month = DATE \'2026-04-01\' '
    'ORDER BY 2 DESC LIMIT 3"': AS_WRITTEN,
    "treasury-watch impact": ["impact", "--holder", "Japan", "--share", "0.33", "--months", "6"],
    "treasury-watch nowcast": AS_WRITTEN,
    "treasury-watch alerts list": AS_WRITTEN,
    "treasury-watch alerts send": AS_WRITTEN,
    "treasury-watch report": AS_WRITTEN,
    "treasury-watch status": AS_WRITTEN,
    "treasury-watch check": AS_WRITTEN,
}  # fmt: skip

# run by another test: its file and name, or that of the file in which continuous integration runs it
ELSEWHERE = {
    "treasury-watch run": "tests/flows/run/test_run.py::test_the_figures_of_the_server_are_published",
    "treasury-watch run --sample": "tests/faults/test_prefect.py::test_killed_amid_a_run_with_its_server_left_behind",
    "treasury-watch backfill FOLDER": "tests/flows/run/test_backfill.py::test_the_tables_are_byte_for_byte_those_of_ingest",
    "treasury-watch backfill --release-archive":
        "tests/flows/run/test_release_archive.py::test_the_command_loads_what_there_is_and_lists_what_is_missing",
    "treasury-watch backtest":
        "tests/flows/scoring/test_backtest.py::test_the_sample_is_marked_and_its_first_prints_are_compared",
    "treasury-watch site --out DIR":
        "tests/flows/commands/test_site.py::test_a_published_home_becomes_a_site_and_a_run_builds_it_where_settings_say",
    "treasury-watch mcp": "tests/flows/commands/test_mcp.py::test_the_tools_say_that_they_only_read",
    "treasury-watch serve":
        "tests/flows/commands/test_commands.py::test_serve_runs_on_schedule_with_a_real_server_underneath",
    "treasury-watch pull": "tests/flows/run/test_store_exchange.py::test_a_reader_queries_what_was_pulled",
    "treasury-watch withdraw FILE|SHA256":
        "tests/flows/commands/test_withdraw.py::test_of_four_files_two_are_refused_by_name_and_two_published_whose_layout_is_that_of_their_content",
    "treasury-watch rebuild": 'tests/faults/test_storage.py::warm.run(["rebuild"], environment(home)).well()',
    "treasury-watch alerts preview":
        "tests/flows/commands/test_commands.py::test_the_digest_of_the_newest_release_is_shown_without_sending_it",
    "make check": ".github/workflows/check.yml::make check",
    "make test": ".github/workflows/check.yml::make test",
    "make docs": "tests/docs/test_documentation.py::test_a_reference_page_is_what_the_declarations_say",
    'python -m pytest tests -k "survey_basis and never_flagged"':
        "tests/transforms/findings/test_flagged_months.py::survey_basis",
    "export TREASURY_WATCH_HOME=warehouse/sample": "tests/flows/run/test_sample_homes.py::HOME",
    "unset TREASURY_WATCH_HOME": "tests/warehouse/home/test_state.py::test_the_environment_names_the_home",
}  # fmt: skip

INDEX = "takes packages from an index; tried by hand, docs/installation.md"
NOT_RUN = {
    "make demo": INDEX,
    "python3 -m venv .venv": INDEX,
    ". .venv/bin/activate": INDEX,
    "pip install -e .": INDEX,
    "pip install --no-deps -r requirements.lock": INDEX,
    "pip install .": INDEX,
    "uv tool install .": INDEX,
    "pipx install .": INDEX,
    "apt install python3-venv make": "installs packages of the system",
    "git pull": "changes the checkout",
}


def blocks(text: str) -> list[list[str]]:
    """The indented blocks, line by line without their indent."""
    found = re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)
    return [[line[4:] for line in block.splitlines()] for block in found]


def written(line: str) -> Iterator[str]:
    """The commands of one line: without prompt, comment and the folder of the environment, each side of && on its own."""
    line = re.sub(r"^\$ ", "", line.strip()).removeprefix("# ")
    line = re.split(r"\s{2,}[#(]", line)[0]
    for part in line.split(" && "):
        command = " ".join(part.replace("\\|", "|").removeprefix(".venv/bin/").split())
        if STARTS.match(command):
            yield command


def in_blocks(text: str) -> list[tuple[str, list[str]]]:
    """The commands of the indented blocks, each with the output that is shown of it."""
    found: list[tuple[str, list[str]]] = []
    for block in blocks(text):
        lines = iter(block)
        for line in lines:
            while line.count('"') % 2:
                line += " " + next(lines).strip()
            commands = list(written(line))
            found += [(command, []) for command in commands]
            if not commands and found and line.strip() and any(other.startswith("$ ") for other in block):
                found[-1][1].append(line.strip())
    return found


def in_spans(text: str) -> list[str]:
    """The commands between back quotes."""
    return [command for span in re.findall(r"(?<!`)`([^`\n]+)`", text) for command in written(span)]


def of_the_demo(makefile: str) -> list[str]:
    """What the last lines of `make demo` tell to do next."""
    told = re.findall(r'^\t@echo "(?:\w+(?: \w+)?:)? *(.*)"$', makefile, re.MULTILINE)
    return [
        command
        for line in told
        for command in written(line.replace("$(BIN)/", "").replace("$(SAMPLE)", "warehouse/sample"))
    ]


SHOWN = in_blocks(README)
NAMED = {*(command for command, _ in SHOWN), *in_spans(README), *of_the_demo(MAKEFILE)}


@pytest.fixture(scope="module")
def home(loaded_sample, tmp_path_factory):
    """A copy of the sample's home for the commands of this module, in their order."""
    folder = tmp_path_factory.mktemp("readme") / "home"
    shutil.copytree(loaded_sample, folder)
    return folder


def output(command: str, home, monkeypatch) -> str:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(home))
    done = CliRunner().invoke(main, RUN[command] or shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_are_found_with_their_output_and_every_one_has_a_place_and_every_place_a_command():
    assert len(NAMED) > 35
    assert {"make demo", "make test", "treasury-watch run --sample", "pip install -e ."} <= NAMED
    assert {*RUN, *ELSEWHERE, *NOT_RUN} == NAMED
    assert len(NAMED) == len(RUN) + len(ELSEWHERE) + len(NOT_RUN)


def test_a_new_command_is_found_wherever_it_stands():
    text = (
        'Say `treasury-watch dance`:\n\n    $ .venv/bin/treasury-watch sing "a\n        b"   # loud\n    la la\n'
        "    make love && make war\n"
    )
    assert in_blocks(text) == [('treasury-watch sing "a b"', ["la la"]), ("make love", []), ("make war", [])]
    assert in_spans(text) == ["treasury-watch dance"]
    assert of_the_demo('\t@echo "Ask next:  $(BIN)/treasury-watch hum   (softly)"\n') == ["treasury-watch hum"]


@pytest.mark.parametrize(("command", "place"), ELSEWHERE.items())
def test_what_is_run_elsewhere_is_run_there(command, place):
    file, _, name = place.partition("::")
    assert name
    assert name in (PROJECT / file).read_text(encoding="utf-8"), f"{command}: {place}"


@pytest.mark.parametrize("command", RUN)
def test_it_runs(command, home, monkeypatch):
    assert output(command, home, monkeypatch).strip()


@pytest.mark.parametrize(("command", "shown"), [(command, shown) for command, shown in SHOWN if shown])
def test_it_prints_what_the_readme_shows_of_it(command, shown, loaded_sample, monkeypatch):
    said = [line.strip() for line in output(command, loaded_sample, monkeypatch).splitlines()]
    place = 0
    for line in shown:
        if line != "...":
            assert line in said[place:], line
            place += said[place:].index(line)
