"""Japan's totals of interventions over about a month: English and Japanese pages, and what is refused."""

from __future__ import annotations

import dataclasses
from datetime import date

import pandas as pd
import pytest

from tests.conftest import PROJECT
from tests.transforms.tic import OFFICIAL
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.pages.dated_pages import pages_in
from treasury_watch.warehouse.declarations import Declarations

SOURCE = Declarations(PROJECT / "config").source("mof_monthly")
ENGLISH = """<html><head><title>MOF</title><script>var since = "¥ 1 billion";</script></head><body>
<h1>Foreign Exchange Intervention Operations</h1>
<p>Total amount of foreign exchange intervention operations
for the period from {period}</p>
<td>{amount}</td></body></html>"""
JAPANESE = (
    "<html><body><h1>外国為替平衡操作の実施状況（{period}）</h1>\n<p>外国為替平衡操作額　{amount}</p></body></html>"
)


def read(text: str, encoding: str = "utf-8") -> tuple[str, date, float]:
    body = text.encode(encoding)
    (row,) = layouts.parse(body, SOURCE).table.to_dict("records")
    return row["start_date"], row["end_date"].date(), row["amount_jpy_mn"]


def refusal(text: str) -> str:
    with pytest.raises(LayoutError) as raised:
        layouts.parse(text.encode(), SOURCE)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("period", "amount", "expected"),
    [
        (
            "July 30, 2026 through August 26, 2026",
            "&yen;　15,399.3 billion",
            ("2026-07-30", date(2026, 8, 26), 15_399_300),
        ),
        ("August 27, 2026 through September 28, 2026", "¥ 0", ("2026-08-27", date(2026, 9, 28), 0)),
        ("December 29, 2025 to January 28, 2026", "￥ 9,788.5 billion", ("2025-12-29", date(2026, 1, 28), 9_788_500)),
    ],
)
def test_an_english_page_states_a_period_and_billions_of_yen(period, amount, expected):
    text = ENGLISH.format(period=period, amount=amount)
    assert read(text) == expected
    assert layouts.recognised(text.encode()) == "mof_monthly"
    assert layouts.parse(text.encode(), SOURCE).table.loc[0, "line"] == 5


@pytest.mark.parametrize(
    ("period", "amount", "expected"),
    [
        ("令和6年4月26日～令和6年5月29日", "9兆7,885億円", ("2024-04-26", date(2024, 5, 29), 9_788_500)),
        ("令和８年８月２７日から同年９月２８日", "０円", ("2026-08-27", date(2026, 9, 28), 0)),
        ("2026年7月30日〜8月26日", "5,620億円", ("2026-07-30", date(2026, 8, 26), 562_000)),
        ("平成31年4月26日～令和元年5月29日", "1兆円", ("2019-04-26", date(2019, 5, 29), 1_000_000)),
    ],
)
def test_a_japanese_page_states_a_period_and_units_of_trillions_and_hundred_millions(period, amount, expected):
    assert read(JAPANESE.format(period=period, amount=amount)) == expected
    assert layouts.recognised(JAPANESE.format(period=period, amount=amount).encode()) == "mof_monthly"


def test_a_japanese_page_in_shift_jis_is_read_too():
    page = JAPANESE.format(period="令和6年4月26日から令和6年5月29日", amount="9兆7,885億円")
    page = page.replace("<body>", '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">')
    assert layouts.recognised(page.encode("cp932")) == "mof_monthly"
    assert read(page, "cp932") == ("2024-04-26", date(2024, 5, 29), 9_788_500)


def test_what_was_written_down_of_the_page_of_august_2026_is_read():
    page = OFFICIAL.parent / "shapes" / "mof_feio_monthly_20260828e.html"
    if not page.exists():
        pytest.skip("the official files are not here")
    body = page.read_bytes()
    assert layouts.parse(body, SOURCE).table["amount_jpy_mn"].tolist() == [15_399_300]


PERIOD = "July 30, 2026 through August 26, 2026"


@pytest.mark.parametrize(
    ("period", "amount", "words"),
    [
        (PERIOD, "to be announced", "found no amount of money"),
        (PERIOD, "$ 15,399.3 billion", "'$ 15,399.3 billion'"),
        (PERIOD, "¥ 15,399.3 million", "'¥ 15,399.3 million'"),
        (PERIOD, "¥ 15,399.3", "'¥ 15,399.3'"),
        (PERIOD, "¥ 15,399.3 billion</td><td>¥ 9,788.5 billion", "'¥ 15,399.3 billion' and '¥ 9,788.5 billion'"),
        (PERIOD, "¥ 15,39,9.3 billion", "'¥ 15,39,9.3 billion'"),
        (PERIOD, "¥ " + "7" * 40 + " billion", "'¥ 7777"),
        (PERIOD, "7" * 40 + "億円", "found '7777777"),
        (PERIOD, "153,993億ドル", "'153,993億ドル'"),
        ("August 26, 2026 through July 30, 2026", "¥ 0", "a period that ends after its start"),
        ("Juli 30, 2026 through August 26, 2026", "¥ 0", "a period of two days"),
        ("July 30, 2026 through August 36, 2026", "¥ 0", "a period of two days"),
        ("the start of the year", "¥ 0", "it is another page"),
    ],
)
def test_a_page_without_one_total_in_yen_of_a_period_is_refused_in_one_line(period, amount, words):
    message = refusal(ENGLISH.format(period=period, amount=amount))
    assert message.startswith("mof_monthly, ")
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "an empty file"), ("<html><title>Maintenance</title>We are back soon</html>", "We are back soon")],
)
def test_an_empty_answer_and_a_page_of_another_kind_are_refused(text, words):
    assert words in refusal(text)


def test_a_list_names_its_pages_by_their_day_and_the_newest_comes_first():
    listed = b"""<a href="20260731e.html">July</a> <a HREF='/english/feio/monthly/20260828e.html'>August</a>
        <a href="https://elsewhere.example/20260930e.html#top">September</a> <a href="20261332e.html">no day</a>
        <a href="index.html">list</a> <a href="20260828e.html">again</a>"""
    pages = pages_in(listed, "https://mof.example/feio/monthly/index.html")
    assert [(page.day, page.url) for page in pages] == [
        (date(2026, 9, 30), "https://mof.example/feio/monthly/20260930e.html"),
        (date(2026, 8, 28), "https://mof.example/feio/monthly/20260828e.html"),
        (date(2026, 7, 31), "https://mof.example/feio/monthly/20260731e.html"),
    ]


def test_the_source_is_declared_as_a_list_of_pages():
    assert SOURCE.is_page
    assert SOURCE.url.endswith("/feio/monthly/index.html")
    assert SOURCE.judged_by == "age"
    assert not dataclasses.replace(SOURCE, pages=0).is_page
    assert pd.Timestamp(2026, 9, 30) - pd.Timestamp(2026, 8, 26) < pd.Timedelta(days=SOURCE.stale_after_days or 0)
