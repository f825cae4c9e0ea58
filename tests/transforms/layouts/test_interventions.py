"""Japan's intervention file: era dates, a year only where it changes, quarterly totals that check the rows."""

import pandas as pd
import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.japan import interventions
from treasury_watch.transforms.model import Source

SOURCE = Source(
    id="mof", title="", publisher="", url="", layout="mof", holds="interventions", unit="", rhythm="q", precedence=1
)
SELL_USD = "米ドル売り・日本円買い,the US dollar (sold) the Japanese yen (bought)"
BUY_USD = "日本円売り・米ドル買い,the Japanese yen (sold) the US dollar (bought)"
TITLES = [
    "外国為替平衡操作の実施状況,,,Foreign Exchange Intervention Operations,,,,,",
    ",,,Intervention Date,,,,,",
    "年,月,日,Year,Month,Day,Amount (100 million yen),売買通貨,Currencies",
    ",,,,,,,,",
]
ROWS_1991 = [
    f"平成3年,5月,13日,1991,May,13,139,{SELL_USD}",
    f",6月,10日,,Jun,10,211,{SELL_USD}",
    "平成3年4〜6月期計,,,April - June 1991,,,350,,",
]


def file(*rows, titles=TITLES):
    # The wave dash of the Japanese labels has two code points; cp932 can write only one.
    return "\r\n".join([*titles, *rows, ""]).replace("〜", "～").encode("cp932")


def parsed(*rows, titles=TITLES):
    return interventions.parse(file(*rows, titles=titles), SOURCE).table


def test_the_first_rows_are_read_in_millions_of_yen():
    table = parsed(*ROWS_1991)
    assert table.columns.tolist() == ["country", "date", "amount_jpy_mn", "pair", "direction", "line"]
    assert table.values.tolist() == [
        ["Japan", pd.Timestamp("1991-05-13"), 13900.0, "USD/JPY", "sell USD", 5],
        ["Japan", pd.Timestamp("1991-06-10"), 21100.0, "USD/JPY", "sell USD", 6],
    ]
    assert table["date"].dtype == "datetime64[us]"


def test_year_and_month_are_carried_forward_until_they_change():
    table = parsed(
        *ROWS_1991,
        f"平成4年,1月,17日,1992,Jan,17,62,{SELL_USD}",
        f",,20日,,,20,10,{SELL_USD}",
        f",2月,17日,,Feb.,17,5,{SELL_USD}",
        "平成4年1〜3月期計,,,January - March 1992,,,77,,",
        f",9月,2日,,Sept.,2,8,{SELL_USD}",
        "平成4年7〜9月期計,,,July - September 1992,,,8,,",
    )
    assert table["date"].dt.strftime("%Y-%m-%d").tolist()[2:] == [
        "1992-01-17",
        "1992-01-20",
        "1992-02-17",
        "1992-09-02",
    ]


def test_thousands_commas_full_width_digits_blank_cells_and_extra_columns_are_read():
    table = parsed(
        f'令和6年,4月,29日,２０２４,Ａｐｒ．,２９,"５９，１８５",{SELL_USD},,',
        f'　,5月,1日,,May,1,"38,700",{SELL_USD}',
        ",,,,,,,,,,",
        '令和6年4〜6月期計,,,April　-　June 2024,,,"97,885"',
    )
    assert table["amount_jpy_mn"].tolist() == [5918500.0, 3870000.0]
    assert table["date"].tolist() == [pd.Timestamp("2024-04-29"), pd.Timestamp("2024-05-01")]


def test_several_pairs_of_one_day_stay_apart_and_the_direction_names_the_foreign_currency():
    table = parsed(
        f"平成12年,9月,22日,2000,Sept,22,100,{BUY_USD}",
        ",,,,,22,1440,日本円売り・ユーロ買い,the Japanese yen (sold) the euro (bought)",
        ",,,,,25,7,円買い,the Japanese yen (bought) the US dollar (sold)",
        ",,,,,26,9,,the Japanese yen (sold) the Deutsche Mark (bought)",
        ",,,,,27,3,,the US dollar (sold) the Indonesian rupiah (bought)",
        "平成12年7〜9月期計,,,July - September 2000,,,1559,,",
    )
    assert table["pair"].tolist() == ["JPY/USD", "JPY/EUR", "USD/JPY", "JPY/DEM", "USD/IDR"]
    assert table["direction"].tolist() == ["buy USD", "buy EUR", "sell USD", "buy DEM", "sell USD"]
    assert table["date"].dt.day.tolist() == [22, 22, 25, 26, 27]


@pytest.mark.parametrize("nothing", ["0", "-", "－", "―", "", "nil"])
def test_a_quarter_without_operations_may_say_so_in_any_way(nothing):
    assert len(parsed(*ROWS_1991, f"平成3年7〜9月期計,,,July - September 1991,,,{nothing},-,－")) == 2


@pytest.mark.parametrize(
    "label",
    [
        "April - June 1991",
        "Apr.-Jun. 1991",
        "April ～ June, 1991",
        "April 1991 - June 1991",
        "April to June 1991 total",
    ],
)
def test_a_total_is_known_by_its_period_however_it_is_written(label):
    with pytest.raises(LayoutError, match="total of 1991-04 to 1991-06"):
        parsed(*ROWS_1991[:2], f'平成3年,,,"{label}",,,351000,,')
    assert len(parsed(*ROWS_1991[:2], f'平成3年,,,"{label}",,,350,,')) == 2


def test_footnotes_are_passed_over_wherever_they_stand():
    notes = [
        "(注1) 約定日ベース,,,,,,,,",
        '"(Note 1) For April - June 1991, by trade date",,,,,,,,',
        "Note: one, two, three, four, five, six, seven, eight, nine, ten",
        ",,,Source: Ministry of Finance,,,,,",
        "※ 速報,,,,,,,,",
        "財務省,,,,,,,,",
    ]
    assert len(parsed(*ROWS_1991, *notes)) == 2


def test_a_note_mark_does_not_hide_a_row_that_states_an_operation():
    with pytest.raises(LayoutError, match="sum of its 2 rows"):
        parsed(ROWS_1991[0], "※" + ROWS_1991[1], "平成3年,,,April - June 1991,,,139,,")


def test_rounding_of_several_rows_is_no_mismatch():
    table = parsed(
        f'令和4年,10月,21日,2022,Oct,21,"56,202",{SELL_USD}',
        f',,24日,,,24,"7,296",{SELL_USD}',
        '令和4年10〜12月期計,,,October - December 2022,,,"63,499",,',
    )
    assert table["amount_jpy_mn"].sum() == 6349800.0


def test_a_total_of_one_row_allows_no_rounding():
    with pytest.raises(LayoutError, match=r"line 6.*expected 139.*found 140"):
        parsed(ROWS_1991[0], "平成3年,,,April - June 1991,,,140,,")


def test_a_total_before_its_rows_checks_them_too():
    with pytest.raises(LayoutError, match=r"expected 350, the sum of its 2 rows, found 400"):
        parsed("平成3年,,,April - June 1991,,,400,,", *ROWS_1991[:2])


@pytest.mark.parametrize("title", ["(億円)", "(Unit: 100 million yen)", ""])
def test_the_unit_may_stand_in_the_titles_or_nowhere_when_the_heading_names_none(title):
    titles = [TITLES[0], f",,,,,,{title},,", TITLES[2].replace("Amount (100 million yen)", "金額(amount)")]
    assert parsed(*ROWS_1991, titles=titles)["amount_jpy_mn"].tolist() == [13900.0, 21100.0]


def test_another_unit_in_the_titles_is_refused_when_the_heading_names_none():
    titles = [TITLES[0], ",,,,,,(百万円: million yen),,", TITLES[2].replace("Amount (100 million yen)", "Amount")]
    with pytest.raises(LayoutError, match="expected an amount in 100 million yen"):
        parsed(*ROWS_1991, titles=titles)


def test_an_amount_that_can_only_be_in_a_smaller_unit_is_refused():
    with pytest.raises(LayoutError, match=r"line 5, amount: .*found 5,918,500; the unit may have changed"):
        parsed(
            f"令和6年,4月,29日,2024,Apr,29,5918500,{SELL_USD}",
            "令和6年4〜6月期計,,,April - June 2024,,,5918500,,",
        )


@pytest.mark.parametrize(
    "heading", ["Amount (in 100 million yen)", "総額（億円）", "Amount (￥100 million)", "Amount\\100million"]
)
def test_every_wording_of_the_unit_is_read(heading):
    titles = [*TITLES[:2], TITLES[2].replace("Amount (100 million yen)", heading)]
    assert len(parsed(*ROWS_1991, titles=titles)) == 2


@pytest.mark.parametrize("heading", ["Amount (million yen)", "Amount (billion yen)", "Amount (100 million dollars)"])
def test_another_unit_is_refused(heading):
    titles = [*TITLES[:2], TITLES[2].replace("Amount (100 million yen)", heading)]
    with pytest.raises(LayoutError, match=r"line 3, column 7: expected an amount in 100 million yen"):
        parsed(*ROWS_1991, titles=titles)


@pytest.mark.parametrize(
    ("rows", "place", "found"),
    [
        ([f"平成3年,5月,13日,1991,Mai,13,139,{SELL_USD}"], "line 5, Month", "Mai"),
        ([f"平成3年,5月,13日,,May,13,139,{SELL_USD}"], "line 5, Year", "nothing"),
        ([f"平成3年,5月,13日,1991,,13,139,{SELL_USD}"], "line 5, Month", "nothing"),
        ([f"平成3年,5月,13日,H3,May,13,139,{SELL_USD}"], "line 5, Year", "H3"),
        ([f"平成3年,5月,32日,1991,May,32,139,{SELL_USD}"], "line 5, Day", "32"),
        ([f"平成3年,5月,13日,1991,May,?,139,{SELL_USD}"], "line 5, Day", "?"),
        ([f"平成3年,5月,13日,1991,May,13,,{SELL_USD}"], "line 5, amount", "''"),
        ([f"平成3年,5月,13日,1991,May,13,-139,{SELL_USD}"], "line 5, amount", "-139"),
        ([f"平成3年,5月,13日,1991,May,13,13.9,{SELL_USD}"], "line 5, amount", "13.9"),
        ([f'平成3年,5月,13日,1991,May,13,"1,39",{SELL_USD}'], "line 5, amount", "1,39"),
        ([f"平成3年,5月,13日,1991,May,13,{'9' * 5000},{SELL_USD}"], "line 5, amount", "999"),
        (["平成3年,5月,13日,1991,May,13,139,,"], "line 5, pair", "''"),
        (["平成3年,5月,13日,1991,May,13,139,,the US dollar (sold)"], "line 5, pair", "US dollar"),
        (["平成3年,5月,13日,1991,May,13,139,,the US dollar (sold) the gold (bought)"], "line 5, pair", "gold"),
        (["平成3年,5月,13日,1991,May,13,139,,the yen (sold) the yen (bought)"], "line 5, pair", "yen"),
        ([f"平成3年,5月,13日,1991,May,,139,{SELL_USD}"], "line 5", "139"),
        (["平成3年,5月,,1991,May,,,,"], "line 5", "1991"),
        ([*ROWS_1991[:2], "合計,,,Fiscal year 1991,,,350,,"], "line 7", "Fiscal year"),
        ([*ROWS_1991[:2], "計,,,June - April 1991,,,350,,"], "line 7", "June - April"),
        ([*ROWS_1991[:2], f"平成3年,5月,14日,1991,May,14,139,{SELL_USD}"], "line 7", "1991-05-14"),
        ([*ROWS_1991[:2], f",,10日,,,10,5,{SELL_USD}"], "line 7", "again"),
        ([ROWS_1991[0] + ",1", ROWS_1991[1], ROWS_1991[2]], "line 5", "10"),
        ([ROWS_1991[0], ROWS_1991[1], ROWS_1991[2].replace("350", "35")], "line 7", "35"),
        ([ROWS_1991[0], ROWS_1991[1], ROWS_1991[2].replace("350", "-")], "line 7", "0"),
        ([ROWS_1991[1].replace(",6月,10日,,", ",6月,10日,1991,"), ROWS_1991[2]], "line 6", "350"),
        ([*ROWS_1991, f"平成4年,1月,17日,1992,Jan,17,62,{SELL_USD}"], "line 8", "none"),
        (["平成3年4〜6月期計,,,April - June 1991,,,0,,"], "whole file", "none"),
        (["(注),,,,,,,,"], "whole file", "none"),
    ],
)
def test_a_row_without_a_clear_meaning_is_refused_with_its_line(rows, place, found):
    with pytest.raises(LayoutError) as refusal:
        parsed(*rows)
    assert refusal.value.source == "mof"
    assert refusal.value.place.startswith(place)
    assert found in refusal.value.found


def test_a_file_cut_within_a_quarter_is_refused():
    whole = file(*ROWS_1991)
    for length in range(len(whole) - len(b"50,,\r\n")):
        with pytest.raises(LayoutError):
            interventions.parse(whole[:length], SOURCE)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "header"),
        (b"<html>\r\n", "header"),
        (file(*ROWS_1991, titles=TITLES[:2]), "header"),
        (file(*ROWS_1991) + b"\x81\r\n", "line 8"),
        (file(*ROWS_1991) + b'"(Note', "line"),
    ],
)
def test_a_file_of_another_kind_or_encoding_is_refused(body, place):
    with pytest.raises(LayoutError) as refusal:
        interventions.parse(body, SOURCE)
    assert refusal.value.place.startswith(place)


def test_the_content_is_recognised_by_its_header_row():
    assert interventions.recognise(file(*ROWS_1991))
    assert interventions.recognise(file(*ROWS_1991)[:300])
    for other in (
        b"",
        b"DATE,DEXJPUS\n2024-01-02,1\n",
        b"Date,USD,JPY,\n",
        "財務省\r\n".encode("cp932"),
        b"PK\x03\x04",
    ):
        assert not interventions.recognise(other)
