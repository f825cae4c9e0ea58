"""Japan's flows and reserves: era years, weeks, headings over several records, months to come, identities."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.transforms.layouts import japan_files as files
from tests.transforms.layouts.japan_files import HALF, month, numbers, reserve
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import parse, recognised
from treasury_watch.transforms.layouts.japan.ministry_tables import era_year, tidy
from treasury_watch.warehouse.declarations import Declarations

OFFICIAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "official" / "mof"
official = [
    pytest.mark.official,
    pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not here"),
]
SOURCES = Declarations().sources
WEEK = numbers(HALF * 2)
JANUARY, FEBRUARY = month("2026", "１月", "Jan"), month("(令和8年)", "２月", "Feb")
LONG_TERM_WEEKLY, LONG_TERM_MONTHLY = "japan_net_long_term_debt_weekly", "japan_net_long_term_debt_monthly"


def read(body: bytes, name: str) -> pd.DataFrame:
    return parse(body, SOURCES[name]).table


def values(table: pd.DataFrame, series: str) -> dict[date, float]:
    own = table[table["series_id"] == series]
    return dict(zip(own["date"].dt.date, own["value"], strict=True))


def test_an_era_year_is_the_gregorian_one():
    assert [era_year(text) for text in ("平成12年", "令和元年", "平成31年", "令和8年", "昭和64年", "大化2年", "2026")] == [
        2000, 2019, 2019, 2026, 1989, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("wave", ["\uff5e", "\u301c", "~"])
def test_either_wave_mark_and_full_width_stops_read_alike(wave):
    assert tidy(f"2026．8．2{wave}8．8") == "2026.8.2~8.8"


def test_a_week_is_dated_by_its_sunday_and_a_year_that_ends_in_it_is_printed():
    body = files.week(("2025．12．28～2026．1．3", WEEK), ("2026．1．4～ 1．10", WEEK))
    assert recognised(body) == "japan_flows_weekly"
    assert parse(body, SOURCES["japan_flows_weekly"]).dated == date(2026, 8, 14)
    assert values(read(body, "japan_flows_weekly"), LONG_TERM_WEEKLY) == {
        date(2025, 12, 28): 1000,
        date(2026, 1, 4): 1000,
    }


def test_months_to_come_are_left_out_and_no_zeros():
    body = files.months(JANUARY, FEBRUARY, month("", "３月", "Mar", [""] * 22), month("", "４月", "Apr", [""] * 22))
    assert recognised(body) == "japan_flows_monthly"
    assert values(read(body, "japan_flows_monthly"), LONG_TERM_MONTHLY) == {
        date(2026, 1, 1): 1000,
        date(2026, 2, 1): 1000,
    }


def test_a_year_with_two_eras_is_one_year():
    rows = [month("2019", "１月", "Jan"), month("(平成31年)", "２月", "Feb"), month("", "３月", "Mar"),
            month("", "４月", "Apr"), month("(令和元年)", "５月", "May")]  # fmt: skip
    assert max(values(read(files.months(*rows), "japan_flows_monthly"), LONG_TERM_MONTHLY)) == date(2019, 5, 1)


def test_what_an_investor_did_not_publish_is_left_out_and_columns_are_found_by_their_labels():
    cells = ["-"] * 51
    cells[39:42] = ["5,271", "9,384", "-4,113"]  # life insurers
    body = files.investors(["2026", "1月", "Jan", *cells])
    assert recognised(body) == "japan_flows_by_investor"
    assert read(body, "japan_flows_by_investor")[["series_id", "value"]].values.tolist() == [
        ["japan_life_insurers_net_long_term_debt", -4113.0]
    ]


def test_the_year_of_reserves_comes_from_the_era_once_the_gregorian_one_has_ended():
    january = {**files.AUGUST, 4: 1207525}  # the total may differ from its parts by one
    body = files.reserves(
        reserve("平成12年", "4月", "2000", "Apr", files.AUGUST), reserve("令和8年", "1月", "", "January", january),
        reserve("", "2月", "", "Feburuary", files.AUGUST), reserve("", "3月", "", "March", {}),
    )  # fmt: skip
    assert recognised(body) == "japan_reserves"
    found = values(read(body, "japan_reserves"), "japan_reserves_securities")
    assert found == dict.fromkeys([date(2000, 4, 1), date(2026, 1, 1), date(2026, 2, 1)], 839559.0)


def swapped(body: bytes, old: str, new: str) -> bytes:
    assert old.encode("cp932") in body
    return body.replace(old.encode("cp932"), new.encode("cp932"), 1)


WEEKS = files.week(("2026．7．26～8．1", WEEK), ("2026．8．2～8．8", WEEK))
MONTHS = files.months(JANUARY, FEBRUARY, month("", "３月", "Mar", [""] * 22))
INVESTORS = files.investors(["2026", "1月", "Jan", *["10", "4", "6"] * 17])
RESERVES = files.reserves(reserve("令和8年", "8月", "", "August", files.AUGUST), reserve("", "9月", "", "Sept", {}))
HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Sorry</body></html>"
BAD = {
    "weeks in another unit": (
        "japan_flows_weekly",
        swapped(WEEKS, "100 million Yen", "1 billion Yen"),
        "unit: expected Unit: 100 million Yen",
    ),
    "weeks without a unit": (
        "japan_flows_weekly",
        files.week(("2026．8．2～8．8", WEEK), unit="").replace("単位： 億円".encode("cp932"), b""),
        "no unit",
    ),
    "weeks without a column": (
        "japan_flows_weekly",
        swapped(WEEKS, " Long-term debt securities", "Debt"),
        "a column long-term debt securities of residents'",
    ),
    "a week left out": (
        "japan_flows_weekly",
        files.week(("2026．7．19～7．25", WEEK), ("2026．8．2～8．8", WEEK)),
        "the week from 2026-07-26",
    ),
    "a week of eight days": (
        "japan_flows_weekly",
        files.week(("2026．8．2～8．9", WEEK)),
        "a Sunday to the Saturday after it",
    ),
    "a week to come": (
        "japan_flows_weekly",
        files.week(("2026．8．9～8．15", WEEK)),
        "a week that ended before the update of 2026-08-14",
    ),
    "a week that does not add up": (
        "japan_flows_weekly",
        files.week(("2026．8．2～8．8", numbers([*HALF[:10], 900, *HALF]))),
        "total of residents' foreign securities: expected the sum of its parts",
    ),
    "a net that is none": (
        "japan_flows_weekly",
        files.week(("2026．8．2～8．8", numbers([10, 8, 20, *HALF[3:], *HALF]))),
        "acquisition - disposition = net",
    ),
    "two days of update": (
        "japan_flows_weekly",
        swapped(WEEKS, "令和8年8月14日", "令和8年8月21日"),
        "final update: expected 2026-08-21",
    ),
    "months in another unit": (
        "japan_flows_monthly",
        swapped(MONTHS, "100 mil Yen", "1 mil Yen"),
        "the unit may have changed",
    ),
    "months without a column": (
        "japan_flows_monthly",
        swapped(MONTHS, "Short-term debt securities", "Bills"),
        "a column short-term debt securities",
    ),
    "a figure of a month to come": (
        "japan_flows_monthly",
        files.months(JANUARY, FEBRUARY, updated="February 10, 2026"),
        "a month before the update of 2026-02-10",
    ),
    "figures after an empty month": (
        "japan_flows_monthly",
        files.months(JANUARY, month("", "２月", "Feb", [""] * 22), month("", "３月", "Mar")),
        "no figures after 2026-02",
    ),
    "half a month": (
        "japan_flows_monthly",
        files.months(month("2026", "１月", "Jan", [*numbers(HALF), *[""] * 5, *numbers(HALF)[5:]])),
        "all three figures or none",
    ),
    "another era than the year": (
        "japan_flows_monthly",
        files.months(JANUARY, month("(令和7年)", "２月", "Feb")),
        "year: expected 2026",
    ),
    "an era that is not known": (
        "japan_flows_monthly",
        files.months(JANUARY, month("(安久2年)", "２月", "Feb")),
        "a new era is added to ERAS",
    ),
    "a month twice": (
        "japan_flows_monthly",
        files.months(JANUARY, month("2026", "１月", "Jan")),
        "expected 2026-02, found 2026-01",
    ),
    "investors without a column": (
        "japan_flows_by_investor",
        swapped(INVESTORS, "Life Insurance Companies", "Insurers"),
        "one column lifeinsurancecompanies or 生命保険会社",
    ),
    "investors that do not add up": (
        "japan_flows_by_investor",
        files.investors(["2026", "1月", "Jan", *["10", "4", "9"] * 17]),
        "acquisition - disposition = net",
    ),
    "reserves in dollars": (
        "japan_reserves",
        swapped(swapped(RESERVES, "（US$ millions)", "（US$)"), "（単位：百万ドル）", ""),
        "unit: expected US$ millions",
    ),
    "reserves without a month": ("japan_reserves", files.reserves(), "a month such as"),
    "reserves in billions": (
        "japan_reserves",
        swapped(RESERVES, "US$ millions", "US$ billions"),
        "unit: expected US$ millions",
    ),
    "reserves without a column": (
        "japan_reserves",
        swapped(RESERVES, "(a) Securities", "(a) Loans"),
        "one column (a)securities",
    ),
    "reserves that do not add up": (
        "japan_reserves",
        files.reserves(reserve("令和8年", "8月", "", "August", {**files.AUGUST, 8: 155418})),
        "foreign currency: expected the sum of its parts",
    ),
    "a reserve of a new era": (
        "japan_reserves",
        files.reserves(reserve("安久元年", "1月", "", "January", files.AUGUST)),
        "a new era is added to ERAS",
    ),
    "a January without a year": (
        "japan_reserves",
        files.reserves(
            reserve("令和8年", "8月", "", "August", files.AUGUST), reserve("", "1月", "", "January", files.AUGUST)
        ),
        "a year of the era beside January",
    ),
    "two years of one January": (
        "japan_reserves",
        files.reserves(reserve("平成12年", "4月", "2001", "Apr", files.AUGUST)),
        "year: expected 2000",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_not_as_it_should_be_is_refused_in_one_line_that_says_where(what):
    name, body, words = BAD[what]
    with pytest.raises(LayoutError) as refusal:
        parse(body, SOURCES[name])
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(f"{name}, ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [name for name in SOURCES if SOURCES[name].layout.startswith("japan_")])
@pytest.mark.parametrize(
    ("body", "words"), [(HTML, "web page titled 'Maintenance'"), (b"", "an empty file"), (b"\x81", "cp932")]
)
def test_a_web_page_an_empty_file_and_other_bytes_are_refused(name, body, words):
    with pytest.raises(LayoutError, match=words):
        parse(body, SOURCES[name])


class TestTheOfficialFiles:
    pytestmark = official

    def test_all_weeks_are_read_and_their_identities_hold(self):
        found = values(read((OFFICIAL / "week.csv").read_bytes(), "japan_flows_weekly"), LONG_TERM_WEEKLY)
        assert (len(found), min(found), max(found)) == (1127, date(2005, 1, 2), date(2026, 8, 2))
        assert (found[date(2005, 1, 2)], found[date(2026, 8, 2)]) == (8878, 16294)

    def test_all_months_are_read_and_the_two_tables_agree(self):
        found = values(read((OFFICIAL / "montha1.csv").read_bytes(), "japan_flows_monthly"), LONG_TERM_MONTHLY)
        assert (len(found), min(found), max(found)) == (259, date(2005, 1, 1), date(2026, 7, 1))
        assert (found[date(2026, 7, 1)], found[date(2005, 1, 1)]) == (3657, 5888)

    def test_nine_types_of_investor_are_read(self):
        table = read((OFFICIAL / "monthb3.csv").read_bytes(), "japan_flows_by_investor")
        assert table.groupby("series_id").size().tolist() == [259] * 9
        assert values(table, "japan_life_insurers_net_long_term_debt")[date(2005, 1, 1)] == -4113

    def test_reserves_are_read_over_the_change_of_layout(self):
        table = read((OFFICIAL / "historical_sample.csv").read_bytes(), "japan_reserves")
        found = values(table, "japan_reserves_securities")
        assert (len(found), min(found), max(found)) == (14, date(2000, 4, 1), date(2026, 8, 1))
        assert found[date(2026, 8, 1)] - found[date(2026, 7, 1)] == -87773

    def test_foreign_currency_is_securities_and_deposits_in_all_85_months_at_hand(self):
        table = pd.read_csv(OFFICIAL.parent / "tables" / "japan_reserves_monthly_2019_2026.tsv", sep="\t", comment="#")
        rows = []
        for number, row in enumerate(table.itertuples()):
            year, own = (int(part) for part in row.month.split("-"))
            era = "令和元年" if year == 2019 else f"令和{year - 2018}年"
            other = row.official_reserve_assets - row.foreign_currency - row.gold_value
            figures = {4: row.official_reserve_assets, 5: row.foreign_currency, 6: row.securities, 8: row.deposits,
                       16: row.gold_value, 18: other}  # fmt: skip
            rows.append(reserve(era if own == 1 or not number else "", f"{own}月", "", "", figures))
        found = read(files.reserves(*rows), "japan_reserves")
        assert found.groupby("series_id").size().tolist() == [85] * 5
