"""The page's part on data health: checks in words, sources by their releases."""

import re
from datetime import date
from typing import Any

import duckdb

from tests.flows.site.page_data import (
    CHECKED,
    FULL,
    GENERATED,
    Reading,
    fill,
    month_row,
    page_of,
)
from treasury_watch.flows.site.page import render


def test_failed_checks_are_told_in_words_and_only_those_of_the_newest_run(reading: Reading) -> None:
    text = reading.text
    assert "Of 2 checks made on 20 July 2024, 1 passed, 1 warned and 0 failed." in text
    assert (
        "warning freshness Expected no source is stale Found Euro rates, 12 days late "
        "Why A file can stop being updated."
    ) in text
    assert "an old complaint" not in text


def checks(*rows: tuple[str, str, str, bool, bool]) -> list[dict[str, Any]]:
    names = ("gate", "subject", "expectation", "success", "blocking")
    return [{**CHECKED, "observed": "3 rows", **dict(zip(names, row, strict=True))} for row in rows]


def test_what_stops_publication_comes_before_what_warns(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = checks(
        ("parsed", "coverage of slt_table3", "no holder has a gap", False, False),
        ("publish", "positions", "there are positions", False, True),
    )
    text = Reading(page_of(warehouse, FULL, validation_results=rows)).text
    assert "0 passed, 1 warned and 1 failed. While a check fails, the last good tables stay published." in text
    assert text.index("failed: stops publication positions") < text.index("warning coverage of Table 3")


def test_checks_that_held_are_folded_by_gate_and_subject_with_their_counts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = checks(
        ("parsed", "observations of slt_table3", "months are dates", True, True),
        ("parsed", "observations of slt_table3", "figures are numbers", True, True),
        ("parsed", "coverage of slt_table3", "no holder has a gap", True, False),
        ("publish", "positions", "there are positions", True, True),
    )
    page = page_of(warehouse, FULL, validation_results=rows)
    section = page.partition('id="checked"')[2].partition("</section>")[0]
    assert re.findall(r"<summary>(.*?)</summary>", re.sub(r"</?(span|code)[^>]*>", "", section)) == [
        "After each file was read: 3 checks held",
        "coverage of Table 3 1 check",
        "observations of Table 3 2 checks",
        "Before tables were published: 1 check held",
        "positions 1 check",
    ]
    assert "open" not in re.findall(r"<details.*?>", section)[0]
    assert "months are dates 3 rows" in Reading(page).text


def test_a_publication_of_before_checks_had_reasons_is_still_shown(warehouse: duckdb.DuckDBPyConnection) -> None:
    fill(warehouse, FULL)
    warehouse.execute("ALTER TABLE validation_results DROP COLUMN why")
    text = Reading(render(warehouse, generated=GENERATED)).text
    assert "Expected no source is stale Found Euro rates, 12 days late" in text
    assert "Why" not in text


def test_a_download_does_not_count_as_a_release(reading: Reading) -> None:
    text = reading.text
    assert "Euro rates daily Jun 2024, 1 month ago fetched 2024-07-20 no date n.a." in text
    assert "Table 3 monthly May 2024, 2 months ago 2024-07-18 calendar 2" in text
    assert "1 declared source was never loaded" in text


def test_a_source_that_stands_still_is_named_with_its_newest_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    release = {
        "source": "slt_table3", "released": date(2024, 3, 18), "last_month": date(2024, 1, 1),
        "released_basis": "calendar", "changed_figures": 1,
    }  # fmt: skip
    page = page_of(warehouse, {"holder_months": [month_row("japan", "Japan", "2024-01-01", 1)], "releases": [release]})
    late = r"Frozen : TIC Table 3: U\.S\. Treasury securities held by foreign residents: newest month 2024-01; 2024-02 was due"
    assert re.search(late + r" \d+ days ago\.", Reading(page).text)
