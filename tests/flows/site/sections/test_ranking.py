"""The ranking of holders: changes on the month and the year, and net purchases of the newest month that has them."""

from datetime import date
from typing import Any

import duckdb

from tests.flows.site.page_data import fill, month_row
from treasury_watch.flows.site.sections.ranking import content

MONTHS = [date(2023 + n // 12, n % 12 + 1, 1) for n in range(14)]  # January 2023 to February 2024
NEWEST = MONTHS[-1]


def ranked(rows: list[dict[str, Any]]) -> dict[str, Any]:
    with duckdb.connect() as connection:
        fill(connection, {"holder_months": rows})
        return content(connection, NEWEST)


def rows_of(holder: str, first: float, **last: Any) -> list[dict[str, Any]]:
    """Holdings that rise by 1,000 a month; net purchases of 100 a month until the month before the newest."""
    rows = [
        month_row(holder, holder.title(), f"{month}", first + 1000 * n, 1000.0, 100.0, 60.0, 40.0, 900.0, 0.0)
        for n, month in enumerate(MONTHS)
    ]
    unknown = dict.fromkeys(
        ["net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn"]
    )
    return [*rows[:-1], {**rows[-1], **unknown, **last}]


def test_the_largest_come_first_with_their_change_on_the_year() -> None:
    found = ranked([*rows_of("norway", 5_000), *rows_of("japan", 90_000)])
    assert [(row["holder"], row["position_usd_mn"], row["change_on_year_usd_mn"]) for row in found["ranking"]] == [
        ("Japan", 103_000, 12_000), ("Norway", 18_000, 12_000),
    ]  # fmt: skip


def test_net_purchases_are_of_the_newest_month_that_most_holders_have() -> None:
    found = ranked(
        [*rows_of("norway", 5_000), *rows_of("japan", 90_000), *rows_of("spain", 1_000, net_purchases_usd_mn=7.0)]
    )
    assert found["flow_month"] == date(2024, 1, 1)
    assert {(row["net_purchases_usd_mn"], row["net_of_year_usd_mn"]) for row in found["ranking"]} == {(100, 1200)}


def test_a_year_with_an_unknown_month_or_a_new_survey_basis_has_no_sum_and_no_change() -> None:
    rows = rows_of("norway", 5_000)
    rows[5] = {**rows[5], "net_purchases_usd_mn": None, "series_break": True}
    [row] = ranked(rows)["ranking"]
    assert row["net_of_year_usd_mn"] is None
    assert row["change_on_year_usd_mn"] is None
    assert row["position_usd_mn"] == 18_000


def test_no_figures_make_no_ranking() -> None:
    assert ranked([]) == {"ranking": [], "flow_month": None}
