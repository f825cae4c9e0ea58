"""Press figures: each with its release and its citation, or the file is refused with the line."""

from __future__ import annotations

from datetime import date

import pytest

from tests.transforms.tic import DECLARATIONS
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError

HEADER = "holder_id,month,measure,value_usd_bn,released,citation\n"
APRIL = 'japan,2024-04,total_position,1150.3,2024-06-18,"Press, on the TIC release"\n'
SOURCE = DECLARATIONS.source("press")


def parsed(text: str):
    return layouts.parse(text.encode(), SOURCE)


def test_a_figure_is_read_in_usd_millions_with_its_day_and_citation():
    (row,) = parsed(HEADER + APRIL).table.to_dict("records")
    assert (row["holder_id"], f"{row['month']:%Y-%m}", row["value_usd_mn"]) == ("japan", "2024-04", 1_150_300)
    assert (row["released"], row["citation"], row["line"]) == (date(2024, 6, 18), "Press, on the TIC release", 2)


def test_the_layout_is_recognised_by_its_header():
    assert layouts.recognised((HEADER + APRIL).encode()) == "press"


def test_a_file_of_nothing_but_the_header_states_no_figure():
    assert len(parsed(HEADER).table) == 0
    assert parsed(HEADER).table["value_usd_mn"].dtype == "float64"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2024-04", "April", r"line 2, column month: expected a month such as 2024-04, found April"),
        ("2024-06-18", "18 June", r"line 2, column released: expected a day such as 2024-06-18"),
        ("2024-06-18", "2024-04-29", r"line 2, column released: expected a day after the month's end"),
        ('"Press, on the TIC release"', "", r"line 2, column citation: expected who reported the figure"),
        ("1150.3", "n.a.", r"line 2, column value_usd_bn: expected a figure, found n\.a\."),
        ("1150.3", "1150.3456", r"line 2, column value_usd_bn: expected at most 3 decimals"),
        (",total_position", "", r"line 2: expected 6 cells, found 5"),
    ],
)
def test_a_row_that_lacks_something_is_refused_with_its_line(old, new, message):
    with pytest.raises(LayoutError, match=message):
        parsed(HEADER + APRIL.replace(old, new))


def test_a_figure_stated_twice_is_refused():
    with pytest.raises(LayoutError, match=r"line 3: expected each figure once, found japan 2024-04 a second time"):
        parsed(HEADER + APRIL + APRIL)


def test_another_header_is_refused():
    with pytest.raises(LayoutError, match="line 1"):
        parsed("holder,month,value\n" + APRIL)
