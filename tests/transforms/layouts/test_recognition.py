"""A file is told by its content, never by its name; each parser refuses the files of the others."""

import pytest

from tests.transforms.tic import BODIES, FILES, PROJECT, official, official_body, source, table3, table5
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.layouts import LAYOUTS, parse, recognised
from treasury_watch.transforms.layouts.cells import figure, lines, month_of, records, text_of

SAMPLE = PROJECT / "config" / "sample" / "tic"


@pytest.mark.parametrize("name", BODIES)
def test_each_layout_is_recognised_by_its_content_and_no_other_claims_it(name):
    assert recognised(BODIES[name]) == name
    assert [layout for layout, module in LAYOUTS.items() if module.recognise(BODIES[name])] == [name]


@pytest.mark.parametrize("name", BODIES)
def test_line_feeds_a_byte_order_mark_and_blank_lines_do_not_hide_a_layout(name):
    assert recognised(BODIES[name].replace(b"\r\n", b"\n")) == name
    assert recognised(b"\xef\xbb\xbf\r\n" + BODIES[name]) == name


@pytest.mark.parametrize("column", ["country_code", "for_treas_pos", "for_lt_treas_valchg", "for_st_treas_net"])
def test_a_table_3_with_a_renamed_column_is_still_recognised_and_refused_by_the_columns_name(column):
    body = table3().replace(column.encode(), b"renamed")
    assert recognised(body) == "slt_table3"
    with pytest.raises(LayoutError, match=f"missing {column}; unknown or twice renamed"):
        parse(body, source("slt_table3"))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty file"),
        (b"\n \r\n", "an empty file"),
        (b"<!DOCTYPE html><html>", "<!DOCTYPE html>"),
        (b"country,amount\nJapan,1\n", "country,amount Japan,1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "PNG"),
        (table5().replace(b"Table 5:", b"Table 6:"), "Table 6:"),
    ],
)
def test_an_unknown_file_is_refused_with_its_beginning_and_the_known_layouts(body, found):
    with pytest.raises(
        LayoutError, match=r"unknown file, start: expected one of the layouts slt_table3, .* found"
    ) as caught:
        recognised(body)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("other", BODIES)
def test_a_parser_refuses_the_files_of_every_other_layout(name, other):
    if name == other:
        return
    with pytest.raises(LayoutError) as caught:
        parse(BODIES[other], source(name))
    assert caught.value.source == name


def test_a_table_that_a_parser_would_read_under_a_foreign_title_is_refused():
    body = table5().replace(b"Table 5: Major", b"Table 9: Minor")
    with pytest.raises(LayoutError, match=r"slt_table5, start: expected the layout slt_table5, found Table 9: Minor"):
        parse(body, source("slt_table5"))


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*")), ids=lambda path: path.name)
def test_the_embedded_sample_is_recognised(path):
    assert recognised(path.read_bytes()) == path.stem


@official
@pytest.mark.parametrize("name", FILES)
def test_the_official_files_are_recognised(name):
    assert recognised(official_body(name)) == name


def test_lines_end_where_files_end_lines_and_nowhere_else():
    assert lines("a\r\nb\nc\rd\r\n") == ["a", "b", "c", "d", ""]
    inside = "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i"
    assert lines(inside) == [inside]


def test_records_number_lines_as_an_editor_does_and_pass_over_blank_ones():
    text = 'a\x0c\tb\r\n\r\n \t \r\n"c, d"\t"e\tf"\n"g\th\n'
    assert list(records(text, "\t", "x")) == [(1, ["a\x0c", "b"]), (4, ["c, d", "e\tf"]), (5, ["g\th"])]


def test_text_that_is_not_utf_8_is_read_as_latin_1():
    assert text_of(b"\xef\xbb\xbfCura\xc3\xa7ao", "x") == "Curaçao"
    assert text_of(b"Cura\xe7ao", "x") == "Curaçao"


NO_MONTHS = ["2026-00", "2026-13", "2026-4", "2026-04-30", "٢٠٢٦-٠٤", "0001-01", ""]


@pytest.mark.parametrize(
    ("text", "month"), [("2026-04", "2026-04-01"), (" 2026-12 ", "2026-12-01"), *[(text, None) for text in NO_MONTHS]]
)
def test_a_month_is_a_year_and_a_month_and_nothing_else(text, month):
    found = month_of(text)
    assert (None if found is None else f"{found:%Y-%m-%d}") == month


@pytest.mark.parametrize(
    ("text", "scale", "decimals", "value"),
    [
        ("1209.9", 1000, 1, 1209900.0),
        ("0.1", 1000, 1, 100.0),
        (".1", 1000, 1, 100.0),
        ("-.1", 1000, 1, -100.0),
        ("1,209,889", 1, 0, 1209889.0),
        ("-1,209", 1, 0, -1209.0),
        ("-0", 1, 0, 0.0),
        ("*", 1000, 1, 0.0),
        ("\xa07 ", 1, 0, 7.0),
    ],
)
def test_a_figure_is_scaled_exactly(text, scale, decimals, value):
    found = figure(text, "x", "line 1", scale=scale, decimals=decimals)
    assert (found, str(found)) == (value, str(value))  # the text tells -0 from 0


NO_FIGURES = [
    "", " ", "+1", "--1", "1-", "1,2", "1,2345", "12,34", ",123", "1.", ".", "-", "1e3", "nan", "inf", "1_000", "0x1",
    "1 000", "1\xa0000", "(1)", "−1", "１", "1 r", "1%", "9" * 21,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_FIGURES)
def test_what_is_no_figure_is_refused(text):
    with pytest.raises(LayoutError, match=r"x, line 1: expected a figure or n\.a\."):
        figure(text, "x", "line 1", scale=1, decimals=0)


def test_spaces_do_not_make_another_label():
    assert bare(" Korea,\xa0 South\u2028 ") == "Korea, South"
