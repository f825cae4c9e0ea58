"""FRED's CSV: three header styles, two ways to write a missing day, two directions of an exchange rate."""

from pathlib import Path

import pandas as pd
import pytest

from treasury_watch.transforms.errors import ConfigurationError, LayoutError
from treasury_watch.transforms.layouts.rates import fred
from treasury_watch.transforms.model import Source

OFFICIAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "fred"
official = [
    pytest.mark.official,
    pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not here"),
]


def source(series="DEXJPUS", holds="fx", currency="JPY", per="usd"):
    return Source(
        id=f"fred:{series}",
        title="",
        publisher="",
        url="",
        layout="fred",
        holds=holds,
        unit="",
        rhythm="daily",
        precedence=1,
        currency=currency,
        per=per,
    )


def test_a_rate_in_units_per_dollar_is_taken_as_it_stands():
    parsed = fred.parse(b"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-29,156.11\n", source())
    assert parsed.holds == "fx"
    assert parsed.table.columns.tolist() == ["currency", "date", "per_usd", "line"]
    assert parsed.table.values.tolist() == [
        ["JPY", pd.Timestamp("2024-04-26"), 157.5, 2],
        ["JPY", pd.Timestamp("2024-04-29"), 156.11, 3],
    ]
    assert parsed.table["date"].dtype == "datetime64[us]"


def test_a_rate_in_dollars_per_unit_is_turned_round():
    parsed = fred.parse(b"DATE,DEXUSUK\n2024-04-29,1.25\n", source("DEXUSUK", currency="GBP", per="unit"))
    assert parsed.table["per_usd"].tolist() == [0.8]


@pytest.mark.parametrize("heading", ["DATE", "observation_date", "date", '"DATE"', "\ufeffDATE"])
def test_every_header_style_is_read(heading):
    body = f"{heading},DEXJPUS\r\n2024-04-29,156.11\r\n".encode()
    assert fred.recognise(body)
    assert fred.series_of(body) == "DEXJPUS"
    assert len(fred.parse(body, source()).table) == 1


@pytest.mark.parametrize("missing", ["", ".", " "])
def test_a_missing_day_is_left_out_and_never_filled(missing):
    parsed = fred.parse(f"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-29,{missing}\n2024-04-30,157.7\n".encode(), source())
    assert parsed.table["date"].dt.strftime("%m-%d").tolist() == ["04-26", "04-30"]
    assert parsed.table["line"].tolist() == [2, 4]


def test_a_missing_last_day_is_left_out():
    parsed = fred.parse(b"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-29,\n", source())
    assert parsed.last == pd.Timestamp("2024-04-26")


def test_a_market_series_keeps_zero_and_negative_values():
    parsed = fred.parse(b"date,DGS2\n2024-04-26,0\n2024-04-29,-.05\n", source("DGS2", "market_series", "", ""))
    assert parsed.table.columns.tolist() == ["series_id", "date", "value", "line"]
    assert parsed.table["series_id"].tolist() == ["DGS2", "DGS2"]
    assert parsed.table["value"].tolist() == [0.0, -0.05]


@pytest.mark.parametrize(
    ("body", "place", "found"),
    [
        (b"DATE,DEXJPUS\n2024-04-29\n", "line 2", "2024-04-29"),
        (b"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-2", "line 3", "2024-04-2"),
        (b"DATE,DEXJPUS\n2024-04-26,157.5,1\n", "line 2", "157.5,1"),
        (b"DATE,DEXJPUS\n2024-04-26,157.5\n\n2024-04-29,1\n", "line 3", "0"),
        (b"DATE,DEXJPUS\n2024-02-30,157.5\n", "line 2", "2024-02-30"),
        (b"DATE,DEXJPUS\n20240229,157.5\n", "line 2", "20240229"),
        (b"DATE,DEXJPUS\n04/29/2024,157.5\n", "line 2", "04/29/2024"),
        (b"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-26,157.5\n", "line 3", "again"),
        (b"DATE,DEXJPUS\n2024-04-26,157.5\n2024-04-25,157.5\n", "line 3", "2024-04-25"),
        (b"DATE,DEXJPUS\n2024-04-26,n.a.\n", "line 2", "n.a."),
        (b"DATE,DEXJPUS\n2024-04-26,nan\n", "line 2", "nan"),
        (b"DATE,DEXJPUS\n2024-04-26,inf\n", "line 2", "inf"),
        (b"DATE,DEXJPUS\n2024-04-26,1_57\n", "line 2", "1_57"),
        (b'DATE,DEXJPUS\n2024-04-26,"1,575"\n', "line 2", "1,575"),
        (b"DATE,DEXJPUS\n2024-04-26," + b"9" * 400 + b"\n", "line 2", "999"),
        (b"DATE,DEXJPUS\n2024-04-26,0\n", "line 2", "0"),
        (b"DATE,DEXJPUS\n2024-04-26,-157\n", "line 2", "-157"),
        (b"DATE,DEXJPUS\n2024-04-26,157\n2024-04-29,\xff\n", "line 3", "0xff"),
        (b'DATE,DEXJPUS\n2024-04-26,"157\n', "line", "end of data"),
        (b"DATE,DEXJPUS\n", "whole file", "none"),
        (b"DATE,DEXJPUS\n2024-04-26,.\n", "whole file", "none"),
        (b"DATE,DEXCHUS\n2024-04-26,7.2\n", "line 1", "DEXCHUS"),
        (b"DATE,DEXJPUS_PC1\n2024-04-26,7.2\n", "line 1", "DEXJPUS_PC1"),
        (b"Day,DEXJPUS\n2024-04-26,7.2\n", "line 1", "Day"),
        (b"DATE,DEXJPUS,DEXCHUS\n2024-04-26,157,7.2\n", "line 1", "DEXCHUS"),
        (b"<!DOCTYPE html><html>\n", "line 1", "DOCTYPE"),
        (b"", "line 1", ""),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_series_line_and_finding(body, place, found):
    with pytest.raises(LayoutError) as refusal:
        fred.parse(body, source())
    assert refusal.value.source == "fred:DEXJPUS"
    assert refusal.value.place.startswith(place)
    assert found in refusal.value.found
    assert "\n" not in str(refusal.value)


def test_a_rate_too_small_to_turn_round_is_refused():
    body = b"DATE,DEXUSUK\n2024-04-29,0." + b"0" * 320 + b"1\n"
    with pytest.raises(LayoutError, match="line 2"):
        fred.parse(body, source("DEXUSUK", currency="GBP", per="unit"))


@pytest.mark.parametrize(
    "wrong", [source(per=""), source(currency=""), source(holds="observations")], ids=["direction", "currency", "kind"]
)
def test_an_exchange_rate_declared_without_direction_currency_or_kind_is_refused(wrong):
    with pytest.raises(ConfigurationError, match=r"fred:DEXJPUS.*sources\.toml"):
        fred.parse(b"DATE,DEXJPUS\n2024-04-26,157.5\n", wrong)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"Date,USD,JPY,\n",
        b"DATE,some text\n",
        b"DATE\n",
        b"PK\x03\x04",
        b"Table 5: Major Foreign Holders",
    ],
)
def test_other_content_is_not_taken_for_fred(body):
    assert not fred.recognise(body)
    with pytest.raises(LayoutError, match="fred, line 1"):
        fred.series_of(body)


class TestOfficialFiles:
    pytestmark = official

    def test_the_yen_file_starts_where_it_should(self):
        table = fred.parse((OFFICIAL / "DEXJPUS.csv").read_bytes(), source()).table
        assert table.iloc[0].tolist() == ["JPY", pd.Timestamp("2015-07-13"), 123.35, 2]
        assert table["date"].max() == pd.Timestamp("2025-07-11")
        assert len(table) == 2498

    def test_sterling_is_turned_into_pounds_per_dollar(self):
        table = fred.parse((OFFICIAL / "DEXUSUK.csv").read_bytes(), source("DEXUSUK", currency="GBP", per="unit")).table
        assert table["per_usd"].iloc[0] == pytest.approx(1 / 2.3938)
        assert table["per_usd"].between(0.3, 1).all()

    def test_every_file_is_recognised_and_read_as_the_series_of_its_header(self):
        files = sorted(OFFICIAL.glob("*.csv"))
        assert {"CPIAUCSL", "DEXJPUS", "DGS10", "DTWEXBGS"} <= {file.stem for file in files}
        for file in files:
            body = file.read_bytes()
            assert fred.series_of(body) == file.stem
            dated = [line.split(",")[1] for line in body.decode().splitlines()[1:]]
            table = fred.parse(body, source(file.stem, "market_series", "", "")).table
            assert table["value"].tolist() == [float(text) for text in dated if text not in ("", ".")]
