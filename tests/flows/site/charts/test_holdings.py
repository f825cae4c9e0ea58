"""Charts of holdings: what stands at the ends of the lines, where lines are interrupted, what is told in words."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from xml.etree import ElementTree

import duckdb
import pytest

from tests.flows.site.page_data import fill, month_row
from treasury_watch.flows.site.charts import documents
from treasury_watch.flows.site.charts.holdings import ALL, TWO_YEARS, headline, holdings_chart
from treasury_watch.flows.site.charts.line_chart import NARROW, TOP, WIDE, Line, draw, ticks
from treasury_watch.flows.site.sections.opening import share_chart, totals_chart

MONTHS = [date(2020 + n // 12, n % 12 + 1, 1) for n in range(60)]


def line(*values: float, name: str = "Norway", breaks: frozenset[date] = frozenset()) -> Line:
    return Line(
        name, documents.BLUE, {month: (v, f"${v}bn") for month, v in zip(MONTHS, values, strict=False)}, (), breaks
    )


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rows = [month_row("norway", "Norway", f"{month}", 100_000 + 1000 * n) for n, month in enumerate(MONTHS)]
    with duckdb.connect() as made:
        fill(
            made,
            {"holder_months": rows, "aggregate_months": [month_row("grand_total", "Grand Total", "2024-01-01", 1)]},
        )
        yield made


def test_the_ranges_end_in_the_newest_month_and_begin_where_they_say(connection) -> None:
    chart = holdings_chart(connection, "norway")
    assert [(span.key, json.loads(drawn[0].hover)["series"][0]["shown"][0]) for span, drawn in chart.drawn] == [
        ("2y", "$136.0bn"), ("10y", "$100.0bn"), ("all", "$100.0bn"),
    ]  # fmt: skip
    assert all("$159.0bn" in drawn[0].svg for _, drawn in chart.drawn)
    assert chart.headline == "Norway holds $159.0bn, the most since these figures began in January 2020"


def test_any_total_has_a_chart_and_an_unknown_holder_none(connection) -> None:
    assert holdings_chart(connection, "grand_total", ranges=(ALL,)) is not None
    assert holdings_chart(connection, "atlantis") is None


def test_sizes_and_ranges_are_drawn_as_asked_for(connection) -> None:
    chart = holdings_chart(connection, "norway", ranges=(TWO_YEARS,), sizes=(WIDE, NARROW), until=date(2022, 12, 1))
    [(span, drawn)] = chart.drawn
    assert (span, len(drawn)) == (TWO_YEARS, 2)
    assert f'viewBox="0 0 {WIDE.width} {WIDE.height}"' in drawn[0].svg
    assert "$135.0bn in December 2022" in drawn[1].alt


def drawn_parts(svg: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(tag))


def runs_of(svg: str) -> list[str]:
    return [path.attrib["d"] for path in drawn_parts(svg, "path") if path.attrib.get("stroke", "").startswith("#")]


def test_the_chart_is_well_formed_names_no_address_and_escapes_its_labels() -> None:
    svg = draw([Line("A&B", documents.BLUE, {MONTHS[0]: (1.0, "$1bn"), MONTHS[1]: (2.0, "<2>")}, ("A&B",))]).svg
    assert [part.text for part in drawn_parts(svg, "tspan")] == ["A&B", "<2>"]
    assert "http" not in svg


def test_months_and_amounts_stand_where_they_are() -> None:
    chart = draw([line(0, 50, 100)], NARROW)
    [run] = runs_of(chart.svg)
    points = [tuple(map(float, point.split(","))) for point in run.removeprefix("M").split()]
    assert [x for x, _ in points] == pytest.approx([0, points[2][0] / 2, points[2][0]], abs=0.1)
    assert points[2][0] == pytest.approx((chart.right - chart.left) * NARROW.width, abs=0.1)
    assert [y for _, y in points] == pytest.approx([points[0][1], points[0][1] / 2, 0], abs=0.1)
    told = [part.text for part in drawn_parts(chart.svg, "text") if part.text]
    assert told == ["0", "25", "50", "75", "100", "Jan 2020"]


def test_a_span_of_years_names_years_alone_and_no_more_than_fit() -> None:
    told = [part.text for part in drawn_parts(draw([line(*range(60))]).svg, "text") if part.text]
    assert told[-5:] == ["2020", "2021", "2022", "2023", "2024"]


def test_a_line_is_interrupted_by_a_new_survey_basis_and_by_a_missing_month() -> None:
    whole, broken = draw([line(1, 2, 3, 4)]), draw([line(1, 2, 3, 4, breaks=frozenset([MONTHS[2]]))])
    runs = [len(runs_of(d.svg)) for d in (whole, broken)]
    gap = draw([Line("Norway", documents.BLUE, {month: (1.0, "$1bn") for month in (MONTHS[0], MONTHS[1], MONTHS[3])})])
    assert [*runs, len(runs_of(gap.svg))] == [1, 2, 2]
    assert runs_of(gap.svg)[1].endswith("h0")  # a month alone is a dot


def test_labels_of_lines_that_end_together_stand_apart_and_within_the_chart() -> None:
    for values in ((5, 10), (10, 5), (5, 5)):
        svg = draw([line(*values, name=name) for name in "abc"]).svg
        places = sorted(float(part.attrib["y"]) for part in drawn_parts(svg, "tspan"))
        assert min(after - before for before, after in pairwise(places)) >= 15
        assert places[-1] < NARROW.height - TOP


def test_an_axis_begins_at_zero_unless_that_would_flatten_the_chart() -> None:
    assert ticks(300, 1100) == [0, 500, 1000, 1500]
    assert ticks(1060, 1240) == [1050, 1100, 1150, 1200, 1250]
    assert ticks(-20, 30)[0] == -20
    assert draw([line(300, 1100)]).from_zero
    assert not draw([line(1060, 1240)]).from_zero


def test_the_words_give_first_last_highest_and_lowest() -> None:
    words = draw([line(5, 9, 2, 7)]).alt
    assert words == (
        "Norway: from $5bn in January 2020 to $7bn in April 2020; highest $9bn in February 2020 and lowest $2bn in March 2020."
    )


def test_the_title_says_how_far_a_holder_is_from_its_peak() -> None:
    rows = [{"month": month, "position_usd_mn": 1000.0 * v} for month, v in zip(MONTHS, (80, 100, 75), strict=False)]
    assert headline("Japan", rows) == "Japan's holdings of $75.0bn are 25% below their peak of February 2020"


def test_the_titles_of_total_and_share_are_made_of_the_figures() -> None:
    def rows(*amounts: float) -> list[dict]:
        return [
            {"month": month, "position_usd_mn": 1000.0 * amount, "series_break": False}
            for month, amount in zip(MONTHS, amounts, strict=False)
        ]

    total, official = rows(100, 100, 100, 100), rows(70, 60, 45, 40)
    assert totals_chart(total, official).headline == (
        "Foreign holders other than officials have held more Treasuries than officials since March 2020"
    )
    assert (
        share_chart(total, official).headline
        == "Foreign official institutions hold 40.0% of foreigners' Treasuries, down from 70.0% in January 2020"
    )
    alt_text = totals_chart(total, official).drawn[0][1][0].alt
    assert "Other holders: from $30.0bn in January 2020 to $60.0bn in April 2020" in alt_text


def test_titles_compare_nothing_across_a_new_survey_basis() -> None:
    def rows(*amounts: float) -> list[dict]:
        return [
            {"month": month, "holder": "Japan", "position_usd_mn": 1000.0 * amount, "series_break": place == 2}
            for place, (month, amount) in enumerate(zip(MONTHS, amounts, strict=False))
        ]

    total, official = rows(100, 100, 100, 100), rows(70, 60, 45, 40)
    assert totals_chart(total, official).headline.endswith("than officials")
    assert share_chart(total, official).headline.endswith("down from 45.0% in March 2020")
    assert (
        headline("Japan", rows(80, 100, 75, 60)) == "Japan's holdings of $60.0bn are 20% below their peak of March 2020"
    )


def test_every_colour_of_lines_stands_out_from_a_white_and_from_a_dark_ground() -> None:
    from tests.flows.site.charts.test_holder_changes import contrast

    for colour in (documents.BLUE, documents.ORANGE, documents.GREY):
        assert contrast(colour, "#ffffff") >= 3
        assert contrast(colour, "#14181d") >= 3
