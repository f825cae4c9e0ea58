"""A refusal is one line of bounded length, however much of a file is wrong: every layout, with one endless label and with
hundreds of unknown ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.fuzz import schema, targets
from tests.fuzz.harness import Target
from tests.fuzz.mutations import zipped
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import QUOTED, LayoutError, listed

LONGEST = 650
MARK = "Ω"  # in no official file, so that what is quoted can be counted
TARGETS = {target.name: target for target in targets.targets(1, [*layouts.LAYOUTS, targets.RECOGNISER])}


def damaged(body: bytes) -> Iterator[bytes]:
    """Copies with a word or figure of 5,000 characters, and with 500 more lines or labels that nobody knows."""
    coding = "utf-8" if _is(body, "utf-8") else "cp932"
    text, endless = body.decode(coding), MARK * 5000
    words, figures = list(re.finditer(r"[^\W\d][\w ,]{3,}", text)), list(re.finditer(r"\d[\d,.]*", text))
    for found in (*words[:: max(1, len(words) // 12)], *figures[:: max(1, len(figures) // 12)]):
        yield (text[: found.start()] + endless + text[found.end() :]).encode(coding)
    lines = text.splitlines(keepends=True)
    for number in {len(lines) // 2, max(0, len(lines) - 2)}:
        copies = [re.sub(r"[^\W\d]{4,}", f"{MARK * 8}{n}", lines[number], count=1) for n in range(500)]
        yield "".join([*lines[:number], *copies, *lines[number:]]).encode(coding)


def _is(body: bytes, coding: str) -> bool:
    try:
        body.decode(coding)
    except UnicodeDecodeError:
        return False
    return True


def refusals(target: Target) -> Iterator[str]:
    for seed in target.seeds[:3]:
        if not _is(seed.body, "utf-8") and not _is(seed.body, "cp932"):
            continue
        for body in damaged(seed.body):
            try:
                target.read(zipped(seed.member, body) if seed.member else body, seed.context)
            except LayoutError as problem:
                yield str(problem)
            except schema.Violation:
                continue  # what is read all the same is the campaign's to judge


@pytest.mark.parametrize("name", TARGETS)
def test_a_refusal_quotes_little_of_a_file_however_much_is_wrong(name: str):
    told = list(refusals(TARGETS[name]))
    assert told
    assert max(map(len, told)) <= LONGEST
    assert max(words.count(MARK) for words in told) <= QUOTED
    assert all("\n" not in words for words in told)


def test_a_list_says_how_many_more_there_are():
    assert listed(["Atlantis"]) == "Atlantis"
    assert listed(["Atlantis", "Ruritania", "Utopia"], 20) == "Atlantis, Ruritania, and 1 more"
    assert listed([MARK * 5000, "Utopia"]) == MARK * 199 + "…, and 1 more"
    assert listed([]) == ""
