"""Table 3D: quoted CSV with thousands commas, headings cut into cells, USD millions, frozen in March 2023."""

import pandas as pd
import pytest

from tests.transforms.tic import (
    TABLE3D_ROWS,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    official,
    official_body,
    reading,
    refusal,
    source,
    table3d,
)
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts import parse

NAME = "slt3d_globl"
EXPECTED = {
    (row[0], row[2], measure, "XIII"): None if cell == "n.a." else float(cell.replace(",", ""))
    for row in TABLE3D_ROWS
    for measure, cell in zip(["total_position", "long_term_position", "short_term_position"], row[3:], strict=True)
}


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def edited(old: str, new: str) -> bytes:
    body = table3d()
    assert old.encode() in body
    return body.replace(old.encode(), new.encode(), 1)


def test_every_figure_is_read_with_its_thousands():
    parsed = parse(table3d(), source(NAME))
    assert reading(parsed.table) == EXPECTED
    assert len(EXPECTED) == 36
    assert reading(parsed.table)["China, Mainland", "2023-01", "total_position", "XIII"] == 859420.0
    assert parsed.table["code"].unique().tolist() == ["11207", "41408", "99990", "99996"]
    assert parsed.table["line"].unique().tolist() == list(range(12, 24))


def test_a_country_without_a_total_stays_with_its_long_term_figure():
    figures = read(table3d())
    assert figures["Greece", "2022-12", "total_position", "XIII"] is None
    assert figures["Greece", "2022-12", "long_term_position", "XIII"] == 987.0


@pytest.mark.parametrize(
    "body",
    [
        table3d(end="\n"),
        b"\xef\xbb\xbf" + table3d(),
        table3d(notes=[]),
        table3d(end=",,\r\n"),
        edited('"859,420"', "859420"),
        edited('"China, Mainland"', '" China,  Mainland "'),
        edited('"Grand Total"', '""\r\n""\r\n"Grand Total"'),
    ],
    ids=["line feeds", "byte order mark", "no notes", "more commas", "no thousands comma", "spaces", "blank lines"],
)
def test_another_dress_of_the_same_table_reads_the_same(body):
    assert read(body) == EXPECTED


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ('"867,062"', '"many"', "line 16, column total_position", "a figure or n.a."),
        ('"867,062"', '"(867,062)"', "line 16, column total_position", "a figure or n.a."),
        ('"867,062"', '""', "line 16, column total_position", "a figure or n.a."),
        ('"867,062"', '"867.062"', "line 16, column total_position", "at most 0 decimals"),
        ('"867,062"', "867,062", "line 16", "6 cells"),
        ('"867,062",', "", "line 16", "6 cells"),
        ('41408,"2022-12"', '41408,"2022-13"', "line 16, column 3", "a month such as 2023-01"),
        ('41408,"2022-12"', '41408,"2023-01"', "line 16", "each holder and month once"),
        ('41408,"2022-12"', '41408,"2023-02"', "line 16", "months newest first"),
        ('11207,"2023-01"', '11207,"Jan 2023"', "line 12, column 3", "a month such as 2023-01"),
        ('99996,"2022-10"', '99996,"2022-1O"', "line 23, column 3", "a month such as 2023-01"),
        ('"Grand Total",99996,"2022-10"', '"2022-10"', "line 23", "6 cells"),
        ('11207,"2022-12","n.a.","987",'.replace('"987"', "987"), '11207,"2022-12","n.a."', "line 13", "6 cells"),
    ],
)
def test_a_damaged_row_is_refused_with_line_column_and_what_was_expected(old, new, place, expected):
    error = refusal(NAME, edited(old, new))
    assert (error.place, error.expected) == (place, expected)


@pytest.mark.parametrize(
    "headings",
    [
        ("All U.S.", "Long-term", "Short-term"),
        ("Total U.S.", "Medium-term", "Short-term"),
        ("Total U.S.", "Long-term", "Long-term"),
    ],
)
def test_a_renamed_or_doubled_column_is_refused(headings):
    error = refusal(NAME, table3d(headings=headings))
    assert (error.place, error.expected) == ("header", "columns Total, Long-term, Short-term")
    assert " ".join(headings) in error.found


@pytest.mark.parametrize("unit", ["Billions of dollars", "Millions of euros"])
def test_another_unit_is_refused(unit):
    assert refusal(NAME, table3d(unit=unit)).expected == "'Millions of dollars'"


def test_a_row_above_the_dashes_is_refused_and_not_passed_over():
    lines = table3d().split(b"\r\n")
    lines[9], lines[11] = lines[11], lines[9]
    error = refusal(NAME, b"\r\n".join(lines))
    assert (error.place, error.expected) == ("line 10", "a row of dashes above all figures")
    assert refusal(NAME, table3d().replace(b"----------", b"")).expected == "a row of dashes above all figures"


def test_a_month_missing_in_the_middle_is_refused():
    rows = [row for row in TABLE3D_ROWS if row[:3] != ["Greece", "11207", "2022-12"]]
    error = refusal(NAME, table3d([*rows[:2], ["France", "10804", "2023-01", "1", "1", "1"], *rows[2:]]))
    assert (error.place, error.expected, error.found) == (
        "holder Greece",
        "2022-12, as in the Grand Total",
        "no such month",
    )


def test_a_month_that_the_grand_total_lacks_is_refused():
    early = ["Greece", "11207", "2022-09", "n.a.", "1", "n.a."]
    error = refusal(NAME, table3d([*TABLE3D_ROWS[:3], early, *TABLE3D_ROWS[3:]]))
    assert (error.place, error.expected) == ("Grand Total", "2022-09, which Greece has")


def test_a_file_without_its_grand_total_is_refused():
    padding = [["France", "10804", f"2022-{month:02}", "1", "1", "1"] for month in range(12, 8, -1)]
    assert refusal(NAME, table3d([*padding, *TABLE3D_ROWS[:8]])).expected == "a Grand Total"


def test_rows_after_the_notes_and_a_second_table_are_refused():
    body = table3d() + b'"Japan",42609,"2023-01","1","1","1"\r\n'
    assert refusal(NAME, body).expected == "notes only after the last row"
    assert refusal(NAME, table3d() + table3d()).expected == "notes only after the last row"


def test_a_holder_stated_twice_is_refused():
    assert refusal(NAME, table3d([*TABLE3D_ROWS, *TABLE3D_ROWS[:3]])).found == "Greece a second time"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b"<html>TABLE 3D:", "a web page: <html>TABLE 3D:"),
        (table3d() + b"\0", "NUL bytes"),
        (table3d([]), "0"),
        (b'"TABLE 3D: none"\r\n', "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    assert refusal(NAME, body).found == found


def test_an_unknown_holder_is_refused_with_its_code():
    other = {"Greece": "Hellas", "11207": "11299"}
    unknown = parse(table3d([[other.get(cell, cell) for cell in row] for row in TABLE3D_ROWS]), source(NAME))
    with pytest.raises(UnknownHolderError, match=r"slt3d_globl, line 12: .* found 'Hellas' with code 11299"):
        by_holder(unknown)


@official
def test_the_official_file_is_read_whole():
    table = parse(official_body(NAME), source(NAME)).table
    assert len(table) == 17234 * 3
    assert len(table[["label", "month"]].drop_duplicates()) == 17234
    assert table["label"].nunique() == 131
    assert (table["month"].min(), table["month"].max()) == (pd.Timestamp("2011-09-01"), pd.Timestamp("2023-01-01"))
    figures = by_holder(parse(official_body(NAME), source(NAME)))
    assert figures["austria", "2023-01", "total_position", "XIII"] == 5367.0
    assert figures["austria", "2022-10", "short_term_position", "XIII"] == 713.0
