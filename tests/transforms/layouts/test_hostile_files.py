"""Documents that fuzzing found: each one made a parser fail, hang or keep memory, or an error message unreadable."""

from __future__ import annotations

import csv
import json
import time
import zipfile
from io import BytesIO

import pytest

from tests.transforms.layouts import test_cslt, test_ecb, test_fred, test_interventions, test_press
from tests.transforms.tic import DECLARATIONS, MFH_MONTHS, mfh, refusal, source, table5
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import cells, parse
from treasury_watch.transforms.layouts.japan import interventions
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.layouts.rates import ecb, fred
from treasury_watch.transforms.layouts.tic import cslt

QUICK_S = 5.0  # what took half a minute and more takes well under a second


@pytest.mark.parametrize("row", [test_press.HEADER, test_press.APRIL])
def test_a_press_cell_longer_than_csv_allows_is_refused_with_its_line(row):
    text = (test_press.HEADER + test_press.APRIL).replace(row, "x" * 140_000 + row)
    line = 1 if row == test_press.HEADER else 2
    with pytest.raises(LayoutError, match=rf"press, line {line}: expected comma-separated text"):
        test_press.parsed(text)


def test_a_long_cell_is_refused_also_where_another_library_allows_longer_ones():
    before = csv.field_size_limit(1_000_000)
    try:
        with pytest.raises(LayoutError, match="press, line 1: expected comma-separated text"):
            test_press.parsed("x" * 140_000 + test_press.HEADER + test_press.APRIL)
    finally:
        csv.field_size_limit(before)


def lzma_damaged() -> bytes:
    """A zip with a sound LZMA header and damaged data."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(ecb.MEMBER, test_ecb.PLAIN * 50)
    body = bytearray(buffer.getvalue())
    body[30 + len(ecb.MEMBER) + 12] ^= 0xFF
    return bytes(body)


def test_a_zip_whose_lzma_data_are_damaged_is_refused():
    with pytest.raises(LayoutError, match="ecb, zip archive: expected a whole zip archive"):
        ecb.parse(lzma_damaged(), test_ecb.SOURCE)


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"])
def test_a_day_far_from_any_that_a_source_can_be_about_is_refused(day):
    with pytest.raises(LayoutError, match=rf"ecb, line 2, Date: expected a date such as .* '{day}'"):
        ecb.parse(test_ecb.PLAIN.replace(b"2026-10-30", day.encode()), test_ecb.SOURCE)
    with pytest.raises(LayoutError, match=rf"fred:DEXJPUS, line 2, date: expected a date such as .* '{day}'"):
        fred.parse(f"DATE,DEXJPUS\n{day},157.5\n".encode(), test_fred.source())


def test_a_negative_zero_is_zero():
    body = b"DATE,DGS10\n2024-04-29,-0\n2024-04-30,-0.00\n"
    values = fred.parse(body, test_fred.source("DGS10", holds="market_series")).table["value"]
    assert [str(value) for value in values] == ["0.0", "0.0"]  # the text tells -0 from 0


WHOLE = json.dumps(test_cslt.document(test_cslt.JAPAN, test_cslt.BOUGHT))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"1010000.5"', "first days of months"),
        ('"Millions of Dollars"', "units"),
        ('[["2026-04-01", "1010000.5"], ["2026-03-01", "1005000.0"]]', "observations as pairs"),
    ],
)
def test_lists_within_lists_too_deep_for_python_to_write_are_refused(value, expected):
    assert value in WHOLE
    nested = WHOLE.replace(value, "[" * 1010 + "]" * 1010, 1)
    error = refusal("cslt", test_cslt.zipped(nested.encode()))
    assert expected in error.expected


def test_a_document_of_lists_within_lists_is_refused():
    error = refusal("cslt", test_cslt.zipped(b'{"series": %s}' % (b"[" * 1010 + b"]" * 1010)))
    assert error.expected == "a JSON object with a list of series"
    assert error.found == "a dict of many levels"


@pytest.mark.parametrize("title", [["a", "list"], {"a": 1}, 7, "  "])
def test_a_title_that_is_no_text_is_not_taken_for_one(title):
    named = test_cslt.series(test_cslt.POSITION, ("2026-04-01", "1"), title=title)
    assert test_cslt.parsed(test_cslt.document(named)).table["label"].tolist() == [test_cslt.POSITION]


def seconds_to_refuse(read) -> float:
    begun = time.process_time()
    with pytest.raises(LayoutError):
        read()
    return time.process_time() - begun


@pytest.mark.parametrize("run", ["a", "to", "x "])
def test_a_pair_or_period_of_a_hundred_thousand_characters_is_refused_at_once(run):
    long = run * (100_000 // len(run))
    pair = test_interventions.file(
        test_interventions.ROWS_1991[0].rpartition(",")[0] + f",{long}", *test_interventions.ROWS_1991[1:]
    )
    period = test_interventions.file(*test_interventions.ROWS_1991[:2], f"x,,,{long} - June 1991,,,350,,")
    assert seconds_to_refuse(lambda: interventions.parse(pair, test_interventions.SOURCE)) < QUICK_S
    assert seconds_to_refuse(lambda: interventions.parse(period, test_interventions.SOURCE)) < QUICK_S


def test_titles_that_say_million_a_hundred_thousand_times_are_read_at_once():
    titles = ["100 million " * 10_000] * 8 + [",,,Year,Month,Day,Amount,売買通貨,Currencies"]
    body = test_interventions.file(*test_interventions.ROWS_1991, titles=titles)
    assert seconds_to_refuse(lambda: interventions.parse(body, test_interventions.SOURCE)) < QUICK_S


ROWS = [[name, "1", "2", "3"] for name in ("Canada", "France", "Belgium", "Grand Total")]


def test_a_label_of_forty_thousand_footnote_marks_is_refused_at_once():
    body = table5([["Japan" + " 1/" * 40_000 + "x", "1", "2", "3"], *ROWS])
    assert seconds_to_refuse(lambda: figures_of(body, source("slt_table5"), DECLARATIONS.holder_labels)) < QUICK_S


@pytest.mark.parametrize(
    ("found", "shown"),
    [("\x1b[31mred", r"\x1b[31mred"), ("a\0b", r"a\x00b"), ("\u202eright", r"\u202eright"), ("a\x81b", r"a\x81b")],
)
def test_control_characters_of_a_file_are_spelled_out_in_messages(found, shown):
    for error in (
        LayoutError("x", found, "e", "f"),
        LayoutError("x", "p", found, "f"),
        LayoutError("x", "p", "e", found),
    ):
        assert str(error).isprintable()
        assert shown in str(error)


def test_a_message_stays_short_however_long_the_label_is():
    body = table5([["J" * 50_000, "1"], *ROWS])
    error = refusal_of_any_length(body)
    assert error.expected.startswith("JJJ")
    assert len(str(error)) < 1000


def refusal_of_any_length(body: bytes) -> LayoutError:
    with pytest.raises(LayoutError) as caught:
        parse(body, source("slt_table5"))
    return caught.value


def test_long_cells_are_not_remembered():
    before = [cache.cache_info().currsize for cache in (cells._remembered, cells._month, cslt._remembered)]
    for text in ("9" * 100_000, "x" * 100_000):
        assert cells.stated_figure(text, 1, 0) is None
        assert cells.month_of(text) is None
        with pytest.raises(ValueError, match=text[:20]):
            cslt._month(text)
    assert before == [cache.cache_info().currsize for cache in (cells._remembered, cells._month, cslt._remembered)]
    assert cells.stated_figure(" " * 100 + "7" + "\xa0" * 100, 1, 0) == 7.0


def test_years_in_digits_of_another_script_are_no_years():
    months = [
        (name, year.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")) if name == "Jan" else year)
        for name, year in MFH_MONTHS
    ]
    months[0] = ("Jan", "20٢٣")
    assert refusal("mfh", mfh(months=months)).expected == "a year"
