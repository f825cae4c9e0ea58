"""Table 5: the current major holders, one column a month, USD billions with one decimal."""

import pytest

from tests.transforms.tic import (
    NOTES,
    PROJECT,
    TABLE5_MONTHS,
    TABLE5_ROWS,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    official,
    official_body,
    reading,
    refusal,
    source,
    table5,
)
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.layouts import parse

NAME = "slt_table5"
EXPECTED = {
    (row[0], month, "total_position", "XIII"): round(float(cell) * 1000, 3)
    for row in TABLE5_ROWS
    for month, cell in zip(TABLE5_MONTHS, row[1:], strict=True)
}


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def changed(row: int, column: int, cell: str) -> list[list[str]]:
    rows = [list(cells) for cells in TABLE5_ROWS]
    rows[row][column] = cell
    return rows


def test_billions_with_one_decimal_become_millions_exactly():
    parsed = parse(table5(), source(NAME))
    assert reading(parsed.table) == EXPECTED
    assert reading(parsed.table)["Japan", "2026-04", "total_position", "XIII"] == 1209900.0  # not 1209900.0000000002
    assert (parsed.layout, parsed.holds, parsed.dated) == (NAME, "observations", None)
    assert parsed.table.loc[parsed.table["label"] == "Japan", "line"].tolist() == [5, 5, 5]


@pytest.mark.parametrize("tenths", [10000, 12099, 80009, 93526, 7, 3])
def test_every_tenth_of_a_billion_is_scaled_without_a_rounding_error(tenths):
    figures = read(table5(changed(0, 1, f"{tenths // 10}.{tenths % 10}")))
    assert figures["Japan", "2026-04", "total_position", "XIII"] == tenths * 100


def test_the_rows_of_the_official_split_are_foreign_official_by_measure():
    figures = by_holder(parse(table5(), source(NAME)))
    april = {measure: value for (holder, month, measure, _), value in figures.items()
             if (holder, month) == ("foreign_official", "2026-04")}  # fmt: skip
    assert april == {
        "total_position": 3906500.0,
        "short_term_position": 457300.0,
        "long_term_position": 3449200.0,
    }
    assert figures["all_other", "2026-02", "total_position", "XIII"] == 1856400.0


@pytest.mark.parametrize(
    "body",
    [
        table5(end="\n"),
        b"\xef\xbb\xbf" + table5(),
        table5(notes=[]),
        table5([[f'"{row[0]}"', *row[1:], "", ""] for row in TABLE5_ROWS]),
        table5([[f" {cell}\xa0" for cell in row] for row in TABLE5_ROWS]),
        table5().replace(b"1209.9", b"1,209.9"),
        table5().replace(b"1209.9", b'"1,209.9"'),
        table5().replace(b"1209.9", b"1209.90"),
        table5().replace(b"441.0", b"441"),
        table5(TABLE5_ROWS[-1:] + TABLE5_ROWS[:-1]),
        table5().replace(b"Japan\t", b"\r\n\t\t\r\nJapan\t"),
    ],
    ids=[
        "line feeds", "byte order mark", "no notes", "quoted, more tabs", "spaces", "thousands comma",
        "quoted thousands", "a zero more", "no decimal", "other order", "blank lines",
    ],
)  # fmt: skip
def test_another_dress_of_the_same_table_reads_the_same(body):
    assert read(body) == EXPECTED


def test_not_available_is_nan_and_the_holder_stays():
    assert read(table5(changed(1, 2, "n.a.")))["China, Mainland", "2026-03", "total_position", "XIII"] is None


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


def test_a_file_cut_between_two_rows_is_refused_with_the_row_that_should_end_it():
    error = refusal(NAME, table5(TABLE5_ROWS[:-1], notes=[]))
    assert error.place == "line 10"
    assert error.expected == "Of Which: Foreign Official T-Bonds & Notes or notes as the end"
    assert error.found == "Of Which: Foreign Official Treasury Bills"


@pytest.mark.parametrize(
    ("row", "column", "cell", "place", "expected"),
    [
        (1, 2, "many", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "(652.3)", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "652,3", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "65\xa02.3", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "652.3 r", "line 6, column 2026-03", "a figure or n.a."),
        (1, 2, "652.31", "line 6, column 2026-03", "at most 1 decimals"),
        (1, 2, "652.3\t1.0", "line 6", "China, Mainland with 3 figures"),
        (1, 3, "693.3\t1.0", "line 6", "China, Mainland with 3 figures"),
        (1, 0, "", "line 6", "a holder with 3 figures"),
        (1, 0, "Japan", "line 6", "each holder and month once"),
        (1, 0, " Japan  ", "line 6", "each holder and month once"),
    ],
)
def test_a_damaged_cell_is_refused_with_line_column_and_what_was_expected(row, column, cell, place, expected):
    error = refusal(NAME, table5(changed(row, column, cell)))
    assert (error.place, error.expected) == (place, expected)


@pytest.mark.parametrize("cells", [["China, Mainland", "651.1", "652.3"], ["China, Mainland"]])
def test_a_row_that_lacks_figures_is_refused_and_not_passed_over(cells):
    error = refusal(NAME, table5([TABLE5_ROWS[0], cells, *TABLE5_ROWS[2:]]))
    assert (error.place, error.expected) == ("line 6", "China, Mainland with 3 figures")


def test_a_holder_whose_figures_were_blanked_is_refused_and_not_passed_over():
    rows = [TABLE5_ROWS[0], ["China, Mainland", "", "", ""], *TABLE5_ROWS[2:]]
    error = refusal(NAME, table5(rows))
    assert (error.place, error.found) == ("line 6, column 2026-04", "nothing")


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (["2026-04", "2026-02", "2026-03"], "months newest first, 2026-04 before its next"),
        (["2026-02", "2026-03", "2026-04"], "months newest first, 2026-02 before its next"),
        (["2026-04", "2026-04", "2026-03"], "months newest first, 2026-04 before its next"),
        (["2026-04", "2026-03", "2026-01"], "months newest first, 2026-03 before its next"),
        (["2026-04", "", "2026-03"], "months such as 2026-04"),
        (["2026-04", "Mar", "2026-02"], "months such as 2026-04"),
        ([], "months such as 2026-04"),
    ],
)
def test_months_out_of_order_twice_or_missing_are_refused(months, expected):
    error = refusal(NAME, table5(months=months))
    assert (error.place, error.expected) == ("line 4", expected)


@pytest.mark.parametrize("unit", ["Millions of dollars", "", "Billions of euros"])
def test_another_unit_is_refused(unit):
    assert refusal(NAME, table5(unit=unit)).expected == "'Billions of dollars'"


def test_a_renamed_header_is_refused_and_no_row_above_it_is_passed_over():
    error = refusal(NAME, table5().replace(b"Country\t", b"Holder\t"))
    assert (error.place, error.expected) == ("line 4", "the row of months above all figures")
    lines = table5().splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    assert refusal(NAME, b"".join(lines)).found.startswith("Japan 1209.9")


def test_rows_after_the_notes_and_a_second_table_are_refused():
    assert refusal(NAME, table5(notes=[*NOTES, TABLE5_ROWS[0]])).expected == "notes only after the last row"
    assert refusal(NAME, table5() + table5()).expected == "notes only after the last row"
    assert refusal(NAME, table5(notes=[]) + table5(notes=[]).split(b"\r\n", 3)[3]).place == "line 12, column 2026-04"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b"<html>Table 5:", "a web page: <html>Table 5:"),
        (table5() + b"\0", "NUL bytes"),
        (table5([], notes=[]), "0"),
        (b"Table 5: Major Foreign Holders\r\n", "none"),
        (table5(TABLE5_ROWS[:3] + TABLE5_ROWS[4:]), "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    assert refusal(NAME, body).found == found


@pytest.mark.parametrize(("label", "holder"), [("Germany", "germany"), ("Vietnam", "vietnam"), ("Japan 3/", "japan")])
def test_a_holder_new_among_the_twenty_is_known_from_the_other_tables(label, holder):
    figures = by_holder(parse(table5(changed(0, 0, label)), source(NAME)))
    assert figures[holder, "2026-04", "total_position", "XIII"] == 1209900.0


def test_an_unknown_holder_is_refused_with_the_closest_labels():
    parsed = parse(table5(changed(1, 0, "Chinna, Mainland")), source(NAME))
    with pytest.raises(
        UnknownHolderError, match=r"slt_table5, line 6: .*closest: .*China, Mainland.* found 'Chinna, Mainland'"
    ):
        by_holder(parsed)


def test_one_holder_under_two_spellings_is_refused():
    parsed = parse(table5(changed(1, 0, "Japan 1/")), source(NAME))
    with pytest.raises(
        LayoutError, match=r"line 6: expected one figure for japan 2026-04 total_position, found .*'Japan'"
    ):
        by_holder(parsed)


def test_the_embedded_sample_is_read():
    assert len(read((PROJECT / "config" / "sample" / "tic" / "slt_table5.txt").read_bytes())) == 25 * 13


@official
def test_the_official_file_is_read_whole():
    figures = by_holder(parse(official_body(NAME), source(NAME)))
    assert len(figures) == 25 * 13
    assert figures["japan", "2026-04", "total_position", "XIII"] == 1209900.0
    assert figures["united_arab_emirates", "2025-04", "total_position", "XIII"] == 112900.0
    assert figures["foreign_official", "2025-04", "long_term_position", "XIII"] == 3493500.0
