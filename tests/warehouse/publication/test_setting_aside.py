"""Which of several files stands in the way is found by trying, and the others are kept."""

from __future__ import annotations

import pytest

from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.publication.setting_aside import offenders

BLOCKED = ValidationBlocked([Result("publish", "totals", "adds up", False, True, "off by 7", "Why.")])


class Gate:
    """Blocks whatever has one of the bad files, or both of a pair; counts how often it was asked."""

    def __init__(self, bad: set[str], pair: set[str] | None = None):
        self.bad, self.pair, self.asked = bad, pair, 0

    def __call__(self, kept: list[str]) -> ValidationBlocked | None:
        self.asked += 1
        together = self.pair is not None and self.pair <= set(kept)
        return BLOCKED if together or self.bad & set(kept) else None


@pytest.mark.parametrize("bad", [{"a"}, {"h"}, {"c", "d"}, {"a", "e", "h"}, set("abcdefgh")])
def test_the_files_that_block_are_found_wherever_they_stand_and_no_other(bad):
    assert set(offenders(list("abcdefgh"), Gate(bad))) == bad


def test_of_two_that_cannot_be_together_the_first_is_kept():
    assert list(offenders(["table3", "rates", "table5"], Gate(set(), {"table3", "table5"}))) == ["table5"]


def test_one_among_hundreds_is_found_by_halves():
    gate = Gate({"file 200"})
    assert list(offenders([f"file {n}" for n in range(256)], gate)) == ["file 200"]
    assert gate.asked <= 2 + 2 * 8


def test_where_nothing_passes_even_without_all_of_them_none_is_to_blame():
    assert offenders(["a", "b"], lambda _: BLOCKED) == {}
