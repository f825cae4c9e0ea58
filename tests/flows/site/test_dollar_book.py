"""The dollar book on the page: a holder's Treasuries, agency bonds, corporate bonds and shares, with the last year's flows."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.flows.site.page_data import GENERATED, Reading, fill, month_row
from treasury_watch.flows.site.page import render
from treasury_watch.flows.site.sections.dollar_book import AMOUNTS, dollar_books
from treasury_watch.transforms.months import shifted

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)


def of_security(security: str, months: int, position: float, net: float | None = 1.0) -> list[dict[str, Any]]:
    """A security's months up to April 2024, each with the same figures."""
    common = {"holder_id": "japan", "security": security, "position_usd_mn": position, "net_purchases_usd_mn": net}
    return [{**common, "month": shifted(APRIL, -back).isoformat()} for back in range(months)]


@pytest.fixture
def connection():
    """Japan's year to April 2024, and a May of which only the holdings of Treasuries are known yet."""
    bills = [
        {**month_row("japan", "Japan", shifted(APRIL, -back).isoformat(), 1126094), "short_term_usd_mn": 90_000.0}
        | {"net_short_term_usd_mn": -100.0}
        for back in range(13)
    ]
    with duckdb.connect() as opened:
        content = {
            "holder_months": [*bills, month_row("japan", "Japan", "2024-05-01", 1105953)],
            "securities_months": [
                *of_security("treasury", 13, 1_036_000, -2_000.0),
                *of_security("agency", 13, 262_000, 500.0),
                *of_security("corporate", 11, 314_021, 10.0),
                *of_security("equity", 13, 1_089_000, 3_000.0),
                {"holder_id": "japan", "security": "treasury", "month": "2024-05-01", "position_usd_mn": 1.0},
                {"holder_id": "belgium", "security": "treasury", "month": "2024-04-01", "position_usd_mn": 2.0},
            ],
        }
        fill(opened, content)
        yield opened


def test_net_purchases_are_summed_over_twelve_months_and_unknown_where_one_is(connection):
    book = dollar_books(connection, ["japan", "belgium"], MAY)["japan"]
    assert book["month"] == APRIL
    assert {line["security"]: tuple(line[name] for name in AMOUNTS) for line in book["lines"]} == {
        "treasury": (1_036_000, -2_000, -24_000),
        "bills": (90_000, -100, -1_200),
        "agency": (262_000, 500, 6_000),
        "corporate": (314_021, 10, None),
        "equity": (1_089_000, 3_000, 36_000),
    }
    assert tuple(book["total"][name] for name in AMOUNTS) == (2_791_021, 1_410, None)


def test_a_holder_without_other_securities_and_an_older_database_have_no_book(connection):
    assert list(dollar_books(connection, ["japan", "belgium"], MAY)) == ["japan"]
    assert dollar_books(connection, ["japan"], date(2023, 1, 1)) == {}
    connection.execute("DROP TABLE securities_months")
    assert dollar_books(connection, ["japan"], MAY) == {}


def test_the_page_shows_the_book_with_its_month_and_exact_figures(connection):
    reading = Reading(render(connection, generated=GENERATED))
    assert "All its U.S. securities, April 2024" in reading.text
    cells = {
        (cell["data-security"], cell["data-column"]): (cell["data-usd-mn"], cell["text"].strip())
        for cell in reading.cells
        if "data-security" in cell
    }
    assert len(cells) == 6 * 3
    assert cells["equity", "net_of_year_usd_mn"] == ("36000", "+36.0")
    assert cells["treasury", "net_purchases_usd_mn"] == ("-2000", "\N{MINUS SIGN}2.0")
    assert cells["corporate", "net_of_year_usd_mn"] == ("", "n.a.")
    assert cells["all", "position_usd_mn"] == ("2791021", "2,791.0")
