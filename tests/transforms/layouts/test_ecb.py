"""The ECB's reference rates: a zipped CSV of units per euro, crossed through the dollar."""

import io
import struct
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.rates import ecb
from treasury_watch.transforms.model import Source

OFFICIAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "ecb" / "eurofxref-hist.zip"
SOURCE = Source(
    id="ecb", title="", publisher="", url="", layout="ecb", holds="fx", unit="", rhythm="daily", precedence=2
)
PLAIN = b"Date,USD,JPY,BGN,\n2026-10-30,1.25,175.0,N/A,\n2026-10-29,1.2,174.0,1.8,\n"


def zipped(content=PLAIN, name="eurofxref-hist.csv"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_every_currency_is_crossed_through_the_dollar_and_the_euro_is_one_of_them():
    parsed = ecb.parse(zipped(), SOURCE)
    assert parsed.holds == "fx"
    assert parsed.table.columns.tolist() == ["currency", "date", "per_usd", "line"]
    assert parsed.table.values.tolist() == [
        ["BGN", pd.Timestamp("2026-10-29"), 1.8 / 1.2, 3],
        ["EUR", pd.Timestamp("2026-10-29"), 1 / 1.2, 3],
        ["EUR", pd.Timestamp("2026-10-30"), 0.8, 2],
        ["JPY", pd.Timestamp("2026-10-29"), 174.0 / 1.2, 3],
        ["JPY", pd.Timestamp("2026-10-30"), 140.0, 2],
    ]
    assert parsed.table["date"].dtype == "datetime64[us]"


def test_the_csv_itself_reads_like_the_zip():
    pd.testing.assert_frame_equal(ecb.parse(PLAIN, SOURCE).table, ecb.parse(zipped(), SOURCE).table)


def test_a_byte_order_mark_windows_line_ends_and_spaces_change_nothing():
    body = b"\xef\xbb\xbf" + PLAIN.replace(b"\n", b"\r\n").replace(b",", b", ")
    assert ecb.recognise(body)
    pd.testing.assert_frame_equal(ecb.parse(body, SOURCE).table, ecb.parse(PLAIN, SOURCE).table)


def test_a_day_without_the_dollar_gives_nothing():
    table = ecb.parse(b"Date,USD,JPY,\n2026-10-30,N/A,175.0,\n2026-10-29,1.2,174.0,\n", SOURCE).table
    assert set(table["date"]) == {pd.Timestamp("2026-10-29")}


@pytest.mark.parametrize(
    ("body", "place", "found"),
    [
        (b"Date,JPY,\n2026-10-30,175.0,\n", "line 1", "Date,JPY"),
        (b"Day,USD,\n2026-10-30,1.2,\n", "line 1", "Day,USD"),
        (b"Date,USD,JPY,JPY,\n2026-10-30,1.2,1,1,\n", "line 1", "JPY,JPY"),
        (b"Date,USD,,JPY,\n2026-10-30,1.2,1,1,\n", "line 1", "USD,,JPY"),
        (b"Date,USD,JPY,\n", "whole file", "header alone"),
        (b"Date,USD,JPY,\n2026-10-30,N/A,175.0,\n", "whole file", "none"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175.0,\n2026-10-29,1.2,17", "line 3", "3: 2026-10-29"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175.0,1,\n", "line 2", "5"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175.0,9\n", "line 2", "9"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175.0,\n\n2026-10-29,1.2,1,\n", "line 3", "0"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,x,\n", "line 2, JPY", "x"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175,\n2026-10-29,nan,1,\n", "line 3, USD", "nan"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,,\n", "line 2, JPY", "''"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,1e400,\n", "line 2, JPY", "1e400"),
        (b"Date,USD,JPY,\n2026-10-30,0,175,\n", "line 2, USD", "0"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,-175,\n", "line 2, JPY", "-175"),
        (b"Date,USD,JPY,\n2026-10-32,1.2,175,\n", "line 2, Date", "2026-10-32"),
        (b"Date,USD,JPY,\n30 October 2026,1.2,175,\n", "line 2, Date", "30 October 2026"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175,\n2026-10-30,1.2,175,\n", "line 3, Date", "as in line 2"),
        (b"Date,USD,JPY,\n2026-10-30,1.2,175,\n\xff", "line 3", "0xff"),
        (b'Date,USD,JPY,\n2026-10-30,"1.2,175,\n', "line", "end of data"),
        (b"<html></html>", "line 1", "html"),
        (b"", "line 1", "''"),
    ],
)
def test_a_table_that_is_not_whole_is_refused_with_line_column_and_finding(body, place, found):
    for variant in (body, zipped(body)):
        with pytest.raises(LayoutError) as refusal:
            ecb.parse(variant, SOURCE)
        assert refusal.value.source == "ecb"
        assert refusal.value.place.startswith(place)
        assert found in refusal.value.found


def test_a_zip_without_the_file_is_refused_and_names_what_it_holds():
    with pytest.raises(LayoutError, match=r"eurofxref-hist\.csv, found other\.csv"):
        ecb.parse(zipped(name="other.csv"), SOURCE)


def test_a_zip_cut_short_is_refused_wherever_it_is_cut():
    whole = zipped()
    for length in range(4, len(whole)):
        with pytest.raises(LayoutError):
            ecb.parse(whole[:length], SOURCE)


def test_a_zip_with_a_damaged_byte_is_refused_or_read_the_same():
    whole, expected = zipped(), ecb.parse(zipped(), SOURCE).table
    refused = 0
    for position in range(4, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        try:
            pd.testing.assert_frame_equal(ecb.parse(bytes(damaged), SOURCE).table, expected)
        except LayoutError:
            refused += 1
    assert refused > len(whole) / 2


def test_a_member_that_says_it_is_too_large_is_refused_before_it_is_expanded():
    whole = bytearray(zipped())
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = struct.pack("<I", 65 * 1024 * 1024)
    with pytest.raises(LayoutError, match="at most 16,777,216 bytes, found 68,157,440 bytes uncompressed"):
        ecb.parse(bytes(whole), SOURCE)


def test_a_member_that_lies_about_its_size_is_refused(monkeypatch):
    monkeypatch.setattr(ecb, "LARGEST_BYTES", 1000)
    whole = bytearray(zipped(PLAIN + b" " * 100_000))
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = struct.pack("<I", 90)
    with pytest.raises(LayoutError, match="zip archive"):
        ecb.parse(bytes(whole), SOURCE)


def test_a_plain_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(ecb, "LARGEST_BYTES", len(PLAIN) - 1)
    with pytest.raises(LayoutError, match="whole file"):
        ecb.parse(PLAIN, SOURCE)


def test_the_content_is_recognised_zipped_plain_and_cut():
    assert ecb.recognise(zipped())
    assert ecb.recognise(zipped()[:60])
    assert ecb.recognise(PLAIN)


@pytest.mark.parametrize(
    "body", [b"", zipped(name="cslt.json"), b"DATE,DEXJPUS\n", b"Date,USD per EUR\n", b"Date,JPY,\n", b"\xff\xfe\x00"]
)
def test_other_content_is_not_taken_for_the_ecb_file(body):
    assert not ecb.recognise(body)


@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_file(), reason="the official files are not here")
class TestOfficialFile:
    def test_the_newest_and_the_oldest_day_are_crosses_of_the_published_rates(self):
        table = ecb.parse(OFFICIAL.read_bytes(), SOURCE).table.set_index(["currency", "date"])["per_usd"]
        assert table["JPY", pd.Timestamp("2026-10-30")] == pytest.approx(175.68 / 1.1172, rel=1e-12)
        assert table["EUR", pd.Timestamp("1999-01-04")] == pytest.approx(1 / 1.1789, rel=1e-12)
        assert table["JPY"].index.min() == pd.Timestamp("1999-01-04")

    def test_forty_currencies_and_the_euro_are_read_without_the_dollar_itself(self):
        table = ecb.parse(OFFICIAL.read_bytes(), SOURCE).table
        assert table["currency"].nunique() == 41
        assert "USD" not in set(table["currency"])
        assert not table.duplicated(["currency", "date"]).any()

    def test_the_whole_history_is_read_in_half_a_second(self):
        body = OFFICIAL.read_bytes()
        elapsed = []
        for _ in range(3):
            start = time.process_time()
            ecb.parse(body, SOURCE)
            elapsed.append(time.process_time() - start)
        assert min(elapsed) < 0.5
