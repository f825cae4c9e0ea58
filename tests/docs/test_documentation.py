"""The documentation says what is there."""

import re

import pytest

from treasury_watch.flows.commands.main import main
from treasury_watch.flows.commands.reference import pages, walk
from treasury_watch.warehouse.declarations import PROJECT, Declarations

README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = walk(main, "treasury-watch")
TEXTS = (".py", ".md", ".toml", ".yaml", ".sql", ".j2")


@pytest.mark.parametrize("name", ["tables.md", "sources.md", "rules.md", "commands.md"])
def test_a_reference_page_is_what_the_declarations_say(name):
    written = (PROJECT / "docs" / name).read_text(encoding="utf-8")
    made = pages(Declarations())[name]
    assert written.splitlines() == made.splitlines(), "run `make docs`"


@pytest.mark.parametrize("path", [path for path, command in COMMANDS if not hasattr(command, "commands")])
def test_every_command_is_in_the_readme(path):
    assert path in README


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_every_command_has_help_and_a_runnable_example(path, command):
    assert command.help, path
    if not hasattr(command, "commands"):
        assert f"Example:\n    {path}" in re.sub(r"\n +", "\n    ", command.help), path


@pytest.mark.parametrize("name", list(Declarations().tables))
def test_every_table_is_in_the_readme(name):
    assert f"`{name}`" in README


def test_the_readme_names_the_two_commands_and_the_alternative():
    for command in ("make demo", "make test", "pip install -e ."):
        assert command in README


def test_every_setting_is_in_the_readme():
    settings = Declarations().toml("settings.toml")
    for section in settings:
        assert f"[{section}]" in README, section


def test_no_file_links_to_a_missing_page():
    for page in [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_file_of_the_project_that_its_text_names_exists():
    named = re.compile(
        r"(?<![\w/.-])(?:config|docs|flows|tests|transforms|warehouse)/[\w/.-]+\.(?:py|toml|csv|sql|j2|md|yaml)\b"
    )
    folders = ("config", "docs", "flows", "tests", "transforms", "warehouse")
    paths = [*PROJECT.glob("*.*"), *(path for name in folders for path in (PROJECT / name).rglob("*.*"))]
    for path in paths:
        if path.suffix in TEXTS and not path.is_relative_to(PROJECT / "warehouse" / "data"):
            for name in named.findall(path.read_text(encoding="utf-8")):
                assert (PROJECT / name).exists(), f"{path.relative_to(PROJECT)} names {name}"
