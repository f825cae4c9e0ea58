import pytest
from hypothesis import given
from hypothesis import strategies as st

from treasury_watch.transforms.amounts import billions, billions_cell, in_billions, millions_cell, percent, went


@pytest.mark.parametrize(
    ("usd_mn", "text", "cell"),
    [
        (-40921.0, "-$40.9bn", "-40.9"),
        (11950.0, "+$12.0bn", "+12.0"),  # 11.95 is a little less in binary
        (-28650.0, "-$28.7bn", "-28.7"),
        (1191572.0, "+$1,191.6bn", "+1,191.6"),
        (-40.0, "$0.0bn", "0.0"),
        (float("nan"), "n.a.", "n.a."),
        (None, "n.a.", "n.a."),
    ],
)
def test_an_amount_in_a_sentence_and_in_a_cell_is_rounded_alike(usd_mn, text, cell):
    assert (billions(usd_mn), billions_cell(usd_mn)) == (text, cell)


@pytest.mark.parametrize(
    ("usd_mn", "words"),
    [(-40921.0, "fell $40.9bn"), (1500.0, "rose $1.5bn"), (49.0, "hardly changed"), (-49.0, "hardly changed")],
)
def test_what_an_amount_did_is_no_fall_and_no_rise_of_nothing(usd_mn, words):
    assert went(usd_mn) == words


def test_unsigned_amounts_show_no_plus_and_pages_have_a_real_minus():
    assert billions(28650.0, signed=False) == "$28.7bn"
    assert billions_cell(-28650.0, minus="\N{MINUS SIGN}") == "\N{MINUS SIGN}28.7"
    assert millions_cell(-40921.5) == "-40,922"
    assert percent(2.65) == "2.6%"  # 2.65 itself is a little less in binary, and no tie
    assert percent(62.5, 0) == "63%"


@given(st.integers(-20_000_000, 20_000_000))
def test_every_amount_is_rounded_once_whatever_form_it_takes(usd_mn):
    shown = in_billions(usd_mn)
    digits = billions(usd_mn, signed=False).replace("$", "").replace("bn", "").replace(",", "")
    assert float(digits) == float(shown) == float(billions_cell(usd_mn).replace(",", ""))
    assert abs(float(shown) * 1000 - usd_mn) <= 50
