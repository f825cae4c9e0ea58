"""Form S: purchases [1] and sales [7] of Treasury bonds and notes among twelve columns, USD millions, no notes."""

import pandas as pd
import pytest

from tests.transforms.tic import (
    FORM_S_ROWS,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    form_s,
    form_s_row,
    official,
    official_body,
    reading,
    refusal,
    source,
)
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts import parse

NAME = "s1_globl"
EXPECTED = {
    (row[0].strip('"'), row[2], measure, "Form S"): float(row[column].strip('"').replace(",", ""))
    for row in FORM_S_ROWS
    for measure, column in [("long_term_gross_purchases", 3), ("long_term_gross_sales", 9)]
}


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def changed(row: int, column: int, cell: str) -> bytes:
    rows = [list(cells) for cells in FORM_S_ROWS]
    rows[row][column] = cell
    return form_s(rows)


def test_purchases_and_sales_are_read_and_the_other_columns_are_not():
    parsed = parse(form_s(), source(NAME))
    assert reading(parsed.table) == EXPECTED
    assert len(EXPECTED) == 48
    assert parsed.table["measure"].unique().tolist() == ["long_term_gross_purchases", "long_term_gross_sales"]
    assert parsed.table["line"].unique().tolist() == list(range(8, 32))


def test_a_month_that_a_holder_never_reported_is_no_error():
    months = {month for label, month, _, _ in read(form_s()) if label == "China, Mainland"}
    assert months == {"2023-01", "2022-12", "2022-10", "2022-09"}


@pytest.mark.parametrize(
    "body",
    [
        form_s(end="\n"),
        form_s(end="\r"),
        form_s(end="\t\t\r\n"),
        b"\xef\xbb\xbf" + form_s(),
        form_s() + b"\r\n\t\t\r\n",
        form_s().replace(b'"China, Mainland"', b'" China,  Mainland "'),
        form_s().replace(b"Japan", b"\r\nJapan"),
    ],
    ids=["line feeds", "carriage returns", "more tabs", "byte order mark", "blank end", "spaces", "blank lines"],
)
def test_another_dress_of_the_same_table_reads_the_same(body):
    assert read(body) == EXPECTED


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


def test_a_file_cut_between_two_lines_of_the_grand_total_is_refused():
    extra = [form_s_row("France", "10804", f"2022-{month:02}", "1", "2") for month in range(9, 5, -1)]
    error = refusal(NAME, form_s([*extra, *FORM_S_ROWS[:-1]]))
    assert (error.place, error.expected) == ("Grand Total", "2022-06, which France has")


def test_a_file_cut_between_two_holders_is_refused():
    extra = [form_s_row("France", "10804", f"2022-{month:02}", "1", "2") for month in range(12, 2, -1)]
    error = refusal(NAME, form_s([*extra, *FORM_S_ROWS[:-8]]))
    assert (error.place, error.expected, error.found) == ("whole file", "a Grand Total", "none")
    error = refusal(NAME, form_s([*FORM_S_ROWS, *extra[:2]]))
    assert (error.expected, error.found) == ("the Grand Total at the end", "France")


@pytest.mark.parametrize(
    ("row", "column", "cell", "place", "expected"),
    [
        (1, 3, "many", "line 9, column [1]", "a figure or n.a."),
        (1, 9, "", "line 9, column [7]", "a figure or n.a."),
        (1, 9, "(12)", "line 9, column [7]", "a figure or n.a."),
        (1, 9, "1.5", "line 9, column [7]", "at most 0 decimals"),
        (1, 5, "", "line 9, column [3]", "a figure"),
        (1, 5, "many", "line 9, column [3]", "a figure"),
        (1, 14, "10\t11", "line 9", "15 cells"),
        (1, 2, "2022-00", "line 9, column 3", "a month such as 2023-01"),
        (1, 2, "2023-01", "line 9", "each holder and month once"),
        (2, 2, "2022-12", "line 10", "each holder and month once"),
        (2, 2, "2023-02", "line 10", "months newest first"),
        (5, 0, '"China, Mainland"', "line 13", "each holder's rows together"),
        (1, 0, "", "line 9", "a holder"),
        (-2, 2, "2022-05", "Grand Total", "2022-07, which Japan has"),
    ],
)
def test_a_damaged_cell_is_refused_with_line_column_and_what_was_expected(row, column, cell, place, expected):
    error = refusal(NAME, changed(row, column, cell))
    assert (error.place, error.expected) in [(place, expected), ("line 31", "months newest first")]


def test_a_row_that_lacks_a_cell_is_refused_though_a_tab_at_the_end_makes_up_for_it():
    rows = [list(cells) for cells in FORM_S_ROWS]
    del rows[1][5]
    assert refusal(NAME, form_s(rows)).place == "line 9"
    rows[1].append("")
    assert refusal(NAME, form_s(rows)).place == "line 9, column [12]"


@pytest.mark.parametrize(
    "numbers",
    [
        [f"[{n}]" for n in range(1, 12)],
        [f"[{n}]" for n in [1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11, 12]],
        [f"[{n}]" for n in [1, 1, *range(3, 13)]],
        ["[1]", "", *[f"[{n}]" for n in range(2, 13)]],
        ["[1]", "[two]", *[f"[{n}]" for n in range(3, 13)]],
    ],
)
def test_other_column_numbers_are_refused(numbers):
    error = refusal(NAME, form_s(numbers=numbers))
    assert (error.place, error.expected) == ("line 6", "columns 4 to 15 numbered [1] to [12] in order")


@pytest.mark.parametrize("unit", ["All amounts in billions of dollars.", ""])
def test_another_unit_is_refused(unit):
    assert refusal(NAME, form_s(unit=unit)).expected == "'millions of dollars'"


def test_a_row_above_the_column_numbers_is_refused_and_not_passed_over():
    lines = form_s().split(b"\r\n")
    lines[5], lines[7] = lines[7], lines[5]
    error = refusal(NAME, b"\r\n".join(lines))
    assert (error.place, error.expected) == ("line 6", "the row of column numbers above all figures")


def test_notes_and_a_second_table_are_refused():
    assert refusal(NAME, form_s() + b"Note: none was published\r\n").expected == "15 cells"
    assert refusal(NAME, form_s() + form_s()).expected in ("15 cells", "a month such as 2023-01")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b"<html>Gross purchases by foreigners", "a web page: <html>Gross purchases by foreigners"),
        (form_s() + b"\0", "NUL bytes"),
        (form_s([]), "0"),
        (b"Gross purchases by foreigners\r\n", "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    assert refusal(NAME, body).found == found


def test_a_shorter_name_with_the_same_code_is_the_same_holder():
    shorter = form_s().replace(b'"Korea, South"', b"Korea")
    assert by_holder(parse(shorter, source(NAME))) == by_holder(parse(form_s(), source(NAME)))


def test_an_unknown_holder_is_refused_with_the_closest_labels():
    unknown = form_s().replace(b'"Korea, South"', b'"Korea, Sud"').replace(b"43001", b"43099")
    with pytest.raises(
        UnknownHolderError, match=r"s1_globl, line 12.*closest: Korea, South.*'Korea, Sud' with code 43099"
    ):
        by_holder(parse(unknown, source(NAME)))


def test_a_known_label_with_another_code_is_refused_with_its_own_code():
    with pytest.raises(UnknownHolderError, match=r"'Japan' with code 42608, and 'Japan' is declared with code 42609"):
        by_holder(parse(form_s().replace(b"42609", b"42608"), source(NAME)))


@official
def test_the_official_file_is_read_whole():
    table = parse(official_body(NAME), source(NAME)).table
    assert len(table) == 41519 * 2
    assert len(table[["label", "month"]].drop_duplicates()) == 41519
    assert table["label"].nunique() == 97
    assert (table["month"].min(), table["month"].max()) == (pd.Timestamp("1977-01-01"), pd.Timestamp("2023-01-01"))


@pytest.fixture(scope="module")
def official_figures():
    return by_holder(parse(official_body(NAME), source(NAME)))


@official
@pytest.mark.parametrize(
    ("holder", "month", "net"),
    [("japan", "2022-09", -35461.0), ("grand_total", "2022-10", 61907.0), ("grand_total", "2020-09", 22531.0)],
)
def test_official_net_purchases_are_purchases_less_sales(official_figures, holder, month, net):
    bought = official_figures[holder, month, "long_term_gross_purchases", "Form S"]
    sold = official_figures[holder, month, "long_term_gross_sales", "Form S"]
    assert bought - sold == net
