"""Table 3: long, machine header, USD millions, n.a. where a country publishes no total."""

import math

import pandas as pd
import pytest

from tests.transforms.tic import (
    DECLARATIONS,
    NOTES,
    PROJECT,
    TABLE3_COLUMNS,
    TABLE3_MEASURES,
    TABLE3_ROWS,
    as_csv,
    as_html,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    cells_of,
    official,
    official_body,
    reading,
    refusal,
    source,
    tabbed,
    table3,
)
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.layouts import parse, recognised
from treasury_watch.transforms.layouts.cells import OBSERVATION_COLUMNS

NAME = "slt_table3"
EXPECTED = {
    (row[0], row[2], measure, "XIII"): None if cell == "n.a." else float(cell)
    for row in TABLE3_ROWS
    for measure, cell in zip(TABLE3_MEASURES, row[3:], strict=True)
}


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def changed(row: int, column: str, cell: str) -> list[list[str]]:
    rows = [list(cells) for cells in TABLE3_ROWS]
    rows[row][TABLE3_COLUMNS.index(column)] = cell
    return rows


def test_every_figure_is_read_in_millions_with_its_month_and_sign():
    parsed = parse(table3(), source(NAME))
    assert parsed.table.columns.tolist() == OBSERVATION_COLUMNS
    assert parsed.table["month"].dtype == "datetime64[us]"
    assert (parsed.layout, parsed.holds, parsed.dated) == (NAME, "observations", None)
    assert (parsed.first, parsed.last) == (pd.Timestamp("2023-01-01"), pd.Timestamp("2023-03-01"))
    assert reading(parsed.table) == EXPECTED
    assert reading(parsed.table)["Japan", "2023-03", "long_term_net", "XIII"] == -16470.0
    assert parsed.table.loc[parsed.table["label"] == "Japan", "line"].unique().tolist() == [9, 10, 11]
    assert parsed.table["code"].unique().tolist() == ["15768", "42609", "10804", "99996", "99991"]


def test_a_country_without_a_total_stays_with_its_long_term_figure():
    figures = read(table3())
    assert figures["Poland", "2023-03", "total_position", "XIII"] is None
    assert figures["Poland", "2023-03", "long_term_position", "XIII"] == 37767.0


def test_the_machine_header_tells_the_columns_in_whatever_order_they_stand():
    assert read(table3(columns=TABLE3_COLUMNS[::-1])) == EXPECTED
    assert read(table3(columns=[*TABLE3_COLUMNS[3:], *TABLE3_COLUMNS[:3]])) == EXPECTED


@pytest.mark.parametrize(
    "body",
    [
        table3(end="\n"),
        table3(end="\r"),
        b"\xef\xbb\xbf" + table3(),
        table3(notes=[]),
        table3([[*row, "", ""] for row in TABLE3_ROWS]),
        table3([[cell, *row[1:], "\r\n\t\t"] for row in TABLE3_ROWS for cell in [f'"{row[0]}"']]),
        table3([[f" {cell}\xa0" for cell in row] for row in TABLE3_ROWS]),
        table3().replace(b"1086642", b'"1,086,642"'),
        table3(changed(3, "for_treas_pos", "1,086,642")),
        table3(changed(3, "for_treas_pos", "1086642.0")),
        table3().replace(b"n.a.", b"N.A."),
    ],
    ids=[
        "line feeds", "carriage returns", "byte order mark", "no notes", "more tabs at the end", "quoted, blank lines",
        "spaces", "quoted thousands", "thousands commas", "a decimal of zero", "upper case n.a.",
    ],
)  # fmt: skip
def test_another_dress_of_the_same_table_reads_the_same(body):
    assert read(body) == EXPECTED


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


def test_a_figure_cut_at_the_end_of_the_file_is_not_read_as_a_smaller_one():
    body = table3(changed(14, "for_st_treas_net", "1209889"), notes=[]).removesuffix(b"889\r\n")
    error = refusal(NAME, body)
    assert (error.place, error.found) == ("line 20", "the end of the file")
    assert "truncated" in error.next_step


@pytest.mark.parametrize(
    ("rows", "place", "expected", "found"),
    [
        (14, "holder Of Which: Foreign Non-Official", "3 months, as every holder has", "2 without 2023-01"),
        (13, "holder Of Which: Foreign Non-Official", "3 months, as every holder has", "1 without 2023-02"),
        (12, "line 17", "Of Which: Foreign Non-Official or notes as the end", "Grand Total"),
        (11, "whole file", "at least 84 figures", "77"),
    ],
)
def test_a_file_cut_between_two_lines_is_refused_with_what_lacks(rows, place, expected, found):
    error = refusal(NAME, table3(TABLE3_ROWS[:rows], notes=[]))
    assert (error.place, error.expected, error.found) == (place, expected, found)


def test_a_file_cut_within_the_grand_total_is_refused_though_enough_holders_are_whole():
    brazil = [["Brazil", "30309", *row[2:]] for row in TABLE3_ROWS[3:6]]
    error = refusal(NAME, table3(brazil + TABLE3_ROWS[:11], notes=[]))
    assert (error.place, error.expected) == ("Grand Total", "2023-01, which Brazil has")
    error = refusal(NAME, table3(brazil + TABLE3_ROWS[:9], notes=[]))
    assert (error.expected, error.found) == ("a Grand Total", "none")


def test_a_file_cut_within_a_holders_name_is_refused():
    error = refusal(NAME, table3(TABLE3_ROWS[:12], notes=[["Of Which: Fo"]]))
    assert (error.expected, error.found) == ("10 cells", "1: Of Which: Fo")


@pytest.mark.parametrize(
    ("row", "column", "cell", "place", "expected"),
    [
        (4, "for_treas_pos", "many", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "(1080683)", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "1 080 683", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "1\u2028080683", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "1080\x85683", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "١٠٨٠", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "1e6", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "9" * 40, "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "10,80,683", "line 10, column for_treas_pos", "a figure or n.a."),
        (4, "for_treas_pos", "1080.683", "line 10, column for_treas_pos", "at most 0 decimals"),
        (4, "for_treas_pos", "", "line 10", "10 cells"),
        (4, "for_treas_pos", "  ", "line 10", "10 cells"),
        (4, "date", "Feb-23", "line 10, column date", "a month such as 2026-04"),
        (4, "date", "2023-13", "line 10, column date", "a month such as 2026-04"),
        (4, "date", "2023-03", "line 10", "each holder and month once"),
        (4, "date", "2023-04", "line 10", "months newest first"),
        (4, "country", "Poland", "line 10", "each holder's rows together"),
    ],
)
def test_a_damaged_cell_is_refused_with_line_column_and_what_was_expected(row, column, cell, place, expected):
    error = refusal(NAME, table3(changed(row, column, cell)))
    assert (error.place, error.expected) == (place, expected)
    assert error.found


def test_a_renamed_column_is_refused_with_its_name_and_where_to_declare_it():
    error = refusal(NAME, table3().replace(b"for_lt_treas_valchg", b"for_lt_valchg"))
    assert error.place == "line 5"
    assert error.found == (
        "missing for_lt_treas_valchg; unknown or twice for_lt_valchg (perhaps for_lt_valchg for for_lt_treas_valchg)"
    )
    assert "transforms/layouts/tic/slt_table3.py" in error.next_step


def without(column: str, months: tuple[str, ...] = ("2023-03", "2023-02", "2023-01")) -> bytes:
    """The table without a column, and with other months."""
    index = TABLE3_COLUMNS.index(column)
    renumbered = dict(zip(("2023-03", "2023-02", "2023-01"), months, strict=True))
    rows = [[renumbered.get(cell, cell) for cell in row] for row in cells_of(table3())]
    return tabbed([row[:index] + row[index + 1 :] if len(row) == len(TABLE3_COLUMNS) else row for row in rows])


def test_an_edition_without_valuation_changes_is_read_with_these_unknown():
    whole, older = parse(table3(), source(NAME)), parse(without("for_lt_treas_valchg"), source(NAME))
    expected = {key: value for key, value in reading(whole.table).items() if key[2] != "long_term_valuation"}
    assert reading(older.table) == expected
    assert older.notes == ()


def test_a_release_that_should_have_valuation_changes_and_has_none_is_read_and_told():
    newer = parse(without("for_lt_treas_valchg", ("2026-04", "2026-03", "2026-02")), source(NAME))
    assert newer.notes == ("no column for_lt_treas_valchg, which every release of 2026-04 has: read without it",)
    assert len(newer.table) == len(TABLE3_ROWS) * 6


@pytest.mark.parametrize("column", ["for_treas_pos", "for_st_treas_net", "country_code"])
def test_a_column_that_every_edition_has_is_missed(column):
    assert refusal(NAME, without(column)).found == f"missing {column}; unknown or twice none"


def test_a_table_1_without_most_of_its_columns_is_told_and_not_taken_for_a_table_3_with_renamed_columns():
    columns = ["country", "country_code", "date", "for_lt_total_pos", *TABLE3_COLUMNS[5:8], "for_lt_agcy_pos"]
    rows = [["Japan", "42609", f"2026-0{month}", "9", "8", "7", "6", "5"] for month in (4, 3, 2)]
    title = ["Table 1: U.S. Long-Term Securities Held by Foreign Residents"]
    table_1 = tabbed([title, ["Millions of dollars"], columns, *rows])
    for body in (table_1, as_html(table_1), as_csv(table_1)):
        with pytest.raises(
            LayoutError, match=r"Table 1: U\.S\. Long-Term Securities .*the row that names its columns is"
        ):
            recognised(body)
        assert refusal(NAME, body).expected == "Table 3"
    untitled = table_1[table_1.index(b"country\t") :]
    with pytest.raises(LayoutError, match=r"found Table 1: long-term securities .*the row that names its columns is"):
        recognised(untitled)


def test_a_column_named_twice_is_refused():
    error = refusal(NAME, table3().replace(b"\tfor_st_treas_net", b"\tfor_st_treas_net\tfor_treas_pos"))
    assert error.found == "missing none; unknown or twice for_treas_pos"


@pytest.mark.parametrize("unit", ["Billions of dollars", "", "Millions of euros", "Millions of dollars, or billions"])
def test_another_unit_is_refused(unit):
    error = refusal(NAME, table3(unit=unit))
    assert (error.place, error.expected) == ("header", "'Millions of dollars'")


def test_a_missing_cell_is_refused_with_the_line():
    body = table3()
    assert refusal(NAME, body.replace(b"\t4458\t", b"\t")).place == "line 10"
    assert refusal(NAME, body.replace(b"\t4458\t", b"\t\t")).place == "line 10"
    assert refusal(NAME, body.replace(b"\t4458\t", b"\t \t")).place == "line 10"
    # As wide as before, and shifted.
    assert refusal(NAME, body.replace(b"\t4458\t", b"\t").replace(b"\t-6104", b"\t-6104\t")).place == "line 10"
    error = refusal(NAME, body.replace(b"\t4458\t", b"\t\t").replace(b"\t-6104", b"\t-6104\t7"))
    assert (error.place, error.found) == ("line 10, column for_lt_treas_net", "nothing")


def test_a_row_of_two_lines_is_refused():
    body = table3().replace(b"Japan\t42609\t2023-02", b"Jap\ran\t42609\t2023-02")
    assert refusal(NAME, body).place == "line 10"


def test_a_row_above_the_header_is_refused_and_not_passed_over():
    lines = table3().splitlines(keepends=True)
    lines[4], lines[5] = lines[5], lines[4]
    error = refusal(NAME, b"".join(lines))
    assert (error.place, error.expected) == ("line 5", "the row that names the columns above all figures")


def test_a_month_that_every_holder_lacks_is_refused():
    rows = [[*row[:2], row[2].replace("2023-01", "2022-12"), *row[3:]] for row in TABLE3_ROWS]
    error = refusal(NAME, table3(rows))
    assert (error.place, error.expected, error.found) == ("Grand Total", "2023-01 after 2023-02", "2022-12")


def test_a_holder_row_stated_twice_is_refused():
    error = refusal(NAME, table3([*TABLE3_ROWS[:5], TABLE3_ROWS[4], *TABLE3_ROWS[5:]]))
    assert (error.place, error.found) == ("line 11", "Japan 2023-02 a second time")


def test_a_holder_block_stated_twice_is_refused_whatever_its_spaces():
    again = [[" Japan  ", *row[1:]] for row in TABLE3_ROWS[3:6]]
    assert refusal(NAME, table3([*TABLE3_ROWS, *again])).found == "Japan a second time"


def test_rows_after_the_notes_and_a_second_table_are_refused():
    notes = [*NOTES, TABLE3_ROWS[0]]
    assert refusal(NAME, table3(notes=notes)).expected == "notes only after the last row"
    assert refusal(NAME, table3() + table3()).expected == "notes only after the last row"
    assert "second time" in refusal(NAME, table3([*TABLE3_ROWS, *TABLE3_ROWS])).found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b" \r\n\t", "an empty body"),
        (b"<html><title>403 Forbidden", "a web page titled '403 Forbidden': <html><title>403 Forbidden"),
        (b"\xef\xbb\xbf\n<HTML><body>Table 3", "a web page: <HTML><body>Table 3"),
        (b"<!-- moved --><html>", "a web page: <!-- moved --><html>"),
        (table3().replace(b"42609", b"4\x00609"), "NUL bytes"),
        (table3().decode().encode("utf-16")[:-1], "NUL bytes"),
        (table3([], notes=[]), "0"),
        (b"Table 3: U.S. Treasury Securities\r\n", "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    assert refusal(NAME, body).found.strip() == found


def test_a_cell_too_long_for_a_table_is_refused():
    body = table3().replace(b"Japan\t", b'"' + b"J" * 200_000 + b"\t", 1)
    assert refusal(NAME, body).expected == "delimited text"


def test_an_unknown_holder_is_refused_with_the_closest_labels():
    other = {"Japan": "Japn", "42609": "42699"}
    parsed = parse(table3([[other.get(cell, cell) for cell in row] for row in TABLE3_ROWS]), source(NAME))
    with pytest.raises(UnknownHolderError, match=r"slt_table3, line 9.*closest: Japan.*'Japn' with code 42699"):
        by_holder(parsed)


def test_the_embedded_sample_is_read():
    parsed = parse((PROJECT / "config" / "sample" / "tic" / "slt_table3.txt").read_bytes(), source(NAME))
    assert (len(parsed.table), parsed.table["label"].nunique()) == (4732 * 7, 91)


@official
def test_the_official_file_is_read_whole():
    table = parse(official_body(NAME), source(NAME)).table
    assert len(table) == 6916 * 7
    assert len(table[["label", "month"]].drop_duplicates()) == 6916
    assert (table["month"].min(), table["month"].max()) == (pd.Timestamp("2020-01-01"), pd.Timestamp("2026-04-01"))
    figures = reading(table)
    assert [
        figures["Japan", "2024-04", measure, "XIII"] for measure in TABLE3_MEASURES
    ] == [1126094, -11830, 1039812, 246, -29824, 86282, -12076]  # fmt: skip


@official
def test_the_official_countries_are_76_with_a_long_term_figure_and_60_with_a_total_in_every_month():
    table = identified(parse(official_body(NAME), source(NAME)).table, NAME, DECLARATIONS.holder_labels)
    kinds = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}
    assert sorted(table["holder_id"].drop_duplicates().map(kinds).value_counts().items()) == [
        ("aggregate", 13), ("country", 76), ("memo", 2),
    ]  # fmt: skip
    countries = table[table["holder_id"].map(kinds) == "country"]
    stated = countries.dropna(subset="value_usd_mn").groupby(["measure", "month"])["holder_id"].nunique()
    assert set(stated["long_term_position"]) == {76}
    assert set(stated["total_position"]) == {60}
    assert len(stated["total_position"]) == 76
    assert math.isnan(table.loc[table["label"] == "Poland", "value_usd_mn"].iloc[0])
