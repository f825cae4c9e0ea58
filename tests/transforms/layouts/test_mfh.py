"""The monthly table of major holders in its last edition: read by column positions, dated by the date it prints."""

from datetime import date

import pytest

from tests.transforms.tic import (
    MFH_ROWS,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    mfh,
    official,
    official_body,
    reading,
    refusal,
    source,
)
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts import parse

NAME = "mfh"
EXPECTED = {
    (row[0].strip(), month, "total_position", "XIII"): round(float(cell) * 1000, 3)
    for row in MFH_ROWS
    for month, cell in zip(["2023-01", "2022-12", "2022-11"], row[1:], strict=False)
}


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def edited(old: str, new: str) -> bytes:
    body = mfh()
    assert old.encode() in body
    return body.replace(old.encode(), new.encode(), 1)


def test_every_figure_is_read_and_the_printed_date_is_its_release():
    parsed = parse(mfh(), source(NAME))
    assert reading(parsed.table) == EXPECTED
    assert len(EXPECTED) == 60
    assert parsed.dated == date(2023, 3, 15)
    assert parsed.table.loc[parsed.table["label"].str.strip() == "Japan", "line"].tolist() == [9, 9, 9]


def test_the_holders_are_those_of_the_other_tables():
    figures = by_holder(parse(mfh(), source(NAME)))
    assert ("korea_south", "2023-01", "total_position", "XIII") in figures
    assert figures["foreign_official", "2023-01", "total_position", "XIII"] == 3713900.0
    assert figures["foreign_official", "2023-01", "short_term_position", "XIII"] == 249600.0
    assert figures["foreign_official", "2023-01", "long_term_position", "XIII"] == 3464300.0


@pytest.mark.parametrize(
    "body",
    [mfh(end="\n"), mfh(end="\r"), mfh(end="  \r\n"), b"\xef\xbb\xbf" + mfh(), edited("Belgium ", "\r\n \r\nBelgium ")],
    ids=["line feeds", "carriage returns", "spaces at the end", "byte order mark", "blank lines"],
)
def test_another_dress_of_the_same_table_reads_the_same(body):
    parsed = parse(body, source(NAME))
    assert (reading(parsed.table), parsed.dated) == (EXPECTED, date(2023, 3, 15))


def test_not_available_is_nan_even_where_a_row_holds_nothing_else():
    assert read(edited(f"{'1104.4':>8}", f"{'n.a.':>8}"))["Japan", "2023-01", "total_position", "XIII"] is None
    rows = [["Japan", "n.a.", "n.a.", "n.a."], *MFH_ROWS[1:]]
    assert read(mfh(rows))["Japan", "2022-11", "total_position", "XIII"] is None


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


@pytest.mark.parametrize(
    "printed", ["", "Marsh 15, 2023", "March 15, 202", "15 March 2023", "March 15, 2023 (revised)"]
)
def test_a_file_without_its_date_is_refused(printed):
    error = refusal(NAME, mfh(dated=printed))
    assert error.expected == "the release date, such as March 15, 2023"
    assert error.place == ("line 32" if printed else "line 34")


def test_a_file_that_ends_before_its_date_is_refused():
    error = refusal(NAME, mfh()[: mfh().index(b"March 15")])
    assert (error.place, error.found) == ("end", "none")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("Japan      ", "Japan    ", "line 9, column 2023-01"),
        ("Japan      ", "Japan       ", "line 9, column 2023-01"),
        ("  1104.4", "104.4", "line 9, column 2023-01"),
        ("  1104.4", "     1104.4", "line 9, column 2023-01"),
        ("1076.3", "107.63", "line 9, column 2022-12"),
        ("1076.3", "1076 3", "line 9, column 2023-01"),
        ("1076.3", "(76.3)", "line 9, column 2022-12"),
        ("1076.3", "1O76.3", "line 9, column 2022-12"),
        ("1076.3", "      ", "line 9"),
        ("1104.4  1076.3  1082.3", " " * 22, "line 9"),
    ],
)
def test_a_shifted_or_damaged_row_is_refused_with_line_and_column(old, new, place):
    assert refusal(NAME, edited(old, new)).place == place


@pytest.mark.parametrize(
    "months",
    [
        [("Jan", "2023"), ("Nov", "2022"), ("Dec", "2022")],
        [("Jan", "2023"), ("Jan", "2023"), ("Dec", "2022")],
        [("Jan", "2023"), ("Nov", "2022"), ("Oct", "2022")],
        [("Jan", "2023"), ("Dec", "2021"), ("Nov", "2022")],
    ],
)
def test_months_out_of_order_twice_or_missing_are_refused(months):
    assert refusal(NAME, mfh(months=months)).place == "line 6, column 3"


def test_a_damaged_head_is_refused():
    assert refusal(NAME, edited("  Dec  ", "  Dce  ")).expected == "the head of a block: series, months, Country"
    assert refusal(NAME, edited("Country", "Contry ")).expected == "the head of a block: series, months, Country"
    assert refusal(NAME, edited("    2022", "    202x")).expected == "a year"


@pytest.mark.parametrize("unit", ["(in millions of dollars)", ""])
def test_another_unit_is_refused(unit):
    assert refusal(NAME, mfh(unit=unit)).expected == "'(in billions of dollars)'"


def test_a_holder_stated_twice_is_refused():
    assert refusal(NAME, mfh([*MFH_ROWS, [" Japan", "1.0", "2.0", "3.0"]])).expected == "each holder and month once"


def test_a_table_without_a_grand_total_is_refused():
    rows = [row for row in MFH_ROWS if row[0] != "Grand Total"]
    assert (
        refusal(NAME, mfh([*rows, ["Germany", "1.0", "2.0", "3.0"]])).expected == "a Grand Total in the block of 2023"
    )


def test_a_second_table_is_refused():
    assert refusal(NAME, mfh() + mfh()).expected == "notes only after the release date"
    table, head = mfh()[: mfh().index(b"Department")], mfh().index(b"  Jan")
    assert refusal(NAME, table + mfh()[head:]).found == "a second row of months"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b"<html>MAJOR FOREIGN HOLDERS", "a web page: <html>MAJOR FOREIGN HOLDERS"),
        (mfh() + b"\0", "NUL bytes"),
        (mfh([]), "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    assert refusal(NAME, body).found == found


def test_an_unknown_holder_is_refused_with_the_closest_labels():
    with pytest.raises(UnknownHolderError, match=r"mfh, line 9.*closest: Japan.*'Jopan'"):
        by_holder(parse(edited("Japan", "Jopan"), source(NAME)))


@official
def test_the_official_file_is_read_whole_and_dated_march_2023():
    parsed = parse(official_body(NAME), source(NAME))
    figures = by_holder(parsed)
    assert parsed.dated == date(2023, 3, 15)
    assert len(figures) == 43 * 13
    assert figures["japan", "2023-01", "total_position", "XIII"] == 1104400.0
    assert figures["grand_total", "2022-01", "total_position", "XIII"] == 7655900.0
