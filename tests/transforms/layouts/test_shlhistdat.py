"""The annual survey's history: long-term and short-term Treasuries of every country and survey, by code."""

from __future__ import annotations

import csv
from datetime import date

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, OFFICIAL, official, refusal, tabbed
from treasury_watch.transforms.layouts import parse, recognised
from treasury_watch.transforms.layouts.tic import shlhistdat

NAME = "shlhistdat"
SOURCE = DECLARATIONS.source(NAME)
SECURITIES = [
    "Total securities", "Equity", "Total long-term Debt", "Treasury Debt", "Agency debt", "Corporate debt",
    "Total short-term debt", "Treasury debt", "Agency debt", "Corporate debt",
]  # fmt: skip
MATURITIES = ["Total", *["Long-term"] * 5, *["Short-term"] * 4]
ROWS = [
    line.split("|")
    for line in """\
40401|Afghanistan|10|1|9|9|0|0|0|0|0|0|7|1|6|4|1|1|0|n.a.|0|0|3|1|2
41408|"China, Mainland (20)"|90|10|70|60|5|5|10|10|0|0|70|5|60|50|5|5|5|5|0|0|9|1|8
42609|Japan (1), (2)|50|10|30|30|*|0|10|*|0|0|40|5|30|20|5|5|5|3|0|0|8|1|7
99996|Total|150|21|109|99|5|5|20|10|0|0|117|11|96|74|11|11|10|8|0|0|20|3|17""".splitlines()
]


def survey(rows=ROWS, *, dates=("Jun-25", "Jun-24", "Dec-89"), unit="Millions of dollars.", title=shlhistdat.TITLE):
    head = [
        [title], [" "], ["Department of the Treasury/Federal Reserve Board"], ['For release April 30, 2026"'], [" "],
        ["", "", *[dates[0]] * 10, *[dates[1]] * 10, *[dates[2]] * 3],
        ["", unit, *MATURITIES, *MATURITIES, *["Long-term"] * 3],
        ["Country code", "Countries and Regions", *SECURITIES, *SECURITIES, "Total (1)", "Equity", "Debt (2)"],
    ]  # fmt: skip
    return tabbed([*head, *rows, [" "], ["Notes:"], ['"(20)   Excludes Hong Kong."']])


def read(body):
    table = parse(body, SOURCE).table
    return {(r.country_code, r.country, f"{r.month:%Y-%m}", r.measure): r.value_usd_mn for r in table.itertuples()}


def test_each_survey_s_treasuries_are_read_and_nothing_else():
    found = read(survey())
    assert found["41408", "China, Mainland", "2025-06", "long_term_position"] == 60
    assert found["41408", "China, Mainland", "2024-06", "short_term_position"] == 5
    assert found["42609", "Japan", "2025-06", "short_term_position"] == 0  # less than half a million
    assert ("40401", "Afghanistan", "2024-06", "short_term_position") not in found  # n.a. is no zero
    assert len(found) == 4 * 4 - 1


def test_it_is_dated_by_the_day_it_prints_and_recognised_by_its_title():
    assert parse(survey(), SOURCE).dated == date(2026, 4, 30)
    assert recognised(survey()) == NAME


def test_a_total_that_its_countries_do_not_add_up_to_is_noted():
    off = [*ROWS[:-1], [cell if cell != "99" else "150" for cell in ROWS[-1]]]
    assert parse(survey(), SOURCE).notes == ()
    assert parse(survey(off), SOURCE).notes == (
        "total long_term_position of 2025-06, differs from the sum of its countries by 51 USD mn",
    )


@pytest.mark.parametrize(
    ("body", "place", "expected"),
    [
        (survey(unit="Billions of dollars."), "header", "Millions of dollars"),
        (survey(dates=("June 2025", "Jun-24", "Dec-89")), "header, dates", "Jun-25"),
        (survey(dates=("Jun-25", "Jun-25", "Dec-89")), "header", "each survey and maturity once"),
        (survey([*ROWS[:-1], ROWS[0], ROWS[-1]]), "line 12", "each country once"),
        (survey([["9"], *ROWS]), "line 9", "25 cells"),
        (survey().replace(b"\tJun-25", b"", 1), "header", "three lines of as many cells"),
        (survey(ROWS[:-1]), "whole file", "down to the total"),
        (survey([ROWS[0][:-2], *ROWS[1:]]), "line 9", "25 cells"),
        (survey([[cell if cell != "9" else "many" for cell in ROWS[0]], *ROWS[1:]]), "line 9", "a figure or n.a."),
    ],
)
def test_another_form_is_refused_with_its_place(body, place, expected):
    refused = str(refusal(NAME, body))
    assert place in refused
    assert expected in refused


@official
def test_the_official_history_has_every_figure_that_was_retyped_from_it():
    parsed = parse((OFFICIAL / "shlhistdat.txt").read_bytes(), SOURCE)
    assert (parsed.dated, parsed.notes, len(parsed.table)) == (date(2026, 4, 30), (), 11_788)
    stated = parsed.table.set_index(["country_code", "month", "measure"])["value_usd_mn"]
    path = OFFICIAL / ".." / "tables" / "shl_treasury_long_short_by_country.tsv"
    compared = 0
    for row in csv.DictReader(path.open(encoding="utf-8"), delimiter="\t"):
        for side in ("long_term", "short_term"):
            cell = row[f"{side}_treasury_usd_mn"].replace(",", "").strip()
            key = (row["country_code"], pd.Timestamp(f"{row['date']}-01"), f"{side}_position")
            compared += 1
            assert stated.get(key) == (None if cell in ("", "n.a.") else 0.0 if cell == "*" else float(cell)), key
    assert compared == 12_844
