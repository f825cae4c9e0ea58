"""The chart of a holder's months: what is drawn is where the figures say."""

from datetime import date

import pytest

from treasury_watch.flows.site.charts.holder_months import Box, drawing, reading, steps

LINE, BARS = Box(0, 0, 100, 100), Box(0, 100, 100, 100)


def month(
    number: int, position: float | None, change: float | None, net: float | None = None, price: float | None = None
):
    other = None if net is None or change is None or price is None else change - net - price
    return {"month": date(2024, number, 1), "position_usd_mn": position, "change_usd_mn": change,
            "net_purchases_usd_mn": net, "valuation_usd_mn": price, "other_usd_mn": other}  # fmt: skip


def test_a_month_without_holdings_breaks_the_line() -> None:
    drawn = drawing([month(1, 10000, None), month(2, None, None), month(3, 30000, None)], LINE, BARS)
    assert len(drawn.runs) == 2
    assert drawn.last is not None
    assert drawn.last[3] == "30.0"


def test_more_is_drawn_higher_and_the_marked_months_are_shaded() -> None:
    drawn = drawing([month(1, 10000, None), month(2, 30000, None)], LINE, BARS, [date(2024, 2, 1)])
    heights = [float(point.split(",")[1]) for point in drawn.runs[0].split()]
    assert heights[1] < heights[0]
    assert drawn.mark == (50.0, 50.0)


def test_the_label_of_the_last_point_stands_below_a_line_that_fell_and_above_one_that_rose() -> None:
    fell = drawing([month(1, 30000, None), month(2, 10000, None)], LINE, BARS).last
    rose = drawing([month(1, 10000, None), month(2, 30000, None)], LINE, BARS).last
    assert fell is not None
    assert rose is not None
    assert fell[2] > fell[1]
    assert rose[2] < rose[1]


def test_bars_are_as_long_as_their_amounts_and_sales_hang_below_zero() -> None:
    drawn = drawing([month(1, 10000, -3000, -2000, -1000)], LINE, BARS)
    sold, price = drawn.bars
    assert sold[3] == pytest.approx(2 * price[3], abs=0.2)
    assert sold[1] == drawn.zero
    assert price[1] == pytest.approx(sold[1] + sold[3], abs=0.2)
    assert (sold[4], price[4]) == ("bought", "price")


def test_where_nothing_is_taken_apart_the_change_itself_is_drawn() -> None:
    drawn = drawing([month(1, 10000, -3000)], LINE, BARS)
    assert len(drawn.bars) == 1
    assert drawn.parts == [("Change in holdings", "bought")]


def test_a_reading_says_only_what_is_known() -> None:
    assert reading(month(4, 1126094, -40921)) == "April 2024, USD bn: holdings 1,126.1, change −40.9"


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-84000, 43000), (1011000, 1334000), (5, 5.5)])
def test_steps_are_round_and_few(low: float, high: float) -> None:
    found = steps(low, high)
    assert all(low <= value <= high for value in found)
    assert len(found) <= 6


def test_a_month_without_a_row_keeps_its_place_and_interrupts_the_line() -> None:
    drawn = drawing([month(1, 10000, None), month(2, 20000, None), month(4, 30000, None)], LINE, BARS)
    assert [len(run.split()) for run in drawn.runs] == [2, 1]
    assert [float(point.split(",")[0]) for run in drawn.runs for point in run.split()] == [12.5, 37.5, 87.5]


def test_a_new_survey_basis_interrupts_the_line() -> None:
    rows = [month(1, 10000, None), {**month(2, 20000, None), "series_break": True}, month(3, 30000, None)]
    assert [len(run.split()) for run in drawing(rows, LINE, BARS).runs] == [1, 2]


def test_a_change_beyond_its_parts_and_one_without_parts_are_drawn_within_the_panel() -> None:
    drawn = drawing([month(1, 90000, -3000, -2000, -1000), month(2, 20000, -66000)], LINE, BARS)
    assert len(drawn.changes) == 2
    assert all(BARS.top <= height <= BARS.top + BARS.height for _, _, height in drawn.changes)


def test_other_parts_are_stacked_in_their_own_style_and_months_of_events_are_named() -> None:
    rows = [{**month(1, 10000, -3000), "net_long_term_usd_mn": -3000.0}, month(2, 20000, 10000)]
    parts = {"net_long_term_usd_mn": ("Bonds", "#2b66b5")}
    drawn = drawing(rows[:1], LINE, BARS, parts=parts, dashed=[date(2024, 1, 1), date(2023, 1, 1)])
    assert ([bar[4] for bar in drawn.bars], drawn.parts, drawn.dashed) == (["#2b66b5"], [("Bonds", "#2b66b5")], [50.0])


def test_an_axis_that_would_go_below_zero_begins_there() -> None:
    assert drawing([month(1, 300, None), month(2, 30000, None)], LINE, BARS).from_zero
    assert not drawing([month(1, 29000, None), month(2, 30000, None)], LINE, BARS).from_zero


def test_over_many_years_round_years_are_named_and_over_few_the_months_back_from_the_last() -> None:
    rows = [
        {**month(1, 10000, None), "month": date(year, number, 1)}
        for year in range(2000, 2027)
        for number in range(1, 13)
    ]
    assert [words for _, words in drawing(rows, LINE, BARS).months] == ["2000", "2010", "2020"]
    assert [words for _, words in drawing(rows[-120:], LINE, BARS).months] == ["2018", "2020", "2022", "2024", "2026"]
    assert [words for _, words in drawing(rows[-24:], LINE, BARS).months][-1] == "Dec 2026"
