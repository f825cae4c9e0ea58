"""The page that announces the coming releases, in the dresses it may have."""

from __future__ import annotations

from datetime import date

import pytest

from treasury_watch.transforms.layouts.pages.release_dates import read, recognise
from treasury_watch.transforms.release_dates.release_calendar import Listed

HEAD = "<html><body><h1>Release Dates of TIC Data</h1><p>NOTICE on DATES: ...</p>"
NOTES = "<p>* Data are posted after the press release. Last revised 9-12-2026.</p></body></html>"


def page(*rows: list[str], head: str = HEAD) -> bytes:
    cells = "".join("<tr>" + "".join(f"<td><p>{cell}</p></td>" for cell in row) + "</tr>\n" for row in rows)
    return f"{head}<table><tr><th>Date</th><th colspan=5>Monthly TIC Data Releases</th></tr>{cells}</table>{NOTES}".encode()


JANUARY, FEBRUARY = Listed(date(2027, 1, 19), date(2026, 11, 1)), Listed(date(2027, 2, 18), date(2026, 12, 1))


@pytest.mark.parametrize(
    "rows",
    [
        [["2027"], ["Jan", "19", "", "", "19"], ["Feb", "18", "", "", "18", "26 &ndash; prelim."]],
        [["2027", "Jan", "19", "", "", "19"], ["Feb", "18", "", "", "18"]],
        [["2027", "", ""], ["", "Jan.", "19", "", ""], ["", "February", "<b>18</b>*", "", ""]],
        [["<strong>2027</strong>", "", ""], ["January", "Jan 19"], ["Feb", "2027-02-18"]],
    ],
)
def test_a_row_is_a_month_of_the_year_above_and_the_day_of_its_monthly_release(rows):
    found = read(page(*rows))
    assert (found.listed, found.problems) == ([JANUARY, FEBRUARY], [])


def test_a_release_that_was_moved_still_covers_the_month_it_was_planned_to():
    found = read(page(["2025"], ["Oct", "Nov 18", "", "Nov 18"], ["Nov", "18"], ["Dec", "Jan 6"]))
    assert found.listed == [
        Listed(date(2025, 11, 18), date(2025, 8, 1)),
        Listed(date(2025, 11, 18), date(2025, 9, 1)),
        Listed(date(2026, 1, 6), date(2025, 10, 1)),
    ]


def test_a_tentative_day_is_an_estimate():
    found = read(page(["2027"], ["Jan", "19 tentative"], ["Feb", "18"]))
    assert [entry.basis for entry in found.listed] == ["estimated", "published"]


def test_days_listed_in_a_sentence_read_too():
    body = (
        HEAD + "<li>-- The 2027 release dates are Jan 19, Feb 18, Mar 18 and Apr 15.<br>Notes on Revisions</li>" + NOTES
    )
    assert [entry.released for entry in read(body.encode()).listed] == [
        date(2027, 1, 19), date(2027, 2, 18), date(2027, 3, 18), date(2027, 4, 15),
    ]  # fmt: skip


def test_what_cannot_be_read_is_named_and_the_rest_stands():
    found = read(page(["2027"], ["Jan", "to be announced"], ["Feb", "18"], ["Mar", "32"], ["Apr", ""]))
    assert found.listed == [FEBRUARY]
    assert found.problems == [
        "2027-01: expected a day such as 15 or Nov 18, found 'to be announced'",
        "2027-03: expected a day such as 15 or Nov 18, found '32'",
    ]


@pytest.mark.parametrize("body", [b"", b"\x00\xff<", page(), b"<p>Release Dates of TIC Data</p>", page(["Jan", "19"])])
def test_a_page_without_any_day_is_one_problem_and_no_failure(body):
    found = read(body)
    assert (found.listed, len(found.problems)) == ([], 1)


def test_it_is_told_by_its_title():
    assert recognise(page())
    assert not recognise(page(head="<html><h1>TIC Press Releases</h1>"))
    assert not recognise(b"Release Dates of TIC Data, as plain words")
