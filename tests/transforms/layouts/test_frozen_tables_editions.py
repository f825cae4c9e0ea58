"""Earlier editions of Table 3D and of Form S: other months, siblings with another delimiter, other headings."""

import re

import pytest

from tests.transforms.tic import (
    FORM_S_ROWS,
    TABLE3D_ROWS,
    by_holder,
    form_s,
    official,
    official_body,
    reading,
    refusal,
    source,
    table3d,
)
from treasury_watch.transforms.layouts import parse, recognised

HEADINGS = b'"","","","Total U.S.","Long-term","Short-term"\r\n"","","","Treasury  U.S",". Treasury  U.S",". Treasury"'


def read(body: bytes, name: str):
    assert recognised(body) == name
    return reading(parse(body, source(name)).table)


def with_tabs(body: bytes) -> bytes:
    """The same cells, separated by tabs and unquoted."""
    return re.sub(rb'(?<!\d)","|",(?=\d|\r)|(?<=\d),"|","', b"\t", body).replace(b'"', b"")


def earlier(rows, years: int):
    """The rows with the months of so many years before."""
    return [[*row[:2], f"{int(row[2][:4]) - years}{row[2][4:]}", *row[3:]] for row in rows]


def test_an_earlier_table_3d_reads_as_the_last_one_does():
    last = read(table3d(), "slt3d_globl")
    found = read(table3d(earlier(TABLE3D_ROWS, 9)), "slt3d_globl")
    assert {(name, f"{int(month[:4]) + 9}{month[4:]}", *rest): v for (name, month, *rest), v in found.items()} == last


def test_the_sibling_with_tabs_reads_the_same():
    body = with_tabs(table3d())
    assert body.count(b"\t") > 60
    assert read(body, "slt3d_globl") == read(table3d(), "slt3d_globl")


@pytest.mark.parametrize(
    "headings",
    [
        b'"","","","Total U.S. Treasury Securities","Long-term","Short-term"',
        b'"Country","Code","Month","Total","Long-term U.S. Treasuries","Short-term U.S. Treasuries"',
    ],
)
def test_headings_in_one_line_are_read(headings):
    assert HEADINGS in table3d()
    assert read(table3d().replace(HEADINGS, headings), "slt3d_globl") == read(table3d(), "slt3d_globl")


def test_columns_are_read_by_their_headings_in_any_order():
    rows = [[*row[:3], row[4], row[5], row[3]] for row in TABLE3D_ROWS]
    body = table3d(rows, headings=("Long-term", "Short-term", "Total U.S."))
    assert read(body, "slt3d_globl") == read(table3d(), "slt3d_globl")


def test_memo_lines_may_follow_the_grand_total_and_nothing_else_may():
    official_rows = [row for row in TABLE3D_ROWS if row[0].startswith("Of which")]
    others = [row for row in TABLE3D_ROWS if row not in official_rows]
    assert read(table3d([*others, *official_rows]), "slt3d_globl") == read(table3d(), "slt3d_globl")
    greece = [row for row in TABLE3D_ROWS if row[0] == "Greece"]
    body = table3d([*[row for row in TABLE3D_ROWS if row not in greece], *greece])
    assert refusal("slt3d_globl", body).expected == "the Grand Total at the end"


def test_an_earlier_form_s_reads_with_tabs_and_with_commas():
    rows = earlier(FORM_S_ROWS, 16)
    tabs = read(form_s(rows), "s1_globl")
    assert tabs["Japan", "2007-01", "long_term_gross_sales", "Form S"] > 0
    commas = form_s(rows).replace(b"\t", b",")
    assert read(commas, "s1_globl") == tabs


@official
def test_table_3d_as_it_was_in_march_2014_reads_figure_by_figure():
    text = official_body("slt3d_globl").decode("latin-1")
    lines = [
        line for line in text.splitlines() if not re.search(r'"20(?:1[4-9]|2\d)-\d\d"', line) or '"2014-01"' in line
    ]
    body = "\r\n".join(lines).encode("latin-1") + b"\r\n"
    figures = by_holder(parse(body, source("slt3d_globl")))
    rows = re.findall(r'^"([^"]+)",(\d+),"(\d{4}-\d\d)",("[\d,]+"|\d+|"n\.a\."),', "\n".join(lines), re.MULTILINE)
    stated = [None if "n.a." in cell else int(re.sub(r"\D", "", cell)) for *_, cell in rows]
    totals = [value for (_, _, measure, _), value in figures.items() if measure == "total_position"]
    assert max(month for _, _, month, _ in rows) == "2014-01"
    assert len(rows) > 2500
    assert totals == stated
    japan = {month: cell for label, _, month, cell in rows if label == "Japan"}
    assert figures["japan", "2013-11", "total_position", "XIII"] == int(re.sub(r"\D", "", japan["2013-11"]))
