"""Writes the answers of the cookbook again: `python -m tests.cookbook_answers HOME`, from the home of a `run --sample`.

`... official HOME` writes those on the official files, from a home that `tests/docs/test_cookbook.py` describes. Read the
difference before it is committed: an answer that changed is a figure that changed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb

from treasury_watch.flows.commands.sql import cookbook
from treasury_watch.flows.tabular.writing import as_text
from treasury_watch.warehouse.declarations import PROJECT, Declarations

DECLARED = PROJECT / "config" / cookbook.CONFIG
OFFICIAL = Path(__file__).parent / "docs" / "official_answers.toml"
QUESTION = re.compile(r'(id = "(\w+)"\n.*?\nsql = """\n.*?"""\n)(answer = """\n.*?"""\n)?', re.DOTALL)


def answers(database: Path) -> dict[str, str]:
    """The answers of a published database, by question."""
    with duckdb.connect(str(database), read_only=True) as connection:
        asked = cookbook.questions(Declarations(PROJECT / "config"))
        return {one.id: as_text(connection.execute(one.sql), 1000).rstrip("\n") for one in asked}


def main(official: bool, home: str) -> None:
    """Write them."""
    found = answers(Path(home) / "treasury.duckdb")
    if official:
        OFFICIAL.write_text("".join(f'{name} = """\n{text}\n"""\n\n' for name, text in found.items()), encoding="utf-8")
        return

    def with_answer(part: re.Match[str]) -> str:
        return f'{part[1]}answer = """\n{found[part[2]]}\n"""\n'

    DECLARED.write_text(QUESTION.sub(with_answer, DECLARED.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main("official" in sys.argv[1:-1], sys.argv[-1])
