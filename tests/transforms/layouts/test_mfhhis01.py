"""The history file: year blocks newest first, months twice where the survey basis changed, USD billions."""

from datetime import date

import pytest

from tests.transforms.tic import (
    BREAK_MONTHS,
    BREAKS,
    HISTORY,
    MONTHS,
    PROJECT,
    assert_every_cut_is_refused_or_whole,
    by_holder,
    history,
    history_block,
    history_years,
    official,
    official_body,
    reading,
    refusal,
    source,
    tabbed,
)
from treasury_watch.transforms.errors import UnknownHolderError
from treasury_watch.transforms.layouts import parse

NAME = "mfhhis01"


def expected_of(blocks) -> dict:
    figures = {}
    for year, rows in blocks.items():
        months = BREAK_MONTHS if year in BREAKS else MONTHS
        bases = BREAKS[year][2] if year in BREAKS else ["XIII"] * 12
        for label, *cells in rows:
            for name, basis, cell in zip(months, bases, cells, strict=False):
                month = f"{year}-{MONTHS[::-1].index(name) + 1:02}"
                value = None if cell == "n.a." else round(float(cell) * 1000, 3)
                figures[" ".join(label.strip('"').split()), month, "total_position", basis] = value
    return figures


EXPECTED = expected_of(HISTORY)


def read(body: bytes):
    return reading(parse(body, source(NAME)).table)


def edited(old: str, new: str, count: int = 1) -> bytes:
    body = history()
    assert old.encode() in body
    return body.replace(old.encode(), new.encode(), count)


def test_every_cell_is_read_with_its_month_and_the_release_date_is_the_printed_one():
    parsed = parse(history(), source(NAME))
    assert reading(parsed.table) == EXPECTED
    assert len(EXPECTED) == 3 * 12 + 4 * 13 + 3 * 13
    assert parsed.dated == date(2026, 5, 18)
    assert {type(line) for line in parsed.table["line"]} == {int}


def test_a_month_on_two_bases_gives_both_figures_with_their_series():
    figures = read(history())
    june = {
        basis: value
        for (label, month, _, basis), value in figures.items()
        if (label, month) == ("China, Mainland", "2010-06")
    }
    assert june == {"XI": 1112100.0, "X": 843700.0}


def test_a_year_with_two_breaks_has_three_series_and_december_stands_once():
    figures = read(history())
    basis = {}
    for label, month, _, series in figures:
        if label == "China, Mainland" and month.startswith("2011"):
            basis.setdefault(month, []).append(series)
    assert basis.pop("2011-12") == ["XIII"]
    assert basis.pop("2011-06") == ["XII", "XI"]
    assert {month: series for month, series in basis.items() if month > "2011-06"} == {
        f"2011-{m:02}": ["XII"] for m in range(7, 12)
    }
    assert {month: series for month, series in basis.items() if month < "2011-06"} == {
        f"2011-0{m}": ["XI"] for m in range(1, 6)
    }


def test_the_series_of_a_block_goes_on_in_the_block_below():
    figures = read(history())
    assert ("China, Mainland", "2010-12", "total_position", "XI") in figures
    assert ("China, Mainland", "2010-01", "total_position", "X") in figures


def test_not_available_is_nan_and_the_country_stays():
    assert read(history())["Luxembourg", "2010-06", "total_position", "X"] is None


def test_less_than_half_of_the_last_digit_is_nought():
    assert read(edited("1151.9", "*"))["China, Mainland", "2011-12", "total_position", "XIII"] == 0.0


def test_labels_with_commas_quotes_and_footnote_marks_are_the_holders_they_name():
    holders = {holder for holder, _, _, _ in by_holder(parse(history(), source(NAME)))}
    assert holders == {"china_mainland", "grand_total", "foreign_official", "united_kingdom", "luxembourg"}


def test_the_bills_below_for_official_are_its_short_term_position():
    figures = by_holder(parse(history(), source(NAME)))
    assert figures["foreign_official", "2011-12", "short_term_position", "XIII"] == 357200.0
    assert figures["foreign_official", "2012-12", "total_position", "XIII"] == 4032800.0


@pytest.mark.parametrize(
    "body",
    [
        history(end="\n"),
        b"\xef\xbb\xbf" + history(),
        history(notes=[]),
        edited("1220.4", '"1,220.4"'),
        edited("1220.4", "1,220.4"),
        edited("1220.4", " 1220.40\xa0"),
        edited("United Kingdom 2/", '"  United  Kingdom 2/ "'),
        edited("Grand Total", "\r\n\t\t\t\r\nGrand Total"),
        edited(" XIII\t XII", "XIII\tXII"),
        edited("5/18/2026", "May 18, 2026"),
        edited("5/18/2026", "05/18/2026"),
        history().replace(b"\t\r\n", b"\t\t\t\r\n"),
        history().replace(b"\t------", b"\t-"),
    ],
    ids=[
        "line feeds", "byte order mark", "no notes", "quoted thousands", "thousands comma", "spaces",
        "spaces in a label", "blank lines",
        "series without spaces", "long date", "date with noughts", "more tabs", "other dashes",
    ],
)  # fmt: skip
def test_another_dress_of_the_same_table_reads_the_same(body):
    parsed = parse(body, source(NAME))
    assert (reading(parsed.table), parsed.dated) == (EXPECTED, date(2026, 5, 18))


def test_a_file_cut_at_any_byte_is_refused_or_reads_the_same():
    assert_every_cut_is_refused_or_whole(NAME)


def test_a_file_without_a_release_date_is_refused():
    error = refusal(NAME, history(dated=[], notes=[]))
    assert (error.place, error.expected, error.found) == ("end", "the release date, such as 5/18/2026", "none")
    error = refusal(NAME, history(dated=[]))
    assert (error.expected, error.found) == ("the release date, such as 5/18/2026", "(2012 revised May 18, 2026)")


@pytest.mark.parametrize("printed", ["5/18/202", "18 May 2026", "Mayday 18, 2026", "5/18/2126"])
def test_a_release_date_that_is_none_is_refused(printed):
    assert refusal(NAME, history(dated=[[printed]])).found == printed


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("3/18/26", date(2026, 3, 18)),
        ("12/1/13", date(2013, 12, 1)),
        ("5/18/2026", date(2026, 5, 18)),
        ("March 18, 26", date(2026, 3, 18)),
    ],
)
def test_a_release_date_reads_with_two_digits_of_the_year_and_with_four(printed, day):
    assert parse(history(dated=[[printed]]), source(NAME)).dated == day


def test_a_release_date_before_the_newest_month_is_a_cut_one():
    error = refusal(NAME, history(dated=[["5/18/12"]]))
    assert (error.expected, error.found) == ("a whole day after 2012-12, the newest month", "2012-05-18")


def test_a_release_date_that_the_calendar_does_not_have_is_refused():
    error = refusal(NAME, history(dated=[["2/30/2026"]]))
    assert (error.expected, error.found) == ("a date", "2/30/2026")


@pytest.mark.parametrize(("year", "expected", "found"), [("2011", "2011-12 after 2012-01", "2010-12")])
def test_a_missing_year_is_refused(year, expected, found):
    error = refusal(NAME, history({name: rows for name, rows in HISTORY.items() if name != year}))
    assert (error.expected, error.found) == (expected, found)


@pytest.mark.parametrize("head", ["Country\t2010", "Country\t2011", "Country\t2012"])
def test_a_year_whose_head_is_damaged_is_refused_and_not_passed_over(head):
    error = refusal(NAME, edited(head, head.replace("Country", "Contry")))
    assert error.expected == "the head of a block: series, months, Country"
    assert error.found.startswith("Contry 20")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\tDec\tNov", "\tDec\tNvo", "the head of a block: series, months, Country"),
        ("\tDec\tNov", "\tNov\tDec", "2011-12 after 2012-01"),
        ("\tAug\tJul\tJun\tJun", "\tAug\tJul\tJul\tJun", "2011-06 after 2011-07"),
        ("\t2011\t2011", "\t2011\t2021", "2011-11 after 2011-12"),
        ("\t2011\t2011", "\t2011\t211", "a year"),
        ("\t2011\t2011", "\t2011\t", "a year"),
        ("\t2011\t2011", "\t2011\t2011\t2011", "a month above every year"),
        ("Series 17/", "Seires 17/", "a holder with 12 figures"),
        ("Series 16/", "", "a name below every 'Series' and a month below it"),
        (" XIII", " XII", "XIII beside XII"),
        (" XI\t", " X\t", "XII beside XI"),
        (" XI\t", "\t", "a name below every 'Series' and a month below it"),
        (" XII\t XI", " XI\t XII", "XII beside XI"),
        ("\t XIII\t XII", "\t XIV\t XIII", "XIII beside XII"),
    ],
)
def test_a_damaged_head_of_a_break_year_is_refused(old, new, expected):
    start = history().index(b"\tSeries 17/")
    body = history()[:start] + history()[start:].replace(old.encode(), new.encode(), 1)
    assert body != history()
    assert refusal(NAME, body).expected == expected


def test_a_break_year_without_its_series_has_those_of_the_declared_breaks():
    lines = [line for line in history().split(b"\r\n") if b"Series" not in line and b" XI" not in line]
    assert read(b"\r\n".join(lines)) == EXPECTED


def test_a_month_twice_where_no_break_is_declared_is_refused():
    twice = edited("\tAug\tJul\tJun\tJun", "\tAug\tJul\tJul\tJun")
    lines = [line for line in twice.split(b"\r\n") if b"Series" not in line and b" XI" not in line]
    assert refusal(NAME, b"\r\n".join(lines)).expected == "2011-06 after 2011-07"


def test_a_break_year_with_the_names_moved_is_refused():
    body = edited("\t XIII\t XII\t\t\t\t\t XII\t XI", "\t XIII\t XII\t\t\t\t XII\t XI\t")
    assert refusal(NAME, body).expected == "a name below every 'Series' and a month below it"


@pytest.mark.parametrize(
    ("row", "place", "expected"),
    [
        (["Japan", *["1.0"] * 11], "line 9, column 2012-01", "a figure or n.a."),
        (["Japan", *["1.0"] * 13], "line 9", "Japan with 12 figures"),
        (["Japan", "", *["1.0"] * 11], "line 9, column 2012-12", "a figure or n.a."),
        (["Japan", *["1.0"] * 5, "many", *["1.0"] * 6], "line 9, column 2012-07", "a figure or n.a."),
        (["Japan", *["1.0"] * 5, "(1.0)", *["1.0"] * 6], "line 9, column 2012-07", "a figure or n.a."),
        (["Japan", *["1.0"] * 5, "1.05", *["1.0"] * 6], "line 9, column 2012-07", "at most 1 decimals"),
        (["Japan"], "line 9", "a holder with 12 figures"),
        (["", *["1.0"] * 12], "line 9", "a holder with 12 figures"),
        (['"China,  Mainland "', *["1.0"] * 12], "line 9", "each holder and month once"),
    ],
)
def test_a_damaged_row_is_refused_with_line_column_and_what_was_expected(row, place, expected):
    rows = [*HISTORY["2012"][:1], row, *HISTORY["2012"][1:]]
    error = refusal(NAME, history({**HISTORY, "2012": rows}))
    assert (error.place, error.expected) == (place, expected)


def test_a_row_cut_short_in_a_year_of_thirteen_columns_is_refused():
    error = refusal(NAME, edited("\t889.0", ""))
    assert (error.expected, error.found.split()[-1]) == ("China, Mainland with 13 figures", "877.5")


@pytest.mark.parametrize("year", ["2012", "2011", "2010"])
def test_a_year_without_a_grand_total_is_refused(year):
    rows = [row for row in HISTORY[year] if row[0] != "Grand Total"]
    assert refusal(NAME, history({**HISTORY, year: rows})).expected == f"a Grand Total in the block of {year}"


@pytest.mark.parametrize("unit", ["(in millions of dollars)", ""])
def test_another_unit_is_refused(unit):
    assert refusal(NAME, history(unit=unit)).expected == "'(in billions of dollars)'"


def test_figures_above_the_first_year_and_below_the_release_date_are_refused():
    assert (
        refusal(NAME, edited("\t\t\tHOLDINGS 1/", "Japan\t1.0\t2.0")).expected == "months and Country above all figures"
    )
    assert refusal(NAME, history(notes=[["Japan", "1.0"]])).expected == "notes only after the release date"
    assert refusal(NAME, history() + history()).expected == "notes only after the release date"
    later = tabbed(history_block("2009", [["Grand Total", *history_years(1.0, 0.1, 12)]]))
    assert refusal(NAME, history() + later).expected == "notes only after the release date"


def test_a_file_with_its_years_oldest_first_is_refused():
    assert refusal(NAME, history(dict(reversed(HISTORY.items())))).place


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "an empty body"),
        (b"<html>MAJOR FOREIGN HOLDERS", "a web page: <html>MAJOR FOREIGN HOLDERS"),
        (history() + b"\0", "NUL bytes"),
        (history({}), "none"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(body, found):
    error = refusal(NAME, body)
    assert error.found == found or error.expected == "the release date, such as 5/18/2026"


def test_an_unknown_holder_is_refused_with_the_closest_labels():
    with pytest.raises(UnknownHolderError, match=r"mfhhis01, line \d+.*closest: Luxembourg.*'Luxemburg'"):
        by_holder(parse(edited("Luxembourg", "Luxemburg"), source(NAME)))


def test_the_embedded_sample_is_read():
    parsed = parse((PROJECT / "config" / "sample" / "tic" / f"{NAME}.txt").read_bytes(), source(NAME))
    assert (parsed.dated, len(parsed.table), parsed.table["month"].nunique()) == (date(2026, 5, 18), 2004, 48)


@official
def test_the_official_file_is_read_whole():
    parsed = parse(official_body(NAME), source(NAME))
    table = parsed.table
    assert parsed.dated == date(2026, 5, 18)
    assert table["value_usd_mn"].notna().sum() == 12712
    assert table["value_usd_mn"].isna().sum() == 6
    assert table["label"].str.strip().nunique() == 60
    assert table["month"].nunique() == 310
    numeric = table[table["value_usd_mn"].notna()].assign(label=table["label"].str.strip())
    assert numeric.duplicated(["label", "month"]).sum() == 369
    assert table["series"].nunique() == 13


@official
def test_the_official_figures_of_june_2010_stand_on_both_bases():
    figures = by_holder(parse(official_body(NAME), source(NAME)))
    assert figures["japan", "2010-06", "total_position", "XI"] == 799900.0
    assert figures["japan", "2010-06", "total_position", "X"] == 801200.0
    assert figures["china_mainland", "2010-06", "total_position", "XI"] == 1112100.0
    assert figures["china_mainland", "2010-06", "total_position", "X"] == 843700.0
    assert figures["japan", "2000-03", "total_position", "I"] == 325800.0
    assert figures["grand_total", "2011-12", "total_position", "XIII"] == 5004400.0
    assert figures["grand_total", "2011-11", "total_position", "XII"] == 5008800.0


@official
def test_belgium_is_belgium_and_luxembourg_together_until_may_2002():
    figures = by_holder(parse(official_body(NAME), source(NAME)))
    apart = sorted(month for holder, month, _, series in figures if holder == "belgium")
    together = sorted(month for holder, month, _, series in figures if holder == "belgium_luxembourg")
    assert apart[0] == "2002-06"
    assert (together[0], together[-1]) == ("2000-03", "2002-06")  # June 2002 stands on both bases
    assert {s for holder, month, _, s in figures if holder == "belgium_luxembourg" and month == "2002-06"} == {"II"}
