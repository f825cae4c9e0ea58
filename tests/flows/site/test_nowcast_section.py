"""The page's section between releases: estimates as estimates, and the record as a chart."""

from datetime import date
from typing import Any

import altair as alt
import duckdb
import pytest

from tests.flows.site.page_data import DECLARED, FULL, GENERATED, Reading, fill
from treasury_watch.flows.site import nowcast_section
from treasury_watch.flows.site.page import render

REPLAYED = [
    {
        "target": "official_holdings", "month": f"2024-0{n}-01", "made": f"2024-0{n + 1}-11", "made_on": "last_thursday",
        "nowcast_basis": "replay", "due": f"2024-0{n + 1}-18", "estimate_usd_mn": -20_000.0 * n,
        "low_usd_mn": -20_000.0 * n - 25_000, "high_usd_mn": -20_000.0 * n + 25_000,
        "learned_until": "2023-12-01", "model": "level 1.0",
    }
    for n in (3, 4)
]  # fmt: skip
SCORES = [
    {**{key: row[key] for key in ("target", "month", "made", "estimate_usd_mn")}, "method": "nowcast",
     "print_usd_mn": row["estimate_usd_mn"] + error, "error_usd_mn": error, "print_basis": "latest_vintage", "inside": inside}
    for row, error, inside in zip(REPLAYED, (10_000.0, 40_000.0), (True, False), strict=True)
]  # fmt: skip
OPEN = {**REPLAYED[0], "target": "official_net_purchases", "month": "2024-06-01", "made": "2024-07-18", "due": "2024-08-15",
        "nowcast_basis": "made", "made_on": "today", "custody_change_usd_mn": -40_000.0}  # fmt: skip


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    with duckdb.connect() as connection:
        fill(connection, {"nowcasts": [*REPLAYED, OPEN], "nowcast_scores": SCORES})
        found: dict[str, Any] = nowcast_section.content(connection, DECLARED, date(2024, 8, 1))["nowcast"]
    return found


def test_the_open_month_is_told_as_an_estimate(content):
    assert [row["words"] for row in content["open"]] == [
        "June 2024 is not out; foreign official institutions probably sold about $60bn, net (80%: -$85bn to -$35bn)."
    ]


def test_the_chart_shows_estimate_interval_and_print_of_each_month(content):
    rows = content["spec"]["datasets"]["official_holdings"]
    assert [(row["month"], row["series"], row["billions"], row.get("low")) for row in rows] == [
        ("2024-03-01", nowcast_section.MADE, -60.0, -85.0),
        ("2024-03-01", nowcast_section.PRINTED, -50.0, None),
        ("2024-04-01", nowcast_section.MADE, -80.0, -105.0),
        ("2024-04-01", nowcast_section.PRINTED, -40.0, None),
    ]
    assert "1 of 2 prints within their interval" in content["described"]


def test_the_chart_is_a_valid_vega_lite_document(content):
    alt.VConcatChart.from_dict({**content["spec"], "description": ""}, validate=True)


def test_a_target_that_is_estimated_and_was_never_published_against_is_said_to_have_no_record(content):
    assert content["without_record"] == ["the net purchases of foreign officials"]


@pytest.mark.parametrize(("fall_usd_mn", "told"), [(60_000.0, True), (20_000.0, False)])
def test_an_estimate_from_a_fall_that_no_earlier_month_had_says_that_it_reaches_beyond_what_it_learned_from(
    fall_usd_mn, told
):
    levels = {"2024-03-01": 1_000_000.0, "2024-04-01": 970_000.0, "2024-05-01": 975_000.0}
    levels["2024-06-01"] = levels["2024-05-01"] - fall_usd_mn
    reserves = DECLARED.toml("nowcast.toml")["signals"]["reserves"]
    signals = [
        {"series_id": reserves, "date": day, "value": value, "known_from": "2024-07-08"}
        for day, value in levels.items()
    ]
    estimate = OPEN | {
        "target": "japan_holdings", "estimate_usd_mn": -30_000.0, "reserves_change_usd_mn": -fall_usd_mn,
        "custody_change_usd_mn": None,
    }  # fmt: skip
    with duckdb.connect() as connection:
        fill(connection, {**FULL, "nowcasts": [*REPLAYED, estimate], "nowcast_scores": SCORES, "signals": signals})
        text = Reading(render(connection, generated=GENERATED)).text
    assert ("No earlier month loaded had so large a fall in these securities" in text) is told
    assert "securities in Japan's reserves" in text


def test_a_database_without_nowcasts_has_no_section():
    with duckdb.connect() as connection:
        assert nowcast_section.content(connection, DECLARED, date(2024, 8, 1)) == {"nowcast": None}


def test_the_page_has_the_section_after_what_happened_with_its_chart():
    with duckdb.connect() as connection:
        fill(connection, {**FULL, "nowcasts": [*REPLAYED, OPEN], "nowcast_scores": SCORES})
        page = render(connection, generated=GENERATED)
    assert page.index('id="happened"') < page.index('id="nowcast"') < page.index('id="heat"')
    section = page.partition('id="nowcast"')[2].partition("</section>")[0]
    assert "<svg" in section
    text = Reading(page).text
    assert "The terms of the models were chosen on these same months" in text
    assert "All are a replay: estimates that could have been made, each from what was public on its day." in text
    assert date(2024, 8, 15).strftime("due on %d %B %Y") in text
